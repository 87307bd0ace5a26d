"""
Futures codes: which symbol is a future, on what, and when it expires.

Two families are in use. Since May 2025 the exchanges give nine characters, `41I1GC000`: 4 derivative, 1 future, two for
the underlying, a letter for the year, a digit or letter for the month, three zeros. Before, and in people's mouths
still, `VN30F2612`: underlying, F, year and month.
"""

from dataclasses import dataclass
from datetime import date
from functools import lru_cache

_UNDERLYINGS = {"I1": "VN30", "I2": "VN100", "B5": "GB05", "BA": "GB10"}  # GB: government bonds of 5 and 10 years
_INDICES = frozenset({"VN30", "VN100"})
# 2010 to 2039; I, O and U are left out, as they look like digits or each other.
_YEARS = {letter: year for year, letter in enumerate("0123456789ABCDEFGHJKLMNPQRSTVW", start=2010)}
_MONTHS = {letter: month for month, letter in enumerate("123456789ABC", start=1)}
_THURSDAY = 3


@dataclass(frozen=True, slots=True)
class Future:
    """One contract. The name is the familiar one (`VN30F2612`), whichever code it trades under."""

    name: str
    underlying: str  # VN30, VN100 (indices); GB05, GB10 (bonds)
    year: int
    month: int

    @property
    def in_points(self) -> bool:
        """Prices are index points with one decimal; those of bond futures are VND."""
        return self.underlying in _INDICES

    @property
    def third_thursday(self) -> date | None:
        """Last trading day of an index future, if it is no holiday. Bond futures have another rule: None."""
        if not self.in_points:
            return None
        first = date(self.year, self.month, 1)
        return first.replace(day=1 + (_THURSDAY - first.weekday()) % 7 + 14)


@lru_cache(maxsize=8192)  # asked for each message; more symbols than are ever listed at once
def future_of(symbol: str) -> Future | None:
    """The contract that a symbol stands for; None if it is no future."""
    if len(symbol) == 9 and symbol.startswith("41") and symbol.endswith("000"):
        underlying, year, month = _UNDERLYINGS.get(symbol[2:4]), _YEARS.get(symbol[4]), _MONTHS.get(symbol[5])
    else:
        prefix, _, digits = symbol.partition("F")
        if prefix not in _UNDERLYINGS.values() or len(digits) != 4 or not digits.isascii() or not digits.isdecimal():
            return None
        underlying, year, month = prefix, 2000 + int(digits[:2]), int(digits[2:])
    if underlying is None or year is None or month is None or not 1 <= month <= 12:
        return None
    return Future(f"{underlying}F{year % 100:02}{month:02}", underlying, year, month)
