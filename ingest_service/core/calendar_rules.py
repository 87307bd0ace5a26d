"""
What a calendar file says: the days without trading, and the hours of each exchange. Text in, rules out.

The form is that of `calendar.toml`, which ships with the ingest. Whatever is wrong in a file is told with its place and
what to write instead; nothing of a file with a mistake is used.
"""

import re
import tomllib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import date, datetime
from functools import cache
from pathlib import Path
from typing import Literal, NamedTuple, TypeAlias, get_args

Exchange: TypeAlias = Literal["HOSE", "HNX", "UPCOM", "DERIVATIVES"]
Phase: TypeAlias = Literal["pre_open", "ato", "continuous", "break", "atc", "put_through", "plo", "closed"]
#: The phases of a day, each with its beginning in ms since midnight. The first one begins at midnight.
Hours: TypeAlias = tuple[tuple[int, Phase], ...]

EXCHANGES: tuple[Exchange, ...] = get_args(Exchange)
_PHASES: dict[str, Phase] = {phase: phase for phase in get_args(Phase)}
_SHIPPED = Path(__file__).parents[1] / "calendar.toml"
_SECTIONS = ("holidays", "trading_weekends", "hours")
_START = re.compile(r"([01][0-9]|2[0-3]):([0-5][0-9]) ([a-z_]+)")


class InvalidCalendar(ValueError):  # noqa: N818 (a fact about a file, not a fault of ours)
    """A calendar file has a mistake: the text says what, where, and what to write."""


class Rules(NamedTuple):
    """All that is known about trading days and hours."""

    holidays: Mapping[int, frozenset[date]]  # year → weekdays without trading
    trading_weekends: Mapping[int, frozenset[date]]  # year → Saturdays and Sundays with trading
    hours_from: Mapping[Exchange, Mapping[date, Hours]]  # in force from that day on
    hours_on: Mapping[Exchange, Mapping[date, Hours]]  # of that day alone

    def but_for(self, other: "Rules") -> "Rules":
        """These rules, but for what others say."""
        return Rules(
            {**self.holidays, **other.holidays},
            {**self.trading_weekends, **other.trading_weekends},
            {name: {**self.hours_from[name], **other.hours_from[name]} for name in EXCHANGES},
            {name: {**self.hours_on[name], **other.hours_on[name]} for name in EXCHANGES},
        )


@cache
def shipped_rules() -> Rules:
    """The rules that come with the program: data beside the code, read as the code is. Raises InvalidCalendar."""
    rules = rules_of(_SHIPPED.read_text(encoding="utf-8"), str(_SHIPPED))
    for name in EXCHANGES:
        if not rules.hours_from[name]:
            raise InvalidCalendar(f"{_SHIPPED}: no hours of {name}: bring the file back as it was shipped")
    return rules


def rules_of(text: str, file: str) -> Rules:
    """The rules in a file's text; `file` is its name, for complaints. Raises InvalidCalendar."""
    try:
        document = tomllib.loads(text)
    except (tomllib.TOMLDecodeError, RecursionError) as error:
        raise InvalidCalendar(f"{file}: this is no TOML: {error}") from error
    try:
        return _rules(document)
    except InvalidCalendar as invalid:
        raise InvalidCalendar(f"{file}: {invalid}") from None


def _rules(document: Mapping[str, object]) -> Rules:
    for key in document:
        if key not in _SECTIONS:
            raise InvalidCalendar(f"{key}: there is no such section; there are {_listed(_SECTIONS)}")
    holidays = _days_by_year(document, "holidays")
    weekends = _days_by_year(document, "trading_weekends")
    for year, weekend in weekends.items():
        for day in sorted(weekend):
            if day.weekday() < 5:
                raise InvalidCalendar(f"trading_weekends {year}: {day} is {_weekday(day)}, a trading day by itself")
            if day in holidays.get(year, ()):
                raise InvalidCalendar(f"{day} is in holidays and in trading_weekends: leave it out of one of them")
    hours_from: dict[Exchange, dict[date, Hours]] = {name: {} for name in EXCHANGES}
    hours_on: dict[Exchange, dict[date, Hours]] = {name: {} for name in EXCHANGES}
    for place, entry in _entries(document):
        exchanges = _names(entry.get("exchanges"), f"{place}, exchanges")
        single = "on" in entry
        days = _days(entry["on"], f"{place}, on") if single else [_day(entry["from"], f"{place}, from")]
        hours = _hours(entry.get("phases"), f"{place}, phases")
        for name in exchanges:
            held = (hours_on if single else hours_from)[name]
            for day in days:
                if day in held:
                    raise InvalidCalendar(f"{place}: an entry above has hours of {name} for {day} already")
                held[day] = hours
    return Rules(holidays, weekends, hours_from, hours_on)


