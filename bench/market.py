"""A market of invented rows, of the size and shape of real ones, that goes on changing."""

import random
from itertools import count

from ingest_service.core.history import Changes
from shared.channels import Channel
from shared.table import Row

__all__ = ["Changes", "Market"]

#: About what is listed on the three exchanges.
SYMBOLS = 1600


class Market:
    """The rows, and what changes next."""

    def __init__(self, seed: int = 1) -> None:
        self._random = random.Random(seed)  # noqa: S311 (no secret)
        self._clock_ms = count(1_795_405_337_000, 125)
        self.symbols = [f"S{number:04}" for number in range(SYMBOLS)]

    def all(self) -> Changes:
        """Every row."""
        return self._rows(self.symbols)

    def next(self, rows: int = 100) -> Changes:
        """So many rows that changed in one moment."""
        return self._rows(self._random.sample(self.symbols, rows))

    def of(self, symbols: list[str]) -> Changes:
        """These rows."""
        return self._rows(symbols)

    def board(self, number: int, size: int = 30) -> str:
        """The keys of one of many boards, joined by commas."""
        begin = number * size % (SYMBOLS - size)
        return ",".join(self.symbols[begin : begin + size])

    def _rows(self, symbols: list[str]) -> Changes:
        now_ms = next(self._clock_ms)
        return {Channel.MARKET: {symbol: self._row(now_ms) for symbol in symbols}}

    def _row(self, now_ms: int) -> Row:
        pick = self._random.randrange
        reference, last, volume = 25_000, 50 * pick(470, 530), 100 * pick(1, 90_000)
        sides: Row = {"active_buy": volume // 3, "active_sell": volume // 3, "neutral": volume - volume // 3 * 2}
        none: Row = {"active_buy": 0, "active_sell": 0, "neutral": 0}
        return {
            "exchange": "HOSE",
            "reference": reference, "ceiling": 26_750, "floor": 23_250,
            "open": reference, "high": 26_000, "low": 24_000, "last": last, "last_volume": 100 * pick(1, 900),
            "change": last - reference, "change_pct": round((last - reference) / reference * 100, 2),
            "average": reference, "total_volume": volume, "total_value": volume * reference,
            "bids": [[last - 50 * level, 100 * pick(1, 9000)] for level in range(1, 4)],
            "asks": [[last + 50 * level, 100 * pick(1, 9000)] for level in range(1, 4)],
            "expected_price": None, "session": "LO", "status": "N", "time": now_ms,
            "active_buy_volume": volume // 3, "active_sell_volume": volume // 3,
            "neutral_volume": volume - volume // 3 * 2, "unseen_volume": 0,
            "ato_volumes": none, "continuous_volumes": sides, "atc_volumes": none, "other_volumes": none,
        }  # fmt: skip
