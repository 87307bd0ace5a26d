"""Books and trades in one message, or apart: a day of the simulated market makes the same tables both ways."""

from collections.abc import Iterable
from datetime import date

import pytest

from ingest_service.core.board import Board
from ingest_service.core.sessions import midnight_ms
from ingest_service.core.ticks import parse
from shared.channels import STORED, Channel, Stored
from shared.table import Row
from ssi_simulator.core.exchange import Exchange
from ssi_simulator.core.messages import Message, content_text

DAY = date(2026, 11, 23)
STEP_S, EVENTS_A_STEP = 180, 50
TOGETHER = ("F", "X", "R", "MI", "OL")
APART = ("F", "X-QUOTE", "X-TRADE", "R", "MI", "OL")


class Ingest:
    """A board that asked for these types, and what readers of its tables hold."""

    def __init__(self, data_types: tuple[str, ...]) -> None:
        self._data_types = data_types
        self._board = Board(simulated=True)
        self.tables: dict[Stored, dict[str, Row]] = {table: {} for table in STORED}

    def read(self, told: Iterable[Message], market_s: int) -> None:
        """Take what was asked for, publish, and let all be made that follows."""
        for message in told:
            if message.data_type in self._data_types:
                self._board.apply(parse({"DataType": message.data_type, "Content": content_text(message.content)}))
        market_ms = midnight_ms(DAY) + market_s * 1000
        self._board.set_time(market_ms, market_ms)
        self._publish()
        while self._board.unfinished:
            self._publish()

    def _publish(self) -> None:
        for table, rows in self._board.take_changes().items():
            for key, row in rows.items():
                if row is None:
                    self.tables[table].pop(key)
                else:
                    self.tables[table][key] = row


@pytest.mark.parametrize("begins", ["before the opening", "in the afternoon"])
def test_books_and_trades_make_the_same_tables_together_and_apart(begins: str) -> None:
    exchange = Exchange(seed=5, day=DAY, stocks=30)
    together, apart = Ingest(TOGETHER), Ingest(APART)
    begin_s = (8 if begins == "before the opening" else 13) * 3600 + 30 * 60
    exchange.advance(begin_s, 0)
    for data_type in sorted({*TOGETHER, *APART}):
        for ingest in (together, apart):
            ingest.read(exchange.snapshot(data_type), begin_s)

    for now_s in range(begin_s + STEP_S, 15 * 3600 + 2 * STEP_S, STEP_S):
        told = exchange.advance(now_s, EVENTS_A_STEP)
        for ingest in (together, apart):
            ingest.read(told, now_s)

    if begins == "in the afternoon":
        forget_opening_prices_that_trades_do_not_tell(together, apart)
    assert together.tables == apart.tables
    assert sum(int(str(row["trades"])) for row in apart.tables[Channel.MARKET].values()) > 500


def forget_opening_prices_that_trades_do_not_tell(together: Ingest, apart: Ingest) -> None:
    """Where only trades come, nobody tells which price has opened a day that is under way already."""
    for symbol, row in apart.tables[Channel.MARKET].items():
        if row["open"] is None:
            together.tables[Channel.MARKET][symbol] = {**together.tables[Channel.MARKET][symbol], "open": None}
