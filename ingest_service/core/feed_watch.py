"""
Whether the feed is alive: told from its data, the clock and the timetable.

An open socket proves nothing. Data must come while the exchanges trade, by the market's own clock, which is the feed's
last time and what has passed since. At lunch and at night silence is normal; that the connection itself is sound is
then the socket's own affair, which misses the server's keepalives. The owner reports what happens, asks `check` about
once a second, and does what it says.

Two clocks: whether data is due is asked of the market's clock, how long none came of the machine's. So a simulated
market may run as fast as it likes: a silence is an outage after thirty seconds that have really passed.
"""

from collections.abc import Collection
from typing import Literal, TypeAlias

from ingest_service.core.rows import FeedState
from ingest_service.core.sessions import Calendar, Exchange, Phases, day_of

Demand: TypeAlias = Literal["reconnect", "split"]

# With all symbols subscribed, several messages come each second while the exchanges trade.
DATA_SILENCE_S = 30.0
# The rarest wanted type, of foreigners' trades, comes every second or so.
TYPE_SILENCE_S = 60.0
# The last message of each symbol comes right after the subscription, at any hour.
SNAPSHOT_S = 5.0
# Types overtake each other by seconds. A message that tells a time further away than this may be an old one, repeated.
NEAR_MS = 60_000
# So long nobody must have told a time near ours before it is given up for an earlier one.
BACK_S = 5.0

_OF_SHARES: tuple[Exchange, ...] = ("HOSE", "HNX", "UPCOM")


