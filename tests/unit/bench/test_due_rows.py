"""Rows of a feed that says when they were due, and what readers make of it."""

from array import array

from bench.due_rows import DueRows
from bench.market import SYMBOLS, Market
from bench.readers import below
from bench.tap import symbols_in
from shared.channels import Channel
from ssi_simulator import frames


def test_each_row_has_one_turn_before_any_has_its_second() -> None:
    rows = DueRows(Market(), commits_per_s=50, rows=8)

    turns = [symbol for number in range(SYMBOLS // 8) for symbol in rows.changes(number, 1)[Channel.MARKET]]

    assert len(turns) == len(set(turns)) == SYMBOLS


def test_a_board_changes_in_every_window() -> None:
    market = Market()
    rows, board = DueRows(market, commits_per_s=50, rows=8), set(market.board(7).split(","))

    windows = [
        {symbol for number in range(first, first + 25) for symbol in rows.changes(number, 1)[Channel.MARKET]} & board
        for first in range(0, 1000, 25)
    ]

    assert all(windows)


def test_a_changed_row_says_when_it_was_due() -> None:
    (row,) = DueRows(Market(), commits_per_s=50, rows=1).changes(3, 1_795_405_337_000)[Channel.MARKET].values()

    assert row is not None
    assert row["due"] == 1_795_405_337_000


def test_per_cents_are_of_the_ages_that_were_counted() -> None:
    ages_ms = array("d", range(1000, -1, -1))

    assert below(ages_ms) == {"50": 500, "99": 990, "99.9": 999, "100": 1000}
    assert below(array("d")) == {}


def test_the_tap_hears_of_an_instrument_in_a_message_of_the_stream_and_in_no_other() -> None:
    def message(data_type: str) -> bytes:
        content = f'{{"RType":"{data_type}","TradingDate":"23/11/2026","Time":"10:00:00","Isin":"SSI","Symbol":"SSI"}}'
        return frames.websocket_frame(frames.data("d-1", frames.broadcast(data_type, content)))

    assert symbols_in(message("R") + message("X") + message("F")) == ["SSI"]
