"""`run.py replay`: recordings through the ingest's own way into Redis, at any speed, by their own clock."""

import argparse
import asyncio
import random
import re
import secrets
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Literal

from pydantic import AfterValidator, Field, ValidationError
from pydantic_settings import SettingsConfigDict
from redis.asyncio import Redis
from redis.exceptions import RedisError

from ingest_service.__main__ import run, until_signal
from ingest_service.app import LEASE_MS
from ingest_service.bootstrap import Lists, set_lists
from ingest_service.calendar_file import load_calendar
from ingest_service.core.alerts import Thresholds
from ingest_service.core.board import Board
from ingest_service.core.calendar_rules import InvalidCalendar
from ingest_service.core.feed_watch import FeedWatch
from ingest_service.core.quarantine import Quarantine
from ingest_service.core.recording import Header
from ingest_service.core.sessions import Calendar, day_of, midnight_ms
from ingest_service.feed_reader import FeedReader
from ingest_service.leader import Leader
from ingest_service.metrics import Metrics
from ingest_service.publication import LeaseLost, Publication, now_ms
from ingest_service.recording_clock import RecordingClock
from ingest_service.recording_reader import Extent, NotARecording, RecordingReader
from ingest_service.redis_sink import RedisSink
from ingest_service.replay_progress import clock_text, telling
from ingest_service.replayed_feed import ReplayedFeed
from ingest_service.settings import AlertSettings
from shared.channels import RedisNames
from shared.log import configure_logging
from shared.redis_client import broker_fault, check_redis_url, open_redis, place_of
from shared.settings_error import settings_error_line
from shared.tasks import first_of
from shared.version import VERSION
from shared.wire import InvalidEnvelope, NewerContract

#: What names a replay as the source of rows; random characters follow, so that each begins with empty tables.
SOURCE = "replay-"
#: A board that was written so lately is one that somebody watches, although its ingest may be starting again.
LIVE_MS = 60_000
#: A lease that a dead process left behind has ended after so long.
LEASE_ENDS_S = LEASE_MS / 1000 + 0.5


_DESCRIPTION = """\
Recordings of the feed into Redis, the way that the ingest goes, by their own clock and at any speed. It needs no key.
Settings come from the environment: REDIS_URL, REDIS_PREFIX, CALENDAR_FILE, LOG_LEVEL and the thresholds of alerts
(ALERT_…). docs/recordings.md tells the rest."""
_EXAMPLE = """\
For example, the day that the tests play, from half past ten on and ten times as fast, and, in another terminal, a
board to see it on:

  REDIS_PREFIX=replay python3 run.py replay tests/data/day.feed.gz --from 10:30 --speed 10x
  REDIS_PREFIX=replay python3 run.py publish --port 8000

Both look for Redis at redis://127.0.0.1:6379/0; REDIS_URL, for both, names another."""


class ReplaySettings(AlertSettings):
    """The settings of a replay: those of the ingest, as far as they concern Redis and the tables."""

    model_config = SettingsConfigDict(frozen=True, env_ignore_empty=True, hide_input_in_errors=True)

    redis_url: Annotated[str, AfterValidator(check_redis_url)] = Field(
        "redis://127.0.0.1:6379/0", description="where the tables go"
    )
    redis_prefix: str = Field("banggia", pattern=r"^[A-Za-z0-9_.:-]+$", description="what all keys begin with")
    calendar_file: Path | None = Field(
        None, description="holidays and hours that differ from those shipped, such as /etc/banggia/calendar.toml"
    )
    log_level: Literal["DEBUG", "INFO", "WARNING", "ERROR"] = Field("WARNING", description="how much is logged")


class Refused(Exception):  # noqa: N818 (the name says what it is)
    """It is not played: why, and what to do, in words for people."""


@dataclass(frozen=True, slots=True)
class Plan:
    """What to play, and how."""

    header: Header
    extent: Extent
    speed: float | None  # recorded seconds a second; None: as fast as can be
    paced_from_ms: int  # before this time always as fast as can be
    until_ms: int | None  # what comes before is played
    stays: bool  # the tables are kept alive at the end

    @property
    def end_ms(self) -> int:
        """When the last record is played, by the recording's clock."""
        return self.extent.last_ms if self.until_ms is None else min(self.until_ms, self.extent.last_ms)


