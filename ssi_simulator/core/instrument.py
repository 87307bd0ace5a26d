"""
An instrument's day: its price ladder, its book, and what has been traded.

Prices are whole units (`listing.py`), so all sums are exact. The feed's numbers are made of them in `messages.py`.
"""

from typing import Literal, TypeAlias

from ssi_simulator.core.book import LEVELS, Book
from ssi_simulator.core.listing import Listing
from ssi_simulator.core.prices import Ladder, rounded
from ssi_simulator.core.timetable import Session

Side: TypeAlias = Literal["BU", "SD"] | None  # who was the aggressor; None in auctions and after the close


class Instrument:
    """One listing on one trading day."""

    __slots__ = (
        "book",
        "ceiling",
        "drift",
        "expected",
        "floor",
        "foreign_bought",
        "foreign_bought_vnd",
        "foreign_room",
        "foreign_sold",
        "foreign_sold_vnd",
        "high",
        "ladder",
        "last",
        "last_vol",
        "listing",
        "low",
        "odd",
        "open",
        "reference",
        "rung",
        "scale",
        "session",
        "side",
        "total_vnd",
        "total_vol",
        "trades",
        "typical_shares",
    )

    def __init__(
        self, listing: Listing, reference: int, limits: tuple[int, int], *, foreign_room: int, drift: float
    ) -> None:
        self.listing = listing
        self.reference = reference
        self.floor, self.ceiling = limits
        self.ladder = Ladder(listing.exchange, listing.kind, reference, self.floor, self.ceiling)
        self.scale = 10 if listing.kind == "future" else 1  # price units in what the feed writes as 1.0
        self.book = Book(len(self.ladder.units), 3 if listing.exchange == "HOSE" else LEVELS)
        self.session: Session = "C"
        self.rung = self.ladder.reference  # where the price stands: last match, expected match or reference
        self.drift = drift  # where this one tends to, as a fraction of the reference
        self.expected: int | None = None  # rung at which an auction would match now
        # About 30 million VND a trade, a few contracts of a future.
        self.typical_shares = 2 if listing.kind == "future" else max(1, 300_000 // reference) * 100

        self.open = self.high = self.low = self.last = 0  # 0: no trade yet
        self.last_vol = self.total_vol = self.total_vnd = self.trades = 0
        self.side: Side = None
        self.foreign_room = foreign_room
        self.foreign_bought = self.foreign_sold = self.foreign_bought_vnd = self.foreign_sold_vnd = 0
        self.odd: OddLots | None = None  # until the first odd-lot trade

    def execute(self, rung: int, shares: int, side: Side) -> None:
        """A match at a rung. Resting orders are the caller's to remove."""
        price = self.ladder.units[rung]
        if not self.trades:
            self.open = self.high = self.low = price
        self.high = max(self.high, price)
        self.low = min(self.low, price)
        self.rung, self.last, self.last_vol, self.side = rung, price, shares, side
        self.trades += 1
        self.total_vol += shares
        self.total_vnd += price * shares * self.listing.unit_vnd

    def flow_abroad(self, shares: int, *, buying: bool) -> bool:
        """Count a part of the last match as foreign; False if the room is used up or nothing more is held abroad."""
        room = self.foreign_room - shares if buying else self.foreign_room + shares
        if not 0 <= room <= self.listing.foreign_limit_shares:
            return False
        self.foreign_room = room
        if buying:
            self.foreign_bought += shares
            self.foreign_bought_vnd += shares * self.last
        else:
            self.foreign_sold += shares
            self.foreign_sold_vnd += shares * self.last
        return True

    def execute_odd(self, shares: int) -> None:
        """A match of fewer shares than a lot, at the last price: on its own board, in none of the totals above."""
        if self.odd is None:
            self.odd = OddLots(self.last)
        self.odd.execute(self.last, shares)

    def next_reference(self) -> int:
        """The reference of the next day: the close, on UPCOM the day's average, or this day's without a trade."""
        if not self.trades:
            return self.reference
        if self.listing.exchange == "UPCOM":
            return rounded("UPCOM", self.listing.kind, self.total_vnd / self.total_vol)
        return self.last


class OddLots:
    """What an instrument's odd-lot board has seen today."""

    __slots__ = ("high", "last", "last_vol", "low", "open", "total_vnd", "total_vol")

    def __init__(self, price: int) -> None:
        self.open = self.high = self.low = self.last = price
        self.last_vol = self.total_vol = self.total_vnd = 0

    def execute(self, price: int, shares: int) -> None:
        """A match on the odd-lot board."""
        self.high = max(self.high, price)
        self.low = min(self.low, price)
        self.last, self.last_vol = price, shares
        self.total_vol += shares
        self.total_vnd += price * shares
