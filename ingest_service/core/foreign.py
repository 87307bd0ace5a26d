"""
What foreigners buy and sell: a row a symbol, and the sums.

Speeds look back five minutes of the feed's own time, in steps of ten seconds, and fall back to zero when nothing more
comes.
"""

from bisect import bisect_left, insort
from collections.abc import Mapping

from ingest_service.core.rounding import MAX_NUMBER
from ingest_service.core.rows import ForeignRow, ForeignTotalRow, NetFlow, WindowRow
from ingest_service.core.ticks import ForeignTick
from ingest_service.core.window import Window, per_min

_TOP = 5

EMPTY: ForeignRow = {
    "buy_volume": None,
    "sell_volume": None,
    "net_volume": None,
    "buy_value": None,
    "sell_value": None,
    "net_value": None,
    "total_room": None,
    "current_room": None,
    "buy_speed_per_min": 0,
    "sell_speed_per_min": 0,
    "buy_acceleration": 0,
    "sell_acceleration": 0,
    "time": None,
}


def new_window(row: WindowRow | None = None) -> Window:
    """An empty one, or as it was kept."""
    return Window([], [], []) if row is None else Window(row["steps"], row["bought"], row["sold"])


def window_row(window: Window) -> WindowRow:
    """A window as it is kept."""
    bought, sold = window.columns
    return {"steps": window.steps, "bought": bought, "sold": sold}


def foreign_row(held: ForeignRow, tick: ForeignTick, window: Window) -> ForeignRow:
    """The row after a tick, which is added to the symbol's window."""
    row = held.copy()
    if tick.time_ms is not None and (held["time"] is None or tick.time_ms > held["time"]):
        row["time"] = tick.time_ms
    if tick.total_room is not None:
        row["total_room"] = tick.total_room
    if tick.current_room is not None:
        row["current_room"] = tick.current_room
    if tick.buy_volume is not None:
        row["buy_volume"] = tick.buy_volume
    if tick.sell_volume is not None:
        row["sell_volume"] = tick.sell_volume
    if tick.buy_value is not None:
        row["buy_value"] = tick.buy_value
    if tick.sell_value is not None:
        row["sell_value"] = tick.sell_value
    row["net_volume"] = _net(row["buy_volume"], row["sell_volume"])
    row["net_value"] = _net(row["buy_value"], row["sell_value"])
    # What each subscription tells anew, of hours ago perhaps, has no speed of its own: it may have fallen since.
    is_news = row["time"] != held["time"] or _totals(row) != _totals(held)
    if is_news and row["time"] is not None and row["net_volume"] is not None:
        # What was traded before we looked has no known moment.
        window.enter(row["time"], _totals(row if held["net_volume"] is None else held))
        _take_speeds(row, window, row["time"])
    return row


def slowed(row: ForeignRow, window: Window, time_ms: int) -> ForeignRow:
    """The row with its speeds at a time, when nothing more has come."""
    row = row.copy()
    _take_speeds(row, window, time_ms)
    return row


def moves(row: ForeignRow) -> bool:
    """Whether it is another one when time has passed."""
    return bool(
        row["buy_speed_per_min"] or row["sell_speed_per_min"] or row["buy_acceleration"] or row["sell_acceleration"]
    )


def _totals(row: ForeignRow) -> tuple[int, int]:
    return row["buy_volume"] or 0, row["sell_volume"] or 0


def _take_speeds(row: ForeignRow, window: Window, time_ms: int) -> None:
    recent, earlier = window.rises(time_ms, _totals(row))
    row["buy_speed_per_min"], row["sell_speed_per_min"] = buy_speed, sell_speed = per_min(recent[0]), per_min(recent[1])
    row["buy_acceleration"] = buy_speed - per_min(earlier[0])
    row["sell_acceleration"] = sell_speed - per_min(earlier[1])


def _net(bought: int | None, sold: int | None) -> int | None:
    return None if bought is None or sold is None else bought - sold


class Totals:
    """
    The sums over all symbols, and the order of their balances.

    Kept up with each row: to add up two thousand of them took longer than all the rest of a commit.
    """

    def __init__(self, rows: Mapping[str, ForeignRow] | None = None) -> None:
        self._buy_volume = self._sell_volume = self._buy_value = self._sell_value = 0
        self._time_ms: int | None = None
        self._flows: list[tuple[int, str, int]] = []  # balance, symbol, shares: the most sold first; none of 0
        for symbol, row in (rows or {}).items():
            self.take(symbol, EMPTY, row)

    def take(self, symbol: str, before: ForeignRow, after: ForeignRow) -> None:
        """A symbol's row has changed."""
        self._buy_volume += (after["buy_volume"] or 0) - (before["buy_volume"] or 0)
        self._sell_volume += (after["sell_volume"] or 0) - (before["sell_volume"] or 0)
        self._buy_value += (after["buy_value"] or 0) - (before["buy_value"] or 0)
        self._sell_value += (after["sell_value"] or 0) - (before["sell_value"] or 0)
        if after["time"] is not None and (self._time_ms is None or after["time"] > self._time_ms):
            self._time_ms = after["time"]
        old, new = _flow(symbol, before), _flow(symbol, after)
        if old != new:
            if old[0]:
                del self._flows[bisect_left(self._flows, old)]
            if new[0]:
                insort(self._flows, new)

    def row(self) -> ForeignTotalRow:
        """The sums, and the symbols most bought and sold on balance."""
        # Only garbage adds up to more; it must not reach readers as another number than was written.
        buy_volume, sell_volume, buy_value, sell_value = (
            min(total, MAX_NUMBER - 1)
            for total in (self._buy_volume, self._sell_volume, self._buy_value, self._sell_value)
        )
        return {
            "buy_volume": buy_volume,
            "sell_volume": sell_volume,
            "net_volume": buy_volume - sell_volume,
            "buy_value": buy_value,
            "sell_value": sell_value,
            "net_value": buy_value - sell_value,
            "top_buyers": [_line(flow) for flow in reversed(self._flows[-_TOP:]) if flow[0] > 0],
            "top_sellers": [_line(flow) for flow in self._flows[:_TOP] if flow[0] < 0],
            "time": self._time_ms,
        }


def _flow(symbol: str, row: ForeignRow) -> tuple[int, str, int]:
    return row["net_value"] or 0, symbol, row["net_volume"] or 0


def _line(flow: tuple[int, str, int]) -> NetFlow:
    net_value, symbol, net_volume = flow
    return {"symbol": symbol, "net_value": net_value, "net_volume": net_volume}