def main(arguments: Sequence[str] | None = None) -> int:
    """
    Play to the end.

    Exit codes: 0 all was played (half a block at the end of a file is what a crash leaves); 1 refused, or Redis or the
    lease was lost; 2 not understood, or not a recording; 3 played, but parts could not be read; 130 interrupted.
    """
    parser = argparse.ArgumentParser(
        prog="run.py replay",
        description=_DESCRIPTION,
        epilog=_EXAMPLE,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    add = parser.add_argument
    add("--version", action="version", version=f"banggia {VERSION}")
    add("path", nargs="+", type=Path, metavar="FILE|FOLDER", help="a file of a recording, or a folder with some")
    add("--speed", type=_speed, default=1.0, help="1, 10x, …, or max (default: 1)")
    add("--from", dest="begin", type=_time_of_day, metavar="HH:MM", help="what comes before is played at once")
    add("--to", type=_time_of_day, metavar="HH:MM", help="what comes then is left out")
    add("--stay", action="store_true", help="keep the tables at the end, until interrupted")
    chosen = parser.parse_args(arguments)
    try:
        settings = ReplaySettings()
    except ValidationError as error:
        sys.stderr.write(settings_error_line(error, ReplaySettings) + "\n")
        return 2
    configure_logging(settings.log_level)
    try:
        calendar = load_calendar(settings.calendar_file)
        reader = RecordingReader(chosen.path)
        header, extent = reader.header(), reader.extent()
        plan = _plan(header, extent, chosen)
        return run(until_signal(_play(settings, reader, plan, calendar), told_to_stop=130))
    except (InvalidCalendar, NotARecording, Refused) as error:
        return _complain(error)
    except BaseExceptionGroup as group:
        return _complain(first_of(group))


def _complain(error: BaseException) -> int:
    match error:
        case NotARecording():
            line, code = f"Not played: {error}.", 2
        case InvalidCalendar():
            line, code = f"Not played: wrong calendar: {error}.", 2
        case Refused():
            line, code = f"Not played: {error}", 1
        case LeaseLost():
            line, code = "Not played to the end: another process writes these tables now.", 1
        case NewerContract():
            line, code = f"Not played: {error}.", 1
        case _:
            raise error
    sys.stderr.write(line + "\n")
    return code


def _plan(header: Header, extent: Extent, chosen: argparse.Namespace) -> Plan:
    """Raises Refused."""
    midnight = midnight_ms(day_of(extent.first_ms))
    plan = Plan(
        header,
        extent,
        chosen.speed,
        extent.first_ms if chosen.begin is None else midnight + chosen.begin,
        None if chosen.to is None else midnight + chosen.to,
        chosen.stay,
    )
    if plan.paced_from_ms > extent.last_ms:
        raise NotARecording(f"--from is after its end at {clock_text(extent.last_ms)}")
    if plan.until_ms is not None and plan.until_ms <= max(extent.first_ms, plan.paced_from_ms):
        raise NotARecording(f"--to is not after its beginning at {clock_text(extent.first_ms)}, or not after --from")
    return plan


def _speed(text: str) -> float | None:
    """None for `max`. Raises ArgumentTypeError."""
    if text == "max":
        return None
    try:
        speed = float(text.removesuffix("x"))
    except ValueError:
        speed = 0.0
    if not 0.01 <= speed <= 100_000:
        raise argparse.ArgumentTypeError(f"{text!r} is none of 1, 10x, 0.5, max and the like")
    return speed


def _time_of_day(text: str) -> int:
    """HH:MM or HH:MM:SS as milliseconds since midnight. Raises ArgumentTypeError."""
    found = re.fullmatch(r"([01]?\d|2[0-3]):([0-5]\d)(?::([0-5]\d))?", text)
    if found is None:
        raise argparse.ArgumentTypeError(f"{text!r} is no time of day such as 10:30")
    hours, minutes, seconds = (int(part or 0) for part in found.groups())
    return ((hours * 60 + minutes) * 60 + seconds) * 1000


async def _play(settings: ReplaySettings, recording: RecordingReader, plan: Plan, calendar: Calendar) -> int:
    """Raises Refused, and in a group LeaseLost or NewerContract."""
    metrics = Metrics()
    async with open_redis(settings.redis_url) as redis:
        names = RedisNames(settings.redis_prefix)
        sink = RedisSink(
            redis, names, token=secrets.token_hex(16), lease_ms=LEASE_MS, source=f"{SOURCE}{secrets.token_hex(4)}"
        )
        await _take_lease(redis, sink, settings)
        publication = Publication(sink, metrics, random=random.random)
        try:
            async with publication.leading():
                return await _play_as_leader(
                    recording, plan, publication, metrics, calendar=calendar, thresholds=settings.alert_thresholds
                )
        finally:
            await publication.resign()


async def _play_as_leader(
    recording: RecordingReader,
    plan: Plan,
    publication: Publication,
    metrics: Metrics,
    *,
    calendar: Calendar,
    thresholds: Thresholds,
) -> int:
    clock = RecordingClock(plan.extent.first_ms)
    await publication.open_epoch(day_of(clock.now_ms()))
    board = Board(
        calendar,
        simulated=plan.header.simulated,
        replayed=True,
        now_ms=clock.now_ms(),
        thresholds=thresholds,
    )

    def take_lists(lists: Lists) -> None:
        set_lists(board, lists)
        leader.changed()

    feed = ReplayedFeed(
        recording.blocks(),
        clock,
        read_ms=now_ms,
        set_lists=take_lists,
        speed=plan.speed,
        paced_from_ms=plan.paced_from_ms,
        until_ms=plan.until_ms,
    )
    # No type is missed: a recording cannot be asked for it.
    watch = FeedWatch(clock.now_s(), clock.now_ms(), calendar, wanted=())
    reader = FeedReader(feed, watch, metrics, warm=False, now_s=clock.now_s, sleep=clock.sleep)
    leader = Leader(board, watch, publication, metrics, Quarantine(), now_s=clock.now_s, clock_ms=clock.now_ms)
    reader.lead(leader)
    async with asyncio.TaskGroup() as group, telling(feed, clock, plan.extent.first_ms, plan.end_ms):
        playing = [
            group.create_task(leader.run(), name="leader"),
            group.create_task(reader.run(), name="recording"),
        ]
        await feed.ended.wait()
        board.finish()
        await leader.publish()
        if plan.stays:
            await asyncio.Event().wait()
        for task in playing:
            task.cancel()
    return 3 if feed.damages else 0


async def _take_lease(redis: Redis, sink: RedisSink, settings: ReplaySettings) -> None:
    """Become the writer, unless that would take away a board that somebody watches. Raises Refused, NewerContract."""
    another_prefix = "Take another prefix, here and for the publishers that shall show it: REDIS_PREFIX=replay"
    if (fault := await broker_fault(redis)) is not None:
        raise Refused(f"{fault} at {place_of(redis)}. Start one, or let REDIS_URL name another.")
    deadline_s = time.monotonic() + LEASE_ENDS_S
    while True:
        try:
            head = await sink.head()
            if head is not None and not head.source.startswith(SOURCE) and head.time_ms > now_ms() - LIVE_MS:
                raise Refused(f"the board of the prefix {settings.redis_prefix} is a live one. {another_prefix}")
            if await sink.take_lease():
                return
        except InvalidEnvelope:
            raise Refused(f"what stands at the prefix {settings.redis_prefix} is no board. {another_prefix}") from None
        except (RedisError, OSError, TimeoutError) as error:
            raise Refused(f"Redis does not answer any more ({type(error).__name__}).") from None
        if time.monotonic() > deadline_s:
            raise Refused(f"something else writes the board of the prefix {settings.redis_prefix}. {another_prefix}")
        await asyncio.sleep(0.1)


if __name__ == "__main__":
    sys.exit(main())
