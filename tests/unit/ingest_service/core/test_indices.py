"""Indices: values, breadth, and ids in any spelling."""

import pytest

from shared.channels import Channel
from tests.unit.ingest_service.core.a_feed import MI, UNTRADED, CheckedBoard, X, at_ms

NO_COUNTS = {"Advances": 0, "NoChanges": 0, "Declines": 0, "Ceilings": 0, "Floors": 0}


def test_a_message_becomes_a_row() -> None:
    row = CheckedBoard().tell(MI)

    assert row == {
        "name": "VN30",
        "exchange": "HOSE",
        "value": 1890.44,
        "reference": 1885.1,
        "change": 5.34,
        "change_pct": 0.28,
        "total_volume": 312448900,
        "total_value": 8127334500000,
        "put_through_volume": 11250400,
        "put_through_value": 402118000000,
        "trades": 0,
        "advances": 17,
        "unchanged": 5,
        "declines": 8,
        "ceilings": 2,
        "floors": 1,
        "expected_value": None,
        "session": "LO",
        "time": at_ms(10, 42, 17),
    }


def test_the_change_has_two_decimals_and_no_noise() -> None:
    row = CheckedBoard().tell(MI, IndexValue=1885.1000000000001, Change=-6.099999999999909)

    assert (str(row["change"]), str(row["change_pct"])) == ("0.0", "0.0")


def test_the_expected_value_is_there_in_auctions_only() -> None:
    checked = CheckedBoard()

    auction = checked.tell(MI, IndexValEst=1888.004)
    continuous = checked.tell(MI)

    assert (auction["expected_value"], continuous["expected_value"]) == (1888.0, None)


def test_ids_are_compared_without_case_and_keep_their_first_spelling() -> None:
    checked = CheckedBoard()
    checked.tell(MI, IndexId="HNXIndex")

    checked.tell(MI, IndexId="HNXINDEX", IndexValue=250.5)

    assert checked.row(Channel.INDEX, "HNXIndex")["value"] == 250.5
    assert set(checked.tables[Channel.INDEX]) == {"HNXIndex"}


def test_a_loaded_board_knows_the_spelling() -> None:
    checked, successor = CheckedBoard(), CheckedBoard()
    checked.tell(MI, IndexId="HNXIndex")
    assert checked.board.day is not None
    successor.board.load(checked.board.day, checked.tables)

    successor.tell(MI, IndexId="hnxindex", IndexValue=250.5)

    assert set(successor.tables[Channel.INDEX]) == {"HNXIndex"}


@pytest.mark.parametrize("odd", ["NaN", None, "", -1.0, "1890.44"])
def test_an_odd_number_costs_its_field_only_and_is_counted(odd: float | str | None) -> None:
    checked = CheckedBoard()
    checked.tell(MI)

    row = checked.tell(MI, IndexValue=odd, Advances=18)

    assert (row["value"], row["advances"]) == (1890.44, 18)
    assert checked.board.oddities.total() == 1


def test_breadth_that_the_feed_leaves_at_zero_is_counted_from_the_components() -> None:
    checked = CheckedBoard()
    checked.board.set_components({"VN30": ["CEIL", "UP", "SAME", "FLOOR", "IDLE", "ABSENT"]})
    for symbol, price in (
        ("CEIL", 33350.0),
        ("UP", 31300.0),
        ("SAME", 31200.0),
        ("FLOOR", 29050.0),
        ("OTHER", 31300.0),
    ):
        checked.tell(X, Symbol=symbol, LastPrice=price)
    checked.tell(X, Symbol="IDLE", **UNTRADED)

    row = checked.tell(MI, **NO_COUNTS)

    assert (row["advances"], row["unchanged"], row["declines"]) == (2, 1, 1)
    assert (row["ceilings"], row["floors"]) == (1, 1)


def test_breadth_that_the_feed_tells_is_believed() -> None:
    checked = CheckedBoard()
    checked.board.set_components({"VN30": ["SSI"]})
    checked.tell(X)

    row = checked.tell(MI)

    assert row["advances"] == 17


def test_zero_breadth_without_known_components_stays_zero() -> None:
    assert CheckedBoard().tell(MI, **NO_COUNTS)["advances"] == 0
