"""Market time: forward only, on trading days only."""

from datetime import UTC, date, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ssi_simulator.core.timetable import Timetable
from ssi_simulator.market_clock import ClockMode, MarketClock, clock_seconds, clock_text

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
        (datetime(2027, 1, 1, 3, 0, tzinfo=UTC), date(2026, 12, 31), "23:59:59"),
    ],
)
def test_real_time_is_that_of_vietnam_and_without_trading_it_stays_late_on_the_day_before(
    wall: datetime, day: date, time: str
) -> None:
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


def test_a_holiday_is_passed_over() -> None:
    clock = MarketClock(ClockMode.TIMETABLE, date(2026, 2, 13), clock_seconds("23:59"))

    clock.advance(61.0, ANY_WALL)

    assert (clock.day, clock_text(clock.now_s)) == (date(2026, 2, 23), "00:00:00")


@pytest.mark.parametrize(("time", "day"), [("00:00", FRIDAY), ("07:59", FRIDAY), ("08:00", date(2026, 11, 30))])
def test_until_shortly_before_the_opening_the_market_tells_of_the_day_before(time: str, day: date) -> None:
    assert MarketClock(ClockMode.TIMETABLE, date(2026, 11, 30), clock_seconds(time)).told_day == day


def test_an_endless_market_skips_a_day_without_an_afternoon_and_refuses_a_calendar_without_continuous_trading() -> None:
    everywhere = '[[hours]]\nexchanges = ["HOSE", "HNX", "UPCOM", "DERIVATIVES"]\n'
    short = Timetable(f'{everywhere}on = [2026-11-27]\nphases = ["09:00 continuous", "11:30 closed"]')
    never = Timetable(f'{everywhere}from = 2026-01-01\nphases = ["09:00 ato", "11:30 closed"]')
    clock = MarketClock(ClockMode.ENDLESS, FRIDAY, clock_seconds("11:29"), timetable=short)

    clock.advance(60, ANY_WALL)

    assert (clock.day, clock_text(clock.now_s)) == (date(2026, 11, 30), "10:00:00")
    with pytest.raises(ValueError, match="no continuous trading"):
        MarketClock(ClockMode.ENDLESS, FRIDAY, timetable=never).advance(0, ANY_WALL)
