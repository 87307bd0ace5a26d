"""Holidays, timetable, phases."""

from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ingest_service.core.calendar_rules import EXCHANGES
from ingest_service.core.sessions import (
    Calendar,
    Exchange,
    Phase,
    Phases,
    day_of,
    midnight_ms,
)
from tests.unit.ingest_service.core.a_calendar import a_calendar, with_holidays
from tests.unit.ingest_service.core.a_feed import DAY, at_ms

SATURDAY = date(2026, 11, 21)


@pytest.mark.parametrize(
    ("exchange", "phases"),
    [
        (
            "HOSE",
            ["pre_open", "ato", "continuous", "continuous", "break", "continuous", "atc", "put_through", "closed"],
        ),
        ("HNX", ["pre_open", "continuous", "continuous", "continuous", "break", "continuous", "atc", "plo", "closed"]),
        ("UPCOM", ["pre_open", *["continuous"] * 3, "break", *["continuous"] * 3, "closed"]),
        ("DERIVATIVES", ["ato", *["continuous"] * 3, "break", "continuous", "atc", "put_through", "closed"]),
    ],
)
def test_the_clock_tells_the_phase(exchange: Exchange, phases: list[Phase]) -> None:
    moments = [(8, 50), (9, 5), (9, 15), (11, 29), (11, 30), (13, 0), (14, 30), (14, 45), (15, 0)]

    told = [Phases(Calendar()).at(exchange, at_ms(*moment)) for moment in moments]

    assert told == phases


@pytest.mark.parametrize("day", [SATURDAY, date(2026, 4, 30)])
def test_weekends_and_holidays_are_closed_all_day(day: date) -> None:
    assert Phases(Calendar()).at("HOSE", at_ms(10, 0, day=day)) == "closed"


def test_a_day_on_which_the_feed_says_that_it_trades_is_no_holiday() -> None:
    phases = Phases(Calendar())

    phases.hear("HOSE", "LO", at_ms(10, 0, day=SATURDAY))

    assert phases.at("HNX", at_ms(10, 1, day=SATURDAY)) == "continuous"
    assert phases.at("HNX", at_ms(10, 1, day=date(2026, 11, 22))) == "closed"


@pytest.mark.parametrize(("hour", "phase"), [(8, "pre_open"), (16, "closed")])
def test_the_code_for_closed_means_before_the_opening_in_the_morning(hour: int, phase: Phase) -> None:
    phases = Phases(Calendar())

    phases.hear("HOSE", "C", at_ms(hour, 10))

    assert phases.at("HOSE", at_ms(hour, 20)) == phase


def test_the_last_code_before_lunch_does_not_outlive_the_morning() -> None:
    phases = Phases(Calendar())

    phases.hear("HOSE", "LO", at_ms(11, 30, 1))

    assert phases.at("HOSE", at_ms(12, 0)) == "break"


def test_a_late_message_does_not_hold_back_the_next_phase() -> None:
    phases = Phases(Calendar())

    phases.hear("HOSE", "ATO", at_ms(9, 15, 2))

    assert phases.at("HOSE", at_ms(9, 15, 5)) == "continuous"


def test_hours_that_the_timetable_does_not_know_are_heard_from_the_feed() -> None:
    phases = Phases(Calendar())

    phases.hear("HOSE", "PLO", at_ms(14, 50))

    assert phases.at("HOSE", at_ms(14, 51)) == "plo"


@pytest.mark.parametrize("session", ["H", "P7"])
def test_a_halt_or_an_unknown_code_leaves_the_phase_to_the_clock(session: str) -> None:
    phases = Phases(Calendar())

    phases.hear("HOSE", session, at_ms(10, 0))

    assert phases.at("HOSE", at_ms(10, 1)) == "continuous"


@pytest.mark.parametrize(
    ("moment", "busy", "continuous"),
    [
        ((8, 59, 59), None, None),
        ((9, 0, 0), (9, 0), None),
        ((9, 15, 0), (9, 0), (9, 15)),
        ((11, 29, 59), (9, 0), (9, 15)),
        ((11, 30, 0), None, None),
        ((12, 59, 59), None, None),
        ((13, 0, 0), (13, 0), (13, 0)),
        ((14, 30, 0), (13, 0), None),
        ((14, 45, 0), None, None),
        ((3, 0, 0), None, None),
    ],
)
def test_when_data_must_flow(
    moment: tuple[int, int, int], busy: tuple[int, int] | None, continuous: tuple[int, int] | None
) -> None:
    now_ms = at_ms(*moment)

    assert Calendar().busy_since_ms(now_ms) == (busy and at_ms(*busy))
    assert Calendar().continuous_since_ms(now_ms) == (continuous and at_ms(*continuous))


@given(st.dates(date(2000, 1, 1), date(2099, 12, 31)), st.integers(0, 86_399_999))
def test_each_moment_of_a_vietnamese_day_is_of_that_day(day: date, time_ms: int) -> None:
    assert day_of(midnight_ms(day) + time_ms) == day


def test_midnight_in_vietnam_is_seventeen_o_clock_utc_of_the_day_before() -> None:
    assert midnight_ms(DAY) == 1_794_762_000_000  # 2026-11-15T17:00:00Z


