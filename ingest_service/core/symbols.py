"""
What an instrument is: from the exchange's lists, or, until they come, from its code.

Codes tell a lot: `41I1GC000` is a future, `CFPT2601` a covered warrant on FPT, `FUEVFVND` an ETF. Price steps are the
exchanges' rules, since the lists mostly leave them empty.
"""

from dataclasses import dataclass

from ingest_service.core.content import day_from
from ingest_service.core.derivatives import last_trading_day
from ingest_service.core.futures import future_of
from ingest_service.core.rows import InstrumentType, Level, SymbolRow
from ingest_service.core.sessions import Calendar
from ingest_service.core.ticks import EXCHANGES


@dataclass(frozen=True, slots=True)
class Listing:
    """One instrument of the exchange's lists, as told: texts, None or empty where unknown."""

    symbol: str
    market: str | None = None  # HOSE, HNX, UPCOM, DER, …
    name_vi: str | None = None
    name_en: str | None = None
    kind: str | None = None  # ST or S stock, CW warrant, FU future, EF ETF, BO bond, OF and MF funds
    lot_size: str | None = None
    underlying: str | None = None
    last_trading_date: str | None = None  # dd/MM/yyyy


_KINDS: dict[str, InstrumentType] = {
    "ST": "stock",
    "S": "stock",
    "CW": "warrant",
    "FU": "future",
    "EF": "etf",
    "BO": "bond",
    "OF": "fund",
    "MF": "fund",
}
# Price steps (from price, tick), by type and exchange; rules in force since May 2025. Points for index futures.
_HOSE_STOCK: list[Level] = [[0, 10], [10_000, 50], [50_000, 100]]
_TICKS: dict[tuple[InstrumentType, str | None], list[Level]] = {
    ("stock", "HOSE"): _HOSE_STOCK,
    ("fund", "HOSE"): _HOSE_STOCK,
    ("etf", "HOSE"): [[0, 10]],
    ("warrant", "HOSE"): [[0, 10]],
    ("stock", "HNX"): [[0, 100]],
    ("etf", "HNX"): [[0, 1]],
    ("stock", "UPCOM"): [[0, 100]],
}
_BOARD_LOT_EXCHANGES = ("HOSE", "HNX", "UPCOM")


def symbol_row(held: SymbolRow | None, listing: Listing, exchange: str | None, calendar: Calendar) -> SymbolRow:
    """The row of an instrument. What the listing leaves open is kept from the row held, or taken from the code."""
    future = future_of(listing.symbol)
    exchange = exchange or (held["exchange"] if held else None)
    kind: InstrumentType
    if future is not None:
        kind = "future"
    else:
        kind = _KINDS.get((listing.kind or "").upper()) or (held["type"] if held else type_of(listing.symbol, exchange))
    lot_size = int(listing.lot_size) if listing.lot_size and listing.lot_size.isdecimal() else None
    if not lot_size and held and held["type"] == kind:
        lot_size = held["lot_size"]
    underlying = future.underlying if future else listing.underlying or None
    expiry = last_trading_day(future, calendar) if future else None
    if expiry is None and kind in ("future", "warrant"):
        day = day_from(listing.last_trading_date or "")
        expiry = None if day is None else day.isoformat()
    if kind == "warrant" and underlying is None:
        underlying = held["underlying"] if held else listing.symbol[1:4]
    return {
        "name_vi": listing.name_vi or (held["name_vi"] if held else None),
        "name_en": listing.name_en or (held["name_en"] if held else None),
        "exchange": exchange,
        "type": kind,
        "lot_size": lot_size or _lot_size(kind, exchange),
        "ticks": ticks_of(listing.symbol, kind, exchange),
        "underlying": underlying,
        "expiry": expiry or (held["expiry"] if held else None),
    }


def exchange_of(listing: Listing) -> str | None:
    """Where it is listed, in the stream's words; None if the list says something unknown."""
    return EXCHANGES.get((listing.market or "").upper())


def type_of(symbol: str, exchange: str | None) -> InstrumentType:
    """The type that a code suggests."""
    if future_of(symbol) is not None:
        return "future"
    if exchange == "HNXBOND":
        return "bond"
    if len(symbol) == 3:
        return "stock"
    if len(symbol) == 8 and symbol.startswith("C") and symbol[4:].isdecimal():
        return "warrant"
    if len(symbol) == 8 and symbol.startswith(("E1", "FUE")):
        return "etf"
    return "other"


def _lot_size(kind: InstrumentType, exchange: str | None) -> int | None:
    if kind == "future":
        return 1
    return 100 if exchange in _BOARD_LOT_EXCHANGES and kind != "bond" else None


def ticks_of(symbol: str, kind: InstrumentType, exchange: str | None) -> list[Level]:
    """The price steps of an instrument, [from price, step]; empty if they are not known."""
    future = future_of(symbol)
    if future is not None:
        return [[0, 0.1]] if future.in_points else [[0, 1]]
    return _TICKS.get((kind, exchange), [])
