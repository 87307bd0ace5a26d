"""
The movers of one market: its shares that rose and fell most, and those with the most trading.

Two lists at a time, each of one moment: all six at once would hold the loop for too long.
"""

from collections.abc import Iterable, Mapping, Sequence
from heapq import nsmallest

from ingest_service.core.rows import ForeignRow, MarketRow, Mover, NetFlow

#: Markets that have movers: exchanges, and an index by its components.
MARKETS = ("HOSE", "HNX", "UPCOM", "VN30")
#: Lines a list.
TOP = 10


def gainers_and_losers(symbols: Iterable[str], market: Mapping[str, MarketRow]) -> tuple[list[Mover], list[Mover]]:
    """By change; among equals those with more value lead, then the alphabet."""
    rising: list[tuple[float, int, str]] = []  # what leads has the least rank
    falling: list[tuple[float, int, str]] = []
    for symbol in symbols:
        row = market.get(symbol)
        if row is not None and (change_pct := row["change_pct"]):
            if change_pct > 0:
                rising.append((-change_pct, -(row["total_value"] or 0), symbol))
            else:
                falling.append((change_pct, -(row["total_value"] or 0), symbol))
    return _movers(rising, market), _movers(falling, market)


def most_traded(symbols: Iterable[str], market: Mapping[str, MarketRow]) -> tuple[list[Mover], list[Mover]]:
    """By value, and by volume; among equals those with more value lead, then the alphabet."""
    values: list[tuple[int, int, str]] = []
    volumes: list[tuple[int, int, str]] = []
    for symbol in symbols:
        row = market.get(symbol)
        if row is not None and (volume := row["total_volume"]):
            value = -(row["total_value"] or 0)
            values.append((value, -volume, symbol))
            volumes.append((-volume, value, symbol))
    return _movers(values, market), _movers(volumes, market)


def foreign_movers(symbols: Iterable[str], foreign: Mapping[str, ForeignRow]) -> tuple[list[NetFlow], list[NetFlow]]:
    """Most bought and most sold by foreigners on balance, by value; among equals the alphabet."""
    bought: list[tuple[int, str]] = []
    sold: list[tuple[int, str]] = []
    for symbol in symbols:
        row = foreign.get(symbol)
        if row is not None and (net_value := row["net_value"]):
            if net_value > 0:
                bought.append((-net_value, symbol))
            else:
                sold.append((net_value, symbol))
    return _net_flows(bought, foreign), _net_flows(sold, foreign)


def _movers(ranks: Sequence[tuple[float, int, str]], market: Mapping[str, MarketRow]) -> list[Mover]:
    return [
        {
            "symbol": symbol,
            "last": market[symbol]["last"],
            "change": market[symbol]["change"],
            "change_pct": market[symbol]["change_pct"],
            "total_volume": market[symbol]["total_volume"],
            "total_value": market[symbol]["total_value"],
        }
        for *_, symbol in nsmallest(TOP, ranks)
    ]


def _net_flows(ranks: list[tuple[int, str]], foreign: Mapping[str, ForeignRow]) -> list[NetFlow]:
    return [
        {
            "symbol": symbol,
            "net_value": foreign[symbol]["net_value"] or 0,
            "net_volume": foreign[symbol]["net_volume"] or 0,
        }
        for _, symbol in nsmallest(TOP, ranks)
    ]
