"""Who runs where: what is measured has a core for itself."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from typing import NamedTuple


class CannotMeasure(Exception):  # noqa: N818 (the name says what it is)
    """Something that is needed is not there, or did not work; the text says what, and what to do."""


class Cores(NamedTuple):
    """Numbers of cores."""

    server: int
    load: int  # the clients
    broker: int  # Redis and who feeds it; the same as `load` on a machine with two cores


def shared_out() -> Cores:
    """The last core for the server. Raises CannotMeasure."""
    if not hasattr(os, "sched_getaffinity"):
        raise CannotMeasure("Servers are measured on Linux only, where a process can be bound to a core.")
    there = sorted(os.sched_getaffinity(0))
    if len(there) < 2:
        raise CannotMeasure("There is one core only, and the clients must not take the server's time: use two.")
    return Cores(server=there[-1], load=there[0], broker=there[1] if len(there) > 2 else there[0])


@contextmanager
def on(core: int) -> Iterator[None]:
    """Processes started in the block run there, with all of their threads."""
    before = os.sched_getaffinity(0)
    os.sched_setaffinity(0, {core})
    try:
        yield
    finally:
        os.sched_setaffinity(0, before)
