"""`run.py record`: the exchange's feed into files, and nowhere else. The settings are those of the ingest."""

import argparse
import asyncio
import logging
import sys
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

from ingest_service.__main__ import run, until_signal
from ingest_service.app import lists_record, reader_of, recorder_of
from ingest_service.bootstrap import Bootstrap
from ingest_service.calendar_file import load_calendar
from ingest_service.core.calendar_rules import InvalidCalendar
from ingest_service.core.sessions import Calendar
from ingest_service.core.ticks import Tick
from ingest_service.fast_connect_source import FastConnectSource
from ingest_service.leader import today
from ingest_service.metrics import Metrics
from ingest_service.recorder import Recorder, recording
from ingest_service.rest import UnusableProxy, open_http
from ingest_service.settings import IngestSettings, load_settings
from shared.log import configure_logging
from shared.version import VERSION

log = logging.getLogger(__name__)

FOLDER = Path("var/recordings")
#: How often is told how far it is.
TOLD_S = 30.0


_DESCRIPTION = """\
The exchange's feed into files, frame by frame, as the ingest would read it; it needs no Redis, and writes nothing
else. Settings come from the environment, and are those of the ingest: docs/recordings.md tells the rest."""
_EXAMPLE = """\
For example, until Ctrl-C:

  export SSI_CONSUMER_ID=… SSI_CONSUMER_SECRET=…
  python3 run.py record --folder var/recordings"""


class Listener:
    """Whom the feed is read for: nobody. Reading it shows whether the link has to be made anew."""

    def take(self, tick: Tick, read_at_ms: int) -> None:
        """The frame that it came in is recorded already."""

    def link_lost(self) -> None:
        """That is recorded, too."""

    def feed_told(self) -> None:
        """Nobody asks."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Exit codes: 0 frames were recorded; 1 none was, or not all; 2 wrong settings or folder."""
    parser = argparse.ArgumentParser(
        prog="run.py record",
        description=_DESCRIPTION,
        epilog=_EXAMPLE,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--version", action="version", version=f"banggia {VERSION}")
    parser.add_argument("--folder", type=Path, help=f"where the files go (default: RECORD_DIR, or {FOLDER})")
    parser.add_argument("--seconds", type=float, help="stop after so long (default: when told to)")
    chosen = parser.parse_args(arguments)
    if chosen.seconds is not None and not chosen.seconds > 0:
        parser.error("--seconds takes a number above 0")
    settings = load_settings()
    configure_logging(settings.log_level)
    folder = chosen.folder or settings.record_dir or FOLDER
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        sys.stderr.write(f"Not recorded: {folder} cannot be made: {error.strerror}. Name another --folder.\n")
        return 2
    settings = settings.model_copy(update={"record_dir": folder})
    try:
        calendar = load_calendar(settings.calendar_file)
    except InvalidCalendar as error:
        sys.stderr.write(f"Not recorded: wrong calendar: {error}.\n")
        return 2
    metrics = Metrics()
    recorder = recorder_of(settings, metrics)
    assert recorder is not None  # noqa: S101 (the folder is set)
    try:
        run(until_signal(record(settings, recorder, calendar, metrics, chosen.seconds)))
    except UnusableProxy as error:
        sys.stderr.write(f"Not recorded: {error}.\n")
        return 2
    lost = f"; {recorder.dropped:,} are missing, see the log" if recorder.dropped else ""
    sys.stdout.write(f"{recorder.frames:,} frames in {recorder.bytes / 1e6:.1f} MB in {folder}{lost}\n")
    return 0 if recorder.frames and not recorder.dropped else 1


async def record(
    settings: IngestSettings, recorder: Recorder, calendar: Calendar, metrics: Metrics, seconds: float | None
) -> None:
    """Record for so long, or until cancelled. Raises UnusableProxy."""
    async with open_http() as http:
        source = FastConnectSource(settings, http)
        reader = reader_of(source, metrics, calendar, recorder=recorder, warm=False)
        bootstrap = Bootstrap(
            source,
            cache=settings.cache_dir / "symbols.json",
            today=today,
            take=lambda lists: recorder.take(lists_record(lists)),
        )
        recorder.begin()
        reader.lead(Listener())
        with suppress(TimeoutError):
            async with recording(recorder), asyncio.timeout(seconds), asyncio.TaskGroup() as group:
                group.create_task(reader.run(), name="feed")
                group.create_task(bootstrap.run(), name="bootstrap")
                group.create_task(_tell(recorder), name="tell")


async def _tell(recorder: Recorder) -> None:
    while True:
        await asyncio.sleep(TOLD_S)
        log.info(
            "recording",
            extra={"frames": recorder.frames, "megabytes": f"{recorder.bytes / 1e6:.1f}", "dropped": recorder.dropped},
        )


if __name__ == "__main__":
    sys.exit(main())
