"""`python -m local_stack`: the board on one machine. The command line, signals and exit codes."""

import argparse
import asyncio
import sys

from local_stack.demo import DEFAULT_PORT, Options, demo
from local_stack.number import number
from local_stack.services import CannotStart
from local_stack.signals import until_signal
from shared.descriptors import raise_descriptor_limit

#: With --check alone: long enough for every row to change many times.
CHECK_SECONDS = 20.0

_DESCRIPTION = """\
The whole board on this machine, to look at and to write clients against: a simulated market, an ingest, a broker,
publishers, and one address in front of them. No keys, no Docker; what is left behind are logs, in var/log. Which
processes run, with their pids and ports, stands in var/stack.json. A REDIS_URL in the environment is used as broker."""
_EXAMPLE = """\
For example, three publishers for a minute, with clients that compare what they hold with the market:

  python3 run.py demo --port 8123 --publishers 3 --seconds 60 --check"""


def main(arguments: list[str] | None = None) -> int:
    """Exit code 0: ended as wished; 1: something failed, or --check found differences; 2: a wrong argument."""
    options = parse(arguments)
    raise_descriptor_limit()
    try:
        # A check that was interrupted has shown nothing.
        return asyncio.run(until_signal(demo(options), interrupted=1 if options.check else 0))
    except CannotStart as error:
        sys.stderr.write(f"{error}\n")
        return error.exit_code


def parse(arguments: list[str] | None = None) -> Options:
    """The options; a wrong one ends the program with exit code 2."""
    parser = argparse.ArgumentParser(
        prog="run.py demo",
        description=_DESCRIPTION,
        epilog=_EXAMPLE,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument(
        "--port",
        type=number(int, 1, 65535),
        help=f"where the board is; an error if it is taken (default: {DEFAULT_PORT}, or the next free one)",
    )
    parser.add_argument("--publishers", type=number(int, 1, 32), default=2, help="how many (default: 2)")
    parser.add_argument("--seconds", type=number(float, 0, 1e9), help="end by itself after so many seconds")
    parser.add_argument(
        "--check",
        action="store_true",
        help="let websocket clients watch, then compare what they hold with Redis, and Redis with the market; "
        f"the last line is JSON (ends after {CHECK_SECONDS:.0f} seconds, or --seconds)",
    )
    parser.add_argument("--no-browser", action="store_true", help="open none")
    chosen = parser.parse_args(arguments)
    seconds = CHECK_SECONDS if chosen.check and chosen.seconds is None else chosen.seconds
    return Options(
        port=chosen.port,
        publishers=chosen.publishers,
        seconds=seconds,
        check=chosen.check,
        browser=not (chosen.no_browser or chosen.check),
    )


if __name__ == "__main__":
    sys.exit(main())
