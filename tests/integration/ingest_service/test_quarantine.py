"""Bad ticks on the way from the exchange: counted under their reasons, kept, shown, and in no table."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import cast, get_args

import httpx2
import pytest

from ingest_service.core.board import Board
from ingest_service.core.feed_watch import FeedWatch
from ingest_service.core.guard import Crime
from ingest_service.core.quarantine import MAX_KEPT, Quarantine
from ingest_service.core.sessions import Calendar
from ingest_service.fast_connect import FastConnect
from ingest_service.feed_reader import FeedReader
from ingest_service.health_server import health_app
from ingest_service.leader import Leader
from ingest_service.metrics import Metrics
from ingest_service.publication import Publication
from ingest_service.rest import open_http
from shared.channels import Stored
from shared.table import Row
from shared.tasks import running
from tests.eventually import eventually
from tests.fakes.hub import FakeHub, FixedTokens, broadcast, running_hub
from tests.unit.ingest_service.core.a_feed import argument, at_ms
from tests.unit.ingest_service.core.test_bad_ticks import CORPUS, GOOD


@asynccontextmanager
async def led(hub: FakeHub, board: Board, metrics: Metrics, quarantine: Quarantine) -> AsyncIterator[None]:
    """A reader with a leader that publishes nothing."""
    async with open_http() as http:
        feed = FastConnect(http, FixedTokens(), stream_url=hub.url, channels=("X:ALL",))
        now_s = asyncio.get_running_loop().time
        watch = FeedWatch(now_s(), at_ms(10, 42, 30), Calendar(), ())
        reader = FeedReader(feed, watch, metrics, warm=True, now_s=now_s)
        nobody = cast("Publication", None)
        # The corpus has a clock, so the machine needs one.
        leading = Leader(board, watch, nobody, metrics, quarantine, now_s=now_s, clock_ms=lambda: at_ms(10, 42, 30))
        leading.link_lost()  # what is lower than what is held is not merely late any more
        reader.lead(leading)
        async with running(reader.run(), name="feed"):
            await eventually(lambda: len(hub.open) == 1)
            yield


async def test_each_bad_tick_is_counted_under_its_reason_and_shown_and_changes_no_table(
    caplog: pytest.LogCaptureFixture,
) -> None:
    board, metrics, quarantine = Board(now_ms=at_ms(10, 42, 30)), Metrics(), Quarantine()
    good = [argument(str(template["RType"]), template) for template in GOOD]

    def read(channel: str) -> float | None:
        return metrics.registry.get_sample_value("ingest_messages_total", {"channel": channel})

    async with running_hub() as hub, led(hub, board, metrics, quarantine):
        before: dict[Stored, dict[str, Row | None]] = {}
        for times in (1, 2):  # a basis has its first point once the contract has a row
            await hub.send(broadcast(*good))
            await eventually(lambda times=times: read("OL") == times)  # type: ignore[misc]  # mypy has no such lambdas
            for table, rows in board.take_changes().items():
                before.setdefault(table, {}).update(rows)
        for bad in CORPUS:
            await hub.send(broadcast(bad["message"], *good))
        await eventually(lambda: read("B") == len(CORPUS) + 3)  # one of the bad ones is such a message

    wanted = Counter(bad["reason"] for bad in CORPUS)
    counted = {
        reason: metrics.registry.get_sample_value("ingest_invalid_rows_total", {"reason": reason}) for reason in wanted
    }
    assert counted == wanted
    for table, rows in board.take_changes().items():
        assert rows.items() <= before[table].items(), table
    offences = sum(wanted[crime] for crime in get_args(Crime))
    shown = await ask(metrics, quarantine)
    assert len(shown) == min(offences, MAX_KEPT)
    assert {each["reason"] for each in shown} == set(get_args(Crime))
    logged = [record for record in caplog.records if "quarantine" in record.getMessage()]
    assert len(logged) == len(get_args(Crime))  # all of this took less than a minute


async def ask(metrics: Metrics, quarantine: Quarantine) -> list[dict[str, object]]:
    """What the ingest answers."""

    async def sound() -> None:
        return None

    app = health_app(metrics.registry, sound, quarantine.rows)
    async with httpx2.AsyncClient(transport=httpx2.ASGITransport(app), base_url="http://ingest") as http:
        rows: list[dict[str, object]] = (await http.get("/quarantine")).json()["quarantine"]
    return rows


async def test_a_quarantine_that_is_empty_is_shown_as_such() -> None:
    assert await ask(Metrics(), Quarantine()) == []