class FeedWatch:
    """
    The state of the feed, and what is to be done about it.

    `now_s` is any clock that runs steadily, in seconds, the same for all calls.
    `state`: down (no link, or no data yet on a new one), live, quiet (no data is due), stale (data is due, none comes).
    """

    def __init__(
        self, now_s: float, market_ms: int, calendar: Calendar, wanted: Collection[str] = ("X", "R", "MI")
    ) -> None:
        """`market_ms` is the machine's idea of the market's time, Unix ms: used until the feed tells its own."""
        self.state: FeedState = "down"
        self.reason: str | None = "not connected yet"
        self._calendar = calendar
        self._phases = Phases(calendar)
        self._wanted = tuple(wanted)
        self._clock = (now_s, market_ms)  # what market time it was when
        self._guessed = True  # by the machine; the feed has told nothing yet
        self._doubted: tuple[float, int] | None = None  # since when the feed tells times far from ours, and the last
        self._known_ms: int | None = None  # a time told that is near ours, and no news: most messages repeat it
        self._next_phase_ms = calendar.next_change_ms(market_ms)
        self._next_phase_s = now_s + (self._next_phase_ms - market_ms) / 1000  # when that is, if the clock is not moved
        self._data_day = day_of(market_ms) if calendar.trades_on(day_of(market_ms)) else None
        self._open = False
        self._split = False
        self._opened_s = self._data_s = self._demanded_s = now_s
        self._type_s: dict[str, float] = {}  # data type → when it came last
        # What came since the link was opened, until something comes a second time: so far it is the snapshot, with the
        # times of the last changes, and says nothing about the market's time.
        self._snapshot: set[tuple[str, str]] | None = set()
        # What was said of the last message: of many that were read together all but a few say the same.
        self._said: tuple[float, str, int | None] | None = None

    @property
    def is_open(self) -> bool:
        """A link stands, and has taken the subscription."""
        return self._open

    def market_ms(self, now_s: float) -> int:
        """The market's time now, Unix ms."""
        read_s, market_ms = self._clock
        return market_ms + round((now_s - read_s) * 1000)

    def until_phase_s(self, now_s: float) -> float:
        """Seconds until the next phase begins on some exchange, by the clock, if nothing comes; 0 if one has begun."""
        return max(0.0, self._next_phase_s - now_s)

    def opened(self, now_s: float) -> None:
        """A link stands, and has taken the subscription."""
        self._open = True
        self._opened_s = self._data_s = self._demanded_s = now_s
        self._type_s = {}
        self._snapshot = set()
        self._said = None
        self._set("down", "connected, no data yet")

    def closed(self, reason: str) -> None:
        """The link is gone, or could not be made."""
        self._open = False
        self._said = None
        self._set("down", reason)

    def data(self, now_s: float, data_type: str, key: str, market_ms: int | None) -> bool:
        """
        A message of the market came: its type, its symbol or index, and the exchange's time if it tells one.

        True: another phase has begun on some exchange, or the market's clock was put right.
        """
        said = now_s, data_type, market_ms
        if said == self._said:
            return False
        self._data_s = self._type_s[data_type] = now_s
        if self._snapshot is not None:
            known = len(self._snapshot)
            self._snapshot.add((data_type, key))
            if len(self._snapshot) == known:
                self._snapshot = None
        if market_ms is not None and self._snapshot is None:
            if market_ms != self._known_ms or self._doubted:
                self._hear_time(now_s, market_ms)
            self._said = None if self._doubted else said
        if self._open:
            self.state, self.reason = "live", None
        return now_s >= self._next_phase_s and self._pass_phases(now_s)

    def hear(self, exchange: Exchange, session: str, market_ms: int) -> None:
        """The feed says in which session an exchange is: one that is closed early owes no data."""
        self._phases.hear(exchange, session, market_ms)

    def check(self, now_s: float) -> Demand | None:
        """
        Bring the state up to now.

        Returns "reconnect" when the link must be dropped and made anew, and "split", once, when a wanted type stays
        silent while others flow: then each channel needs a connection of its own. A demand is not repeated at once.
        """
        self._pass_phases(now_s)
        if not self._open:
            return None
        market_ms = self.market_ms(now_s)
        day = day_of(market_ms)
        trading_day = self._calendar.trades_on(day) or day == self._data_day
        busy_ms = self._calendar.busy_since_ms(market_ms) if trading_day and not self._is_closed(market_ms) else None
        if busy_ms is None:
            # The snapshot comes at any hour: without it, nobody knows yet what the market looks like.
            if now_s - self._opened_s > SNAPSHOT_S and now_s - self._data_s >= SNAPSHOT_S:
                self._set("quiet", "no data is due now")
            return None
        return self._check_data(now_s, (market_ms - busy_ms) / 1000) or self._check_types(now_s, market_ms)

    def _is_closed(self, market_ms: int) -> bool:
        """Whether the feed has said of all stock exchanges that they are closed, at an hour at which they trade."""
        return all(self._phases.told(exchange, market_ms) == "C" for exchange in _OF_SHARES)

    def _check_data(self, now_s: float, busy_s: float) -> Demand | None:
        if min(now_s - self._data_s, busy_s) < DATA_SILENCE_S:
            return None
        self._set("stale", f"no data for {DATA_SILENCE_S:.0f} s")
        if now_s - self._demanded_s < DATA_SILENCE_S:
            return None
        self._demanded_s = now_s
        return "reconnect"

    def _check_types(self, now_s: float, market_ms: int) -> Demand | None:
        since_ms = self._calendar.continuous_since_ms(market_ms)
        if since_ms is None or self._split or now_s - self._data_s >= DATA_SILENCE_S:
            return None
        continuous_s = (market_ms - since_ms) / 1000
        for data_type in self._wanted:
            silent_s = now_s - self._type_s.get(data_type, self._opened_s)
            if min(silent_s, continuous_s) >= TYPE_SILENCE_S:
                self._split = True
                return "split"
        return None

    def _hear_time(self, now_s: float, told_ms: int) -> None:
        """
        Let the market's clock go by what a message tells: forwards, as the newest is the nearest to the truth.

        A time far ahead is believed if the next message confirms it, an earlier one only if for some seconds no time
        near ours was told: old messages may be repeated among new ones.
        """
        ahead_ms = told_ms - self.market_ms(now_s)
        if self._guessed:
            self._set_clock(now_s, told_ms)
        elif abs(ahead_ms) <= NEAR_MS:
            self._data_day, self._doubted, self._known_ms = day_of(told_ms), None, told_ms
            if ahead_ms > 0:
                self._set_clock(now_s, told_ms)
        else:
            since_s, before_ms = self._doubted or (now_s, None)
            is_confirmed = before_ms is not None and abs(told_ms - before_ms) <= NEAR_MS
            if is_confirmed if ahead_ms > 0 else now_s - since_s >= BACK_S:
                self._set_clock(now_s, told_ms)
            else:
                self._doubted = (since_s, told_ms)

    def _set_clock(self, now_s: float, market_ms: int) -> None:
        if market_ms < self.market_ms(now_s):
            self._next_phase_ms = market_ms  # whatever phases there are now, they may be others
            self._phases = Phases(self._calendar)  # what was heard is of a time to come
        self._clock = (now_s, market_ms)
        self._next_phase_s = now_s + (self._next_phase_ms - market_ms) / 1000
        self._data_day, self._known_ms = day_of(market_ms), market_ms
        self._guessed, self._doubted = False, None

    def _pass_phases(self, now_s: float) -> bool:
        if now_s < self._next_phase_s:
            return False
        market_ms = self.market_ms(now_s)
        self._next_phase_ms = self._calendar.next_change_ms(market_ms)
        self._next_phase_s = now_s + (self._next_phase_ms - market_ms) / 1000
        return True

    def _set(self, state: FeedState, reason: str | None) -> None:
        self.state, self.reason = state, reason
