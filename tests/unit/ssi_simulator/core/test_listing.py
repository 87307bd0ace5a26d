"""Who is listed."""

import re
from collections import Counter
from datetime import date
from random import Random

import pytest

from ssi_simulator.core.listing import futures, securities
from ssi_simulator.core.prices import tick

MONDAY = date(2026, 11, 23)


def test_the_full_market_has_the_proportions_of_the_real_one() -> None:
    listings = securities(Random(1), MONDAY, 1600)

    counts = Counter((listing.exchange, listing.kind) for listing in listings)

    assert counts == {
        ("HOSE", "stock"): 403,
        ("HNX", "stock"): 302,
        ("UPCOM", "stock"): 895,
        ("HOSE", "etf"): 12,
        ("HOSE", "warrant"): 100,
    }
    assert len({listing.symbol for listing in listings}) == len(listings)


@pytest.mark.parametrize("stocks", [1, 2, 30, 31, 200])
def test_a_small_market_has_as_many_stocks_as_asked_for_vn30_first(stocks: int) -> None:
    listings = securities(Random(1), MONDAY, stocks)

    shares = [listing for listing in listings if listing.kind == "stock"]

    assert len(shares) == stocks
    assert [share.symbol for share in shares[:3]] == ["SSI", "FPT", "HPG"][:stocks]


@pytest.mark.parametrize("stocks", [0, -1, 10_001])
def test_a_number_of_stocks_out_of_range_is_an_error(stocks: int) -> None:
    with pytest.raises(ValueError, match=f"stocks is {stocks}"):
        securities(Random(1), MONDAY, stocks)


def test_symbols_have_the_usual_forms() -> None:
    patterns = {
        "stock": r"[A-Z]{3}",
        "etf": r"(E1|FUE)[A-Z0-9]+",
        "warrant": r"C[A-Z]{3}26\d\d",
        "future": r"41I1..000",
    }

    listings = [*securities(Random(1), MONDAY, 400), *futures(MONDAY, 1890.4)]

    assert not [listing.symbol for listing in listings if not re.fullmatch(patterns[listing.kind], listing.symbol)]


def test_every_reference_is_a_valid_price() -> None:
    listings = [*securities(Random(1), MONDAY, 1600), *futures(MONDAY, 1890.4)]

    assert not [one for one in listings if one.reference % tick(one.exchange, one.kind, one.reference)]


def test_a_warrant_names_its_share() -> None:
    listings = securities(Random(1), MONDAY, 400)

    warrants = [listing for listing in listings if listing.kind == "warrant"]

    assert all(warrant.symbol[1:4] == warrant.underlying for warrant in warrants)
    assert all(warrant.last_day and warrant.last_day > MONDAY for warrant in warrants)


def test_the_front_future_is_busiest_then_vn30_and_much_of_upcom_never_trades() -> None:
    shares = securities(Random(1), MONDAY, 1600)
    front = futures(MONDAY, 1890.4)[0]

    by_weight = sorted(shares, key=lambda listing: -listing.weight)
    upcom = [listing for listing in shares if listing.exchange == "UPCOM"]

    assert front.weight > by_weight[0].weight
    assert {"SSI", "VNM"} <= {listing.symbol for listing in by_weight[:30]}
    assert 0.35 < sum(not listing.weight for listing in upcom) / len(upcom) < 0.55
