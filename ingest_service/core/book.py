"""The book of one message: who wants to buy and sell how much, at which prices."""

from collections.abc import Sequence

from ingest_service.core.rounding import Price, whole
from ingest_service.core.rows import Level


class Book:
    """
    Price levels of both sides, best first, without empty ones.

    The levels are made when somebody asks.
    """

    __slots__ = ("_asks", "_bids", "_columns", "_decimals")

    def __init__(
        self,
        bids: Sequence[Level] = (),
        asks: Sequence[Level] = (),
        *,
        columns: tuple[float, ...] = (),
        decimals: int = 0,
    ) -> None:
        """
        Of levels; or of columns: ten bid prices, their volumes, ten ask prices, their volumes.

        Columns are as they were told, and 0 where there is nothing. `decimals`: those that their prices are to have.
        """
        self._bids = bids
        self._asks = asks
        self._columns = columns
        self._decimals = decimals

    @property
    def sides(self) -> tuple[list[Level], list[Level]]:
        """Bids and asks."""
        columns = self._columns
        if not columns:
            return list(self._bids), list(self._asks)
        decimals = self._decimals
        return _levels(columns[0:10], columns[10:20], decimals), _levels(columns[20:30], columns[30:40], decimals)

    @property
    def best(self) -> tuple[Price | None, Price | None]:
        """The best prices, bid and ask; None for a side that is empty, or led by orders at whatever price."""
        columns = self._columns
        if columns and columns[10] >= 1 and columns[30] >= 1:
            return _price(columns[0], self._decimals), _price(columns[20], self._decimals)
        bids, asks = self.sides
        return best_price(bids), best_price(asks)

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Book):
            return NotImplemented
        if self._columns and other._columns:  # as nearly always
            return self._columns == other._columns and self._decimals == other._decimals
        return self.sides == other.sides

    def __hash__(self) -> int:
        raise TypeError("it holds lists")

    def __repr__(self) -> str:
        bids, asks = self.sides
        return f"Book(bids={bids}, asks={asks})"


#: That of an instrument of which nothing was told.
EMPTY_BOOK = Book()


def best_price(levels: list[Level]) -> Price | None:
    """The best price of one side of a book; None if it is empty or led by orders at whatever price."""
    return levels[0][0] if levels else None


def _levels(prices: Sequence[float], volumes: Sequence[float], decimals: int) -> list[Level]:
    rounded = [round(price, decimals) for price in prices] if decimals else map(whole, prices)
    return [[price or None, volume] for price, volume in zip(rounded, map(whole, volumes), strict=True) if volume]


def _price(told: float, decimals: int) -> Price | None:
    return (round(told, decimals) if decimals else whole(told)) or None
