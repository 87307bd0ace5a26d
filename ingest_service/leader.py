"""What an ingest does while it leads: reads the feed, keeps the board, publishes what changes."""

import asyncio
import logging
from collections.abc import Callable
from contextlib import aclosing
from datetime import date, datetime
from zoneinfo import ZoneInfo

from ingest_service.core.board import Board
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
from ingest_service.core.ticks import parse
from ingest_service.fast_connect import FastConnect
from ingest_service.metrics import Metrics
from ingest_service.publication import Publication, now_ms

log = logging.getLogger(__name__)

WATCH_S = 0.5
#: After so many messages in a row the other tasks get their turn: heartbeats must not wait for a burst.
MESSAGES_A_TURN = 500
#: States in which clients are told that all is well.
CONNECTED = ("live", "quiet")
VIETNAM = ZoneInfo("Asia/Ho_Chi_Minh")


class Leader:
    """One term of leadership, from the lease to its loss."""

    def __init__(
        self,
        board: Board,
        watch: FeedWatch,
        feed: FastConnect,
        publication: Publication,
        metrics: Metrics,
        *,
        now_s: Callable[[], float],
    ) -> None:
        self._board = board
        self._watch = watch
        self._feed = feed
        self._publication = publication
        self._metrics = metrics
        self._now_s = now_s
        self._changed = asyncio.Event()
        self._read_at_ms = now_ms()
        self._messages = 0

    async def run(self) -> None:
        """Lead until cancelled. Raises LeaseLost."""
        self._tell_state()
        # The state left behind may say "live": nobody may believe it before data has come.
        await self._publish_changes()
        async with asyncio.TaskGroup() as group:
            group.create_task(self._publication.keep_alive(), name="heartbeat")
            group.create_task(self._publish(), name="publish")
            group.create_task(self._watch_feed(), name="watch")
            group.create_task(self._read(), name="read")

    def changed(self) -> None:
        """The board was changed by somebody else: publish."""
        self._changed.set()

    async def _read(self) -> None:
        async with aclosing(self._feed.events()) as events:
            async for event in events:
                self._take(event)
                if self._messages >= MESSAGES_A_TURN:
                    self._messages = 0
                    await asyncio.sleep(0)

    def _take(self, event: FeedEvent) -> None:
        match event:
            case Broadcasts():
                self._read_at_ms = event.received_ms
                for argument in event.arguments:
                    self._take_message(argument)
                self._messages += len(event.arguments)
                self._changed.set()
            case LinkUp():
                log.info("exchange link is up", extra={"connections": len(event.layout)})
                self._watch.opened(self._now_s())
            case LinkDown():
                log.warning("exchange link lost", extra={"reason": event.reason})
                self._metrics.link_losses.inc()
                self._board.link_restored()  # whatever is traded from now on until the next data is not seen
                self._watch.closed(event.reason)
            case HubMessage():
                log.warning("the exchange's hub complains", extra={"text": event.text})
            case SubscriptionRefused():
                log.warning("a subscription was refused", extra={"channels": event.expression, "reason": event.reason})
            case FrameSkipped():
                self._metrics.skipped_frames.labels(event.reason).inc()
        if self._watch.state not in CONNECTED:
            self._tell_state()  # bad news at once

    def _take_message(self, argument: str) -> None:
        try:
            tick = parse(argument)
            self._metrics.messages.labels(tick.data_type).inc()
            for oddity in tick.oddities:
                self._metrics.oddities.labels(oddity).inc()
            self._board.apply(tick)
            self._watch.data(self._now_s(), tick.data_type, tick.key, tick.time_ms)
        except InvalidRow as invalid:
            self._metrics.invalid_rows.labels(invalid.reason).inc()

    async def _watch_feed(self) -> None:
        state = self._watch.state
        while True:
            await asyncio.sleep(WATCH_S)
            before, demand = state, self._watch.check(self._now_s())
            state = self._watch.state
            if demand == "reconnect":
                self._feed.reconnect(self._watch.reason or "no data")
            elif demand == "split":
                log.warning("a channel stays silent beside others: one connection for each from now on")
                self._feed.split()
            # Good news when it has lasted from one look to the next: the data that it speaks of has left before it.
            if state not in CONNECTED or state == before:
                self._tell_state()

    def _tell_state(self) -> None:
        """Put feed state and phases into the board; the rows change only if they do."""
        self._board.set_feed(self._watch.state, self._watch.reason, now_ms())
        self._board.set_time(self._watch.market_ms(self._now_s()), now_ms())
        self._changed.set()

    async def _publish(self) -> None:
        while True:
            await self._changed.wait()
            self._changed.clear()
            await self._publish_changes()

    async def _publish_changes(self) -> None:
        day = self._board.day or self._publication.day or today()
        if day != self._publication.day:
            await self._publication.open_epoch(day)
        changes = self._board.take_changes()
        if changes:
            await self._publication.publish(changes, self._read_at_ms)


def today() -> date:
    """The day in Vietnam, by the machine's clock: for a history that begins before the feed has told its day."""
    return datetime.now(VIETNAM).date()
