"""Ticks and bands."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ssi_simulator.core.prices import BAND_PERCENT, Kind, Ladder, band, rounded, tick, warrant_band
from ssi_simulator.core.timetable import ExchangeName

STOCK_EXCHANGES: list[ExchangeName] = ["HOSE", "HNX", "UPCOM"]


@pytest.mark.parametrize(("price", "step"), [(9_990, 10), (10_000, 50), (49_950, 50), (50_000, 100), (120_000, 100)])
def test_the_tick_of_a_hose_stock_grows_with_its_price(price: int, step: int) -> None:
    assert tick("HOSE", "stock", price) == step


@pytest.mark.parametrize(
    ("exchange", "kind", "step"),
    [
        ("HOSE", "etf", 10),
        ("HOSE", "warrant", 10),
        ("HNX", "stock", 100),
        ("UPCOM", "stock", 100),
        ("HNX", "etf", 1),
        ("DERIVATIVES", "future", 1),
    ],
)
def test_all_others_have_one_tick(exchange: ExchangeName, kind: Kind, step: int) -> None:
    assert {tick(exchange, kind, price) for price in (500, 20_000, 90_000)} == {step}


def test_the_ceiling_is_rounded_down_and_the_floor_up() -> None:
    assert band("HOSE", "stock", 31_200) == (29_050, 33_350)


def test_the_band_of_a_future_is_in_tenths_of_a_point() -> None:
    assert band("DERIVATIVES", "future", 18_905) == (17_582, 20_228)


def test_a_band_is_one_tick_wide_at_least_and_stays_above_zero() -> None:
    assert band("HNX", "stock", 500) == (400, 600)
    assert band("HNX", "stock", 100) == (100, 200)


def test_a_warrant_follows_its_share_divided_by_the_ratio() -> None:
    assert warrant_band(1_500, 4.0, (29_050, 31_200, 33_350)) == (970, 2_030)


@given(st.sampled_from(STOCK_EXCHANGES), st.integers(1_000, 300_000))
def test_every_rung_is_a_valid_price_within_the_band(exchange: ExchangeName, price: int) -> None:
    reference = rounded(exchange, "stock", price)
    floor, ceiling = band(exchange, "stock", reference)

    ladder = Ladder(exchange, "stock", reference, floor, ceiling)

    assert (ladder.units[0], ladder.units[-1], ladder.units[ladder.reference]) == (floor, ceiling, reference)
    assert all(rung % tick(exchange, "stock", rung) == 0 for rung in ladder.units)
    step = tick(exchange, "stock", reference)
    width = max(reference * BAND_PERCENT[exchange] // 100, step)
    assert reference - width <= floor < reference < ceiling <= reference + width
