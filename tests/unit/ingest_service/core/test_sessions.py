"""Holidays, timetable, phases."""

from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ingest_service.core.sessions import (
    TIMETABLE,
    Calendar,
    Exchange,
    Phase,
    Phases,
    busy_since_ms,
    continuous_since_ms,
    day_of,
    midnight_ms,
)
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

    assert busy_since_ms(now_ms) == (busy and at_ms(*busy))
    assert continuous_since_ms(now_ms) == (continuous and at_ms(*continuous))


@given(st.dates(date(2000, 1, 1), date(2099, 12, 31)), st.integers(0, 86_399_999))
def test_each_moment_of_a_vietnamese_day_is_of_that_day(day: date, time_ms: int) -> None:
    assert day_of(midnight_ms(day) + time_ms) == day


def test_midnight_in_vietnam_is_seventeen_o_clock_utc_of_the_day_before() -> None:
    assert midnight_ms(DAY) == 1_794_762_000_000  # 2026-11-15T17:00:00Z


def test_the_timetable_begins_at_midnight_and_only_moves_on() -> None:
    for phases in TIMETABLE.values():
        starts = [start_ms for start_ms, _ in phases]
        assert starts[0] == 0
        assert starts == sorted(set(starts))
