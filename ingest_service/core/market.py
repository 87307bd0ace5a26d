"""
One instrument's row: prices, book, and who traded how much.

A trade is a rise of the day's total volume, whatever messages tell of it: the full message repeats the last trade with
each change of the book, and the same trade comes by two channels when both are subscribed. A rise is put down to a side
by the feed's own word, or else by the book as it stood before the message.

Rows are values: each tick makes a new one, and none is changed afterwards. The book is kept beside its row, which has
none until it leaves.
"""

from typing import Literal, NamedTuple, TypeAlias

from ingest_service.core.bars import minute_of
from ingest_service.core.book import Book
from ingest_service.core.matches import Match
from ingest_service.core.rounding import difference, percent
from ingest_service.core.rows import MarketRow, Side, SideVolumes
from ingest_service.core.ticks import Prices, SecurityTick, StatusTick, Trade

_Total: TypeAlias = Literal[
    "active_buy_trades", "active_buy_volume", "active_buy_value",
    "active_sell_trades", "active_sell_volume", "active_sell_value",
    "neutral_trades", "neutral_volume", "neutral_value",
    "ato_trades", "ato_value", "continuous_trades", "continuous_value",
    "atc_trades", "atc_value", "other_trades", "other_value",
]  # fmt: skip
_PhaseVolumes: TypeAlias = Literal["ato_volumes", "continuous_volumes", "atc_volumes", "other_volumes"]


class _OfSide(NamedTuple):
    """Where a side's totals stand in a row."""

    trades: _Total
    volume: _Total
    value: _Total


class _OfPhase(NamedTuple):
    """Where a phase's totals stand in a row."""

    trades: _Total
    volumes: _PhaseVolumes
    value: _Total


_OF_SIDES: dict[Side, _OfSide] = {
    "active_buy": _OfSide("active_buy_trades", "active_buy_volume", "active_buy_value"),
    "active_sell": _OfSide("active_sell_trades", "active_sell_volume", "active_sell_value"),
    "neutral": _OfSide("neutral_trades", "neutral_volume", "neutral_value"),
}
_OF_PHASES: dict[str | None, _OfPhase] = {
    "ATO": _OfPhase("ato_trades", "ato_volumes", "ato_value"),
    "LO": _OfPhase("continuous_trades", "continuous_volumes", "continuous_value"),
    "ATC": _OfPhase("atc_trades", "atc_volumes", "atc_value"),
}
_OF_OTHERS = _OfPhase("other_trades", "other_volumes", "other_value")
#: Sessions in which nobody expects a price. Codes that are not known may be auctions.
_NO_AUCTIONS = frozenset({"LO", "BREAK", "PT", "PLO", "C", "H"})
#: Sessions in which nobody takes the initiative: auctions, and what two have agreed upon.
_WITHOUT_SIDES = frozenset({"ATO", "ATC", "PT"})
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
    "active_buy_value": 0,
    "active_sell_value": 0,
    "neutral_value": 0,
    "unseen_value": 0,
    "ato_value": 0,
    "continuous_value": 0,
    "atc_value": 0,
    "other_value": 0,
    "trades": 0,
    "active_buy_trades": 0,
    "active_sell_trades": 0,
    "neutral_trades": 0,
    "ato_trades": 0,
    "continuous_trades": 0,
    "atc_trades": 0,
    "other_trades": 0,
    "minute_start": None,
    "minute_open": None,
    "minute_high": None,
    "minute_low": None,
}


def market_row(
    held: MarketRow, tick: SecurityTick | StatusTick, book: Book, *, watched: bool
) -> tuple[MarketRow, Match | None]:
    """
    The row after a tick, all but its book, and the match that the tick told, if it told one.

    `book` is the one that stood before. `watched` says that no trade of this symbol can have escaped us since the total
    that the row holds: otherwise a rise is unseen volume.
    """
    row, match = held.copy(), None
    row["exchange"] = tick.exchange or held["exchange"]
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
            match = _take_trade(row, tick.trade, book, watched=watched)
    if tick.time_ms is not None and held["time"] is not None and tick.time_ms < held["time"]:
        # An older message, such as the last trade told after the present book, is of an older session.
        row["session"], row["status"], row["time"] = held["session"], held["status"], held["time"]
    if row["session"] in _NO_AUCTIONS:
        row["expected_price"] = None  # some instruments repeat the last price here
    if row["total_volume"] == 0:
        _forget_trades(row)
    if row["last"] != held["last"] or row["reference"] != held["reference"]:
        _take_change(row)
    return row, match


def _take_change(row: MarketRow) -> None:
    last, reference = row["last"], row["reference"]
    if last is None or reference is None:
        row["change"] = row["change_pct"] = None
    else:
        change = difference(last, reference)
        row["change"], row["change_pct"] = change, percent(change, reference)


