"""Numbers are rounded once, and print as a board shows them."""

import orjson
from hypothesis import given
from hypothesis import strategies as st

from ingest_service.core.rounding import difference, percent, rounded


@given(st.floats(-1e9, 1e9), st.integers(1, 2))
def test_a_rounded_number_has_its_decimals_no_exponent_and_no_negative_zero(value: float, decimals: int) -> None:
    text = orjson.dumps(rounded(value, decimals)).decode()

    assert len(text.partition(".")[2]) <= decimals
    assert "e" not in text
    assert text != "-0.0"


def test_differences_of_vnd_are_integers_and_those_of_points_have_one_decimal() -> None:
    assert orjson.dumps([difference(31500, 31200), difference(1894.2, 1890.5)]) == b"[300,3.7]"


def test_per_cents_have_two_decimals() -> None:
    assert percent(300, 31200) == 0.96


def test_per_cents_that_would_be_printed_with_an_exponent_are_not_told() -> None:
    assert percent(9_007_199_254_740_000, 1) is None
