"""Futures codes of both families."""

from datetime import date

import pytest

from ingest_service.core.derivatives import last_trading_day
from ingest_service.core.futures import future_of
from ingest_service.core.sessions import Calendar
from tests.unit.ingest_service.core.a_calendar import with_holidays


@pytest.mark.parametrize(
    ("code", "name", "last_day"),
    [
        ("41I1GB000", "VN30F2611", "2026-11-19"),
        ("41I1GC000", "VN30F2612", "2026-12-17"),
        ("41I1H1000", "VN30F2701", "2027-01-21"),
        ("41I1H3000", "VN30F2703", "2027-03-18"),
        ("41I1H6000", "VN30F2706", "2027-06-17"),
        ("41I1GA000", "VN30F2610", "2026-10-15"),
        ("41I1J1000", "VN30F2801", "2028-01-20"),
        ("41I2GC000", "VN100F2612", "2026-12-17"),
        ("VN30F2412", "VN30F2412", "2024-12-19"),
        ("41B5GC000", "GB05F2612", None),
        ("41BAGC000", "GB10F2612", None),
    ],
)
def test_a_code_tells_contract_and_last_day(code: str, name: str, last_day: str | None) -> None:
    future = future_of(code)

    assert future is not None
    assert (future.name, last_trading_day(future, Calendar())) == (name, last_day)


@pytest.mark.parametrize(
    "symbol",
    [
        "SSI",
        "VN30",
        "VN30F1M",
        "VN30F2613",
        "VN30F26",
        "41I1GI000",
        "41I1GD000",
        "41I9GC000",
        "41I1IC000",
        "CFPT2601",
        "",
    ],
)
def test_other_symbols_are_no_futures(symbol: str) -> None:
    assert future_of(symbol) is None


def test_a_contract_that_would_expire_on_a_holiday_expires_the_trading_day_before() -> None:
    calendar = with_holidays(date(2026, 12, 17), date(2026, 12, 16))
    future = future_of("41I1GC000")

    assert future is not None
    assert last_trading_day(future, calendar) == "2026-12-15"


@pytest.mark.parametrize(("code", "in_points"), [("41I1GC000", True), ("VN100F2612", True), ("41B5GC000", False)])
def test_index_futures_are_quoted_in_points_and_bond_futures_in_vnd(code: str, *, in_points: bool) -> None:
    future = future_of(code)

    assert future is not None
    assert future.in_points is in_points
