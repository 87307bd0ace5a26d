"""Containers are killed while clients watch through the balancer: they stay, are told, and end with the truth."""

import time
from collections.abc import AsyncIterator, Callable

import pytest
import pytest_asyncio

from shared.channels import Channel
from tests.e2e.compose.oracle import assert_converged
from tests.fakes.compose import ComposeProject
from tests.fakes.crowd import Crowd, crowd
from tests.fakes.services import websocket_client

pytestmark = pytest.mark.asyncio(loop_scope="session")

ADDRESS = "/ws/market?keys=@VN30&mode=fields&interval=500"
#: From the loss to the status: heartbeats missed, the deadline of a probe, one status a second.
TOLD_S = {"redis": 10.0, "ingest": 10.0, "simulator": 10.0}
#: From the return to a true status: a lease that has to end, a log-in, the first data.
HEALED_S = 60.0
FAULTS = {"redis": ("broker", "down"), "ingest": ("ingest", "silent"), "simulator": ("feed", "down")}


@pytest_asyncio.fixture(scope="module", loop_scope="session", params=["redis:8", "valkey/valkey:8"])
async def project(image: str, request: pytest.FixtureRequest) -> AsyncIterator[ComposeProject]:
    """A stack of its own, with either broker."""
    async with ComposeProject(BANGGIA_IMAGE=image, REDIS_IMAGE=request.param) as project:
        await project.started()
        yield project


def is_told(clients: Crowd, *, connected: bool) -> bool:
    return all(client.statuses and client.statuses[-1]["connected"] is connected for client in clients.clients)


@pytest.mark.parametrize("service", FAULTS)
async def test_a_kill_is_told_with_the_part_at_fault_no_client_is_lost_and_all_converge_when_it_is_back(
    project: ComposeProject, service: str, measured: Callable[[str], None]
) -> None:
    async with crowd(20, project.websocket_url + ADDRESS) as clients:

        async def whole() -> bool:
            return is_told(clients, connected=True)

        async def broken() -> bool:
            return is_told(clients, connected=False)

        await project.until(whole, within_s=HEALED_S)
        killed_s = time.monotonic()
        await project.compose("kill", service)
        await project.until(broken, within_s=TOLD_S[service])
        told_s = time.monotonic() - killed_s
        field, value = FAULTS[service]
        told = {client.statuses[-1][field] for client in clients.clients}
        ready = await project.get("/readyz")
        # Whoever comes now gets the last table and the truth about it.
        async with websocket_client(project.websocket_url + ADDRESS) as late:
            status = await late.next("status", within_s=5)
            snapshot = await late.next("snapshot", within_s=5)
            while snapshot.get("part", 1) < snapshot.get("parts", 1):
                snapshot = await late.next("snapshot", within_s=5)

        started_s = time.monotonic()
        await project.compose("start", service)
        await project.until(whole, within_s=HEALED_S)
        healed_s = time.monotonic() - started_s
        await assert_converged(project, clients, Channel.MARKET, "VN30")

        assert told == {value}
        assert ready.status_code == 200
        assert (status["connected"], status[field]) == (False, value)
        assert len(late.table.rows) == 30
        assert clients.closes == []
        assert {len(client.connects) for client in clients.clients} == {1}
        measured(f"told after {told_s:.1f} s, whole again {healed_s:.1f} s after the order to start it")


async def test_a_second_ingest_takes_over_when_the_first_is_killed(project: ComposeProject) -> None:
    await project.scale("ingest", 2)
    ingests = await project.containers("ingest")
    leads = [await project.metric(one, "ingest_leader", port=9100) for one in ingests]
    leader, standby = ingests[leads.index(1.0)], ingests[leads.index(0.0)]
    async with crowd(20, project.websocket_url + ADDRESS) as clients:

        async def whole() -> bool:
            return is_told(clients, connected=True)

        async def leads_now() -> bool:
            return await project.metric(standby, "ingest_leader", port=9100) == 1.0

        await project.until(whole, within_s=HEALED_S)
        await project.docker("kill", leader.id)
        await project.until(leads_now, within_s=10)
        await project.until(whole, within_s=HEALED_S)
        await assert_converged(project, clients, Channel.MARKET, "VN30")

        assert sorted(leads) == [0.0, 1.0]
        assert clients.closes == []
        # The history went on: nobody needed the whole table again.
        assert {client.snapshots for client in clients.clients} == {1}
    await project.scale("ingest", 1)
