"""
Reads the feed for whoever wants it now: the backlog of a standby, or the leader.

A standby is warm: connected, so that it goes on at once when it has to lead. It is cold, connected only while it leads,
if the settings say so, or once the exchange has told it that there are too many connections.
"""

import asyncio
import logging
from collections import Counter
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import aclosing
from typing import Protocol

from ingest_service.core.backlog import Backlog
from ingest_service.core.feed_events import (
    Broadcasts,
    FeedEvent,
    FrameSkipped,
    HubMessage,
    LinkDown,
    LinkUp,
    SubscriptionRefused,
)
from ingest_service.core.feed_watch import FeedWatch
from ingest_service.core.invalid_row import InvalidRow
from ingest_service.core.sessions import exchange_of_index
from ingest_service.core.ticks import DataType, IndexTick, Tick
from ingest_service.metrics import Metrics
from shared.repeated import Repeated

log = logging.getLogger(__name__)

WATCH_S = 0.5
#: After so many messages in a row the other tasks get their turn: heartbeats must not wait for a burst.
MESSAGES_A_TURN = 500
#: States in which clients are told that all is well.
CONNECTED = ("live", "quiet")


class Feed(Protocol):
    """Where the messages come from: the stream of a source, or a recording."""

    @property
    def waiting(self) -> int:
        """How many messages are read but not yet taken."""

    def events(self) -> AsyncGenerator[FeedEvent, None]:
        """What happens, from now on. Ends after `stop`."""

    def tick(self, argument: str) -> Tick:
        """What a message of its `Broadcasts` says. Raises InvalidRow."""

    def reconnect(self, reason: str) -> None:
        """Make the link anew."""

    def split(self) -> None:
        """Make a connection for each channel."""

    def stop(self) -> None:
        """Nobody wants it any more."""


class Consumer(Protocol):
    """Who wants what is read."""

    def take(self, tick: Tick, read_at_ms: int) -> None:
        """A tick, read at this moment, Unix ms. Raises InvalidRow."""

    def link_lost(self) -> None:
        """Whatever is traded from now on until the next data is not seen."""

    def feed_told(self) -> None:
        """What `FeedReader.watch` knows may have changed."""


class FeedReader:
    """The feed, for one consumer at a time; while this process stands by, a backlog."""

    def __init__(
        self,
        feed: Feed,
        watch: FeedWatch,
        metrics: Metrics,
        *,
        warm: bool,
        now_s: Callable[[], float],
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        """`sleep` is of the same clock as `now_s`."""
        self.watch = watch
        self.backlog = Backlog()
        self._feed = feed
        self._metrics = metrics
        self._warm = warm
        self._now_s = now_s
        self._sleep = sleep
        self._consumer: Consumer = self.backlog
        self._wanted = asyncio.Event()
        self._messages = 0
        self._losses = Repeated()
        metrics.inbox.set_function(lambda: feed.waiting)
        metrics.backlog.set_function(lambda: len(self.backlog))
        self.stand_by()

    def lead(self, consumer: Consumer, *, knows_all: bool = True) -> None:
        """From now on everything goes to the leader. If it does not know all, the exchange has to tell it once more."""
        self._consumer, self.backlog = consumer, Backlog()
        self._want()
        if not knows_all and self.watch.is_open:
            self._feed.reconnect("leading without having watched all")

    def stand_by(self) -> None:
        """From now on everything goes to a new backlog, if a standby reads at all."""
        self._consumer = self.backlog = Backlog(whole=not self.watch.is_open)
        if self._warm:
            self._want()
        else:
            self._unwant("standing by without a connection to the exchange")

    async def run(self) -> None:
        """Read as long as somebody wants it; never returns."""
        async with asyncio.TaskGroup() as group:
            group.create_task(self._read(), name="read")
            group.create_task(self._watch_feed(), name="watch")

    def _want(self) -> None:
        self._wanted.set()
        self._metrics.feed_open.set(1)

    def _unwant(self, reason: str) -> None:
        log.info(reason)
        self._wanted.clear()
        self._metrics.feed_open.set(0)
        self._feed.stop()

    async def _read(self) -> None:
        while True:
            await self._wanted.wait()
            async with aclosing(self._feed.events()) as events:
                async for event in events:
                    self._take(event)
                    if self._messages >= MESSAGES_A_TURN:
                        self._messages = 0
                        await asyncio.sleep(0)
            self._lost("not connected: standing by")

    def _take(self, event: FeedEvent) -> None:
        match event:
            case Broadcasts():
                self._take_messages(event)
                self._messages += len(event.arguments)
            case LinkUp():
                log.info("exchange link is up", extra={"connections": len(event.layout)})
                self._losses.ended()
                self.watch.opened(self._now_s())
                if len(event.layout) == 1:
                    self.backlog.link_opened()
            case LinkDown():
                if self._losses.is_worth_telling(event.reason, self._now_s()):
                    log.warning("exchange link lost", extra={"reason": event.reason})
                self._metrics.link_losses.inc()
                self._lost(event.reason)
                if event.quota and self._consumer is self.backlog:
                    # The leader's connection is worth more than ours.
                    self._warm = False
                    self._unwant("the exchange refuses another connection: standing by without one from now on")
            case HubMessage():
                log.warning("the exchange's hub complains", extra={"text": event.text})
            case SubscriptionRefused():
                log.warning("a subscription was refused", extra={"channels": event.expression, "reason": event.reason})
            case FrameSkipped():
                self._metrics.skipped_frames.labels(event.reason).inc()
        if self.watch.state not in CONNECTED:
            self._consumer.feed_told()  # bad news at once

    def _take_messages(self, event: Broadcasts) -> None:
        now_s, parse, take, watch = self._now_s(), self._feed.tick, self._consumer.take, self.watch
        read: Counter[DataType] = Counter()
        for argument in event.arguments:
            try:
                tick = parse(argument)
                read[tick.data_type] += 1
                take(tick, event.received_ms)
                if isinstance(tick, IndexTick):
                    self._hear_session(tick)
                was_connected = watch.state in CONNECTED
                if watch.data(now_s, tick.data_type, tick.key, tick.time_ms) and was_connected:
                    self._consumer.feed_told()  # a phase has begun
            except InvalidRow as invalid:
                self._metrics.invalid_rows.labels(invalid.reason).inc()
        # Not one by one: that takes 1.4 µs each.
        for data_type, messages in read.items():
            self._metrics.messages_of[data_type].inc(messages)

    def _hear_session(self, tick: IndexTick) -> None:
        exchange = exchange_of_index(tick.key, tick.exchange)
        if exchange is not None and tick.session is not None and tick.time_ms is not None:
            self.watch.hear(exchange, tick.session, tick.time_ms)

    def _lost(self, reason: str) -> None:
        self._consumer.link_lost()
        self.watch.closed(reason)

    async def _watch_feed(self) -> None:
        state = self.watch.state
        while True:
            await self._sleep(min(WATCH_S, self.watch.until_phase_s(self._now_s())))
            before, demand = state, self.watch.check(self._now_s())
            state = self.watch.state
            if demand == "reconnect":
                self._feed.reconnect(self.watch.reason or "no data")
            elif demand == "split":
                log.warning("a channel stays silent beside others: one connection for each from now on")
                self._feed.split()
            # Good news when it has lasted from one look to the next: the data that it speaks of has left before it.
            if state not in CONNECTED or state == before:
                self._consumer.feed_told()
