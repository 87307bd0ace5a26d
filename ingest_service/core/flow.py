"""
The order flow of one symbol: how fast it is bought at the ask and sold at the bid, and which way that turns.

The side of each match is the one that its row of the market counts it under; auctions are on neither side.
"""

from ingest_service.core.rounding import rounded
from ingest_service.core.rows import FlowRow, FlowWindowRow, MarketRow
from ingest_service.core.window import WINDOW_MIN, Window, per_min

EMPTY: FlowRow = {
    "buy_speed_per_min": 0,
    "sell_speed_per_min": 0,
    "net_speed_per_min": 0,
    "buy_trades_per_min": 0.0,
    "sell_trades_per_min": 0.0,
    "imbalance": None,
    "acceleration": 0,
}


def totals_of(row: MarketRow) -> tuple[int, int, int, int]:
    """The totals whose speeds these are: volumes, then matches; bought, then sold."""
    return row["active_buy_volume"], row["active_sell_volume"], row["active_buy_trades"], row["active_sell_trades"]


def new_window(row: FlowWindowRow | None = None) -> Window:
    """An empty one, or as it was kept."""
    if row is None:
        return Window([], [], [], [], [])
    return Window(row["steps"], row["bought"], row["sold"], row["buys"], row["sells"])


def window_row(window: Window) -> FlowWindowRow:
    """A window as it is kept."""
    bought, sold, buys, sells = window.columns
    return {"steps": window.steps, "bought": bought, "sold": sold, "buys": buys, "sells": sells}


def flow_row(market: MarketRow, window: Window, time_ms: int) -> FlowRow:
    """The row of a symbol at a time, from its row of the market."""
    recent, earlier = window.rises(time_ms, totals_of(market))
    bought, sold, buys, sells = recent
    buy_speed, sell_speed = per_min(bought), per_min(sold)
    net_speed, earlier_net_speed = buy_speed - sell_speed, per_min(earlier[0]) - per_min(earlier[1])
    return {
        "buy_speed_per_min": buy_speed,
        "sell_speed_per_min": sell_speed,
        "net_speed_per_min": net_speed,
        "buy_trades_per_min": rounded(buys / WINDOW_MIN, 1),
        "sell_trades_per_min": rounded(sells / WINDOW_MIN, 1),
        "imbalance": rounded(bought / sold, 2) if sold else None,
        "acceleration": net_speed - earlier_net_speed,
    }
