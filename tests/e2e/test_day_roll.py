"""A new trading day begins: clients that are connected, and those that come back, hold nothing of yesterday."""

import asyncio
from collections.abc import AsyncIterator, Iterable, Iterator
from contextlib import AsyncExitStack
from datetime import date, datetime, time
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from redis.asyncio import Redis

from ingest_service.core.history import LASTING
from ingest_service.leader import VIETNAM
from local_stack.check import MarketLedger, ledger_differences, stored_tables
from shared.channels import KEYS_REQUIRED, Channel, RedisNames
from shared.redis_client import open_redis
from tests.eventually import eventually
from tests.fakes.exchange import RunningSimulator, running_simulator
from tests.fakes.services import (
    RunningPublisher,
    RunningService,
    WebsocketClient,
    running_ingest,
    running_publisher,
    websocket_client,
)

#: A new day is one message of the feed, a replacement in Redis, and a load; the rest is for a slow machine.
ROLLED_S = 30.0
#: A third Thursday: the last day of one of the futures.
FIRST_DAY = date(2026, 1, 15)
ALL_TYPES = "X:ALL,R:ALL,MI:ALL,F:ALL,OL:ALL"
DAILY = [channel for channel in Channel if channel not in LASTING]
#: A contract that does not expire with the first day.
FUTURE = "41I1G2000"


class Road(NamedTuple):
    """Everything between the exchange and a client of each channel."""

    simulator: RunningSimulator
    ingest: RunningService
    publisher: RunningPublisher
    redis: Redis
    names: RedisNames
    clients: dict[Channel, WebsocketClient]

    async def day(self) -> date:
        """Of the market."""
        return date.fromisoformat((await self.simulator.ledger())["market"]["day"])

    async def tomorrow(self) -> date:
        """Begin the next trading day; return when all clients have its prices."""
        await self.simulator.control("day")
        day = await self.day()
        await eventually(
            lambda: all(epoch_of(client).startswith(f"{day:%Y%m%d}-") for client in self.clients.values()),
            within_s=ROLLED_S,
        )
        await self.moves()
        return day

    async def moves(self) -> None:
        """Return when prices have changed some times more."""
        table = self.clients[Channel.MARKET].table
        enough = table.updates + 20
        await eventually(lambda: table.updates > enough, within_s=ROLLED_S)

    async def differences(self) -> list[str]:
        """Between market, Redis and clients; the market has stopped."""
        ledger = MarketLedger.model_validate(await self.simulator.ledger())
        stored = await stored_tables(self.redis, self.names)
        held: dict[str, dict[str, dict[str, object]]] = {each: self.clients[each].table.rows for each in Channel}
        return [
            *ledger_differences(ledger, stored),
            *(f"{channel}: not the rows of Redis" for channel in stored if held[channel] != stored[channel]),
        ]

    async def settled(self) -> None:
        """Stop the market; return when nothing is different any more."""
        await self.simulator.control("pause")
        differences = ["nothing was compared"]
        try:
            async with asyncio.timeout(ROLLED_S):
                while differences := await self.differences():  # noqa: ASYNC110 (it is between three processes)
                    await asyncio.sleep(0.1)
        except TimeoutError:
            raise AssertionError(differences[:5]) from None


def query(channel: Channel) -> str:
    """All of a channel, or as much as one may follow."""
    keys = FUTURE if channel is Channel.BASIS else "@HOSE"
    return "interval=100" + (f"&keys={keys}" if channel in KEYS_REQUIRED else "")


def epoch_of(client: WebsocketClient) -> str:
    """Of what it holds."""
    return client.table.position.partition(".")[0]


def data_frames(messages: Iterable[dict[str, Any]]) -> Iterator[dict[str, Any]]:
    """Those that carry rows."""
    return (message for message in messages if message["type"] in ("snapshot", "update"))


