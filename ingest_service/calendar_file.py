"""The calendar as the ingest was told it: the shipped rules, and a file of the user's own over them."""

import asyncio
import logging
from collections.abc import Callable
from datetime import date
from pathlib import Path

from ingest_service.core.calendar_rules import InvalidCalendar, rules_of, shipped_rules
from ingest_service.core.sessions import Calendar

log = logging.getLogger(__name__)

LOOK_S = 600.0


def load_calendar(file: Path | None) -> Calendar:
    """The shipped calendar, but for what the file says. Raises InvalidCalendar, also if it cannot be read."""
    if file is None:
        return Calendar()
    try:
        text = file.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        reason = (error.strerror if isinstance(error, OSError) else None) or "it is no text in UTF-8"
        raise InvalidCalendar(f"{file}: {reason}; CALENDAR_FILE names a file such as calendar.toml") from error
    return Calendar(shipped_rules().but_for(rules_of(text, str(file))))


async def tell_unlisted_years(calendar: Calendar, today: Callable[[], date]) -> None:
    """Warn, once for each year, that its holidays are not in the calendar: a month before it begins. Never returns."""
    told: set[int] = set()
    while True:
        for year in calendar.unlisted_years(today()):
            if year not in told:
                told.add(year)
                log.warning(
                    "the calendar has no holidays for a year: each weekday will count as a trading day, and silence on "
                    "a holiday as an outage; list them in the file that CALENDAR_FILE names",
                    extra={"year": year},
                )
        await asyncio.sleep(LOOK_S)
