"""Futures and their basis."""

import pytest

from shared.channels import Channel
from shared.table import JSON, Row
from tests.unit.ingest_service.core.a_feed import FUTURE, FUTURE_X, MI, UNTRADED, CheckedBoard, X, at_ms

BOND_PRICES: dict[str, JSON] = {
    "RefPrice": 101000.0,
    "Ceiling": 104030.0,
    "Floor": 97970.0,
    "Open": 101000.0,
    "High": 101300.0,
    "Low": 100900.0,
}


def future(checked: CheckedBoard, code: str = FUTURE) -> Row:
    return checked.row(Channel.DERIVATIVES, code)


def test_a_future_and_its_index_become_a_row() -> None:
    checked = CheckedBoard()

    checked.tell(MI)
    checked.tell(FUTURE_X)

    assert future(checked) == {
        "name": "VN30F2611",
        "last": 1894.2,
        "reference": 1890.5,
        "ceiling": 2022.8,
        "floor": 1758.2,
        "change": 3.7,
        "change_pct": 0.2,
        "bid_price": 1894.1,
        "bid_volume": 31,
        "ask_price": 1894.3,
        "ask_volume": 8,
        "total_volume": 118402,
        "total_value": 22421786740000,
        "underlying": "VN30",
        "underlying_value": 1890.44,
        "basis": 3.76,
        "basis_pct": 0.2,
        "premium": True,
        "expiry": "2026-11-19",
        "active": True,
        "time": at_ms(10, 42, 17),
    }


def test_an_index_tick_alone_updates_the_basis() -> None:
    checked = CheckedBoard()
    checked.tell(MI)
    checked.tell(FUTURE_X)

    checked.tell(MI, IndexValue=1900.0, Time="10:42:20")

    assert checked.last_changes.keys() >= {Channel.INDEX, Channel.DERIVATIVES}
    row = future(checked)
    assert (row["basis"], row["premium"], row["time"]) == (-5.8, False, at_ms(10, 42, 20))


def test_a_futures_tick_alone_updates_the_basis() -> None:
    checked = CheckedBoard()
    checked.tell(MI)
    checked.tell(FUTURE_X)

    checked.tell(FUTURE_X, LastPrice=1890.4)

    assert (future(checked)["basis"], future(checked)["premium"]) == (-0.04, False)


def test_another_index_leaves_the_basis_alone() -> None:
    checked = CheckedBoard()
    checked.tell(MI)
    checked.tell(FUTURE_X)

    checked.tell(MI, IndexId="VNINDEX", IndexValue=1.0)

    assert Channel.DERIVATIVES not in checked.last_changes


@pytest.mark.parametrize(
    ("changes", "index_value"),
    [(UNTRADED, 1890.44), ({}, None), ({}, 0.0)],
    ids=["no trade yet", "no index yet", "index not calculated yet"],
)
def test_without_both_prices_there_is_no_basis(changes: dict[str, JSON], index_value: float | None) -> None:
    checked = CheckedBoard()
    if index_value is not None:
        checked.tell(MI, IndexValue=index_value)

    checked.tell(FUTURE_X, **changes)

    row = future(checked)
    assert (row["basis"], row["basis_pct"], row["premium"]) == (None, None, None)


def test_a_future_at_its_index_has_neither_premium_nor_discount() -> None:
    checked = CheckedBoard()
    checked.tell(MI, IndexValue=1894.2)

    checked.tell(FUTURE_X)

    row = future(checked)
    assert (row["basis"], row["premium"]) == (0.0, None)


def test_old_and_new_codes_are_both_futures_and_a_share_is_none() -> None:
    checked = CheckedBoard()

    for symbol in ("VN30F2612", "41I1GC000", "41I2GC000"):
        checked.tell(FUTURE_X, Symbol=symbol)
    checked.tell(X)

    names = {code: row["name"] for code, row in checked.tables[Channel.DERIVATIVES].items()}
    assert names == {"VN30F2612": "VN30F2612", "41I1GC000": "VN30F2612", "41I2GC000": "VN100F2612"}


def test_the_index_is_found_in_whatever_case_it_is_spelt() -> None:
    checked = CheckedBoard()
    checked.tell(MI, IndexId="vn30")

    checked.tell(FUTURE_X)

    assert future(checked)["underlying_value"] == 1890.44


def test_bond_futures_have_prices_in_vnd_and_no_basis() -> None:
    checked = CheckedBoard()

    checked.tell(FUTURE_X, Symbol="41B5GC000", LastPrice=101250.0, **BOND_PRICES)

    row = future(checked, "41B5GC000")
    assert (row["name"], row["last"], row["change"], row["basis"], row["expiry"]) == (
        "GB05F2612",
        101250,
        250,
        None,
        None,
    )
