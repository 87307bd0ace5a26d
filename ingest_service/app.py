"""Wires an ingest: top to bottom is start-up, leaving the blocks is shutdown."""

import asyncio
import logging
import random
import secrets
import time
from collections.abc import Callable
from contextlib import nullcontext, suppress
from functools import partial

import httpx2

from ingest_service.bootstrap import Bootstrap, Lists, set_lists
from ingest_service.calendar_file import load_calendar, tell_unlisted_years
from ingest_service.core.backlog import Backlog
from ingest_service.core.board import Board
from ingest_service.core.feed_watch import FeedWatch
from ingest_service.core.history import MAX_ROWS
from ingest_service.core.invalid_row import InvalidRow
from ingest_service.core.quarantine import Quarantine
from ingest_service.core.recording import Header, Kind, Record
from ingest_service.core.rows import FEED_KEY
from ingest_service.core.sessions import Calendar, day_of
from ingest_service.fast_connect_source import FastConnectSource
from ingest_service.feed_reader import CONNECTED, FeedReader
from ingest_service.health_server import health_app, serving_health
from ingest_service.leader import Leader, today
from ingest_service.metrics import Metrics
from ingest_service.publication import LeaseLost, Publication, now_ms, random_token
from ingest_service.recorder import Recorder, recording
from ingest_service.recording_files import RecordingFiles
from ingest_service.redis_sink import RedisSink
from ingest_service.rest import open_http
from ingest_service.settings import IngestSettings
from ingest_service.source import Source
from shared.channels import STORED, Channel, RedisNames, Stored
from shared.redis_client import broker_fault, open_redis
from shared.table import Row
from shared.tasks import running

log = logging.getLogger(__name__)

#: How long a leader may be silent before a standby takes over. Clients are to notice no more than a pause.
LEASE_MS = 1_500
#: What the exchange tells of each symbol, after a link was opened, has come after so long.
FIRST_TOTALS_MS = 5_000
#: Channels whose rows belong to a trading day: with one of them the epoch's day is the market's own.
DAILY = (Channel.MARKET, Channel.FOREIGN, Channel.INDEX)


async def serve(
    settings: IngestSettings, source_of: Callable[[IngestSettings, httpx2.AsyncClient], Source] = FastConnectSource
) -> None:
    """Stand by or lead, for ever. Raises InvalidCalendar, CannotListen and UnusableProxy; anything else is a bug."""
    calendar = load_calendar(settings.calendar_file)
    metrics, quarantine = Metrics(), Quarantine()
    async with (
        open_redis(settings.redis_url) as redis,
        serving_health(
            health_app(metrics.registry, partial(broker_fault, redis), quarantine.rows),
            settings.metrics_host,
            settings.metrics_port,
        ),
        open_http() as http,
    ):
        sink = RedisSink(
            redis,
            RedisNames(settings.redis_prefix),
            token=secrets.token_hex(16),
            lease_ms=LEASE_MS,
            source=settings.source,
        )
        publication = Publication(sink, metrics, random=random.random)
        recorder = recorder_of(settings, metrics)
        source = source_of(settings, http)
        reader = reader_of(source, metrics, calendar, recorder=recorder, warm=settings.standby == "warm")
        try:
            async with (
                nullcontext() if recorder is None else recording(recorder),
                running(tell_unlisted_years(calendar, today), name="calendar"),
                running(reader.run(), name="feed"),
            ):
                while True:
                    try:
                        async with publication.leading():
                            await lead(
                                settings,
                                publication,
                                reader,
                                source,
                                metrics,
                                quarantine=quarantine,
                                calendar=calendar,
                                recorder=recorder,
                            )
                    except* LeaseLost:
                        log.warning("another ingest has taken over, standing by")
        finally:
            await publication.resign()


def reader_of(
    source: Source, metrics: Metrics, calendar: Calendar, *, recorder: Recorder | None, warm: bool
) -> FeedReader:
    """What reads a source's feed, on the machine's clock."""
    return FeedReader(
        source.feed(full=metrics.inbox_full.inc, record=None if recorder is None else recorder.take),
        FeedWatch(time.monotonic(), now_ms(), calendar, source.wanted_types),
        metrics,
        warm=warm,
        now_s=time.monotonic,
    )


async def lead(
    settings: IngestSettings,
    publication: Publication,
    reader: FeedReader,
    source: Source,
    metrics: Metrics,
    *,
    quarantine: Quarantine,
    calendar: Calendar,
    recorder: Recorder | None,
) -> None:
    """One term of leadership. Raises a group with LeaseLost at its end."""
    board = Board(calendar, simulated=settings.simulated, now_ms=now_ms(), thresholds=settings.alert_thresholds)
    knows_all = await take_over(board, publication, reader.backlog)
    leader = Leader(board, reader.watch, publication, metrics, quarantine, now_s=time.monotonic)

    def take_lists(lists: Lists) -> None:
        set_lists(board, lists)
        leader.changed()
        if recorder is not None:
            recorder.take(lists_record(lists))

    bootstrap = Bootstrap(
        source,
        cache=settings.cache_dir / "symbols.json",
        today=today,
        take=take_lists,
    )
    # Nothing was awaited since the backlog was taken: not a tick is between them.
    reader.lead(leader, knows_all=knows_all)
    if recorder is not None:
        recorder.begin()
    try:
        async with asyncio.TaskGroup() as group:
            group.create_task(leader.run(), name="leader")
            group.create_task(bootstrap.run(), name="bootstrap")
    finally:
        reader.stand_by()
        if recorder is not None:
            recorder.pause()


def recorder_of(settings: IngestSettings, metrics: Metrics) -> Recorder | None:
    """What records the feed, if a folder is set."""
    if settings.record_dir is None:
        return None
    header = Header(
        source=settings.source,
        simulated=settings.simulated,
        channels=list(settings.ssi_channels),
        session=random_token(),
        day=day_of(now_ms()),
        up=False,
    )
    return Recorder(RecordingFiles(settings.record_dir, header), metrics)


def lists_record(lists: Lists) -> Record:
    """The lists, without the address they came from."""
    return Record(now_ms(), Kind.LISTS, lists.model_dump_json(exclude={"address"}).encode())


async def take_over(board: Board, publication: Publication, backlog: Backlog) -> bool:
    """
    Bring the board to now: from what was published, and from what was read while another led.

    False: that may not be all.
    """
    tables = publication.history.tables
    rows: dict[Stored, dict[str, Row]] = {}
    for table in STORED:
        held = rows[table] = {}
        for number, (key, row) in enumerate(tables[table].live(), 1):
            held[key] = row
            if number % MAX_ROWS == 0:
                await asyncio.sleep(0)
    for _ in board.loading(publication.day if any(rows[channel] for channel in DAILY) else None, rows):
        await asyncio.sleep(0)  # messages are read, and the lease is renewed
    feed = rows[Channel.STATUS].get(FEED_KEY, {})
    since_ms = feed["changed_at"] if feed.get("state") in CONNECTED else None
    # Soon after its link was opened a leader has not heard the total of each symbol yet.
    leader_watched = isinstance(since_ms, int) and since_ms <= publication.read_ms - FIRST_TOTALS_MS
    watched = leader_watched and backlog.covers(publication.read_ms)
    if watched:
        board.has_watched()
    caught_up = 0
    for tick in backlog:
        with suppress(InvalidRow):  # counted by the one who leads; the next of its kind is counted by us
            board.catch_up(tick)
            caught_up += 1
    log.info("the board is taken over", extra={"ticks": caught_up, "watched": watched})
    return watched or backlog.whole
