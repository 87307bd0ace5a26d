"""
Numbers as they are published: rounded once, here, before anything is compared.

The feed's floats carry noise (`-6.099999999999909`), and a difference of two clean floats is noisy again.
"""

from typing import TypeAlias

#: Stocks, warrants, funds, bonds: VND, an int. Index futures: points, a float with one decimal.
Price: TypeAlias = int | float

#: JSON readers in browsers hold integers exactly up to here.
MAX_NUMBER = 2**53


#: A float to the next whole number: half as long as `round`, which looks this up.
whole = float.__round__


def rounded(value: float, decimals: int) -> float:
    """A float with so many decimals; never -0.0, which would be printed with its sign."""
    return round(value, decimals) + 0.0


def difference(price: Price, other: Price) -> Price:
    """How far a price is above another: VND exactly, points with one decimal."""
    if isinstance(price, int) and isinstance(other, int):
        return price - other
    return rounded(price - other, 1)


def percent(part: Price, of: Price) -> float | None:
    """A part of something in per cent, two decimals; None if it is too large to be printed without an exponent."""
    value = rounded(100 * part / of, 2)
    return value if abs(value) < MAX_NUMBER else None
