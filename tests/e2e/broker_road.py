"""
The whole road by real processes, over a broker that a test may break.

Ingest and publishers reach it by fault proxies. The first one overhears what the ingest commits, and each publisher
has a witness: a client that holds every frame against that.
"""

import asyncio
import os
import random
import time
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

import orjson
import pytest
from redis.asyncio import Redis

from local_stack.chaos.complaint import Weather
from local_stack.chaos.fault_proxy import HOST, FaultProxy
from local_stack.chaos.follower import Follower
from local_stack.chaos.ledger import Ledger
from local_stack.chaos.oracle import Oracle
from local_stack.chaos.redis_talk import Request
from local_stack.chaos.watch import Wish
from local_stack.chaos.writer import Writer
from local_stack.check import CHANNELS, MarketLedger, Tables, ledger_differences, stored_tables
from local_stack.engine import Engine, find_engine
from shared.channels import Channel, RedisNames
from shared.redis_client import open_redis
from tests.eventually import eventually
from tests.fakes.exchange import RunningSimulator, running_simulator
from tests.fakes.services import RunningPublisher, RunningService, running_ingest, running_publisher, websocket_client
from tests.integration.private_broker import BrokerProcess

PREFIX = "road"
#: Retries wait for two seconds at most, and a feed may have to log in; the rest is for a slow machine.
WELL_S = 30.0
#: A publisher that is told to stop does.
AT_ONCE = {"DRAIN_NOTICE_S": "0", "DRAIN_S": "0"}
#: Two windows, and the sockets.
SETTLE_S = 3.0


class Witness(Oracle):
    """An oracle that also counts its snapshots and remembers statuses."""

    def __init__(self, name: str, mode: str, ledger: Ledger) -> None:
        super().__init__(name, [Wish(channel, mode, 100) for channel in CHANNELS], ledger, Weather())
        self.snapshots = 0
        self.connections = 0
        self.statuses: list[dict[str, object]] = []

    @property
    def epochs(self) -> set[str]:
        """Of all its tables."""
        return {watch.epoch for watch in self.watches.values()}

    @property
    def position(self) -> str:
        """Of its market."""
        return self.watches[Channel.MARKET].table.position or ""

    def opened(self, now_s: float) -> list[dict[str, object]]:
        """As of every oracle."""
        self.connections += 1
        return super().opened(now_s)

    def take(self, message: str | bytes, now_s: float, wall_ms: float) -> Channel | None:
        """As of every oracle."""
        frame = orjson.loads(message)
        if frame["type"] == "status":
            self.statuses.append(frame)
        if frame["type"] == "snapshot" and frame.get("part", 1) == 1:
            self.snapshots += 1
        return super().take(message, now_s, wall_ms)

    def differences(self, stored: Tables) -> Iterator[str]:
        """Where it holds something else than Redis."""
        for channel, watch in self.watches.items():
            for key in sorted(stored[channel].keys() | watch.table.rows.keys()):
                held, wanted = watch.table.rows.get(key), stored[channel].get(key)
                if held != wanted:
                    yield f"{self.name}: {channel} {key} is {held}, and {wanted} in Redis"


class Snare:
    """Overhears a link, and does something once when a command comes by, before Redis has it."""

    def __init__(self) -> None:
        self._name = b""
        self._spring: Callable[[], None] | None = None

    def set(self, name: bytes, spring: Callable[[], None]) -> None:
        """For the next command of this name."""
        self._name, self._spring = name, spring

    def sent(self, request: Request) -> None:
        """A command comes by."""
        if self._spring is not None and request[0].upper() == self._name:
            spring, self._spring = self._spring, None
            spring()

    def answered(self, request: Request, reply: object) -> None:
        """That comes too late."""