def _take_prices(row: MarketRow, prices: Prices) -> None:
    reference, ceiling, floor, opening, high, low, average, expected = prices
    # 0 is no news, neither of a price that was told before nor of one that is not there yet.
    if reference:
        row["reference"] = reference
    if ceiling:
        row["ceiling"] = ceiling
    if floor:
        row["floor"] = floor
    if opening:
        row["open"] = opening
    if high:
        row["high"] = high
    if low:
        row["low"] = low
    if average:
        row["average"] = average
    if expected is not None:
        row["expected_price"] = expected or None


def with_book(row: MarketRow, book: Book) -> MarketRow:
    """A row as it leaves."""
    whole = row.copy()
    whole["bids"], whole["asks"] = book.sides
    return whole


def take_book(row: MarketRow) -> Book:
    """Take the book out of a row that had left, and is ours again."""
    book = Book(row["bids"], row["asks"])
    row["bids"] = row["asks"] = EMPTY["bids"]
    return book


def _take_trade(row: MarketRow, trade: Trade, book: Book, *, watched: bool) -> Match | None:
    """Count what a message tells of trades; the match that it was, if it was one, and we know whose."""
    if trade.last:
        row["last"] = trade.last
    if trade.last_volume is not None:
        row["last_volume"] = trade.last_volume
    volume_rise = value_rise = 0
    if trade.total_volume is not None:
        volume_rise, row["total_volume"] = trade.total_volume - (row["total_volume"] or 0), trade.total_volume
    if trade.total_value is not None:
        value_rise, row["total_value"] = trade.total_value - (row["total_value"] or 0), trade.total_value
    if volume_rise < 0:
        _start_anew(row)
        return None
    if value_rise < 0:
        _start_values_anew(row)
        value_rise = 0
    if volume_rise == 0 or not watched:
        row["unseen_volume"] += volume_rise
        row["unseen_value"] += value_rise
        return None
    if row["open"] is None and volume_rise == row["total_volume"]:
        row["open"] = row["last"]  # messages of trades alone do not tell it: it is the price of the first one
    match = Match(row["time"], row["last"], volume_rise, value_rise, _side(row, trade, book), row["session"])
    _count(row, match)
    return match


def _side(row: MarketRow, trade: Trade, book: Book) -> Side:
    if trade.side is not None:
        return "active_buy" if trade.side == "buy" else "active_sell"
    if row["session"] in _WITHOUT_SIDES or row["last"] is None:
        return "neutral"
    bid, ask = book.best
    if ask is not None and row["last"] >= ask:
        return "active_buy"
    if bid is not None and row["last"] <= bid:
        return "active_sell"
    return "neutral"


def _count(row: MarketRow, match: Match) -> None:
    side, phase = _OF_SIDES[match.side], _OF_PHASES.get(match.session, _OF_OTHERS)
    row["trades"] += 1
    row[side.trades] += 1
    row[side.volume] += match.volume
    row[side.value] += match.value
    volumes = row[phase.volumes].copy()
    volumes[match.side] += match.volume
    row[phase.trades] += 1
    row[phase.volumes] = volumes
    row[phase.value] += match.value
    _take_minute(row, match)


def _take_minute(row: MarketRow, match: Match) -> None:
    start, price = minute_of(match), match.price
    if start is None or price is None:
        return
    held = row["minute_start"]
    if held is None or start > held:
        row["minute_start"] = start
        row["minute_open"] = row["minute_high"] = row["minute_low"] = price
    elif start == held:  # one that is late is in the bar of the minute before
        row["minute_high"] = max(row["minute_high"] or price, price)
        row["minute_low"] = min(row["minute_low"] or price, price)


def _start_anew(row: MarketRow) -> None:
    """The total was corrected downwards: what was counted so far may not have happened, so it is nobody's now."""
    row["active_buy_volume"] = row["active_sell_volume"] = row["neutral_volume"] = 0
    row["ato_volumes"] = row["continuous_volumes"] = row["atc_volumes"] = row["other_volumes"] = _NOTHING
    row["unseen_volume"] = row["total_volume"] or 0
    _start_values_anew(row)


def _start_values_anew(row: MarketRow) -> None:
    row["active_buy_value"] = row["active_sell_value"] = row["neutral_value"] = 0
    row["ato_value"] = row["continuous_value"] = row["atc_value"] = row["other_value"] = 0
    row["unseen_value"] = row["total_value"] or 0


def _forget_trades(row: MarketRow) -> None:
    """Before the first trade: the feed writes zeros, NaN, or a price of yesterday."""
    row["minute_start"] = row["minute_open"] = row["minute_high"] = row["minute_low"] = None
    row["open"] = row["high"] = row["low"] = row["last"] = row["average"] = row["last_volume"] = None
