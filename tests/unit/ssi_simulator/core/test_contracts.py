"""Futures codes and which contracts are listed when."""

from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ssi_simulator.core import contracts

days = st.dates(date(2025, 5, 5), date(2038, 1, 1))


def test_the_week_of_an_expiry_still_lists_the_expiring_contract() -> None:
    listed = contracts.listed(date(2026, 11, 16))

    assert [contract.symbol for contract in listed] == ["41I1GB000", "41I1GC000", "41I1H3000", "41I1H6000"]
    assert [contract.last_day for contract in listed] == [
        date(2026, 11, 19),
        date(2026, 12, 17),
        date(2027, 3, 18),
        date(2027, 6, 17),
    ]


def test_after_the_expiry_the_next_month_is_listed() -> None:
    listed = contracts.listed(date(2026, 11, 23))

    assert [contract.symbol for contract in listed] == ["41I1GC000", "41I1H1000", "41I1H3000", "41I1H6000"]
    assert [contract.display for contract in listed] == ["VN30F2612", "VN30F2701", "VN30F2703", "VN30F2706"]


def test_a_contract_trades_on_its_last_day_and_not_after() -> None:
    assert contracts.listed(date(2026, 11, 19))[0].symbol == "41I1GB000"
    assert contracts.listed(date(2026, 11, 20))[0].symbol == "41I1GC000"


@pytest.mark.parametrize(("year", "letter"), [(2019, "9"), (2020, "A"), (2028, "J"), (2033, "P"), (2039, "W")])
def test_the_year_letters_leave_out_i_o_and_u(year: int, letter: str) -> None:
    assert contracts.contract(year, 10).symbol == f"41I1{letter}A000"


def test_a_year_without_a_letter_is_an_error() -> None:
    with pytest.raises(ValueError, match="no futures code for 2040"):
        contracts.contract(2040, 1)


@given(days)
def test_four_different_contracts_are_listed_and_none_has_expired(day: date) -> None:
    listed = contracts.listed(day)

    last_days = [contract.last_day for contract in listed]
    assert len(set(last_days)) == 4
    assert last_days == sorted(last_days)
    assert last_days[0] >= day
    assert all(last_day.weekday() == 3 and 15 <= last_day.day <= 21 for last_day in last_days)
    assert all(last_day.month % 3 == 0 for last_day in last_days[2:])
