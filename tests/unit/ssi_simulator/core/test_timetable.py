"""Sessions by market time."""

import pytest

from ssi_simulator.core.timetable import ExchangeName, Session, changes_between, session_at


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

    sessions: list[tuple[str, Session]] = [(clock, session_at(exchange, at(clock))) for clock, _ in expected]

    assert sessions == expected


def test_a_session_begins_at_its_first_second_and_not_before() -> None:
    assert session_at("HOSE", at("09:15") - 0.001) == "ATO"
    assert session_at("HOSE", at("09:15")) == "LO"


def test_changes_are_found_once_when_the_clock_stops_on_them() -> None:
    assert changes_between(at("08:00"), at("09:00")) == [at("08:45"), at("09:00")]
    assert changes_between(at("09:00"), at("09:15")) == [at("09:15")]
    assert changes_between(at("09:15"), at("11:00")) == []
