"""
When the exchanges trade: holidays, the timetable, and the phase each exchange is in.

All times are the market's own, Unix ms; Vietnam is at UTC+7 without daylight saving, whatever the machine's zone is.
"""

from bisect import bisect_right
from collections.abc import Collection
from datetime import date, timedelta
from typing import Literal, NamedTuple, TypeAlias

Exchange: TypeAlias = Literal["HOSE", "HNX", "UPCOM", "DERIVATIVES"]
Phase: TypeAlias = Literal["pre_open", "ato", "continuous", "break", "atc", "put_through", "plo", "closed"]

UTC_OFFSET_MS = 7 * 3_600_000
DAY_MS = 86_400_000
_EPOCH_DAY = date(1970, 1, 1).toordinal()

# Weekdays without trading, as they follow from the labour law. The authorities announce the exact days each year, so
# this is a default, to be replaced by whoever knows better.
HOLIDAYS = frozenset(
    {
        *(date(2026, 1, day) for day in (1, 2)),  # New Year
        *(date(2026, 2, day) for day in (16, 17, 18, 19, 20)),  # Tet
        date(2026, 4, 27),  # Hung Kings, a Sunday
        date(2026, 4, 30),
        date(2026, 5, 1),
        *(date(2026, 9, day) for day in (1, 2)),  # National Day
        date(2027, 1, 1),
        *(date(2027, 2, day) for day in (5, 8, 9, 10, 11)),
        date(2027, 4, 16),
        date(2027, 4, 30),
        date(2027, 5, 3),
        *(date(2027, 9, day) for day in (2, 3)),
    }
)


def midnight_ms(day: date) -> int:
    """The first moment of a day in Vietnam, Unix ms."""
    return (day.toordinal() - _EPOCH_DAY) * DAY_MS - UTC_OFFSET_MS


def day_of(market_ms: int) -> date:
    """The day in Vietnam."""
    return date.fromordinal(_EPOCH_DAY + (market_ms + UTC_OFFSET_MS) // DAY_MS)


class Calendar:
    """Which days are trading days."""

    def __init__(self, holidays: Collection[date] = HOLIDAYS) -> None:
        self._holidays = frozenset(holidays)

    def trades_on(self, day: date) -> bool:
        """Monday to Friday, but for holidays."""
        return day.weekday() < 5 and day not in self._holidays

    def trading_day_until(self, day: date) -> date:
        """The day itself, or the last trading day before it. Contracts that would expire on a holiday expire then."""
        while not self.trades_on(day):
            day -= timedelta(days=1)
        return day


def _at(hour: int, minute: int) -> int:
    return (hour * 60 + minute) * 60_000


_LUNCH: tuple[tuple[int, Phase], ...] = ((_at(11, 30), "break"), (_at(13, 0), "continuous"))
_OPEN_UNTIL_1500: tuple[tuple[int, Phase], ...] = ((_at(14, 45), "put_through"), (_at(15, 0), "closed"))
_ATC: tuple[int, Phase] = (_at(14, 30), "atc")

# Start of each phase, ms since midnight; hours in force since May 2025.
TIMETABLE: dict[Exchange, tuple[tuple[int, Phase], ...]] = {
    "HOSE": (
        (0, "pre_open"),
        (_at(9, 0), "ato"),
        (_at(9, 15), "continuous"),
        *_LUNCH,
        _ATC,
        *_OPEN_UNTIL_1500,
    ),
    "HNX": (
        (0, "pre_open"),
        (_at(9, 0), "continuous"),
        *_LUNCH,
        _ATC,
        (_at(14, 45), "plo"),
        (_at(15, 0), "closed"),
    ),
    "UPCOM": ((0, "pre_open"), (_at(9, 0), "continuous"), *_LUNCH, (_at(15, 0), "closed")),
    "DERIVATIVES": (
        (0, "pre_open"),
        (_at(8, 45), "ato"),
        (_at(9, 0), "continuous"),
        *_LUNCH,
        _ATC,
        *_OPEN_UNTIL_1500,
    ),
}

# From the opening of HNX to the end of the closing auctions something happens each second, but for lunch.
_BUSY = ((_at(9, 0), _at(11, 30)), (_at(13, 0), _at(14, 45)))
# All exchanges match continuously, so every data type is on its way.
_CONTINUOUS = ((_at(9, 15), _at(11, 30)), (_at(13, 0), _at(14, 30)))


def busy_since_ms(market_ms: int) -> int | None:
    """Since when data must be flowing, on a trading day; None if silence is normal now."""
    return _since(_BUSY, market_ms)


def continuous_since_ms(market_ms: int) -> int | None:
    """Since when all exchanges match continuously, on a trading day; None if not all do now."""
    return _since(_CONTINUOUS, market_ms)


def _since(periods: tuple[tuple[int, int], ...], market_ms: int) -> int | None:
    time_ms = (market_ms + UTC_OFFSET_MS) % DAY_MS
    for start_ms, end_ms in periods:
        if start_ms <= time_ms < end_ms:
            return market_ms - time_ms + start_ms
    return None


_PHASES: dict[str, Phase] = {
    "ATO": "ato",
    "LO": "continuous",
    "BREAK": "break",
    "ATC": "atc",
    "PT": "put_through",
    "PLO": "plo",
    "C": "closed",
}
_SILENT_PHASES = frozenset({"pre_open", "break", "closed"})
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
    the phase began is heard: hours may change, and a market may be halted to the end of the day.
    """

    def __init__(self, calendar: Calendar) -> None:
        self._calendar = calendar
        self._told: dict[Exchange, _Told] = {}
        self._traded_on: date | None = None  # newest day on which some exchange was said to trade

    def hear(self, exchange: Exchange, session: str, market_ms: int) -> None:
        """The feed says that an exchange is in a session (a code as in `ticks`), at a market time."""
        self._told[exchange] = _Told(session, market_ms)
        if session not in ("C", "H"):
            self._traded_on = day_of(market_ms)

    def at(self, exchange: Exchange, market_ms: int) -> Phase:
        """The phase of an exchange now."""
        day = day_of(market_ms)
        if not self._calendar.trades_on(day) and day != self._traded_on:
            return "closed"
        midnight = midnight_ms(day)
        phases = TIMETABLE[exchange]
        start_ms, phase = phases[bisect_right(phases, market_ms - midnight, key=lambda start: start[0]) - 1]
        told = self._told.get(exchange)
        if told is None or phase in _SILENT_PHASES or told.market_ms < midnight + start_ms + _LATE_MS:
            return phase
        return _PHASES.get(told.session, phase)
