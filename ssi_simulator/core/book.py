"""
The order book: how many shares rest at each rung of the day's price ladder.

One list holds both sides: what rests at or below `bid` are buy orders, at or above `ask` sell orders, and `bid` is
always below `ask`. An empty side is a best rung just off the ladder: -1, or the number of rungs.
"""

from typing import NamedTuple

LEVELS = 10  # that a message has room for; HOSE fills three of them


class WireBook(NamedTuple):
    """The book as messages carry it: ten levels, best first, 0.0 where there is none."""

    bid_prices: list[float]
    bid_vols: list[float]
    ask_prices: list[float]
    ask_vols: list[float]


class Book:
    """The resting orders of one instrument on one day."""

    __slots__ = ("ask", "bid", "depth", "volumes")

    def __init__(self, rungs: int, depth: int) -> None:
        self.volumes = [0] * rungs
        self.depth = depth  # levels shown
        self.bid = -1
        self.ask = rungs

    def put(self, rung: int, shares: int, *, buying: bool) -> None:
        """Let so many shares rest at a rung, in place of what rested there. The rung must not cross the other side."""
        self.volumes[rung] = shares
        if buying:
            self.bid = max(self.bid, rung)
        else:
            self.ask = min(self.ask, rung)

    def remove(self, rung: int, shares: int) -> None:
        """Take shares away from a rung: matched, or cancelled."""
        self.volumes[rung] = max(0, self.volumes[rung] - shares)
        if rung == self.bid:
            self.bid = self._next(rung, -1)
        elif rung == self.ask:
            self.ask = self._next(rung, 1)

    def split(self, rung: int) -> None:
        """
        Part the sides at an expected price: orders there are used up, buyers remain below and sellers above.

        At the end of the ladder there is no room beyond, so what rests there stays: buyers at the ceiling, sellers at
        the floor.
        """
        top = len(self.volumes) - 1
        if 0 < rung < top:
            self.volumes[rung] = 0
        self.bid = self._next(rung if rung == top else rung - 1, -1)
        self.ask = self._next(rung if rung == 0 else rung + 1, 1)

    def wire(self, prices: tuple[float, ...]) -> WireBook:
        """The levels shown, given the wire price of each rung."""
        bids = self._shown(range(self.bid, -1, -1))
        asks = self._shown(range(self.ask, len(self.volumes)))
        no_bids, no_asks = [0.0] * (LEVELS - len(bids)), [0.0] * (LEVELS - len(asks))
        volumes = self.volumes
        return WireBook(
            [prices[rung] for rung in bids] + no_bids,
            [float(volumes[rung]) for rung in bids] + no_bids,
            [prices[rung] for rung in asks] + no_asks,
            [float(volumes[rung]) for rung in asks] + no_asks,
        )

    def _shown(self, rungs: range) -> list[int]:
        shown = []
        for rung in rungs:
            if self.volumes[rung]:
                shown.append(rung)
                if len(shown) == self.depth:
                    break
        return shown

    def _next(self, rung: int, step: int) -> int:
        """The first rung with shares, from one on in a direction; just off the ladder if there is none."""
        rungs = len(self.volumes)
        while 0 <= rung < rungs and not self.volumes[rung]:
            rung += step
        return rung
