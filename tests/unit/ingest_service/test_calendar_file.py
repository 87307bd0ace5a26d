"""The calendar that an ingest is started with."""

import asyncio
import logging
import os
import subprocess
import sys
from datetime import date
from pathlib import Path

import pytest

from ingest_service import calendar_file
from ingest_service.calendar_file import load_calendar, tell_unlisted_years
from ingest_service.core.calendar_rules import InvalidCalendar
from ingest_service.core.sessions import Calendar
from tests.eventually import eventually

ROOT = Path(__file__).parents[3]


@pytest.fixture
def file(tmp_path: Path) -> Path:
    """A place for a file."""
    return tmp_path / "calendar.toml"


def test_without_a_file_it_is_the_shipped_one() -> None:
    assert not load_calendar(None).trades_on(date(2026, 9, 2))


def test_a_file_is_laid_over_the_shipped_one(file: Path) -> None:
    file.write_text("[holidays]\n2028 = [2028-01-03]")

    calendar = load_calendar(file)

    assert not calendar.trades_on(date(2028, 1, 3))
    assert not calendar.trades_on(date(2026, 9, 2))


def test_a_file_that_is_not_there_is_refused_by_name(file: Path) -> None:
    with pytest.raises(InvalidCalendar, match=f"^{file}: No such file"):
        load_calendar(file)


def test_a_file_that_is_no_text_is_refused_by_name(file: Path) -> None:
    file.write_bytes(b"\xff\xfe")

    with pytest.raises(InvalidCalendar, match=f"^{file}: it is no text"):
        load_calendar(file)


def test_the_ingest_does_not_start_with_a_broken_file_and_says_what_is_wrong_with_it(file: Path) -> None:
    file.write_text("[holidays]\n2028 = ['2028-01-03']")
    settings = {"SSI_CONSUMER_ID": "demo", "SSI_CONSUMER_SECRET": "demo", "CALENDAR_FILE": str(file)}

    ended = subprocess.run(
        [sys.executable, "-m", "ingest_service"],
        env=os.environ | {"PYTHONPATH": str(ROOT)} | settings,
        capture_output=True,
        text=True,
        timeout=30,
        check=False,
    )

    assert ended.returncode == 2
    assert ended.stderr.count("\n") == 1
    assert f"{file}: holidays 2028, entry 1: '2028-01-03' is no date; write it as" in ended.stderr


async def test_a_year_without_holidays_is_told_once_and_before_it_begins(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(calendar_file, "LOOK_S", 0)
    caplog.set_level(logging.WARNING)
    days = iter([date(2027, 11, 1), *[date(2027, 12, 1)] * 3, date(2028, 1, 5), *[date(2028, 12, 31)] * 3])
    looked = 0

    def today() -> date:
        nonlocal looked
        looked += 1
        return next(days, date(2028, 12, 31))

    telling = asyncio.create_task(tell_unlisted_years(Calendar(), today))
    await eventually(lambda: looked > 10)
    telling.cancel()
    await asyncio.wait([telling])

    assert [record.__dict__["year"] for record in caplog.records] == [2028, 2029]