@pytest.fixture
async def road(redis_url: str, redis_prefix: str, tmp_path: Path) -> AsyncIterator[Road]:
    """A road on which prices move, and whose clients hold all channels of the first day."""
    async with AsyncExitStack() as stack:
        simulator = await stack.enter_async_context(running_simulator(rate=100, seed=9, day=FIRST_DAY))
        ingest = await stack.enter_async_context(
            running_ingest(redis_url, redis_prefix, simulator.url, tmp_path, SSI_CHANNELS=ALL_TYPES)
        )
        publisher = await stack.enter_async_context(running_publisher(redis_url, redis_prefix))
        redis = await stack.enter_async_context(open_redis(redis_url))
        clients = {
            channel: await stack.enter_async_context(
                websocket_client(f"{publisher.websocket_url}/ws/{channel}?{query(channel)}")
            )
            for channel in Channel
        }
        async with asyncio.TaskGroup() as group:  # a frame that does not continue what is held fails the test
            reading = [group.create_task(client.until_closed(), name=name) for name, client in clients.items()]
            # The lists of sectors come last, and slowly; alerts when something happens.
            late = (Channel.SECTORS, Channel.ALERTS)
            some = [client.table for channel, client in clients.items() if channel not in late]
            await eventually(lambda: all(table.rows for table in some), within_s=ROLLED_S)
            await eventually(lambda: "VN30" in clients[Channel.GROUPS].table.rows, within_s=ROLLED_S)
            started = Road(simulator, ingest, publisher, redis, RedisNames(redis_prefix), clients)
            await started.moves()
            yield started
            for task in reading:
                task.cancel()


async def test_connected_clients_get_one_snapshot_of_the_new_day_and_nothing_of_yesterday_remains(road: Road) -> None:
    yesterday = {channel: epoch_of(client) for channel, client in road.clients.items()}
    until_now = {channel: len(client.messages) for channel, client in road.clients.items()}
    symbols = road.clients[Channel.SYMBOLS].table.rows
    expiring = {symbol for symbol, row in symbols.items() if row["expiry"] == FIRST_DAY.isoformat()}

    today = await road.tomorrow()
    await road.settled()

    midnight_ms = datetime.combine(today, time(), VIETNAM).timestamp() * 1000
    for channel, client in road.clients.items():
        since_then = data_frames(client.messages[until_now[channel] :])
        frames = [frame for frame in since_then if not frame["position"].startswith(yesterday[channel])]
        firsts = [frame["position"] for frame in frames if frame["type"] == "snapshot" and frame.get("part", 1) == 1]
        assert frames[0]["type"] == "snapshot", channel
        assert len(firsts) == 1, f"{channel}: {firsts}\n{road.publisher.log}\n{road.ingest.log}"
        if channel in DAILY:
            rows = [row for frame in frames for row in frame["data"].values()]
            times = [row[field] for row in rows for field in ("time", "start") if row.get(field) is not None]
            assert min(times, default=midnight_ms) >= midnight_ms, channel
        assert not any(expiring & frame["data"].keys() for frame in frames), channel
    assert expiring
    assert road.clients[Channel.STATUS].table.rows["feed"]["day"] == today.isoformat()


async def test_symbols_and_groups_outlast_the_day(road: Road) -> None:
    symbols = dict(road.clients[Channel.SYMBOLS].table.rows)
    groups = dict(road.clients[Channel.GROUPS].table.rows)

    today = await road.tomorrow()
    await road.settled()

    kept = {key for key, row in symbols.items() if row["expiry"] is None or row["expiry"] >= today.isoformat()}
    assert len(kept) > 40
    assert kept <= road.clients[Channel.SYMBOLS].table.rows.keys()
    assert road.clients[Channel.GROUPS].table.rows.keys() >= groups.keys()
    assert road.clients[Channel.GROUPS].table.rows["VN30"] == groups["VN30"]


async def test_a_client_that_returns_with_yesterdays_position_gets_a_snapshot_of_today(road: Road) -> None:
    positions = {channel: road.clients[channel].table.position for channel in Channel}

    today = await road.tomorrow()
    await road.settled()

    for channel, position in positions.items():
        address = f"{road.publisher.websocket_url}/ws/{channel}?{query(channel)}&since={position}"
        async with websocket_client(address) as returned:
            answer = await returned.next("snapshot", "update")
            while answer.get("part", 1) < answer.get("parts", 1):
                answer = await returned.next("snapshot")
            assert answer["type"] == "snapshot", channel
            assert epoch_of(returned).startswith(f"{today:%Y%m%d}-")
            # What follows from all rows is made a second after them.
            async with asyncio.TaskGroup() as group:
                reading = group.create_task(returned.until_closed(), name=f"{channel}, returned")
                await same_rows(returned, road.clients[channel])
                reading.cancel()


async def same_rows(one: WebsocketClient, other: WebsocketClient) -> None:
    """Return when both, which are read, hold the same."""
    await eventually(lambda: one.table.rows == other.table.rows)
