"""The odd-lot board of one instrument: what is offered and traded in less than a board lot."""

from ingest_service.core.rounding import difference, percent
from ingest_service.core.rows import OddLotRow
from ingest_service.core.ticks import OddLotTick

EMPTY: OddLotRow = {
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
    "total_volume": None,
    "total_value": None,
    "bids": [],
    "asks": [],
    "session": None,
    "status": None,
    "time": None,
}


def odd_lot_row(held: OddLotRow, tick: OddLotTick) -> OddLotRow:
    """The row after a tick. What the tick does not tell stays; a price of 0 is no news."""
    prices, trade, book = tick.prices, tick.trade, tick.book
    row = held.copy()
    row["exchange"] = tick.exchange or held["exchange"]
    row["session"] = tick.session or held["session"]
    row["status"] = tick.status or held["status"]
    row["reference"] = prices.reference or held["reference"]
    row["ceiling"] = prices.ceiling or held["ceiling"]
    row["floor"] = prices.floor or held["floor"]
    if tick.time_ms is not None:
        row["time"] = tick.time_ms
    row["open"] = prices.open or held["open"]
    row["high"] = prices.high or held["high"]
    row["low"] = prices.low or held["low"]
    row["last"] = trade.last or held["last"]
    if trade.last_volume is not None:
        row["last_volume"] = trade.last_volume if row["last"] is not None else None
    if trade.total_volume is not None:
        row["total_volume"] = trade.total_volume
    if trade.total_value is not None:
        row["total_value"] = trade.total_value
    if row["total_volume"] == 0:  # before the first match of any lot the feed may write a price of yesterday
        row["open"] = row["high"] = row["low"] = row["last"] = row["last_volume"] = None
    if book is not None:
        row["bids"], row["asks"] = book.sides
    last, reference = row["last"], row["reference"]
    change = None if last is None or reference is None else difference(last, reference)
    row["change"] = change
    row["change_pct"] = None if change is None or reference is None else percent(change, reference)
    return row
