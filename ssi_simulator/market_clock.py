"""Which moment of the market it is. Market time never runs backwards."""

from datetime import date, datetime, timedelta, timezone
from enum import StrEnum

VIETNAM = timezone(timedelta(hours=7))
DAY_S = 86_400
OPEN_S = 10 * 3600  # a calm moment of the morning session
LUNCH_S, AFTERNOON_S, CLOSING_S = 11.5 * 3600, 13 * 3600, 14.5 * 3600


class ClockMode(StrEnum):
    """How market time passes."""

    # Continuous trading for ever: lunch is left out, and where the closing auction would begin, the next trading day
    # stands at 10:00. The default, so that a demonstration always moves.
    ENDLESS = "endless"
    TIMETABLE = "timetable"  # the whole day, from any time, at any speed
    REAL = "real"  # the time in Vietnam; at weekends it stays late on Friday


class MarketClock:
    """`day` and `now_s`, the seconds since its midnight, moved on by `advance`."""

    def __init__(self, mode: ClockMode, day: date, now_s: float = OPEN_S, *, speed: float = 1.0) -> None:
        self.mode = mode
        self.day = trading_day(day)
        self.now_s = now_s
        self.speed = speed

    def advance(self, elapsed_s: float, wall: datetime) -> None:
        """Let `elapsed_s` real seconds pass; `wall` is the real time, in any zone."""
        if self.mode is ClockMode.REAL:
            self._follow(wall.astimezone(VIETNAM))
            return
        self.now_s += elapsed_s * self.speed
        if self.mode is ClockMode.ENDLESS:
            if LUNCH_S <= self.now_s < AFTERNOON_S:
                self.now_s = AFTERNOON_S
            elif self.now_s >= CLOSING_S:
                self.next_day(OPEN_S)
        elif self.now_s >= DAY_S:
            self.next_day(0.0)

    def next_day(self, now_s: float) -> None:
        """Go to this time of the next trading day."""
        self.day, self.now_s = trading_day(self.day + timedelta(days=1)), now_s

    def set(self, day: date, now_s: float) -> None:
        """Go to a later moment. Raises ValueError if it is an earlier one, or not on a trading day."""
        if not 0 <= now_s < DAY_S:
            raise ValueError(f"a day has times from 0 to {DAY_S} s, not {now_s}")
        if trading_day(day) != day:
            raise ValueError(f"{day} is not a trading day; take one from Monday to Friday")
        if (day, now_s) < (self.day, self.now_s):
            raise ValueError(
                f"market time never goes back: it is {self.day} {clock_text(self.now_s)}, "
                f"and {day} {clock_text(now_s)} was asked for; ask for a later moment or another day"
            )
        self.day, self.now_s = day, now_s

    def _follow(self, local: datetime) -> None:
        midnight = local.replace(hour=0, minute=0, second=0, microsecond=0)
        day, now_s = local.date(), (local - midnight).total_seconds()
        if day != last_trading_day(day):
            day, now_s = last_trading_day(day), DAY_S - 1.0
        self.day, self.now_s = max((self.day, self.now_s), (day, now_s))


def trading_day(day: date) -> date:
    """The day itself, or the Monday after it. Public holidays are not known here."""
    return day + timedelta(days=7 - day.weekday() if day.weekday() > 4 else 0)


def last_trading_day(day: date) -> date:
    """The day itself, or the Friday before it."""
    return day - timedelta(days=max(0, day.weekday() - 4))


def clock_text(now_s: float) -> str:
    """Seconds since midnight as HH:MM:SS."""
    minutes, seconds = divmod(int(now_s), 60)
    return f"{minutes // 60:02}:{minutes % 60:02}:{seconds:02}"


def clock_seconds(text: str) -> float:
    """HH:MM or HH:MM:SS as seconds since midnight. Raises ValueError."""
    time = datetime.strptime(text, "%H:%M:%S" if text.count(":") == 2 else "%H:%M")  # noqa: DTZ007 (a time of day has no zone)
    return float(time.hour * 3600 + time.minute * 60 + time.second)
