"""
A day of the simulated market from the evening before to the evening after, in virtual time, at several speeds.

The simulator's own clock and exchange are moved on step by step; what they tell goes through the cores as the reader
and the leader put it through. Phases, days and silence are compared with the calendar.
"""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from functools import cache

import orjson
import pytest

from ingest_service.core.board import Board
from ingest_service.core.calendar_rules import EXCHANGES
from ingest_service.core.feed_watch import FeedWatch
from ingest_service.core.rows import FEED_KEY
from ingest_service.core.sessions import Calendar, day_of, midnight_ms
from ingest_service.core.ticks import parse
from shared.channels import Channel
from ssi_simulator.core.exchange import Exchange
from ssi_simulator.core.messages import Message, content_text
from ssi_simulator.market_clock import ClockMode, MarketClock, clock_seconds

FRIDAY, SATURDAY, MONDAY = date(2026, 11, 27), date(2026, 11, 28), date(2026, 11, 30)
DATA_TYPES = ("F", "X", "R", "MI")
STEP_S = 20.0  # of the market: each phase begins with a step
LOOK_S = 5.0  # of the machine: how often the state is looked at when nothing comes


@dataclass
class Diary:
    """What was published when, by the market's time of day in seconds."""

    days: list[tuple[float, date | None]] = field(default_factory=list)
    phases: dict[str, list[tuple[float, str]]] = field(default_factory=dict)
    states: list[tuple[float, str]] = field(default_factory=list)
    demands: list[float] = field(default_factory=list)
    last_rows: dict[str, object] = field(default_factory=dict)


class Road:
    """Watch and board of an ingest, which is connected all the time."""

    def __init__(self, machine_ms: int, speed: float) -> None:
        self.now_s = 1000.0
        self.diary = Diary()
        # In so small a market foreigners trade, and indices move, too seldom to be waited for.
        self.watch = FeedWatch(self.now_s, machine_ms, Calendar(), wanted=("X",))
        self.board = Board(simulated=True, now_ms=machine_ms)
        self._machine_ms = machine_ms
        self._speed = speed
        self.watch.opened(self.now_s)

    def tell(self, messages: list[Message], market_s: float) -> None:
        """The feed tells this."""
        for message in messages:
            if message.data_type in DATA_TYPES:
                argument = {"DataType": message.data_type, "Content": content_text(message.content)}
                tick = parse(orjson.dumps(argument))
                self.board.apply(tick)
                if self.watch.data(self.now_s, tick.data_type, tick.key, tick.time_ms):
                    self.tell_state(market_s)
        self._publish(market_s)

    def pass_time(self, market_s: float) -> None:
        """A step of the market passes, whose end is `market_s`; looks in between are at the machine's distance."""
        left_s = STEP_S / self._speed
        while left_s > 0:
            step_s = min(LOOK_S, left_s, max(0.001, self.watch.until_phase_s(self.now_s)))
            self.now_s, left_s = self.now_s + step_s, left_s - step_s
            self._machine_ms += round(step_s * 1000)
            if self.watch.check(self.now_s) is not None:
                self.diary.demands.append(market_s)
            self.tell_state(market_s - left_s * self._speed)

    def tell_state(self, market_s: float) -> None:
        """Put feed state and phases into the board, as a leader does."""
        self.board.set_feed(self.watch.state, self.watch.reason, self._machine_ms)
        self.board.set_time(self.watch.market_ms(self.now_s), self._machine_ms)
        self._publish(market_s)

    def _publish(self, market_s: float) -> None:
        diary = self.diary
        for channel, rows in self.board.take_changes().items():
            diary.last_rows |= {f"{channel} {key}": row for key, row in rows.items()}
            for key, row in rows.items() if channel is Channel.STATUS else ():
                assert row is not None
                if key == FEED_KEY:
                    if not diary.states or diary.states[-1][1] != row["state"]:
                        diary.states.append((market_s, str(row["state"])))
                elif not diary.phases.setdefault(key, []) or diary.phases[key][-1][1] != row["phase"]:
                    diary.phases[key].append((market_s, str(row["phase"])))
        if not diary.days or diary.days[-1][1] != self.board.day:
            diary.days.append((market_s, self.board.day))


