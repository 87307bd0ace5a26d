"""Sentinel promotes a replica that lacks the newest commits: three real servers, and an address that follows."""

import asyncio
import signal
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from urllib.parse import urlsplit

import pytest
import pytest_asyncio
from redis.asyncio import Redis

from local_stack.chaos.fault_proxy import HOST
from local_stack.engine import Broker, free_port
from shared.redis_client import open_redis
from tests.e2e.broker_road import Road, running_road, whole_engine
from tests.fakes.services import websocket_client
from tests.integration.private_broker import BrokerProcess, brokers_alike, fall_behind, follow

pytestmark = pytest.mark.asyncio(loop_scope="module")

#: A second until Sentinel calls it down, and a few looks at all.
PROMOTED_S = 30.0
SENTINEL = """port {port}
bind 127.0.0.1
dir {folder}
sentinel monitor board 127.0.0.1 {primary} 1
sentinel auth-pass board {password}
sentinel down-after-milliseconds board 1000
sentinel failover-timeout board 2000
"""


class Trio:
    """A primary and its replica, which share a password, and the sentinel that watches them."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._engine = whole_engine()
        self.primary, self.replica = brokers_alike(self._engine, folder)
        self._sentinel: BrokerProcess | None = None

    async def follow(self) -> None:
        """Start the replica, and a sentinel once it has what the primary has."""
        await self.replica.start()
        await follow(self.replica, self.primary)
        await self._watch()

    async def promoted(self) -> None:
        """Wait until the sentinel has made a primary of the replica, which then is ours."""
        assert self._sentinel is not None
        wanted = [HOST.encode(), b"%d" % self.replica.port]
        async with asyncio.timeout(PROMOTED_S), open_redis(self._sentinel.url) as sentinel:
            while await asked(sentinel, "GET-MASTER-ADDR-BY-NAME") != wanted:  # noqa: ASYNC110 (another's work)
                await asyncio.sleep(0.05)
        self.primary, self.replica = self.replica, self.primary

    def end(self) -> None:
        """All that is left of it."""
        for broker in (self._sentinel, self.replica, self.primary):
            if broker is not None:
                broker.end()

    async def _watch(self) -> None:
        """A new sentinel, which knows nothing of what was."""
        if self._sentinel is not None:
            self._sentinel.end()
        port, config = free_port(), self._folder / "sentinel.conf"
        config.touch(mode=0o600)
        password = urlsplit(self.primary.url).password
        text = SENTINEL.format(port=port, folder=self._folder, primary=self.primary.port, password=password)
        config.write_text(text, "ascii")
        command = (str(self._engine.binary), str(config), "--sentinel")
        self._sentinel = BrokerProcess(Broker(command, port, f"redis://{HOST}:{port}"))
        await self._sentinel.start()
        async with asyncio.timeout(PROMOTED_S), open_redis(self._sentinel.url) as sentinel:
            while not await asked(sentinel, "REPLICAS"):  # noqa: ASYNC110 (another's work)
                await asyncio.sleep(0.05)


async def asked(sentinel: Redis, what: str) -> object:
    """Its answer about the board's servers."""
    answer: object = await sentinel.execute_command("SENTINEL", what, "board")  # type: ignore[no-untyped-call]  # redis-py leaves it untyped
    return answer


@pytest.fixture(scope="module")
def trio(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Trio]:
    """Nothing is started yet."""
    trio = Trio(tmp_path_factory.mktemp("trio"))
    yield trio
    trio.end()


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def road(trio: Trio, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Road]:
    """Over the primary."""
    async with running_road(trio.primary, tmp_path_factory.mktemp("road")) as started:
        yield started


async def loses_commits(road: Road, trio: Trio, *, with_ingest: bool) -> None:
    """The primary dies with commits that the replica never got; that one is promoted, and the address follows."""
    await fall_behind(trio.replica, trio.primary)
    await road.head_moves(commits=20)
    published_rev = await road.head_rev()
    if with_ingest:
        road.ingest.kill()
    trio.primary.signal(signal.SIGKILL)
    await trio.promoted()
    await road.leads_to(trio.primary)
    assert await road.head_rev() < published_rev


async def test_a_replica_that_lags_and_is_promoted_is_brought_up_by_the_ingest_under_the_same_history(
    road: Road, trio: Trio
) -> None:
    await trio.follow()

    async with road.one_history():
        await loses_commits(road, trio, with_ingest=False)
        await road.moves()
        ready = await road.ready()
        await road.converges()

    assert ready == [200, 200]


async def test_an_ingest_that_finds_a_promoted_replica_begins_a_new_epoch_and_nobody_keeps_what_was_lost(
    road: Road, trio: Trio
) -> None:
    await trio.follow()
    older = road.witnesses[0].epochs

    await loses_commits(road, trio, with_ingest=True)
    position = road.witnesses[0].position
    await road.start_ingest()
    await road.moves()
    async with websocket_client(road.publishers[0].websocket_url + f"/ws/market?since={position}") as returning:
        answer = await returning.next("snapshot", "update")
    await road.converges()

    assert answer["type"] == "snapshot"
    assert all(one.epochs.isdisjoint(older) for one in road.witnesses)
    assert [one.connections for one in road.witnesses] == [1, 1]
