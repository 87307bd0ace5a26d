"""The odd-lot board."""

import pytest

from shared.channels import Channel
from shared.table import JSON, Row
from tests.unit.ingest_service.core.a_feed import OL, CheckedBoard, X, at_ms


def told(*messages: dict[str, JSON]) -> Row:
    """The row after some messages of the odd-lot board."""
    checked = CheckedBoard()
    for changes in messages:
        checked.tell(OL, **changes)
    return checked.row(Channel.ODDLOT, "SSI")


def test_a_message_becomes_a_row() -> None:
    assert told({}) == {
        "exchange": "HOSE",
        "reference": 31200,
        "ceiling": 33350,
        "floor": 29050,
        "open": 31200,
        "high": 31600,
        "low": 31100,
        "last": 31450,
        "last_volume": 37,
        "change": 250,
        "change_pct": 0.8,
        "total_volume": 12350781,
        "total_value": 388015409650,
        "bids": [[31450, 312], [31400, 145], [31350, 88]],
        "asks": [[31550, 60], [31600, 210], [31700, 75]],
        "session": "LO",
        "status": "N",
        "time": at_ms(10, 42, 17),
    }


def test_before_the_first_odd_lot_there_is_no_price_though_round_lots_were_traded() -> None:
    row = told({"LastPrice": 0, "LastVol": 0, "Open": 0, "High": 0, "Low": 0, "Change": -31200, "RatioChange": -100.0})

    assert {row[field] for field in ("last", "open", "high", "low", "change", "change_pct", "last_volume")} == {None}
    assert row["total_volume"] == 12350781


def test_a_last_price_of_yesterday_is_no_odd_lot_of_today() -> None:
    row = told({"LastPrice": 31200, "LastVol": 40, "Open": 0, "High": 0, "Low": 0, "TotalVol": 0, "TotalVal": 0})

    assert {row[field] for field in ("last", "open", "high", "low", "change", "change_pct", "last_volume")} == {None}
    assert row["reference"] == 31200


@pytest.mark.parametrize("missing", ["LastPrice", "TotalVol", "Ceiling", "Exchange", "Time", "BidVol1", "AskVol2"])
def test_what_a_message_does_not_tell_stays(missing: str) -> None:
    row = told({}, {missing: None})

    if missing == "AskVol2":
        assert row["asks"] == [[31550, 60], [31700, 75]]
    elif missing == "BidVol1":
        assert row["bids"] == [[31400, 145], [31350, 88]]
    else:
        assert row == told({})


def test_levels_without_volume_are_left_out_and_an_order_at_whatever_price_has_none() -> None:
    row = told({"BidVol2": 0, "BidPrice2": 0, "AskPrice1": 0, "AskVol1": 50, "TradingSession": "ATO"})

    assert row["bids"] == [[31450, 312], [31350, 88]]
    assert row["asks"] == [[None, 50], [31600, 210], [31700, 75]]


def test_odd_lots_and_round_lots_have_a_row_each() -> None:
    checked = CheckedBoard()

    checked.tell(X)
    checked.tell(OL, LastPrice=31400)

    assert checked.row(Channel.MARKET, "SSI")["last"] == 31500
    assert checked.row(Channel.ODDLOT, "SSI")["last"] == 31400


def test_the_rows_go_with_the_first_message_of_the_next_day() -> None:
    checked = CheckedBoard()
    checked.tell(OL)

    checked.tell(OL, TradingDate="17/11/2026", Symbol="VNM")

    assert set(checked.last_changes[Channel.ODDLOT]) == {"VNM"}


def test_a_loaded_board_goes_on_and_an_equal_message_is_no_change() -> None:
    checked, successor = CheckedBoard(), CheckedBoard()
    checked.tell(OL)
    assert checked.board.day is not None

    successor.board.load(checked.board.day, checked.tables)
    successor.tell(OL)

    assert successor.last_changes == {}
