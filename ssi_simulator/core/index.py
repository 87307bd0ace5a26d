"""
Indices: capitalisation-weighted averages of their components, chained from day to day.

A value is the prior close times the components' worth now over their worth at the reference prices.
"""

from dataclasses import dataclass
from typing import Literal, NamedTuple, TypeAlias

from ssi_simulator.core.instrument import Instrument
from ssi_simulator.core.listing import Listing
from ssi_simulator.core.names import SECTORS, VN30_SECTORS
from ssi_simulator.core.timetable import ExchangeName, Session

IndexKind: TypeAlias = Literal["Main", "Industry", "Other"]


class IndexListing(NamedTuple):
    """An index and who is in it."""

    id: str
    name: str
    exchange: ExchangeName
    kind: IndexKind
    symbols: tuple[str, ...]
    base: float  # value before the first day


def index_listings(listings: list[Listing]) -> list[IndexListing]:
    """All indices of a market; one without components is left out."""

    def largest(exchange: ExchangeName) -> list[str]:
        shares = [listing for listing in listings if listing.kind == "stock" and listing.exchange == exchange]
        return [share.symbol for share in sorted(shares, key=lambda share: -share.reference * share.listed_shares)]

    hose, hnx, upcom = largest("HOSE"), largest("HNX"), largest("UPCOM")
    vn30 = [symbol for symbol in VN30_SECTORS if symbol in hose]
    others = [symbol for symbol in hose if symbol not in VN30_SECTORS]
    sector_of = {listing.symbol: listing.sector for listing in listings}
    indices: list[tuple[str, ExchangeName, IndexKind, list[str], float]] = [
        ("VNINDEX", "HOSE", "Main", hose, 1795.10),
        ("VN30", "HOSE", "Main", vn30, 1890.40),
        ("HNXIndex", "HNX", "Main", hnx, 268.35),
        ("HNX30", "HNX", "Main", hnx[:30], 561.20),
        ("HNXUpcomIndex", "UPCOM", "Main", upcom, 118.60),
        ("VN100", "HOSE", "Other", vn30 + others[:70], 1702.80),
        ("VNMID", "HOSE", "Other", others[:70], 2240.15),
        ("VNSML", "HOSE", "Other", others[70:], 1544.70),
        ("VNALL", "HOSE", "Other", vn30 + others, 1698.90),
        *(
            (
                sector,
                "HOSE",
                "Industry",
                [symbol for symbol in hose if sector_of[symbol] == sector],
                1200.0 + 85 * place,
            )
            for place, sector in enumerate(SECTORS)
        ),
    ]
    return [
        IndexListing(id_, id_, exchange, kind, tuple(symbols), base)
        for id_, exchange, kind, symbols, base in indices
        if symbols
    ]


class Breadth(NamedTuple):
    """How many components that have traded stand where."""

    advances: int = 0
    no_changes: int = 0
    declines: int = 0
    ceilings: int = 0  # of the advances
    floors: int = 0  # of the declines


@dataclass(frozen=True, slots=True)
class Figures:
    """An index at one moment."""

    value: float  # points, two decimals
    expected: float  # with the expected prices of an auction in place of the last ones
    total_vol: int
    total_vnd: int
    breadth: Breadth


class Index:
    """One index on one trading day."""

    def __init__(self, listing: IndexListing, components: list[Instrument], prior: float) -> None:
        self.id = listing.id
        self.exchange = listing.exchange
        self.kind = listing.kind
        self.prior = prior  # close of the day before
        self.put_through_vol = self.put_through_vnd = 0
        self._components = components
        self._worth_at_reference = sum(one.listing.listed_shares * one.reference for one in components)
        self.figures = self._figures()

    @property
    def session(self) -> Session:
        """That of its exchange."""
        return self._components[0].session

    def refresh(self) -> bool:
        """Look at the components again; whether anything is different."""
        figures, self.figures = self.figures, self._figures()
        return figures != self.figures

    def _figures(self) -> Figures:
        worth = worth_expected = total_vol = total_vnd = 0
        advances = no_changes = declines = ceilings = floors = 0
        for one in self._components:
            last, shares = one.last, one.listing.listed_shares
            price = last or one.reference
            worth += price * shares
            worth_expected += (price if one.expected is None else one.ladder.units[one.expected]) * shares
            if not last:
                continue
            total_vol += one.total_vol
            total_vnd += one.total_vnd
            if last > one.reference:
                advances += 1
                ceilings += last == one.ceiling
            elif last < one.reference:
                declines += 1
                floors += last == one.floor
            else:
                no_changes += 1
        breadth = Breadth(advances, no_changes, declines, ceilings, floors)
        return Figures(
            value=round(self.prior * worth / self._worth_at_reference, 2),
            expected=round(self.prior * worth_expected / self._worth_at_reference, 2),
            total_vol=total_vol,
            total_vnd=total_vnd,
            # The live feed counts nothing for VN30.
            breadth=Breadth() if self.id == "VN30" else breadth,
        )
