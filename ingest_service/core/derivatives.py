"""
One futures contract's row: its prices, and its basis, the distance to the index it is a bet on.

The basis moves when either of the two does, so a row is made anew from both, whichever had news.
"""

from collections.abc import Mapping

from ingest_service.core.basis import basis_of
from ingest_service.core.book import best_price
from ingest_service.core.futures import Future
from ingest_service.core.rounding import percent
from ingest_service.core.rows import DerivativesRow, IndexRow, Level, MarketRow
from ingest_service.core.sessions import Calendar


def derivatives_row(
    future: Future, market: MarketRow, underlying: IndexRow | None, calendar: Calendar, *, active: bool
) -> DerivativesRow:
    """The row of a contract, from its row of the market and that of its index, if there is one."""
    last, value = market["last"], None if underlying is None else underlying["value"]
    basis = None if last is None or value is None else basis_of(last, value)
    expiry = last_trading_day(future, calendar)
    times = [row["time"] for row in (market, underlying) if row is not None]
    return {
        "name": future.name,
        "last": last,
        "reference": market["reference"],
        "ceiling": market["ceiling"],
        "floor": market["floor"],
        "change": market["change"],
        "change_pct": market["change_pct"],
        "bid_price": best_price(market["bids"]),
        "bid_volume": _best_volume(market["bids"]),
        "ask_price": best_price(market["asks"]),
        "ask_volume": _best_volume(market["asks"]),
        "total_volume": market["total_volume"],
        "total_value": market["total_value"],
        "underlying": future.underlying,
        "underlying_value": value,
        "basis": basis,
        "basis_pct": None if basis is None or value is None else percent(basis, value),
        "premium": basis > 0 if basis else None,
        "expiry": expiry,
        "active": active,
        "time": max((time_ms for time_ms in times if time_ms is not None), default=None),
    }


def active_contracts(rows: Mapping[str, DerivativesRow]) -> set[str]:
    """The active contract of each underlying: that with the largest volume, or else the first to expire."""
    active: dict[str, tuple[int, str, str]] = {}
    for symbol, row in rows.items():
        # What leads has the least rank; ISO dates sort as text, and contracts whose expiry is not known come last.
        rank = -(row["total_volume"] or 0), row["expiry"] or "~", symbol
        active[row["underlying"]] = min(rank, active.get(row["underlying"], rank))
    return {symbol for *_, symbol in active.values()}


def last_trading_day(future: Future, calendar: Calendar) -> str | None:
    """ISO date: the third Thursday, or the last trading day before it; None for bond futures, whose rule is another."""
    thursday = future.third_thursday
    return None if thursday is None else calendar.trading_day_until(thursday).isoformat()


def _best_volume(levels: list[Level]) -> int | None:
    return int(levels[0][1] or 0) if levels else None
