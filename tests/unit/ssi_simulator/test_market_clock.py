"""Market time: forward only, on trading days only."""

from datetime import UTC, date, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ssi_simulator.market_clock import (
    ClockMode,
    MarketClock,
    clock_seconds,
    clock_text,
    last_trading_day,
    trading_day,
)

MONDAY, FRIDAY, SATURDAY = date(2026, 11, 23), date(2026, 11, 27), date(2026, 11, 28)
ANY_WALL = datetime(2026, 11, 23, tzinfo=UTC)


@given(st.lists(st.floats(0, 10_000), max_size=50))
def test_endless_time_never_goes_back_and_is_always_in_continuous_trading(steps: list[float]) -> None:
    clock = MarketClock(ClockMode.ENDLESS, MONDAY)
    before = (clock.day, clock.now_s)

    for elapsed_s in steps:
        clock.advance(elapsed_s, ANY_WALL)

        assert (clock.day, clock.now_s) >= before
        assert clock.day.weekday() < 5
        assert "10:00:00" <= clock_text(clock.now_s) < "11:30:00" or "13:00:00" <= clock_text(clock.now_s) < "14:30:00"
        before = (clock.day, clock.now_s)


def test_endless_time_leaves_out_lunch_and_goes_to_the_next_morning_at_the_closing_auction() -> None:
    clock = MarketClock(ClockMode.ENDLESS, FRIDAY, clock_seconds("11:29"))

    clock.advance(60, ANY_WALL)
    after_lunch = clock_text(clock.now_s)
    clock.advance(5400, ANY_WALL)

    assert after_lunch == "13:00:00"
    assert (clock.day, clock_text(clock.now_s)) == (date(2026, 11, 30), "10:00:00")


def test_the_timetable_passes_at_its_speed_and_begins_a_new_day_at_midnight() -> None:
    clock = MarketClock(ClockMode.TIMETABLE, FRIDAY, clock_seconds("14:29"), speed=60)

    clock.advance(1.0, ANY_WALL)
    closing = clock_text(clock.now_s)
    clock.advance(571.0, ANY_WALL)

    assert closing == "14:30:00"
    assert (clock.day, clock_text(clock.now_s)) == (date(2026, 11, 30), "00:00:00")


@pytest.mark.parametrize(
    ("wall", "day", "time"),
    [
        (datetime(2026, 11, 23, 3, 42, 17, tzinfo=UTC), MONDAY, "10:42:17"),
        (datetime(2026, 11, 27, 16, 59, tzinfo=UTC), FRIDAY, "23:59:00"),
        (datetime(2026, 11, 29, 3, 0, tzinfo=UTC), FRIDAY, "23:59:59"),
    ],
)
def test_real_time_is_that_of_vietnam_and_weekends_stay_late_on_friday(wall: datetime, day: date, time: str) -> None:
    clock = MarketClock(ClockMode.REAL, MONDAY, 0.0)

    clock.advance(1.0, wall)

    assert (clock.day, clock_text(clock.now_s)) == (day, time)


def test_the_clock_is_set_forward_only() -> None:
    clock = MarketClock(ClockMode.TIMETABLE, MONDAY, clock_seconds("10:00"))

    clock.set(FRIDAY, clock_seconds("09:00"))

    assert clock.day == FRIDAY
    for day, now_s in [(MONDAY, 0.0), (FRIDAY, clock_seconds("08:59")), (SATURDAY, 0.0), (FRIDAY, 86_400.0)]:
        with pytest.raises(ValueError, match=r"never goes back|not a trading day|a day has times"):
            clock.set(day, now_s)


def test_weekends_have_no_trading_day() -> None:
    assert (trading_day(FRIDAY), trading_day(SATURDAY)) == (FRIDAY, date(2026, 11, 30))
    assert (last_trading_day(FRIDAY), last_trading_day(SATURDAY)) == (FRIDAY, FRIDAY)