def _days_by_year(document: Mapping[str, object], section: str) -> dict[int, frozenset[date]]:
    table = document.get(section, {})
    if not isinstance(table, dict):
        raise InvalidCalendar(f"{section}: write [{section}], and below it a line for each year: 2027 = [2027-01-01]")
    by_year = {}
    for key, value in table.items():
        if not re.fullmatch(r"20[0-9][0-9]", key):
            raise InvalidCalendar(f"{section}: {key!r} is no year from 2000 to 2099")
        days = _days(value, f"{section} {key}")
        for day in days:
            if day.year != int(key):
                raise InvalidCalendar(f"{section} {key}: {day} is of another year")
        by_year[int(key)] = frozenset(days)
    return by_year


def _days(value: object, place: str) -> list[date]:
    if not isinstance(value, list):
        raise InvalidCalendar(f"{place}: write a list of dates, such as [2027-01-01, 2027-04-30]")
    return [_day(day, f"{place}, entry {number}") for number, day in enumerate(value, start=1)]


def _day(value: object, place: str) -> date:
    if not isinstance(value, date) or isinstance(value, datetime):
        raise InvalidCalendar(f"{place}: {_shown(value)} is no date; write it as 2027-01-01, without quotation marks")
    return value


def _entries(document: Mapping[str, object]) -> Iterator[tuple[str, Mapping[str, object]]]:
    """Each entry of hours, with its place in words."""
    entries = document.get("hours", [])
    if not isinstance(entries, list) or not all(isinstance(entry, dict) for entry in entries):
        raise InvalidCalendar("hours: write [[hours]], with two brackets, before each entry")
    for number, entry in enumerate(entries, start=1):
        place = f"hours, entry {number}"
        for key in entry:
            if key not in ("exchanges", "from", "on", "phases"):
                raise InvalidCalendar(f"{place}: {key}: an entry has exchanges, phases, and either from or on")
        if ("from" in entry) == ("on" in entry):
            raise InvalidCalendar(f"{place}: write either from = 2027-01-04, or on = [2027-01-04] for single days")
        yield place, entry


def _names(value: object, place: str) -> Sequence[Exchange]:
    if not isinstance(value, list) or not value or not all(name in EXCHANGES for name in value):
        raise InvalidCalendar(f"{place}: write a list of some of {_listed(EXCHANGES)}, such as [{EXCHANGES[0]!r}]")
    return value


def _hours(value: object, place: str) -> Hours:
    if not isinstance(value, list) or not value:
        raise InvalidCalendar(f'{place}: write a list such as ["09:00 continuous", "15:00 closed"]')
    hours: list[tuple[int, Phase]] = []
    for number, text in enumerate(value, start=1):
        found = _START.fullmatch(text) if isinstance(text, str) else None
        if found is None or found[3] not in _PHASES:
            raise InvalidCalendar(
                f"{place}, entry {number}: {_shown(text)} is no beginning of a phase; write a time and one of "
                f'{_listed(_PHASES)}, such as "09:15 continuous"'
            )
        start_ms = (int(found[1]) * 60 + int(found[2])) * 60_000
        if hours and start_ms <= hours[-1][0]:
            raise InvalidCalendar(f"{place}, entry {number}: {text!r} is not later than the one before it")
        hours.append((start_ms, _PHASES[found[3]]))
    if hours[-1][1] != "closed":
        raise InvalidCalendar(f'{place}: the day does not end; let "closed" be the last phase')
    return tuple(hours) if hours[0][0] == 0 else ((0, "closed"), *hours)


def _shown(value: object) -> str:
    text = str(value) if isinstance(value, date) else repr(value)
    return text if len(text) <= 60 else f"{text[:60]}…"


def _weekday(day: date) -> str:
    return f"a {('Monday', 'Tuesday', 'Wednesday', 'Thursday', 'Friday')[day.weekday()]}"


def _listed(words: Iterable[str]) -> str:
    return ", ".join(words)
