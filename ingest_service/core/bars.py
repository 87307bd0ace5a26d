"""One-minute bars: made of matches, by the exchange's time."""

from ingest_service.core.matches import Match
from ingest_service.core.rows import BarRow, MinutesRow
from ingest_service.core.sessions import UTC_OFFSET_MS

MINUTE_MS = 60_000
_HOUR_MS = 3_600_000


def bar_with(held: BarRow | None, match: Match) -> BarRow | None:
    """
    The bar that a match belongs to, with it: the held one, or the one of the next minutes.

    Times of a feed overtake each other by a second: a match of the minute before counts in the held one, which is not
    over for those who have seen it. One without time or price is in no minute.
    """
    if match.time_ms is None or match.price is None:
        return held
    start_ms = match.time_ms // MINUTE_MS * MINUTE_MS
    price = match.price
    if held is None or start_ms > held["start"]:
        return {
            "start": start_ms,
            "open": price,
            "high": price,
            "low": price,
            "close": price,
            "volume": match.volume,
            "value": match.value,
            "trades": 1,
        }
    return {
        "start": held["start"],
        "open": held["open"],
        "high": max(held["high"], price),
        "low": min(held["low"], price),
        "close": price,
        "volume": held["volume"] + match.volume,
        "value": held["value"] + match.value,
        "trades": held["trades"] + 1,
    }


def bar_key(symbol: str, bar: BarRow) -> str:
    """Where a bar stands while it is the present one or the one before."""
    return f"{symbol}#{bar['start'] // MINUTE_MS % 2}"


def minutes_key(symbol: str, bar: BarRow) -> str:
    """Where a complete bar stands until the day ends: with those of the same hour in Vietnam."""
    return f"{symbol}#{(bar['start'] + UTC_OFFSET_MS) // _HOUR_MS % 24}"


def minutes_with(held: MinutesRow | None, bar: BarRow) -> MinutesRow:
    """The complete bars of an hour, with one more."""
    return {"bars": [*(held["bars"] if held is not None else ()), bar]}
