"""
Trading days, and which session each exchange is in at a given market time: as calendar files say.

Times are seconds since midnight, Vietnam local time. The form of a calendar file is that of `calendar.toml` of the
ingest, which is the default; this is a reader of its own, as a simulator must not share the mistakes of what it tests.
"""

import tomllib
from bisect import bisect_right
from datetime import date, timedelta
from functools import cache
from pathlib import Path
from typing import Literal, TypeAlias, get_args

ExchangeName: TypeAlias = Literal["HOSE", "HNX", "UPCOM", "DERIVATIVES"]
Session: TypeAlias = Literal["C", "ATO", "LO", "BREAK", "ATC", "PLO", "PT"]

EXCHANGES: tuple[ExchangeName, ...] = get_args(ExchangeName)
AUCTIONS: tuple[Session, ...] = ("ATO", "ATC")
BEFORE_OPENING_S = 8 * 3600.0  # when a new day's reference prices appear, long before the first auction
DAY_S = 86_400

_SHIPPED = Path(__file__).parents[2] / "ingest_service" / "calendar.toml"
_SESSIONS: dict[str, Session] = {
    "pre_open": "C",
    "ato": "ATO",
    "continuous": "LO",
    "break": "BREAK",
    "atc": "ATC",
    "put_through": "PT",
    "plo": "PLO",
    "closed": "C",
}
_Starts: TypeAlias = list[tuple[float, Session]]


class Timetable:
    """Trading days and their sessions."""

    def __init__(self, *texts: str) -> None:
        """The texts of calendar files, over the one that is shipped; what a later one says wins. Raises ValueError."""
        self._closed: dict[str, set[date]] = {}
        self._open: dict[str, set[date]] = {}
        self._from: dict[str, dict[date, _Starts]] = {name: {} for name in EXCHANGES}
        self._on: dict[str, dict[date, _Starts]] = {name: {} for name in EXCHANGES}
        for text in (_shipped(), *texts):
            try:
                self._take(text)
            except (KeyError, TypeError, AttributeError, ValueError) as error:
                raise ValueError(f"no calendar as calendar.toml is one: {type(error).__name__}: {error}") from error

    def trades_on(self, day: date) -> bool:
        """Weekdays but for holidays; weekends if the calendar says so."""
        if day.weekday() < 5:
            return day not in self._closed.get(str(day.year), ())
        return day in self._open.get(str(day.year), ())

    def trading_day(self, day: date) -> date:
        """The day itself, or the next trading day after it."""
        while not self.trades_on(day):
            day += timedelta(days=1)
        return day

    def last_trading_day(self, day: date) -> date:
        """The day itself, or the trading day before it."""
        while not self.trades_on(day):
            day -= timedelta(days=1)
        return day

    def session_at(self, exchange: ExchangeName, day: date, now_s: float) -> Session:
        """The session of an exchange at a market time; a session begins at its first second."""
        starts = self._starts(exchange, day)
        index = bisect_right(starts, now_s, key=lambda start: start[0])
        return starts[index - 1][1] if index else "C"

    def changes_between(self, day: date, after_s: float, until_s: float) -> list[float]:
        """The times at which some exchange changes its session, after after_s and up to until_s, in order."""
        times = {start_s for exchange in EXCHANGES for start_s, _ in self._starts(exchange, day)}
        return sorted(start_s for start_s in times if after_s < start_s <= until_s)

    def continuous_from(self, day: date, now_s: float) -> float | None:
        """The next moment, from now on, at which all exchanges trade continuously; None if there is none that day."""
        for moment_s in (now_s, *self.changes_between(day, now_s, DAY_S)):
            if all(self.session_at(exchange, day, moment_s) == "LO" for exchange in EXCHANGES):
                return moment_s
        return None

    def _starts(self, exchange: ExchangeName, day: date) -> _Starts:
        if day in self._on[exchange]:
            return self._on[exchange][day]
        firsts = self._from[exchange]
        return firsts[max((first for first in firsts if first <= day), default=min(firsts))]

    def _take(self, text: str) -> None:
        document = tomllib.loads(text)
        self._closed |= {year: set(days) for year, days in document.get("holidays", {}).items()}
        self._open |= {year: set(days) for year, days in document.get("trading_weekends", {}).items()}
        for entry in document.get("hours", []):
            starts = [(_seconds(start[:5]), _SESSIONS[start[6:]]) for start in entry["phases"]]
            for exchange in entry["exchanges"]:
                if "on" in entry:
                    self._on[exchange] |= dict.fromkeys(entry["on"], starts)
                else:
                    self._from[exchange][entry["from"]] = starts


@cache
def _shipped() -> str:
    return _SHIPPED.read_text(encoding="utf-8")


@cache
def shipped_timetable() -> Timetable:
    """That of the calendar file that is shipped."""
    return Timetable()


def _seconds(clock: str) -> float:
    hours, minutes = clock.split(":")
    return int(hours) * 3600.0 + int(minutes) * 60.0
