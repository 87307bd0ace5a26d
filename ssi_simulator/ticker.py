"""The loop that keeps the market going."""

import asyncio
import logging
from datetime import UTC, date, datetime

from ssi_simulator.core.exchange import Exchange
from ssi_simulator.core.messages import Message
from ssi_simulator.core.timetable import DAY_S
from ssi_simulator.faults import Faults
from ssi_simulator.hub import Hub
from ssi_simulator.market_clock import MarketClock, clock_text

log = logging.getLogger(__name__)

TICK_S = 0.02
# What one turn makes up for at most: after a long halt of the machine the market goes on, it does not catch up.
_LONGEST_TURN_S = 1.0


class Ticker:
    """Moves the clock, lets events happen at the wanted rate, hands the messages to the hub."""

    def __init__(self, exchange: Exchange, clock: MarketClock, hub: Hub, faults: Faults, *, rate: float) -> None:
        """`rate`: events a second; each brings one message of channel X, and some of other channels."""
        self.exchange = exchange
        self.clock = clock
        self.rate = rate
        self.paused = False
        self._hub = hub
        self._faults = faults
        self._owed_events = 0.0
        self._catch_up()

    async def run(self) -> None:
        """Until cancelled."""
        loop = asyncio.get_running_loop()
        before_s = loop.time()
        while True:
            await asyncio.sleep(TICK_S)
            now_s = loop.time()
            if not self.paused:
                self.turn(min(now_s - before_s, _LONGEST_TURN_S))
            self._hub.turn()
            before_s = now_s

    def turn(self, elapsed_s: float) -> None:
        """Let so much real time pass in the market."""
        self.clock.advance(elapsed_s, datetime.now(UTC))
        burst = self._faults.use("burst") if self._faults else None
        self._owed_events += self.rate * elapsed_s * (burst or 1.0)
        events = int(self._owed_events)
        self._owed_events -= events
        self._hub.broadcast(self._told(events))

    def set_clock(self, day: date, now_s: float) -> None:
        """Go to a later moment at once, unless the market is paused: then when it goes on. Raises ValueError."""
        self.clock.set(day, now_s)
        if not self.paused:
            self.turn(0.0)

    def document(self) -> dict[str, object]:
        """The state of the market, for people and tests."""
        return {
            "day": self.exchange.day.isoformat(),
            "time": clock_text(self.exchange.now_s),
            "clock": self.clock.mode.value,
            "speed": self.clock.speed,
            "rate": self.rate,
            "paused": self.paused,
        }

    def _catch_up(self) -> None:
        """Come to the hour at which the clock begins, before anybody listens."""
        self.clock.advance(0.0, datetime.now(UTC))
        self._hub.broadcast(self._told(0))

    def _told(self, events: int) -> list[Message]:
        day, rolled = self.clock.told_day, []
        if day != self.exchange.day:
            log.info("a new trading day", extra={"day": day.isoformat()})
            rolled = self.exchange.roll_day(day)
        if day < self.clock.day:
            return rolled + self.exchange.advance(DAY_S - 1, 0)  # the night: what was left of that day has passed
        return rolled + self.exchange.advance(self.clock.now_s, events)
