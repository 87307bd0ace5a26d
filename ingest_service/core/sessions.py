"""
When the exchanges trade, and the phase each of them is in: by the calendar's rules, the clock, and the feed's word.

All times are the market's own, Unix ms; Vietnam is at UTC+7 without daylight saving, whatever the machine's zone is.
"""

from bisect import bisect_right
from collections.abc import Callable, Collection
from datetime import date, timedelta
from typing import NamedTuple

from ingest_service.core.calendar_rules import EXCHANGES, Hours, Rules, shipped_rules
from ingest_service.core.calendar_rules import Exchange as Exchange  # noqa: PLC0414 - who asks for phases, names them
from ingest_service.core.calendar_rules import Phase as Phase  # noqa: PLC0414 - as above

UTC_OFFSET_MS = 7 * 3_600_000
DAY_MS = 86_400_000
_EPOCH_DAY = date(1970, 1, 1).toordinal()

# A year without holidays is told so long before it begins: later than the exchanges announce them, as a rule.
_AHEAD = timedelta(days=31)
# Phases in which orders are matched, or about to be: books change.
TRADING = frozenset({"ato", "continuous", "atc"})


def midnight_ms(day: date) -> int:
    """The first moment of a day in Vietnam, Unix ms."""
    return (day.toordinal() - _EPOCH_DAY) * DAY_MS - UTC_OFFSET_MS


def day_of(market_ms: int) -> date:
    """The day in Vietnam."""
    return date.fromordinal(_EPOCH_DAY + (market_ms + UTC_OFFSET_MS) // DAY_MS)


def exchange_of_index(key: str, exchange: str | None) -> Exchange | None:
    """Whose session an index tells; None if it is none of ours."""
    # The UPCOM index may be told under HNX, which runs that market.
    if "UPCOM" in key.upper():
        return "UPCOM"
    return next((known for known in EXCHANGES if known == exchange), None)


class Calendar:
    """Which days are trading days, and what the clock says about their phases."""

    def __init__(self, rules: Rules | None = None) -> None:
        """The rules that come with the program, unless told otherwise. Raises InvalidCalendar if these are broken."""
        self._rules = rules or shipped_rules()

    def trades_on(self, day: date) -> bool:
        """Monday to Friday, but for holidays; and weekends of which the rules say so."""
        if day.weekday() < 5:
            return day not in self._rules.holidays.get(day.year, ())
        return day in self._rules.trading_weekends.get(day.year, ())

    def trading_day_until(self, day: date) -> date:
        """The day itself, or the last trading day before it. Contracts that would expire on a holiday expire then."""
        while not self.trades_on(day):
            day -= timedelta(days=1)
        return day

    def unlisted_years(self, day: date) -> list[int]:
        """Years that matter on a day, its own and the next one if that is near, without any holiday in the rules."""
        years = {day.year, (day + _AHEAD).year}
        return sorted(year for year in years if not self._rules.holidays.get(year))

    def hours(self, exchange: Exchange, day: date) -> Hours:
        """The phases of a trading day."""
        single = self._rules.hours_on[exchange].get(day)
        if single is not None:
            return single
        periods = self._rules.hours_from[exchange]
        begun = [first for first in periods if first <= day]
        return periods[max(begun) if begun else min(periods)]

    def phase(self, exchange: Exchange, market_ms: int) -> tuple[Phase, int]:
        """The phase of an exchange on a trading day by the clock, and when it began."""
        midnight = midnight_ms(day_of(market_ms))
        hours = self.hours(exchange, day_of(market_ms))
        start_ms, phase = hours[bisect_right(hours, market_ms - midnight, key=lambda start: start[0]) - 1]
        return phase, midnight + start_ms

    def next_change_ms(self, market_ms: int) -> int:
        """When the clock begins another phase, on some exchange: the next day at the latest."""
        return min(start_ms for start_ms in self._starts(market_ms) if start_ms > market_ms)

    def busy_since_ms(self, market_ms: int) -> int | None:
        """
        Since when data must be flowing, on a trading day; None if silence is normal now.

        Something happens each second while two exchanges trade; one alone may have nothing to tell for a while.
        """
        return self._since(market_ms, lambda phases: sum(phase in TRADING for phase in phases) >= 2)

    def continuous_since_ms(self, market_ms: int) -> int | None:
        """Since when all exchanges match continuously, so that every data type is on its way; None if not all do."""
        return self._since(market_ms, lambda phases: all(phase == "continuous" for phase in phases))

    def _since(self, market_ms: int, holds: Callable[[Collection[Phase]], bool]) -> int | None:
        since_ms = None
        for start_ms in self._starts(market_ms):
            if start_ms > market_ms:
                break
            if not holds([self.phase(exchange, start_ms)[0] for exchange in EXCHANGES]):
                since_ms = None
            elif since_ms is None:
                since_ms = start_ms
        return since_ms

    def _starts(self, market_ms: int) -> list[int]:
        """All moments of the day at which a phase begins somewhere, and the day's end."""
        day = day_of(market_ms)
        starts = {start_ms for exchange in EXCHANGES for start_ms, _ in self.hours(exchange, day)}
        return [midnight_ms(day) + start_ms for start_ms in sorted(starts | {DAY_MS})]


_PHASES: dict[str, Phase] = {
    "ATO": "ato",
    "LO": "continuous",
    "BREAK": "break",
    "ATC": "atc",
    "PT": "put_through",
    "PLO": "plo",
    "C": "closed",
}
# A message that was late, or calculated just after a change of phase, still carries the code of the phase before.
_LATE_MS = 60_000


class _Told(NamedTuple):
    session: str
    market_ms: int


class Phases:
    """
    The phase of each exchange, by clock and by the feed's word.

    The clock alone ends the day, opens it, and keeps the lunch break: the code `C` comes before the opening and after
    the close alike, and a last message repeats an outdated code for ever. In between, what the feed has said well after
    the phase began is heard: a phase may last longer than planned, and a market may be closed early. A day is a trading
    day if the calendar or the feed says so.
    """

    def __init__(self, calendar: Calendar) -> None:
        self._calendar = calendar
        self._told: dict[Exchange, _Told] = {}
        self._traded_on: date | None = None  # newest day on which some exchange was said to trade

    def hear(self, exchange: Exchange, session: str, market_ms: int) -> None:
        """
        The feed says that an exchange is in a session (a code as in `ticks`), at a market time.

        What is older than what it has said before is an old message, repeated.
        """
        told = self._told.get(exchange)
        if told is None or market_ms >= told.market_ms:
            self._told[exchange] = _Told(session, market_ms)
        if session not in ("C", "H"):
            day = day_of(market_ms)
            self._traded_on = day if self._traded_on is None else max(day, self._traded_on)

    def at(self, exchange: Exchange, market_ms: int) -> Phase:
        """The phase of an exchange now."""
        day = day_of(market_ms)
        if not self._calendar.trades_on(day) and day != self._traded_on:
            return "closed"
        phase, _ = self._calendar.phase(exchange, market_ms)
        if phase in ("pre_open", "break", "closed"):
            return phase
        return _PHASES.get(self.told(exchange, market_ms) or "", phase)

    def told(self, exchange: Exchange, market_ms: int) -> str | None:
        """The session that the feed has told during the phase that it is by the clock; None if none that counts."""
        told = self._told.get(exchange)
        if told is None:
            return None
        if told.market_ms > market_ms + _LATE_MS:
            del self._told[exchange]  # of a time to come: beside it, all that is told of the present would be old
            return None
        _, began_ms = self._calendar.phase(exchange, market_ms)
        return told.session if told.market_ms >= began_ms + _LATE_MS else None
