"""Calendars that differ from the shipped one."""

from datetime import date

from ingest_service.core.calendar_rules import rules_of, shipped_rules
from ingest_service.core.sessions import Calendar


def a_calendar(text: str) -> Calendar:
    """The shipped calendar, but for what a file of this text says."""
    return Calendar(shipped_rules().but_for(rules_of(text, "a test's calendar")))


def with_holidays(*days: date) -> Calendar:
    """With these holidays, all of one year, and no others in it."""
    return a_calendar(f"[holidays]\n{days[0].year} = [{', '.join(day.isoformat() for day in days)}]")
