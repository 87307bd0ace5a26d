"""Who can be measured, by name."""

from collections.abc import Callable, Iterable
from pathlib import Path

from bench.contestant import Contestant, Unavailable
from bench.peers.centrifugo import centrifugo
from bench.peers.nchan import nchan
from bench.peers.node import socketio, ws
from bench.peers.python import broadcast, floor, picows, queue
from bench.publisher import banggia

ALL: dict[str, Callable[[], Contestant]] = {
    each.__name__: each for each in (floor, banggia, queue, broadcast, picows, ws, socketio, nchan, centrifugo)
}


def prepared(names: Iterable[str], publisher_roots: Iterable[Path]) -> tuple[list[Contestant], dict[str, str]]:
    """Those that can be measured here, installed, and why the others cannot."""
    there: list[Contestant] = []
    missing: dict[str, str] = {}
    for name in names:
        try:
            there.append(ALL[name]())
        except Unavailable as reason:
            missing[name] = str(reason)
    there += [banggia(root.resolve()) for root in publisher_roots]
    return there, missing
