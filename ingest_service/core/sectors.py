"""
Sectors: what the shares of one line of business do together.

Who belongs to one is told by the exchange, by the components of its sector indices; no other source tells it. Only HOSE
has such indices, so shares of other exchanges are in no sector.
"""

from collections.abc import Iterable, Mapping

from ingest_service.core.breadth import breadth_row
from ingest_service.core.rounding import MAX_NUMBER, rounded
from ingest_service.core.rows import ForeignRow, MarketRow, SectorRow

#: Sector indices of HOSE: consumer discretionary and staples, energy, finance, health, industry, information
#: technology, materials, real estate, utilities.
SECTORS = ("VNCOND", "VNCONS", "VNENE", "VNFIN", "VNHEAL", "VNIND", "VNIT", "VNMAT", "VNREAL", "VNUTI")


def sector_row(symbols: Iterable[str], market: Mapping[str, MarketRow], foreign: Mapping[str, ForeignRow]) -> SectorRow:
    """The row of a sector with these symbols."""
    known = [symbol for symbol in symbols if symbol in market]
    volume = value = weighed = net_value = 0
    weighted_pct = 0.0
    for symbol in known:
        row = market[symbol]
        volume += row["total_volume"] or 0
        value += row["total_value"] or 0
        if row["change_pct"] is not None and row["total_value"]:
            weighed += row["total_value"]
            weighted_pct += row["total_value"] * row["change_pct"]
        if symbol in foreign:
            net_value += foreign[symbol]["net_value"] or 0
    change_pct = rounded(weighted_pct / weighed, 2) if weighed else None
    return {
        **breadth_row(known, market),
        # Only garbage adds up to more; it must not reach readers as another number than was written.
        "change_pct": change_pct if change_pct is not None and abs(change_pct) < MAX_NUMBER else None,
        "total_volume": min(volume, MAX_NUMBER - 1),
        "total_value": min(value, MAX_NUMBER - 1),
        "foreign_net_value": max(min(net_value, MAX_NUMBER - 1), 1 - MAX_NUMBER),
    }