def test_a_day_begins_closed_and_ends_closed_on_each_exchange() -> None:
    for exchange in EXCHANGES:
        hours = Calendar().hours(exchange, DAY)
        assert (hours[0], hours[-1]) == ((0, "closed"), (15 * 3_600_000, "closed"))


@pytest.mark.parametrize("moment", [(0, 0), (7, 30), (7, 59, 59)])
def test_early_in_the_morning_the_last_day_is_closed_and_the_next_one_not_open_yet(moment: tuple[int, ...]) -> None:
    assert [Phases(Calendar()).at(exchange, at_ms(*moment)) for exchange in EXCHANGES] == ["closed"] * 4


def test_hours_hold_from_a_day_on_until_others_do() -> None:
    calendar = a_calendar('[[hours]]\nexchanges = ["HOSE"]\nfrom = 2026-12-01\nphases = ["10:00 ato", "16:00 closed"]')

    told = [
        calendar.phase("HOSE", at_ms(9, 5, day=day))[0]
        for day in (date(2024, 1, 2), DAY, date(2026, 11, 30), date(2026, 12, 1), date(2027, 6, 1))
    ]

    assert told == ["ato", "ato", "ato", "closed", "closed"]


def test_a_single_day_has_hours_of_its_own() -> None:
    calendar = a_calendar(
        f'[[hours]]\nexchanges = ["HOSE"]\non = [{DAY}]\nphases = ["09:00 continuous", "11:30 closed"]'
    )
    tomorrow = date(2026, 11, 17)

    assert calendar.phase("HOSE", at_ms(13, 0)) == ("closed", at_ms(11, 30))
    assert calendar.phase("HOSE", at_ms(13, 0, day=tomorrow)) == ("continuous", at_ms(13, 0, day=tomorrow))
    assert calendar.phase("HNX", at_ms(13, 0)) == ("continuous", at_ms(13, 0))


def test_a_saturday_of_trading_is_a_day_like_others() -> None:
    calendar = a_calendar("[trading_weekends]\n2026 = [2026-11-21]")

    assert calendar.trades_on(SATURDAY)
    assert not calendar.trades_on(date(2026, 11, 28))
    assert Phases(calendar).at("HOSE", at_ms(9, 5, day=SATURDAY)) == "ato"


def test_a_holiday_of_the_calendar_is_closed_at_any_hour_and_lunch_is_a_break_and_neither_asks_for_data() -> None:
    """A badge that knew the clock alone called a holiday open, and noon an outage."""
    calendar = with_holidays(DAY)

    assert {Phases(calendar).at("HOSE", at_ms(hour, 5)) for hour in range(24)} == {"closed"}
    assert Phases(Calendar()).at("HOSE", at_ms(12, 0)) == "break"
    assert Calendar().busy_since_ms(at_ms(12, 0)) is None


def test_years_without_holidays_are_told_a_month_before_they_begin() -> None:
    calendar = Calendar()

    told = [calendar.unlisted_years(day) for day in (DAY, date(2027, 11, 20), date(2027, 12, 1), date(2028, 6, 1))]

    assert told == [[], [], [2028], [2028]]


def test_a_phase_that_lasts_longer_than_planned_is_heard_from_the_feed() -> None:
    phases = Phases(Calendar())

    phases.hear("HOSE", "ATC", at_ms(14, 46, 30))
    late = phases.at("HOSE", at_ms(14, 46, 40))
    phases.hear("HOSE", "PT", at_ms(14, 49))

    assert (late, phases.at("HOSE", at_ms(14, 49, 1))) == ("atc", "put_through")


def test_a_market_that_the_feed_calls_closed_early_is_closed() -> None:
    phases = Phases(Calendar())

    phases.hear("HOSE", "C", at_ms(13, 45))

    assert phases.at("HOSE", at_ms(13, 46)) == "closed"


def test_a_session_of_a_time_to_come_is_not_heard() -> None:
    phases = Phases(Calendar())

    phases.hear("HOSE", "ATC", at_ms(14, 31))

    assert phases.at("HOSE", at_ms(10, 0)) == "continuous"


def test_who_was_told_a_time_to_come_hears_the_present_again() -> None:
    phases = Phases(Calendar())
    phases.hear("HOSE", "PLO", at_ms(14, 50))
    phases.at("HOSE", at_ms(10, 0))

    phases.hear("HOSE", "C", at_ms(10, 2))

    assert phases.at("HOSE", at_ms(10, 3)) == "closed"


def test_an_old_row_that_is_repeated_does_not_bring_an_old_phase_back() -> None:
    phases = Phases(Calendar())
    phases.hear("HOSE", "C", at_ms(10, 30))

    phases.hear("HOSE", "LO", at_ms(10, 29))
    phases.hear("HOSE", "LO", at_ms(14, 0, day=date(2026, 11, 13)))

    assert phases.at("HOSE", at_ms(10, 31)) == "closed"


def test_the_next_change_is_found_at_each_moment_of_a_day() -> None:
    calendar, moment, changes = Calendar(), midnight_ms(DAY), []

    while day_of(moment) == DAY:
        moment = calendar.next_change_ms(moment)
        changes.append(moment)

    times = [(8, 0), (8, 45), (9, 0), (9, 15), (11, 30), (13, 0), (14, 30), (14, 45), (15, 0)]
    assert changes == [*(at_ms(*each) for each in times), midnight_ms(date(2026, 11, 17))]
