"""The tape: the newest matches of each symbol, in a ring of rows."""

from ingest_service.core.matches import Match
from ingest_service.core.rows import TradeRow

#: Matches a symbol. More of them than this between two frames to a client are missing there, which the numbers tell.
RING = 20


def tape_key(symbol: str, number: int) -> str:
    """Where the match of this number stands: in the place of the one that is RING matches older."""
    return f"{symbol}#{number % RING}"


def trade_row(number: int, match: Match) -> TradeRow:
    """The row of a match."""
    return {
        "number": number,
        "time": match.time_ms,
        "price": match.price,
        "volume": match.volume,
        "value": match.value,
        "side": match.side,
        "session": match.session,
    }
