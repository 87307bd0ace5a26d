"""Trading days, and sessions by market time."""

from datetime import date, timedelta

import pytest

from ingest_service.core.calendar_rules import rules_of, shipped_rules
from ingest_service.core.sessions import Calendar, midnight_ms
from ssi_simulator.core.timetable import EXCHANGES, ExchangeName, Session, Timetable

MONDAY = date(2026, 11, 23)
FRIDAY, SATURDAY = date(2026, 11, 27), date(2026, 11, 28)
AT_NOON = """
[[hours]]
exchanges = ["HOSE", "HNX", "UPCOM", "DERIVATIVES"]
on = [2026-11-23]
phases = ["09:00 continuous", "11:30 closed"]
"""


def at(clock: str) -> float:
    hours, minutes = clock.split(":")
    return int(hours) * 3600.0 + int(minutes) * 60.0


@pytest.mark.parametrize(
    ("exchange", "day"),
    [
        (
            "HOSE",
            "08:59 C 09:00 ATO 09:15 LO 11:29 LO 11:30 BREAK 13:00 LO 14:30 ATC 14:45 PT 15:00 C 23:00 C",
        ),
        ("HNX", "08:59 C 09:00 LO 11:30 BREAK 13:00 LO 14:30 ATC 14:45 PLO 15:00 C"),
        ("UPCOM", "08:59 C 09:00 LO 11:30 BREAK 13:00 LO 14:30 LO 14:59 LO 15:00 C"),
        ("DERIVATIVES", "08:44 C 08:45 ATO 09:00 LO 11:30 BREAK 13:00 LO 14:30 ATC 14:45 PT 15:00 C"),
    ],
)
def test_each_exchange_keeps_its_hours(exchange: ExchangeName, day: str) -> None:
    words = day.split()
    expected: list[tuple[str, str]] = list(zip(words[::2], words[1::2], strict=True))

    sessions: list[tuple[str, Session]] = [
        (clock, Timetable().session_at(exchange, MONDAY, at(clock))) for clock, _ in expected
    ]

    assert sessions == expected


def test_a_session_begins_at_its_first_second_and_not_before() -> None:
    assert Timetable().session_at("HOSE", MONDAY, at("09:15") - 0.001) == "ATO"
    assert Timetable().session_at("HOSE", MONDAY, at("09:15")) == "LO"


def test_changes_are_found_once_when_the_clock_stops_on_them() -> None:
    timetable = Timetable()

    assert timetable.changes_between(MONDAY, at("08:00"), at("09:00")) == [at("08:45"), at("09:00")]
    assert timetable.changes_between(MONDAY, at("09:00"), at("09:15")) == [at("09:15")]
    assert timetable.changes_between(MONDAY, at("09:15"), at("11:00")) == []


def test_the_next_continuous_trading_is_found() -> None:
    timetable = Timetable()

    found = [timetable.continuous_from(MONDAY, at(clock)) for clock in ("00:00", "10:00", "11:30", "14:29", "14:30")]

    assert found == [at("09:15"), at("10:00"), at("13:00"), at("14:29"), None]


def test_a_file_of_ones_own_is_laid_over_the_shipped_one() -> None:
    timetable = Timetable("[holidays]\n2028 = [2028-01-03]\n[trading_weekends]\n2026 = [2026-11-28]" + AT_NOON)

    assert not timetable.trades_on(date(2028, 1, 3))
    assert not timetable.trades_on(date(2026, 9, 2))
    assert timetable.trades_on(SATURDAY)
    assert timetable.session_at("HOSE", MONDAY, at("13:30")) == "C"
    assert timetable.session_at("HOSE", FRIDAY, at("13:30")) == "LO"


@pytest.mark.parametrize("text", ["[holidays", "holidays = 3", "[[hours]]\nfrom = 2026-01-01", "[hours]\na = 1"])
def test_what_is_no_calendar_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"no calendar as calendar\.toml is one"):
        Timetable(text)


def test_weekends_and_holidays_have_no_trading_day() -> None:
    timetable = Timetable()

    assert (timetable.trading_day(FRIDAY), timetable.trading_day(SATURDAY)) == (FRIDAY, date(2026, 11, 30))
    assert (timetable.last_trading_day(FRIDAY), timetable.last_trading_day(SATURDAY)) == (FRIDAY, FRIDAY)
    assert timetable.trading_day(date(2026, 2, 14)) == date(2026, 2, 23)
    assert timetable.last_trading_day(date(2026, 9, 2)) == date(2026, 8, 28)


CODES = {
    "C": {"pre_open", "closed"},
    "ATO": {"ato"},
    "LO": {"continuous"},
    "BREAK": {"break"},
    "ATC": {"atc"},
    "PT": {"put_through"},
    "PLO": {"plo"},
}


@pytest.mark.parametrize("text", ["", AT_NOON])
def test_simulator_and_ingest_read_the_same_days_and_hours_in_one_file(text: str) -> None:
    timetable, calendar = Timetable(text), Calendar(shipped_rules().but_for(rules_of(text, "a test's calendar")))

    for number in range(3 * 365):
        day = date(2025, 1, 1) + timedelta(days=number)
        assert timetable.trades_on(day) == calendar.trades_on(day), day
    for exchange in EXCHANGES:
        for minute in range(24 * 60):
            session = timetable.session_at(exchange, MONDAY, minute * 60.0)
            assert calendar.phase(exchange, midnight_ms(MONDAY) + minute * 60_000)[0] in CODES[session]
