"""
One instrument's row: prices, book, and who traded how much.

A trade is a rise of the day's total volume, whatever messages tell of it: the full message repeats the last trade with
each change of the book, and the same trade comes by two channels when both are subscribed. A rise is put down to a side
by the feed's own word, or else by the book as it stood before the message.

Rows are values: each tick makes a new one, and none is changed afterwards.
"""

from typing import Literal, TypeAlias

from ingest_service.core.rounding import Price, difference, percent
from ingest_service.core.rows import Level, MarketRow, SideVolumes
from ingest_service.core.ticks import Prices, SecurityTick, StatusTick, Trade

_Side: TypeAlias = Literal["active_buy", "active_sell", "neutral"]
_SideTotal: TypeAlias = Literal["active_buy_volume", "active_sell_volume", "neutral_volume"]
_PhaseVolumes: TypeAlias = Literal["ato_volumes", "continuous_volumes", "atc_volumes", "other_volumes"]

_SIDE_TOTALS: dict[_Side, _SideTotal] = {
    "active_buy": "active_buy_volume",
    "active_sell": "active_sell_volume",
    "neutral": "neutral_volume",
}
_PHASE_VOLUMES: dict[str | None, _PhaseVolumes] = {
    "ATO": "ato_volumes",
    "LO": "continuous_volumes",
    "ATC": "atc_volumes",
}
_NOTHING: SideVolumes = {"active_buy": 0, "active_sell": 0, "neutral": 0}

EMPTY: MarketRow = {
    "exchange": None,
    "reference": None,
    "ceiling": None,
    "floor": None,
    "open": None,
    "high": None,
    "low": None,
    "last": None,
    "last_volume": None,
    "change": None,
    "change_pct": None,
    "average": None,
    "total_volume": None,
    "total_value": None,
    "bids": [],
    "asks": [],
    "expected_price": None,
    "session": None,
    "status": None,
    "time": None,
    "active_buy_volume": 0,
    "active_sell_volume": 0,
    "neutral_volume": 0,
    "unseen_volume": 0,
    "ato_volumes": _NOTHING,
    "continuous_volumes": _NOTHING,
    "atc_volumes": _NOTHING,
    "other_volumes": _NOTHING,
}


def market_row(held: MarketRow, tick: SecurityTick | StatusTick, *, watched: bool) -> MarketRow:
    """
    The row after a tick.

    `watched` says that no trade of this symbol can have escaped us since the total that the row holds: otherwise a rise
    is unseen volume.
    """
    row = held.copy()
    if tick.exchange is not None:
        row["exchange"] = tick.exchange
    if tick.session is not None:
        row["session"] = tick.session
    if tick.status is not None:
        row["status"] = tick.status
    if tick.time_ms is not None:
        row["time"] = tick.time_ms
    if isinstance(tick, SecurityTick):
        if tick.prices is not None:
            _take_prices(row, tick.prices)
        if tick.trade is not None:
            _take_trade(row, tick.trade, watched=watched)
        if tick.book is not None:  # after the trade, whose side shows in the book that stood before
            row["bids"], row["asks"] = tick.book
    if row["session"] == "LO":
        row["expected_price"] = None  # some instruments repeat the last price here
    if row["total_volume"] == 0:
        _forget_trades(row)
    if row["last"] != held["last"] or row["reference"] != held["reference"]:
        _take_change(row)
    return row


def _take_change(row: MarketRow) -> None:
    last, reference = row["last"], row["reference"]
    if last is None or reference is None:
        row["change"] = row["change_pct"] = None
    else:
        change = difference(last, reference)
        row["change"], row["change_pct"] = change, percent(change, reference)


def _take_prices(row: MarketRow, prices: Prices) -> None:
    reference, ceiling, floor, opening, high, low, average, expected = prices
    # The reference and the band exist before the first trade: 0 is no news of them.
    if reference:
        row["reference"] = reference
    if ceiling:
        row["ceiling"] = ceiling
    if floor:
        row["floor"] = floor
    if opening is not None:
        row["open"] = opening or None
    if high is not None:
        row["high"] = high or None
    if low is not None:
        row["low"] = low or None
    if average is not None:
        row["average"] = average or None
    if expected is not None:
        row["expected_price"] = expected or None


def _take_trade(row: MarketRow, trade: Trade, *, watched: bool) -> None:
    if trade.last is not None:
        row["last"] = trade.last or None
    if trade.last_volume is not None:
        row["last_volume"] = trade.last_volume
    if trade.total_value is not None:
        row["total_value"] = trade.total_value
    if trade.total_volume is None:
        return
    rise = trade.total_volume - (row["total_volume"] or 0)
    row["total_volume"] = trade.total_volume
    if rise < 0:
        _start_anew(row, trade.total_volume)
    elif rise > 0:
        if watched:
            _count(row, rise, _side(row, trade))
        else:
            row["unseen_volume"] += rise


def _side(row: MarketRow, trade: Trade) -> _Side:
    if trade.side is not None:
        return "active_buy" if trade.side == "buy" else "active_sell"
    if row["session"] in ("ATO", "ATC") or row["last"] is None:
        return "neutral"
    ask, bid = best_price(row["asks"]), best_price(row["bids"])
    if ask is not None and row["last"] >= ask:
        return "active_buy"
    if bid is not None and row["last"] <= bid:
        return "active_sell"
    return "neutral"


def best_price(levels: list[Level]) -> Price | None:
    """The best price of one side of a book; None if it is empty or led by orders at whatever price."""
    return levels[0][0] if levels else None


def _count(row: MarketRow, volume: int, side: _Side) -> None:
    row[_SIDE_TOTALS[side]] += volume
    phase = _PHASE_VOLUMES.get(row["session"], "other_volumes")
    volumes = row[phase].copy()
    volumes[side] += volume
    row[phase] = volumes


def _start_anew(row: MarketRow, total_volume: int) -> None:
    """The total was corrected downwards: what was counted so far may not have happened, so it is nobody's now."""
    row["active_buy_volume"] = row["active_sell_volume"] = row["neutral_volume"] = 0
    row["ato_volumes"] = row["continuous_volumes"] = row["atc_volumes"] = row["other_volumes"] = _NOTHING
    row["unseen_volume"] = total_volume


def _forget_trades(row: MarketRow) -> None:
    """Before the first trade: the feed writes zeros, NaN, or a price of yesterday."""
    row["open"] = row["high"] = row["low"] = row["last"] = row["average"] = row["last_volume"] = None
