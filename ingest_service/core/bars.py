"""One-minute bars: made of matches, by the exchange's time."""

from operator import itemgetter

from ingest_service.core.matches import Match
from ingest_service.core.rows import BarRow, BasisRow, MinutesRow
from ingest_service.core.sessions import UTC_OFFSET_MS

MINUTE_MS = 60_000
_HOUR_MS = 3_600_000


def minute_of(match: Match) -> int | None:
    """Begin of the minute of a match, Unix ms; None if the feed told no time."""
    return None if match.time_ms is None else match.time_ms // MINUTE_MS * MINUTE_MS


def bar_key(symbol: str, start_ms: int) -> str:
    """Where the bar of this minute stands while it is the present one or the one before."""
    return f"{symbol}#{start_ms // MINUTE_MS % 2}"


def bar_with(held: BarRow | None, match: Match) -> BarRow | None:
    """
    The bar at the place of a match's minute, with the match; the same if it is in no minute, for lack of time or price.

    What is held there is the bar of this minute, or one of two minutes ago or more, which is complete. Matches that
    come more than a minute late count in the bar that is held.
    """
    start_ms, price = minute_of(match), match.price
    if start_ms is None or price is None:
        return held
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
    bar = held.copy()
    if price > bar["high"]:
        bar["high"] = price
    elif price < bar["low"]:
        bar["low"] = price
    bar["close"] = price
    bar["volume"] += match.volume
    bar["value"] += match.value
    bar["trades"] += 1
    return bar


def minutes_key(symbol: str, bar: BarRow | BasisRow) -> str:
    """Where a complete bar stands until the day ends: with the others of its hour in Vietnam."""
    return f"{symbol}#{(bar['start'] + UTC_OFFSET_MS) // _HOUR_MS % 24}"


def minutes_with(held: MinutesRow | None, bar: BarRow) -> MinutesRow:
    """The complete bars of an hour, with one more."""
    bars = held["bars"] if held is not None else []
    return {"bars": sorted([*bars, bar], key=itemgetter("start"))}
