"""Who is connected to the exchange: the leader always, a standby unless it is cold."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

from ingest_service import feed_reader
from ingest_service.core.feed_events import Broadcasts
from ingest_service.core.feed_watch import FeedWatch
from ingest_service.core.sessions import Calendar
from ingest_service.core.ticks import Tick
from ingest_service.fast_connect import FastConnect
from ingest_service.feed_reader import FeedReader
from ingest_service.metrics import Metrics
from ingest_service.rest import open_http
from shared.tasks import running
from tests.eventually import eventually
from tests.fakes.hub import FakeHub, FixedTokens, broadcast, running_hub
from tests.unit.ingest_service.core.a_feed import X, argument

QUOTA = "Connection has been blocked, quota 1 exceeded by 1"


class Leading:
    """A leader that only listens."""

    def __init__(self) -> None:
        self.ticks: list[Tick] = []
        self.losses = 0
        self.told = 0

    def take(self, tick: Tick, read_at_ms: int) -> None:
        assert read_at_ms > 0
        self.ticks.append(tick)

    def link_lost(self) -> None:
        self.losses += 1

    def feed_told(self) -> None:
        self.told += 1


@asynccontextmanager
async def reading(hub: FakeHub, *, warm: bool) -> AsyncIterator[tuple[FeedReader, Metrics]]:
    """A reader that stands by. Nothing waits longer than a hundredth of a second before it connects."""

    async def short_sleep(delay_s: float) -> None:
        await asyncio.sleep(min(delay_s, 0.01))

    async with open_http() as http:
        feed = FastConnect(http, FixedTokens(), stream_url=hub.url, channels=("X:ALL",), sleep=short_sleep)
        metrics = Metrics()
        now_s = asyncio.get_running_loop().time
        watch = FeedWatch(now_s(), 0, Calendar(), ())
        reader = FeedReader(feed, watch, metrics, warm=warm, now_s=now_s)
        async with running(reader.run(), name="feed"):
            yield reader, metrics


def opened(metrics: Metrics) -> float | None:
    return metrics.registry.get_sample_value("ingest_feed_open")


async def test_a_warm_standby_is_connected_and_keeps_what_it_reads_until_it_leads() -> None:
    async with running_hub() as hub, reading(hub, warm=True) as (reader, metrics):
        await eventually(lambda: len(hub.open) == 1)
        await hub.send(broadcast(argument("X", X)))
        await eventually(lambda: len(reader.backlog) == 1)

        leading = Leading()
        reader.lead(leading)
        await hub.send(broadcast(argument("X", X)))
        await eventually(lambda: len(leading.ticks) == 1)

        assert (hub.opened, len(reader.backlog), opened(metrics)) == (1, 0, 1)


async def test_what_was_read_and_waits_is_measured() -> None:
    async with running_hub() as hub, reading(hub, warm=True) as (reader, metrics):
        await eventually(lambda: len(hub.open) == 1)
        for _ in range(3):
            await hub.send(broadcast(argument("X", X)))
        await eventually(lambda: metrics.registry.get_sample_value("ingest_backlog_ticks") == 3)
        assert isinstance(reader._feed, FastConnect)
        reader._feed._inbox.put(Broadcasts([argument("X", X)] * 5, 1))  # taken in the next turn of the loop

        assert metrics.registry.get_sample_value("ingest_inbox_messages") == 5
        await eventually(lambda: metrics.registry.get_sample_value("ingest_inbox_messages") == 0)


async def test_a_phase_that_begins_is_told_at_once_by_the_first_messages_of_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(feed_reader, "WATCH_S", 3600.0)  # nobody looks in between
    async with running_hub() as hub, reading(hub, warm=True) as (reader, _):
        reader.lead(leading := Leading())
        await eventually(lambda: len(hub.open) == 1)
        for _ in range(2):  # the second one is no snapshot any more, and tells the time
            await hub.send(broadcast(argument("X", {**X, "Time": "10:42:17"})))
        await eventually(lambda: len(leading.ticks) == 2)
        told = leading.told

        for _ in range(2):  # a time so far ahead needs a second witness
            await hub.send(broadcast(argument("X", {**X, "Time": "11:30:00"})))

        await eventually(lambda: leading.told == told + 1)


async def test_a_cold_standby_connects_when_it_leads_and_closes_when_another_does() -> None:
    async with running_hub() as hub, reading(hub, warm=False) as (reader, metrics):
        for _ in range(100):
            await asyncio.sleep(0)
        assert (hub.authorizations, opened(metrics)) == ([], 0)

        for _ in range(2):
            reader.lead(leading := Leading())
            await eventually(lambda: len(hub.open) == 1)
            await hub.send(broadcast(argument("X", X)))
            await eventually(lambda leading=leading: len(leading.ticks) == 1)  # type: ignore[misc]  # a default binds the loop's value
            reader.stand_by()
            await eventually(lambda: not hub.open)

        assert reader.watch.state == "down"
        assert opened(metrics) == 0


async def test_a_standby_that_the_exchange_refuses_is_cold_from_then_on_and_says_so(
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level("INFO")
    async with running_hub() as hub, reading(hub, warm=True) as (reader, metrics):
        await eventually(lambda: len(hub.open) == 1)
        await hub.send(f'{{"M":[{{"H":"FcMarketDataV2Hub","M":"Error","A":["{QUOTA}"]}}]}}')
        await eventually(lambda: opened(metrics) == 0)
        await eventually(lambda: not hub.open)
        assert "standing by without one from now on" in caplog.text

        reader.lead(Leading())
        await eventually(lambda: len(hub.open) == 1)
        reader.stand_by()
        await eventually(lambda: not hub.open)

        assert hub.opened == 2


async def test_a_leader_that_the_exchange_refuses_tries_again() -> None:
    async with running_hub() as hub, reading(hub, warm=True) as (reader, _):
        reader.lead(leading := Leading())
        await eventually(lambda: len(hub.open) == 1)

        await hub.send(f'{{"M":[{{"H":"FcMarketDataV2Hub","M":"Error","A":["{QUOTA}"]}}]}}')
        await eventually(lambda: hub.opened == 2)

        assert leading.losses == 1
        assert leading.told >= 1


async def test_a_lost_link_empties_the_backlog() -> None:
    async with running_hub() as hub, reading(hub, warm=True) as (reader, _):
        await eventually(lambda: len(hub.open) == 1)
        await hub.send(broadcast(argument("X", X)))
        await eventually(lambda: len(reader.backlog) == 1)

        await hub.close(1001)
        await eventually(lambda: hub.opened == 2)

        assert len(reader.backlog) == 0
