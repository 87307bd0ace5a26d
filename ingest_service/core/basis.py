"""The basis of the day: a point a minute for each futures contract."""

from operator import itemgetter

from ingest_service.core.rounding import Price, percent, rounded
from ingest_service.core.rows import BasisMinutesRow, BasisRow


def basis_of(last: Price, underlying_value: float) -> float:
    """What a future is above its index, in points."""
    return rounded(last - underlying_value, 2)


def basis_with(held: BasisRow | None, start_ms: int, last: Price, underlying_value: float) -> BasisRow:
    """
    The point at the place of the minute that begins so, with the prices as they are now.

    What is held there is the point of this minute, or one of two minutes ago or more, which is complete.
    """
    basis = basis_of(last, underlying_value)
    anew = held is None or start_ms > held["start"]
    return {
        "start": start_ms if held is None or anew else held["start"],
        "last": last,
        "underlying_value": underlying_value,
        "basis": basis,
        "basis_pct": percent(basis, underlying_value),
        "high": basis if held is None or anew else max(held["high"], basis),
        "low": basis if held is None or anew else min(held["low"], basis),
    }


def basis_minutes_with(held: BasisMinutesRow | None, point: BasisRow) -> BasisMinutesRow:
    """The complete points of an hour, with one more."""
    points = held["points"] if held is not None else []
    return {"points": sorted([*points, point], key=itemgetter("start"))}
