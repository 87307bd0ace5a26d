"""One index's row, and the breadth of the market that it stands for."""

from collections.abc import Iterable
from typing import NamedTuple, TypeVar

from ingest_service.core.matches import Match
from ingest_service.core.rounding import percent, rounded
from ingest_service.core.rows import IndexRow, MarketRow
from ingest_service.core.ticks import IndexTick

_T = TypeVar("_T")

EMPTY: IndexRow = {
    "name": None,
    "exchange": None,
    "value": None,
    "reference": None,
    "change": None,
    "change_pct": None,
    "total_volume": None,
    "total_value": None,
    "put_through_volume": None,
    "put_through_value": None,
    "trades": None,
    "advances": None,
    "unchanged": None,
    "declines": None,
    "ceilings": None,
    "floors": None,
    "expected_value": None,
    "session": None,
    "time": None,
}


class Breadth(NamedTuple):
    """How many symbols of a market went which way."""

    advances: int
    unchanged: int
    declines: int
    ceilings: int  # of the advances
    floors: int  # of the declines
    untraded: int  # without a match today


def breadth(rows: Iterable[MarketRow]) -> Breadth:
    """Counted from the components' rows; one that was traded and has no reference counts nowhere."""
    advances = unchanged = declines = ceilings = floors = untraded = 0
    for row in rows:
        last, change = row["last"], row["change"]
        if last is None:
            untraded += 1
        elif change is None:
            continue
        elif change > 0:
            advances += 1
            ceilings += last == row["ceiling"]
        elif change < 0:
            declines += 1
            floors += last == row["floor"]
        else:
            unchanged += 1
    return Breadth(advances, unchanged, declines, ceilings, floors, untraded)


def tells_breadth(tick: IndexTick) -> bool:
    """Whether the feed counts at all: for VN30 all its counts are 0."""
    return bool(tick.advances or tick.unchanged or tick.declines)


def index_row(held: IndexRow, tick: IndexTick, counted: Breadth | None) -> IndexRow:
    """The row after a tick. `counted` takes the place of the feed's counts."""
    row = held.copy()
    row["name"] = _told(tick.name, row["name"])
    row["exchange"] = _told(tick.exchange, row["exchange"])
    row["session"] = _told(tick.session, row["session"])
    row["time"] = _told(tick.time_ms, row["time"])
    row["value"] = tick.value or row["value"]  # 0 before the first calculation of the day
    row["reference"] = tick.reference or row["reference"]
    row["expected_value"] = tick.expected or None
    row["total_volume"] = _told(tick.total_volume, row["total_volume"])
    row["total_value"] = _told(tick.total_value, row["total_value"])
    row["put_through_volume"] = _told(tick.put_through_volume, row["put_through_volume"])
    row["put_through_value"] = _told(tick.put_through_value, row["put_through_value"])
    row["trades"] = _told(tick.trades, row["trades"])
    counts = counted or tick
    row["advances"] = _told(counts.advances, row["advances"])
    row["unchanged"] = _told(counts.unchanged, row["unchanged"])
    row["declines"] = _told(counts.declines, row["declines"])
    row["ceilings"] = _told(counts.ceilings, row["ceilings"])
    row["floors"] = _told(counts.floors, row["floors"])
    value, reference = row["value"], row["reference"]
    if value is None or reference is None:
        row["change"] = row["change_pct"] = None
    else:
        change = rounded(value - reference, 2)
        row["change"], row["change_pct"] = change, percent(change, reference)
    return row


def movement(held: IndexRow, tick: IndexTick, row: IndexRow, *, watched: bool) -> tuple[Match, int]:
    """
    What the index's bar takes of a tick that made `row` of `held`: its value, and the rises of the day's totals.

    The second is the rise of the number of matches. What was traded before anybody `watched` is of no minute.
    """

    def rise(before: int | None, now: int | None) -> int:
        return max((now or 0) - before, 0) if watched and before is not None else 0

    volume, value = rise(held["total_volume"], row["total_volume"]), rise(held["total_value"], row["total_value"])
    match = Match(tick.time_ms, tick.value or None, volume, value, "neutral", tick.session)
    return match, rise(held["trades"], row["trades"])


def _told(value: _T | None, held: _T | None) -> _T | None:
    return held if value is None else value
