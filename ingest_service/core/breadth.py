"""The breadth of a market: how many of its symbols went which way."""

from collections.abc import Iterable, Mapping

from ingest_service.core.indices import breadth
from ingest_service.core.rows import BreadthRow, MarketRow


def breadth_row(symbols: Iterable[str], market: Mapping[str, MarketRow]) -> BreadthRow:
    """Counted from the symbols' rows. One without a row is one that the feed has not told of: it counts nowhere."""
    counts = breadth(market[symbol] for symbol in symbols if symbol in market)
    return {
        "symbols": counts.advances + counts.unchanged + counts.declines + counts.untraded,
        "advances": counts.advances,
        "unchanged": counts.unchanged,
        "declines": counts.declines,
        "ceilings": counts.ceilings,
        "floors": counts.floors,
        "untraded": counts.untraded,
    }