@dataclass(eq=False)
class Road:
    """Everything between the exchange and two witnesses, one at each publisher."""

    broker: BrokerProcess
    redis: Redis  # to the broker, by no proxy
    simulator: RunningSimulator
    ingest_link: FaultProxy
    links: Sequence[FaultProxy]  # of the publishers
    snares: Sequence[Snare]  # on those
    folder: Path
    ingest: RunningService = field(init=False)
    publishers: list[RunningPublisher] = field(default_factory=list)
    witnesses: list[Witness] = field(default_factory=list)
    _ingest_life: AsyncExitStack = field(default_factory=AsyncExitStack)

    async def start_ingest(self) -> None:
        """A new one, in the place of one that died."""
        await self._ingest_life.aclose()
        url = self.ingest_link.through(self.broker.url)
        self.ingest = await self._ingest_life.enter_async_context(
            running_ingest(url, PREFIX, self.simulator.url, self.folder)
        )

    async def end(self) -> None:
        """Of what may have been replaced."""
        await self._ingest_life.aclose()
        await self.redis.aclose()

    async def leads_to(self, broker: BrokerProcess) -> None:
        """The address that everybody has is this broker's now."""
        await self.redis.aclose()
        self.broker, self.redis = broker, open_redis(broker.url)
        for link in (self.ingest_link, *self.links):
            link.lead_to(HOST, broker.port)

    async def told(self, *, connected: bool, within_s: float, witnesses: Sequence[Witness] | None = None) -> float:
        """Wait until all of them, or some, have been told so; how long that took, in seconds."""
        began_s = time.monotonic()
        whom = self.witnesses if witnesses is None else witnesses
        await eventually(lambda: all(witness.connected is connected for witness in whom), within_s=within_s)
        return time.monotonic() - began_s

    async def moves(self, within_s: float = WELL_S) -> None:
        """Wait until all witnesses have data of after now, and a status that says so."""
        now_ms = time.time() * 1000
        await eventually(
            lambda: all(one.connected and one.time_ms > now_ms for one in self.witnesses), within_s=within_s
        )

    async def head_moves(self, commits: int, within_s: float = WELL_S) -> None:
        """Wait until Redis has so many commits more."""
        until = await self.head_rev() + commits
        async with asyncio.timeout(within_s):
            while await self.head_rev() < until:  # noqa: ASYNC110 (it is another's work)
                await asyncio.sleep(0.02)

    async def head_rev(self) -> int:
        """Where Redis stands."""
        return int(await self.redis.hget(RedisNames(PREFIX).head, "rev") or 0)

    async def ready(self) -> list[int]:
        """How the publishers answer /readyz."""
        return [(await publisher.get("/readyz")).status_code for publisher in self.publishers]

    async def serves_the_last_table(self) -> list[dict[str, object]]:
        """The status that each publisher gives to a client that comes now; it must get its table as well."""
        statuses = []
        for publisher in self.publishers:
            async with websocket_client(publisher.websocket_url + "/ws/market") as late:
                statuses.append(await late.next("status", within_s=5))
                snapshot = await late.next("snapshot", within_s=5)
                assert snapshot["data"]
        return statuses

    @asynccontextmanager
    async def one_history(self) -> AsyncIterator[None]:
        """During the block no witness loses its connection, gets a snapshot, or sees another epoch."""
        before = [(one.epochs, one.snapshots, one.connections) for one in self.witnesses]
        yield
        after = [(one.epochs, one.snapshots, one.connections) for one in self.witnesses]
        assert after == before, f"{before} became {after}; the ingest says:\n{self.ingest.log}"

    async def converges(self, within_s: float = WELL_S) -> None:
        """
        The market pauses; what it did, what Redis has, and what the witnesses hold must become the same.

        Nor has any frame since the last time said anything that no ingest had committed.
        """
        differences = ["nothing was compared yet"]
        try:
            async with asyncio.timeout(within_s):
                while differences:
                    # What was lost with the feed's connection is only told with the next trade.
                    await self.moves()
                    await self.simulator.control("pause")
                    differences = await self._settled()
                    await self.simulator.control("resume")
        except TimeoutError:
            await self.simulator.control("resume")
            raise AssertionError(f"{len(differences)} differences, such as {differences[:3]}") from None
        for witness in self.witnesses:
            witness.check_tables()
        complaints = [complaint for witness in self.witnesses for complaint in witness.complaints]
        for witness in self.witnesses:
            witness.complaints.clear()
        assert complaints == []

    async def _settled(self) -> list[str]:
        """The differences that remain when the market has paused for a while; at once if there are none."""
        ledger = MarketLedger.model_validate(await self.simulator.ledger())
        loop = asyncio.get_running_loop()
        deadline_s = loop.time() + SETTLE_S
        while True:
            stored = await stored_tables(self.redis, RedisNames(PREFIX))
            differences = [
                *ledger_differences(ledger, stored),
                *(line for witness in self.witnesses for line in witness.differences(stored)),
            ]
            if not differences or loop.time() > deadline_s:
                return differences
            await asyncio.sleep(0.05)


@asynccontextmanager
async def running_road(broker: BrokerProcess, folder: Path) -> AsyncIterator[Road]:
    """A road on which prices move, over a broker that is not started yet."""
    loop, names, ledger = asyncio.get_running_loop(), RedisNames(PREFIX), Ledger()
    async with AsyncExitStack() as blocks:
        blocks.callback(broker.end)
        await broker.start()
        simulator = await blocks.enter_async_context(running_simulator(rate=100, seed=5))
        ingest_link = await blocks.enter_async_context(FaultProxy(HOST, broker.port, Writer(ledger, names, loop.time)))
        snares = [Snare(), Snare()]
        links = [await blocks.enter_async_context(FaultProxy(HOST, broker.port, snare)) for snare in snares]
        road = Road(broker, open_redis(broker.url), simulator, ingest_link, links, snares, folder)
        blocks.push_async_callback(road.end)
        await road.start_ingest()
        async with asyncio.TaskGroup() as group:
            following = []
            for number, (link, mode) in enumerate(zip(links, ("rows", "fields"), strict=True), 1):
                publisher = await blocks.enter_async_context(
                    running_publisher(link.through(broker.url), PREFIX, **AT_ONCE)
                )
                witness = Witness(f"{mode} of publisher {number}", mode, ledger)
                follower = Follower(publisher.websocket_url + "/ws", witness, random.Random(number))
                following.append(group.create_task(follower.follow(), name=witness.name))
                road.publishers.append(publisher)
                road.witnesses.append(witness)
            await road.moves(within_s=60)
            yield road
            for task in following:
                task.cancel()


def whole_engine() -> Engine:
    """One that keeps files, and can be a sentinel; a test that has none is skipped."""
    engine = find_engine()
    if engine.wrapped:
        pytest.skip(f"{engine.origin} neither keeps files nor can be a sentinel")
    return engine


def cpu_s(pid: int) -> float:
    """The processor time that a process has used so far."""
    fields = Path(f"/proc/{pid}/stat").read_text("ascii").rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")
