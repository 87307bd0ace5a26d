"""
What foreigners buy and sell: a row a symbol, and the sums.

Speeds look back five minutes of the feed's own time, in steps of ten seconds, and fall back to zero when nothing more
comes. The steps are kept in rows of their own, so that another process can go on with them.
"""

from bisect import bisect_left, insort
from collections import deque
from collections.abc import Iterable, Mapping

from ingest_service.core.rounding import MAX_NUMBER
from ingest_service.core.rows import ForeignRow, ForeignTotalRow, NetFlow, WindowRow
from ingest_service.core.ticks import ForeignTick

WINDOW_MIN = 5
STEP_MS = 10_000
_WINDOW_STEPS = WINDOW_MIN * 60_000 // STEP_MS
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
    "time": None,
}


class Window:
    """One symbol's bought and sold totals as they stood at the end of each step of the last five minutes."""

    __slots__ = ("_steps",)

    def __init__(self, steps: Iterable[Iterable[int]] = ()) -> None:
        # (step, bought, sold), oldest first. The first one stands at the far end of the window or before it.
        self._steps: deque[tuple[int, int, int]] = deque()
        for step, bought, sold in steps:
            self._steps.append((step, bought, sold))

    @property
    def row(self) -> WindowRow:
        """The window as it is kept."""
        return {"steps": [list(step) for step in self._steps]}

    @property
    def newest_step(self) -> int:
        """When it changes, the row is worth keeping anew: within a step the symbol's own row has the totals."""
        return self._steps[-1][0] if self._steps else 0

    def add(self, time_ms: int, bought: int, sold: int) -> None:
        """The totals at a time. Times out of order count as the newest."""
        step = time_ms // STEP_MS
        if self._steps and self._steps[-1][0] >= step:
            step = self._steps.pop()[0]
        self._steps.append((step, bought, sold))

    def speeds_per_min(self, time_ms: int) -> tuple[int, int]:
        """Shares a minute (bought, sold) over the five minutes before a time."""
        if not self._steps:
            return 0, 0
        far_end = time_ms // STEP_MS - _WINDOW_STEPS
        while len(self._steps) > 1 and self._steps[1][0] <= far_end:
            self._steps.popleft()
        (_, first_bought, first_sold), (_, bought, sold) = self._steps[0], self._steps[-1]
        if self._steps[-1][0] <= far_end:
            return 0, 0
        # Totals may be corrected downwards; a speed is not negative.
        return _per_min(bought - first_bought), _per_min(sold - first_sold)


def _per_min(volume: int) -> int:
    return max(0, round(volume / WINDOW_MIN))


def foreign_row(held: ForeignRow, tick: ForeignTick, window: Window) -> ForeignRow:
    """The row after a tick, which is added to the symbol's window."""
    row = held.copy()
    if tick.time_ms is not None:
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
    if row["time"] is not None and row["net_volume"] is not None:
        window.add(row["time"], row["buy_volume"] or 0, row["sell_volume"] or 0)
        row["buy_speed_per_min"], row["sell_speed_per_min"] = window.speeds_per_min(row["time"])
    return row


def _net(bought: int | None, sold: int | None) -> int | None:
    return None if bought is None or sold is None else bought - sold


def slowed(
    rows: Mapping[str, ForeignRow], windows: Mapping[str, Window], time_ms: int
) -> Iterable[tuple[str, ForeignRow]]:
    """The rows whose speed is not zero, with their speeds at a time."""
    for symbol, row in rows.items():
        if row["buy_speed_per_min"] or row["sell_speed_per_min"]:
            window = windows.get(symbol)
            bought, sold = (0, 0) if window is None else window.speeds_per_min(time_ms)
            yield symbol, {**row, "buy_speed_per_min": bought, "sell_speed_per_min": sold}


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