@cache
def a_monday(*, speed: float, machine: date, until: str = "15:10") -> Diary:
    """From 07:40 on, after a Friday; `machine` is what the machine takes for the day."""
    clock = MarketClock(ClockMode.TIMETABLE, MONDAY, clock_seconds("07:40"), speed=speed)
    exchange = Exchange(seed=4, day=clock.told_day, stocks=8)
    exchange.advance(clock_seconds("23:59"), 0)
    road = Road(midnight_ms(machine) + round(clock.now_s * 1000), speed)
    road.tell([message for kind in DATA_TYPES for message in exchange.snapshot(kind)], clock.now_s)
    road.tell_state(clock.now_s)
    while clock.now_s < clock_seconds(until):
        clock.advance(STEP_S / speed, datetime.now(UTC))
        road.pass_time(clock.now_s)
        if clock.told_day == clock.day:
            rolled = exchange.roll_day(clock.day) if exchange.day < clock.day else []
            road.tell(rolled + exchange.advance(clock.now_s, 4), clock.now_s)
    return road.diary


@pytest.mark.parametrize(("speed", "machine"), [(1.0, MONDAY), (60.0, MONDAY), (240.0, SATURDAY)])
def test_a_day_passes_through_all_phases_on_all_exchanges_as_the_calendar_has_them(speed: float, machine: date) -> None:
    diary = a_monday(speed=speed, machine=machine)

    for exchange in EXCHANGES:
        hours = [(start_ms / 1000, phase) for start_ms, phase in Calendar().hours(exchange, MONDAY)]
        told = diary.phases[exchange]
        assert told[0][1] == "closed"
        assert [phase for _, phase in told[1:]] == [phase for _, phase in hours[1:]]
        for (told_s, _), (begins_s, phase) in zip(told[1:], hours[1:], strict=True):
            assert told_s == pytest.approx(begins_s, abs=1.0), (exchange, phase)


@pytest.mark.parametrize(("speed", "machine"), [(1.0, MONDAY), (240.0, SATURDAY)])
def test_a_day_begins_with_its_first_row_and_until_then_the_day_before_is_shown_closed(
    speed: float, machine: date
) -> None:
    diary = a_monday(speed=speed, machine=machine, until="09:00")

    assert diary.days == [(clock_seconds("07:40"), FRIDAY), (clock_seconds("08:00"), MONDAY)]
    assert all(phases[0][1] == "closed" and phases[1][0] >= 8 * 3600 for phases in diary.phases.values())


@pytest.mark.parametrize("speed", [1.0, 60.0, 240.0])
def test_no_silence_of_a_day_counts_as_an_outage_neither_before_the_opening_nor_at_noon(speed: float) -> None:
    diary = a_monday(speed=speed, machine=MONDAY)

    assert diary.demands == []
    assert {state for _, state in diary.states} - {"live", "quiet"} == set()
    at_noon = [state for at_s, state in diary.states if at_s < clock_seconds("12:00")][-1]
    assert at_noon == "quiet"


@contextmanager
def a_machine_in(zone: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Local time is that of a zone for the length of the block."""
    with monkeypatch.context() as patched:
        patched.setenv("TZ", zone)
        time.tzset()
        yield
    time.tzset()


def test_the_machines_time_zone_changes_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    diaries = []
    for zone in ("UTC", "America/New_York", "Asia/Ho_Chi_Minh"):
        with a_machine_in(zone, monkeypatch):
            diaries.append(a_monday.__wrapped__(speed=60.0, machine=MONDAY, until="08:50"))

    assert diaries[0] == diaries[1] == diaries[2]
    rows = [row for name, row in diaries[0].last_rows.items() if name.startswith("market") and isinstance(row, dict)]
    assert {day_of(row["time"]) for row in rows} >= {MONDAY}
