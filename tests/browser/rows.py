"""Rows of an invented market, as an ingest would publish them."""

from typing import Any, cast

from ingest_service.core import foreign, indices, market
from ingest_service.core.history import Changes
from ingest_service.core.sessions import midnight_ms
from shared.channels import Channel, Internal
from shared.table import Row
from tests.fakes.writer import DAY

REFERENCE, CEILING, FLOOR = 31200, 33350, 29050
NINE_MS = midnight_ms(DAY) + 9 * 3_600_000


def price_row(last: int | None, **fields: Any) -> Row:
    """An instrument at this price; not traded yet if it is None."""
    row: dict[str, Any] = {
        **market.EMPTY,
        "exchange": "HOSE",
        "reference": REFERENCE,
        "ceiling": CEILING,
        "floor": FLOOR,
        "session": "LO",
        "status": "N",
        "time": NINE_MS + 3_600_000,
    }
    if last is not None:
        change = last - REFERENCE
        row |= {"last": last, "last_volume": 1200, "change": change, "change_pct": round(100 * change / REFERENCE, 2)}
        row |= {"open": REFERENCE, "high": max(last, REFERENCE), "low": min(last, REFERENCE), "average": last}
        row |= {"total_volume": 1_234_500, "neutral_volume": 1_234_500, "total_value": 38_000_000_000, "trades": 90}
    return cast("Row", row | fields)


def index_row(value: float, reference: float) -> Row:
    """VNINDEX."""
    change = round(value - reference, 2)
    row: dict[str, Any] = {
        **indices.EMPTY,
        "name": "VNINDEX",
        "exchange": "HOSE",
        "value": value,
        "reference": reference,
        "change": change,
        "change_pct": round(100 * change / reference, 2),
        "total_volume": 512_000_000,
        "total_value": 12_345_000_000_000,
        "advances": 210,
        "unchanged": 60,
        "declines": 130,
        "ceilings": 9,
        "floors": 3,
        "session": "LO",
        "time": NINE_MS + 3_600_000,
    }
    return cast("Row", row)


def a_symbol(name_vi: str, name_en: str) -> Row:
    """What an instrument is."""
    return {
        "name_vi": name_vi,
        "name_en": name_en,
        "exchange": "HOSE",
        "type": "stock",
        "lot_size": 100,
        "ticks": [],
        "underlying": None,
        "expiry": None,
    }


#: One symbol for each colour, and what a rule by the sign of the change would get wrong.
COLOURS = {
    "AAA": (price_row(CEILING), "ceiling"),
    "BBB": (price_row(FLOOR), "floor"),
    "CCC": (price_row(REFERENCE), "reference"),
    "DDD": (price_row(31300, bids=[[REFERENCE, 500], [31150, 700]], asks=[[31300, 900], [CEILING, 100]]), "up"),
    "EEE": (price_row(31100, bids=[[FLOOR, 500]]), "down"),
    # A day without room: the reference is the ceiling.
    "FFF": (price_row(REFERENCE, ceiling=REFERENCE), "ceiling"),
    "GGG": (price_row(None), "none"),
}


def a_small_market() -> Changes:
    """These rows, in VN30 and HOSE; HNX30 has one of them. VNINDEX has a morning."""
    values: list[Any] = [a_minute(minute) for minute in range(60)]
    prices: list[Any] = [a_bar(minute) for minute in range(60)]
    return cast(
        "Changes",
        {
            Channel.MARKET: {symbol: row for symbol, (row, _) in COLOURS.items()},
            Channel.GROUPS: {
                "VN30": {"keys": list(COLOURS)},
                "HOSE": {"keys": list(COLOURS)},
                "HNX30": {"keys": ["CCC"]},
            },
            Channel.SYMBOLS: {symbol: a_symbol(f"Công ty {symbol}", f"{symbol} Company") for symbol in COLOURS},
            Channel.FOREIGN: {"DDD": {**foreign.EMPTY, "buy_volume": 5000, "buy_value": 156_000_000}},
            Channel.INDEX: {"VNINDEX": index_row(1802.44, 1800.0)},
            Channel.STATUS: {"HOSE": {"phase": "continuous", "changed_at": NINE_MS}},
            Internal.MINUTES: {"VNINDEX#9": {"bars": values}, "DDD#9": {"bars": prices}},
        },
    )


def a_minute(minute: int) -> Row:
    """Of VNINDEX: half an hour above its reference, then below it."""
    close = 1803.5 if minute < 30 else 1797.25
    return {
        "start": NINE_MS + minute * 60_000,
        "open": close, "high": close, "low": close, "close": close,
        "volume": 1000, "value": 31_000_000, "trades": 3,
    }  # fmt: skip


def a_bar(minute: int) -> Row:
    """Of a share, in the same way."""
    close = REFERENCE + (300 if minute < 30 else -300)
    return {
        "start": NINE_MS + minute * 60_000,
        "open": close, "high": close, "low": close, "close": close,
        "volume": 1000 + 100 * (minute % 7), "value": 31_000_000, "trades": 3,
    }  # fmt: skip
