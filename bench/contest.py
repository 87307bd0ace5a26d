"""Contestants take turns, run after run, so that whatever else the machine does falls on all of them."""

import argparse
import asyncio
import gc
import signal
import sys
from collections.abc import Awaitable, Callable, Coroutine, Sequence
from pathlib import Path
from typing import TypeVar

from bench import contestants
from bench.contestant import Contestant
from bench.cores import CannotMeasure
from bench.crowd import check_room
from bench.figures import Figures, add_json, finish, machine
from bench.ground import Ground, ground
from bench.progress import Progress
from local_stack.number import number
from local_stack.terminal import say
from shared.descriptors import raise_descriptor_limit
from shared.tasks import first_of

T = TypeVar("T")

#: Far longer than the longest window: whatever hangs, the invocation ends.
TURN_S = 1200.0


def add_options(parser: argparse.ArgumentParser) -> None:
    """What all contests understand."""
    parser.add_argument("--runs", type=number(int, 1, 100), default=5, help="how often each has its turn (5)")
    parser.add_argument("--only", metavar="NAME,…", help=f"some of the contestants: {', '.join(contestants.ALL)}")
    parser.add_argument(
        "--publisher-root",
        metavar="DIR",
        type=_checkout,
        action="append",
        default=[],
        help="the publisher of another checkout takes its turns too, run by this one's interpreter; may be said again",
    )
    add_json(parser)


def publisher_alone(parser: argparse.ArgumentParser, chosen: argparse.Namespace) -> None:
    """What only the publisher can do; to ask others for it ends the program."""
    if chosen.only not in (None, "banggia"):
        parser.error("only banggia can be measured in this way: leave --only out")
    chosen.only = "banggia"


def _checkout(name: str) -> Path:
    folder = Path(name)
    if not (folder / "publisher_service" / "__main__.py").is_file():
        raise argparse.ArgumentTypeError(f"{name} is no checkout: there is no publisher_service in it")
    return folder


class Contest:
    """The contestants of one invocation, and what went wrong."""

    def __init__(self, place: Ground, there: Sequence[Contestant], runs: int) -> None:
        self.place = place
        self.contestants = there
        self.runs = runs
        self.problems: dict[str, str] = {}

    async def turns(self, what: str, once: Callable[[Contestant], Awaitable[T]]) -> dict[str, list[T]]:
        """Each has its turn so often; who cannot be measured has no further ones, and is among the problems."""
        taken: dict[str, list[T]] = {each.name: [] for each in self.contestants}
        progress = Progress(self.runs * len(self.contestants))
        for run in range(self.runs):
            first = run % len(self.contestants)
            for each in [*self.contestants[first:], *self.contestants[:first]]:
                progress.turn(f"{what}: run {run + 1} of {self.runs}, {each.name}")
                if each.name in self.problems:
                    continue
                try:
                    async with asyncio.timeout(TURN_S):
                        taken[each.name].append(await once(each))
                except (CannotMeasure, OSError, ExceptionGroup) as error:
                    problem = first_of(error)
                    if not isinstance(problem, CannotMeasure | OSError):
                        raise
                    self.problems[each.name] = f"{what}: {str(problem) or type(problem).__name__}"
                    say(f"{each.name} cannot be measured: {str(problem) or type(problem).__name__}")
        return {name: runs for name, runs in taken.items() if runs and name not in self.problems}


def hold(
    chosen: argparse.Namespace, clients: int, measure: Callable[[Contest], Coroutine[object, object, Figures]]
) -> int:
    """
    Prepare, measure, print. The exit code: 1 if something that was asked for could not be measured.

    `clients`: the most that a server will have. Raises CannotMeasure, alone or in a group, and CancelledError when told
    to stop.

    Who cannot be installed is left out with a line that says why; that is an error only if it was asked for by name.
    """
    names = chosen.only.split(",") if chosen.only else list(contestants.ALL)
    if unknown := [name for name in names if name not in contestants.ALL]:
        sys.stderr.write(f"There is no contestant {', '.join(unknown)}. There are: {', '.join(contestants.ALL)}.\n")
        return 2
    there, missing = contestants.prepared(names, chosen.publisher_root)
    for name, reason in missing.items():
        say(f"{name} is left out: {reason}")
    if not there:
        sys.stderr.write("Nobody is left to be measured.\n")
        return 1

    async def measured() -> tuple[Figures, dict[str, str], str]:
        task = asyncio.current_task()
        assert task is not None  # noqa: S101 (it is this one)
        asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, task.cancel)
        async with ground() as place:
            contest = Contest(place, there, int(chosen.runs))
            return await measure(contest), contest.problems, await place.broker_version()

    raise_descriptor_limit()  # servers inherit it
    gc.disable()  # its pauses would be measured as delays
    check_room(clients)
    figures, problems, broker = asyncio.run(measured())
    about: Figures = {
        "machine": machine(),
        "versions": {"broker": broker} | {each.name: each.version for each in there},
        "left_out": missing,
        "problems": problems,
    }
    finish(about | figures, chosen.json)
    return 1 if problems or (missing and chosen.only) else 0
