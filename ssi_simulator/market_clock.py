"""Which moment of the market it is. Market time never runs backwards."""

from datetime import date, datetime, timedelta, timezone
from enum import StrEnum

from ssi_simulator.core.timetable import BEFORE_OPENING_S, DAY_S, Timetable, shipped_timetable

VIETNAM = timezone(timedelta(hours=7))
OPEN_S = 10 * 3600  # a calm moment of the morning session

# Days of short hours, one after the other, that a clock may skip.
_LONGEST_HOLIDAYS = 31


class ClockMode(StrEnum):
    """How market time passes."""

    # Continuous trading for ever: lunch is left out, and where the closing auction would begin, the next trading day
    # stands at 10:00. The default, so that a demonstration always moves.
    ENDLESS = "endless"
    TIMETABLE = "timetable"  # the whole day, from any time, at any speed; nights too, but no weekends and holidays
    REAL = "real"  # the time in Vietnam; at weekends and on holidays it stays late on the trading day before


class MarketClock:
    """`day` and `now_s`, the seconds since its midnight, moved on by `advance`."""

    def __init__(
        self,
        mode: ClockMode,
        day: date,
        now_s: float = OPEN_S,
        *,
        speed: float = 1.0,
        timetable: Timetable | None = None,
    ) -> None:
        self._timetable = timetable or shipped_timetable()
        self.mode = mode
        self.day = self._timetable.trading_day(day)
        self.now_s = now_s
        self.speed = speed

    @property
    def told_day(self) -> date:
        """The day of which the market tells: until shortly before the opening, the trading day before."""
        if self.now_s >= BEFORE_OPENING_S:
            return self.day
        return self._timetable.last_trading_day(self.day - timedelta(days=1))

    def advance(self, elapsed_s: float, wall: datetime) -> None:
        """Let `elapsed_s` real seconds pass; `wall` is the real time, in any zone."""
        if self.mode is ClockMode.REAL:
            self._follow(wall.astimezone(VIETNAM))
            return
        self.now_s += elapsed_s * self.speed
        if self.mode is ClockMode.ENDLESS:
            self._stay_in_continuous_trading()
        elif self.now_s >= DAY_S:
            self.next_day(0.0)

    def next_day(self, now_s: float) -> None:
        """Go to this time of the next trading day."""
        self.day, self.now_s = self._timetable.trading_day(self.day + timedelta(days=1)), now_s

    def set(self, day: date, now_s: float) -> None:
        """Go to a later moment. Raises ValueError if it is an earlier one, or not on a trading day."""
        if not 0 <= now_s < DAY_S:
            raise ValueError(f"a day has times from 0 to {DAY_S} s, not {now_s}")
        if not self._timetable.trades_on(day):
            raise ValueError(f"{day} is not a trading day; take one from Monday to Friday that is no holiday")
        if (day, now_s) < (self.day, self.now_s):
            raise ValueError(
                f"market time never goes back: it is {self.day} {clock_text(self.now_s)}, "
                f"and {day} {clock_text(now_s)} was asked for; ask for a later moment or another day"
            )
        self.day, self.now_s = day, now_s

    def _follow(self, local: datetime) -> None:
        midnight = local.replace(hour=0, minute=0, second=0, microsecond=0)
        day, now_s = local.date(), (local - midnight).total_seconds()
        if not self._timetable.trades_on(day):
            day, now_s = self._timetable.last_trading_day(day), DAY_S - 1.0
        self.day, self.now_s = max((self.day, self.now_s), (day, now_s))

    def _stay_in_continuous_trading(self) -> None:
        for _ in range(_LONGEST_HOLIDAYS):
            continuous_s = self._timetable.continuous_from(self.day, self.now_s)
            if continuous_s is not None:
                self.now_s = continuous_s
                return
            self.next_day(OPEN_S)
        raise ValueError("the calendar knows no continuous trading: an endless market has no time to be in")


def clock_text(now_s: float) -> str:
    """Seconds since midnight as HH:MM:SS."""
    minutes, seconds = divmod(int(now_s), 60)
    return f"{minutes // 60:02}:{minutes % 60:02}:{seconds:02}"


def clock_seconds(text: str) -> float:
    """HH:MM or HH:MM:SS as seconds since midnight. Raises ValueError."""
    time = datetime.strptime(text, "%H:%M:%S" if text.count(":") == 2 else "%H:%M")  # noqa: DTZ007 (a time of day has no zone)
    return float(time.hour * 3600 + time.minute * 60 + time.second)
