"""
The trading day: which session each exchange is in at a given market time.

Times are seconds since midnight, Vietnam local time. Hours are those in force since May 2025.
"""

from bisect import bisect_right
from typing import Literal, TypeAlias

ExchangeName: TypeAlias = Literal["HOSE", "HNX", "UPCOM", "DERIVATIVES"]
Session: TypeAlias = Literal["C", "ATO", "LO", "BREAK", "ATC", "PLO", "PT"]

AUCTIONS: tuple[Session, ...] = ("ATO", "ATC")
BEFORE_OPENING_S = 8 * 3600.0  # when a new day's reference prices appear, long before the first auction


def _at(hour: int, minute: int) -> float:
    return hour * 3600.0 + minute * 60.0


_LUNCH: list[tuple[float, Session]] = [(_at(11, 30), "BREAK"), (_at(13, 0), "LO")]

# Start of each session. Before the first one, and from the last one on, the exchange is closed ("C").
_STARTS: dict[ExchangeName, list[tuple[float, Session]]] = {
    "HOSE": [
        (_at(9, 0), "ATO"),
        (_at(9, 15), "LO"),
        *_LUNCH,
        (_at(14, 30), "ATC"),
        (_at(14, 45), "PT"),
        (_at(15, 0), "C"),
    ],
    "HNX": [(_at(9, 0), "LO"), *_LUNCH, (_at(14, 30), "ATC"), (_at(14, 45), "PLO"), (_at(15, 0), "C")],
    "UPCOM": [(_at(9, 0), "LO"), *_LUNCH, (_at(15, 0), "C")],
    "DERIVATIVES": [
        (_at(8, 45), "ATO"),
        (_at(9, 0), "LO"),
        *_LUNCH,
        (_at(14, 30), "ATC"),
        (_at(14, 45), "PT"),
        (_at(15, 0), "C"),
    ],
}
EXCHANGES: tuple[ExchangeName, ...] = tuple(_STARTS)


def session_at(exchange: ExchangeName, now_s: float) -> Session:
    """The session of an exchange at a market time; a session begins at its first second."""
    starts = _STARTS[exchange]
    index = bisect_right(starts, now_s, key=lambda start: start[0])
    return starts[index - 1][1] if index else "C"


def changes_between(after_s: float, until_s: float) -> list[float]:
    """The times at which some exchange changes its session, after after_s and up to until_s, in order."""
    times = {start_s for starts in _STARTS.values() for start_s, _ in starts}
    return sorted(start_s for start_s in times if after_s < start_s <= until_s)
