"""Numbers and times as Vietnamese price boards write them: docs/terminal.md names the units."""

from datetime import UTC, datetime, timedelta, timezone

VIETNAM = timezone(timedelta(hours=7))  # all year


def price(value: object, *, in_points: bool = False) -> str:
    """Of a share in thousands of VND with two decimals; of a future in points with one."""
    number = _number(value)
    if number is None:
        return ""
    return f"{number:,.1f}" if in_points else f"{number / 1000:,.2f}"


def signed_price(value: object, *, in_points: bool = False) -> str:
    """A change."""
    number = _number(value)
    if number is None:
        return ""
    return f"{number:+,.1f}" if in_points else f"{number / 1000:+,.2f}"


def points(value: object, *, sign: bool = False) -> str:
    """Of an index, and per cents."""
    number = _number(value)
    if number is None:
        return ""
    return f"{number:+,.2f}" if sign else f"{number:,.2f}"


def volume(value: object) -> str:
    """Whole, in threes."""
    number = _number(value)
    return "" if number is None else f"{number:,.0f}"


def billions(value: object) -> str:
    """VND in tỷ."""
    number = _number(value)
    return "" if number is None else f"{number / 1e9:,.0f}"


def clock(unix_ms: float) -> str:
    """The time of day in Vietnam."""
    return datetime.fromtimestamp(unix_ms / 1000, UTC).astimezone(VIETNAM).strftime("%H:%M:%S")


def _number(value: object) -> float | None:
    return value if isinstance(value, int | float) and not isinstance(value, bool) else None
