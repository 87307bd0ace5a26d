"""The market goes on with its clock; at night it tells nothing of the day to come."""

import time
from datetime import date

import pytest

from ssi_simulator.core.exchange import Exchange
from ssi_simulator.faults import Faults
from ssi_simulator.hub import Hub
from ssi_simulator.ledger import Ledger
from ssi_simulator.market_clock import ClockMode, MarketClock, clock_seconds
from ssi_simulator.ticker import Ticker

FRIDAY, MONDAY = date(2026, 11, 27), date(2026, 11, 30)


def a_ticker(day: date, clock: str) -> Ticker:
    faults = Faults(time.monotonic)
    market_clock = MarketClock(ClockMode.TIMETABLE, day, clock_seconds(clock))
    exchange = Exchange(seed=1, day=market_clock.told_day, stocks=5)
    return Ticker(exchange, market_clock, Hub(exchange.snapshot, faults, Ledger(), time.monotonic), faults, rate=50)


def stamps(ticker: Ticker) -> set[object]:
    """The days and sessions that the newest messages of securities carry."""
    contents = [message.content for message in ticker.exchange.snapshot("X")]
    return {(content["TradingDate"], content["TradingSession"]) for content in contents}


def test_before_the_opening_the_market_still_tells_of_the_day_before_which_is_closed() -> None:
    ticker = a_ticker(MONDAY, "07:30")

    ticker.turn(60.0)

    assert stamps(ticker) == {("27/11/2026", "C")}
    assert any(instrument["total_volume"] for instrument in ticker.exchange.ledger()["symbols"].values())


@pytest.mark.parametrize("from_day", [FRIDAY, MONDAY])
def test_at_eight_it_tells_of_the_new_day(from_day: date) -> None:
    ticker = a_ticker(from_day, "07:30")

    ticker.set_clock(MONDAY, clock_seconds("07:59"))
    early = stamps(ticker)
    ticker.set_clock(MONDAY, clock_seconds("08:00"))

    assert early == {("27/11/2026", "C")}
    assert stamps(ticker) == {("30/11/2026", "C")}


def test_a_day_that_is_left_at_noon_ends_in_the_night() -> None:
    ticker = a_ticker(FRIDAY, "11:00")

    ticker.set_clock(MONDAY, clock_seconds("06:00"))

    assert stamps(ticker) == {("27/11/2026", "C")}
