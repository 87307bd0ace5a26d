"""Who runs where: what is measured has a core for itself."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple


class CannotMeasure(Exception):  # noqa: N818 (the name says what it is)
    """Something that is needed is not there, or did not work; the text says what, and what to do."""


class Cores(NamedTuple):
    """Numbers of cores."""

    server: int
    load: tuple[int, ...]  # the clients
    broker: int  # Redis and who feeds it; the same as that of the clients on a machine with two cores


#: More clients' cores than these have nothing to do.
MOST_LOAD = 4


def shared_out() -> Cores:
    """The last core for the server, and nobody on its other half. Raises CannotMeasure."""
    if not hasattr(os, "sched_getaffinity"):
        raise CannotMeasure("Servers are measured on Linux only, where a process can be bound to a core.")
    there = sorted(os.sched_getaffinity(0))
    if len(there) < 2:
        raise CannotMeasure("There is one core only, and the clients must not take the server's time: use two.")
    server, broker = there[-1], there[0]
    load = [core for core in there[1:-1] if core not in _halves(server)]
    return Cores(server, tuple(load[:MOST_LOAD]) or (broker,), broker)


def _halves(core: int) -> set[int]:
    """The numbers of all that one core is known by, where it runs two threads at a time."""
    try:
        told = Path(f"/sys/devices/system/cpu/cpu{core}/topology/thread_siblings_list").read_text("ascii")
        ends = [[int(number) for number in part.split("-")] for part in told.split(",")]
    except (OSError, ValueError):
        return {core}
    return {number for each in ends for number in range(each[0], each[-1] + 1)}


@contextmanager
def on(core: int) -> Iterator[None]:
    """Processes started in the block run there, with all of their threads."""
    before = os.sched_getaffinity(0)
    os.sched_setaffinity(0, {core})
    try:
        yield
    finally:
        os.sched_setaffinity(0, before)


def keep_apart(*pids: int) -> bool:
    """The last core for these, the others for us and whom we start from now on. False if there is one core only."""
    there = sorted(os.sched_getaffinity(0))
    if len(there) < 2:
        return False
    os.sched_setaffinity(0, there[:-1])
    for pid in pids:
        os.sched_setaffinity(pid, there[-1:])
    return True
