"""Replicas come and go while two hundred clients watch."""

import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack

import pytest
import pytest_asyncio

from shared.channels import Channel
from tests.e2e.compose.oracle import assert_converged
from tests.fakes.compose import ComposeProject
from tests.fakes.crowd import Crowd, crowd
from tests.fakes.services import websocket_client

pytestmark = pytest.mark.asyncio(loop_scope="session")

CLIENTS = 200
ADDRESS = "/ws/market?keys=@VN30&mode=fields&interval=500"


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def busy(image: str) -> AsyncIterator[ComposeProject]:
    """A stack that takes two hundred clients of one address."""
    async with ComposeProject(
        BANGGIA_IMAGE=image, MAX_CONNECTIONS_PER_ADDRESS="0", HANDSHAKES_PER_ADDRESS_PER_S="0"
    ) as project:
        await project.started()
        yield project


async def served(project: ComposeProject) -> list[int]:
    """How many clients each publisher has."""
    publishers = await project.containers("publisher")
    return [int(await project.metric(publisher, "publisher_clients")) for publisher in publishers]


async def test_two_clients_land_on_two_replicas_get_snapshot_and_updates_and_see_equal_tables(
    busy: ComposeProject,
) -> None:
    # One after the other: to two that come in the same moment the balancer's threads may give the same place.
    async with crowd(1, busy.websocket_url + ADDRESS) as one, crowd(1, busy.websocket_url + ADDRESS) as other:
        clients = Crowd([*one.clients, *other.clients])
        first, second = clients.clients
        on_replicas = await served(busy)
        await busy.until(updated(clients, 3))
        await assert_converged(busy, clients, Channel.MARKET, "VN30")

        assert on_replicas == [1, 1]
        assert first.table.rows == second.table.rows
        assert len(first.table.rows) == 30
        assert first.statuses[-1]["connected"] is second.statuses[-1]["connected"] is True


async def test_scaling_to_four_and_back_to_two_leaves_every_client_with_the_right_table(
    busy: ComposeProject, measured: Callable[[str], None]
) -> None:
    async with crowd(CLIENTS, busy.websocket_url + ADDRESS) as clients:
        await busy.scale("publisher", 4)
        async with AsyncExitStack() as stack:
            began_s = time.monotonic()
            while not all(await served(busy)):
                await stack.enter_async_context(websocket_client(busy.websocket_url + "/ws/index"))
                assert time.monotonic() - began_s < 20, "the balancer does not find new replicas"
            measured(f"new replicas have clients {time.monotonic() - began_s:.1f} s after they were healthy")
        # Websockets stay where they are; those that come now fill the new ones.
        async with crowd(CLIENTS, busy.websocket_url + ADDRESS) as others:
            shares = await served(busy)
            await busy.until(updated(clients, 3))

            await busy.scale("publisher", 2)
            await busy.until(lambda: has_clients(busy, 2 * CLIENTS), within_s=60)
            for each in (clients, others):
                await assert_converged(busy, each, Channel.MARKET, "VN30")

        assert len(await busy.containers("publisher")) == 2
        assert all(share > CLIENTS // 4 for share in shares), shares
        assert clients.closes == []
        assert len(others.closes) > CLIENTS // 2
        assert set(others.closes) == {1012}
        # Whoever was sent away went on where it stood: no second snapshot, so no gap, told or not.
        assert {client.snapshots for client in (*clients.clients, *others.clients)} == {1}
        assert sum(client.resumes for client in others.clients) == len(others.closes)


def updated(clients: Crowd, times: int) -> Callable[[], Awaitable[bool]]:
    """Whether every client has had so many updates more than now."""
    wanted = [client.table.updates + times for client in clients.clients]

    async def all_have() -> bool:
        return all(client.table.updates >= least for client, least in zip(clients.clients, wanted, strict=True))

    return all_have


async def has_clients(project: ComposeProject, number: int) -> bool:
    """Whether all publishers together have so many."""
    return sum(await served(project)) == number
