"""`python -m local_stack.chaos`: the command line and exit codes."""

import argparse
import asyncio
import os
import secrets
import sys

from local_stack.chaos.chaos import Options, chaos
from local_stack.chaos.faults import FAULTS
from local_stack.chaos.report import Report, report_line, report_table
from local_stack.number import number
from local_stack.services import CannotStart
from local_stack.signals import until_signal
from local_stack.terminal import say
from shared.descriptors import raise_descriptor_limit
from shared.tasks import first_of

_DESCRIPTION = """\
The whole board on this machine under random faults, to see whether it keeps its promises: processes are killed and
frozen, links cut, Redis and the exchange misbehave, days pass, while clients compare every frame with what was written.
The last line is JSON; the exit code is 1 if anything was wrong."""
_EXAMPLE = """\
For example, ten minutes of what somebody else has seen:

  python3 run.py chaos --minutes 10 --seed 5"""


def main(arguments: list[str] | None = None) -> int:
    """Exit code 0: nothing was found; 1: something was, or something failed; 2: a wrong argument."""
    options = parse(arguments)
    if os.environ.get("REDIS_URL"):
        say("REDIS_URL is set and ignored: faults hit a broker of their own.")
    raise_descriptor_limit()
    done: Report | None = None
    try:
        done = asyncio.run(until_signal(chaos(options), interrupted=None))
    except* CannotStart as errors:
        sys.stderr.write(f"{first_of(errors)}\n")
    if done is None:
        return 1  # it did not start, or was interrupted: nothing was shown
    say(report_table(done))
    say(report_line(done))
    return 0 if done.ok else 1


def parse(arguments: list[str] | None = None) -> Options:
    """The options; a wrong one ends the program with exit code 2."""
    parser = argparse.ArgumentParser(
        prog="run.py chaos",
        description=_DESCRIPTION,
        epilog=_EXAMPLE,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument(
        "--minutes", type=number(float, 0.1, 10_000), default=3.0,
        help="how long (default: 3); from 10 on, every fault comes at least twice",
    )  # fmt: skip
    parser.add_argument(
        "--seed", type=number(int, 0, 2**32 - 1), help="the same faults in the same order (default: a random one)"
    )
    parser.add_argument("--publishers", type=number(int, 1, 32), default=2, help="how many (default: 2)")
    parser.add_argument(
        "--fault", action="append", choices=list(FAULTS), metavar="NAME",
        help=f"only this one; may be given several times: {', '.join(FAULTS)}",
    )  # fmt: skip
    chosen = parser.parse_args(arguments)
    return Options(
        minutes=chosen.minutes,
        seed=secrets.randbelow(2**32) if chosen.seed is None else chosen.seed,
        publishers=chosen.publishers,
        faults=tuple(dict.fromkeys(chosen.fault or FAULTS)),
    )


if __name__ == "__main__":
    sys.exit(main())
