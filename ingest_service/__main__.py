"""`python -m ingest_service [--probe SECONDS]`: the exchange's feed into Redis, configured by environment variables."""

import argparse
import asyncio
import gc
import signal
import sys
from collections.abc import Coroutine

from ingest_service.app import serve
from ingest_service.core.calendar_rules import InvalidCalendar
from ingest_service.health_server import CannotListen
from ingest_service.probe import probe
from ingest_service.rest import UnusableProxy
from ingest_service.settings import load_settings
from shared.descriptors import raise_descriptor_limit
from shared.log import configure_logging
from shared.tasks import first_of
from shared.version import VERSION
from shared.wire import NewerContract

if sys.platform != "win32":
    import uvloop

#: A day.
LONGEST_PROBE_S = 86_400

_DESCRIPTION = """\
The exchange's feed into Redis: logs in to SSI FastConnect Data, keeps the tables of the board, and publishes what
changes in them. One ingest leads; a second one stands by, and takes over within two seconds if the first dies.
Settings come from the environment: docs/settings.md has all of them. It runs until it is told to stop."""
_EXAMPLE = """\
For example, first a look at what your key's feed is like, which needs no Redis, and then the ingest itself:

  export SSI_CONSUMER_ID=… SSI_CONSUMER_SECRET=…
  python3 run.py ingest --probe 60
  REDIS_URL=redis://127.0.0.1:6379/0 python3 run.py ingest"""


def main(arguments: list[str] | None = None) -> int:
    """Run until told to stop. Exit code 2: a wrong setting."""
    parser = argparse.ArgumentParser(
        prog="run.py ingest",
        description=_DESCRIPTION,
        epilog=_EXAMPLE,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--version", action="version", version=f"banggia {VERSION}")
    parser.add_argument(
        "--probe", type=float, metavar="SECONDS", help="report what the configured feed looks like; commits nothing"
    )
    chosen = parser.parse_args(arguments)
    if chosen.probe is not None and not 0 < chosen.probe <= LONGEST_PROBE_S:
        parser.error(f"--probe takes seconds, above 0, {LONGEST_PROBE_S} at most")
    settings = load_settings()
    configure_logging(settings.log_level)
    raise_descriptor_limit()
    code = 0
    try:
        code = run(until_signal(serve(settings) if chosen.probe is None else probe(settings, chosen.probe)))
    except* CannotListen as group:
        sys.stderr.write(f"{first_of(group)}.\n")
        code = 2
    except* InvalidCalendar as group:
        sys.stderr.write(f"Wrong calendar: {first_of(group)}. Mend the file and start again.\n")
        code = 2
    except* UnusableProxy as group:
        sys.stderr.write(f"Wrong setting: {first_of(group)}. Change it and start again.\n")
        code = 2
    except* NewerContract as group:
        sys.stderr.write(f"Not started: {first_of(group)}.\n")
        code = 1
    return code


def run(work: Coroutine[None, None, int]) -> int:
    """Run to the end, on uvloop where there is one: reads, writes and turns of the loop cost less on it."""
    # A message makes dozens of objects, in no cycles: what is replaced is freed at once, and little is left to find. So
    # the collector looks at a thousand new ones at a time (1 ms; at 5,000 it was 5), and at none of them a second time:
    # to go over all that a morning has left stops the loop for much longer.
    gc.set_threshold(1_000, 1_000_000)
    with asyncio.Runner(loop_factory=None if sys.platform == "win32" else uvloop.new_event_loop) as runner:
        return runner.run(work)


async def until_signal(work: Coroutine[None, None, int | None], *, told_to_stop: int = 0) -> int:
    """
    Run until done, or until SIGINT or SIGTERM: then leave by cancellation, so that all is closed in order.

    The exit code is that of the work, or `told_to_stop`.
    """
    task = asyncio.ensure_future(work)
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, task.cancel)
    try:
        return await task or 0
    except asyncio.CancelledError:
        return told_to_stop


if __name__ == "__main__":
    sys.exit(main())
