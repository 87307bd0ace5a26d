"""From the exchange to a websocket client by real processes: what clients are told when the feed fails, and when."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from pathlib import Path
from typing import NamedTuple

import pytest

from tests.fakes.exchange import RunningSimulator, running_simulator
from tests.fakes.services import (
    RunningPublisher,
    RunningService,
    WebsocketClient,
    running_ingest,
    running_publisher,
    websocket_client,
)


class Road(NamedTuple):
    """Everything between the exchange and a client."""

    simulator: RunningSimulator
    ingest: RunningService
    publisher: RunningPublisher
    client: WebsocketClient


@pytest.fixture
async def road(redis_url: str, redis_prefix: str, tmp_path: Path) -> AsyncIterator[Road]:
    """A road on which prices move."""
    async with AsyncExitStack() as stack:
        simulator = await stack.enter_async_context(running_simulator(rate=100, seed=3))
        ingest = await stack.enter_async_context(running_ingest(redis_url, redis_prefix, simulator.url, tmp_path))
        publisher = await stack.enter_async_context(running_publisher(redis_url, redis_prefix))
        client = await stack.enter_async_context(websocket_client(publisher.websocket_url + "/ws/market"))
        await client.status(connected=True, within_s=20)
        await client.next("update")
        yield Road(simulator, ingest, publisher, client)


async def prices_move(client: WebsocketClient) -> None:
    """Two updates come, the second after the first; each of them may have parts."""
    first = await client.next("update", within_s=15)
    while (await client.next("update", within_s=15))["rev"] == first["rev"]:
        pass


async def returns_only_after_data(client: WebsocketClient, within_s: float) -> None:
    """`true` comes, data has come before it since the loss, and prices move on."""
    before = len(client.messages)
    await client.status(connected=True, within_s=within_s)
    since_loss = client.messages[before:]
    assert any(message["type"] in ("update", "snapshot") and message["data"] for message in since_loss)
    await prices_move(client)


@pytest.mark.parametrize("fault", ["drop", "close"])
async def test_a_closed_feed_socket_is_told_within_two_seconds_and_heals(road: Road, fault: str) -> None:
    await road.simulator.fault("bad-gateway", seconds=3)

    await road.simulator.fault(fault)
    took_s = await road.client.status(connected=False, within_s=5)

    assert took_s < 2
    await returns_only_after_data(road.client, within_s=30)


async def test_a_half_open_feed_socket_is_told_within_25_seconds_and_heals(road: Road) -> None:
    await road.simulator.fault("half-open")

    took_s = await road.client.status(connected=False, within_s=30)

    assert took_s < 25
    await returns_only_after_data(road.client, within_s=30)


async def test_silence_in_continuous_trading_is_told_within_35_seconds_and_heals(road: Road) -> None:
    await road.simulator.fault("stall", seconds=45)

    took_s = await road.client.status(connected=False, within_s=40)

    assert took_s < 35
    await returns_only_after_data(road.client, within_s=60)


async def test_the_death_of_ingest_is_told_within_five_seconds_and_a_new_one_heals_it(
    road: Road, redis_url: str, redis_prefix: str, tmp_path: Path
) -> None:
    road.ingest.kill()

    took_s = await road.client.status(connected=False, within_s=10)

    assert took_s < 5
    async with running_ingest(redis_url, redis_prefix, road.simulator.url, tmp_path):
        await returns_only_after_data(road.client, within_s=30)


async def test_a_client_that_joins_while_the_feed_is_down_gets_the_last_snapshot_and_the_status_at_once(
    road: Road,
) -> None:
    await road.simulator.fault("bad-gateway")
    await road.simulator.fault("drop")
    await road.client.status(connected=False, within_s=5)

    async with websocket_client(road.publisher.websocket_url + "/ws/market") as late:
        status = await late.next(within_s=1)
        snapshot = await late.next(within_s=1)

    assert (status["type"], status["connected"], status["feed"]) == ("status", False, "down")
    assert status["reason"]
    assert snapshot["type"] == "snapshot"
    assert snapshot["data"]


async def test_a_restart_of_ingest_within_the_day_continues_from_the_rows_in_redis(
    road: Road, redis_url: str, redis_prefix: str, tmp_path: Path
) -> None:
    before = road.client.table.rows
    epoch = road.client.messages[-1]["position"].split(".")[0]
    road.ingest.kill()
    await road.client.status(connected=False, within_s=10)

    async with running_ingest(redis_url, redis_prefix, road.simulator.url, tmp_path):
        await returns_only_after_data(road.client, within_s=30)
        await asyncio.wait_for(prices_move(road.client), 20)

    after = road.client.table.rows
    assert road.client.messages[-1]["position"].split(".")[0] == epoch
    for symbol, row in after.items():
        sides = sum(row[f"{side}_volume"] for side in ("active_buy", "active_sell", "neutral", "unseen"))
        assert sides == (row["total_volume"] or 0), symbol
        assert (row["total_volume"] or 0) >= (before[symbol]["total_volume"] or 0)
