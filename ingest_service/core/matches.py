"""A match: what one rise of a symbol's total tells."""

from typing import NamedTuple

from ingest_service.core.rounding import Price
from ingest_service.core.rows import Side


class Match(NamedTuple):
    """Two matches that the feed tells by one message are one."""

    time_ms: int | None  # the exchange's time, Unix ms, to the second
    price: Price | None
    volume: int  # shares or contracts
    value: int  # VND; 0 if not told
    side: Side  # who took the initiative
    session: str | None
