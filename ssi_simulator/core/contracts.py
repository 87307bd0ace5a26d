"""
Futures contracts on the VN30 index: which are listed on a day, and what they are called.

Four are listed at a time: the two nearest months and the two nearest quarter-end months after them. A contract's last
day is the third Thursday of its month (holidays are not known here). Since May 2025 codes have nine characters.
"""

from collections.abc import Iterator
from datetime import date, timedelta
from typing import NamedTuple

# Digits stand for 2010 to 2019, then letters without I, O and U.
_FIRST_YEAR = 2010
_YEARS = "0123456789ABCDEFGHJKLMNPQRSTVW"
_MONTHS = "123456789ABC"
_VN30 = "I1"


class Contract(NamedTuple):
    """One futures contract."""

    symbol: str  # "41I1GC000"
    display: str  # "VN30F2612", the name in use before May 2025 and among traders still
    last_day: date


def third_thursday(year: int, month: int) -> date:
    """The last trading day of the contract of that month."""
    first = date(year, month, 1)
    return first + timedelta(days=(3 - first.weekday()) % 7 + 14)


def contract(year: int, month: int) -> Contract:
    """The VN30 contract of a month; ValueError for a year that the code has no character for."""
    if not _FIRST_YEAR <= year < _FIRST_YEAR + len(_YEARS):
        raise ValueError(
            f"no futures code for {year}: codes reach from {_FIRST_YEAR} to {_FIRST_YEAR + len(_YEARS) - 1}"
        )
    symbol = f"41{_VN30}{_YEARS[year - _FIRST_YEAR]}{_MONTHS[month - 1]}000"
    return Contract(symbol, f"VN30F{year % 100:02}{month:02}", third_thursday(year, month))


def listed(day: date) -> list[Contract]:
    """The four contracts that trade on a day, nearest first."""
    months = _months_from(day)
    nearest = [next(months), next(months)]
    quarters = (month for month in months if month[1] % 3 == 0)
    return [contract(*month) for month in (*nearest, next(quarters), next(quarters))]


def _months_from(day: date) -> Iterator[tuple[int, int]]:
    """Year and month of each contract that has not expired before the day."""
    year, month = day.year, day.month
    if day > third_thursday(year, month):
        year, month = _following(year, month)
    while True:
        yield year, month
        year, month = _following(year, month)


def _following(year: int, month: int) -> tuple[int, int]:
    return (year, month + 1) if month < 12 else (year + 1, 1)
