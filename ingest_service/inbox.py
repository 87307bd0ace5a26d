"""What the connections have read and the owner has not taken yet."""

import asyncio

from ingest_service.core.feed_events import Broadcasts, FeedEvent

# Some 7 MB of messages, a second or two of the busiest minute.
MAX_WAITING = 4096


class Inbox:
    """
    Events in order, neighbouring broadcasts merged into one.

    When `max_waiting` messages wait, it is full: readers wait for room instead of reading, the websocket stops
    reading after a few frames more, and TCP holds the server back. A reader puts no more than a few small frames, or
    one of any size, once it has found room, which bounds the memory.
    """

    def __init__(self, max_waiting: int = MAX_WAITING) -> None:
        self._max_waiting = max_waiting
        self._events: list[FeedEvent] = []
        self.waiting = 0  # messages and other events in the list
        self._filled = asyncio.Event()
        self._emptied = asyncio.Event()
        self._ended = False

    @property
    def full(self) -> bool:
        """Whether `put` must wait for `room`."""
        return self.waiting >= self._max_waiting

    async def room(self) -> None:
        """Wait until it is not full."""
        while self.full:
            self._emptied.clear()
            await self._emptied.wait()

    def put(self, event: FeedEvent) -> None:
        """Add an event. Only after `room`."""
        last = self._events[-1] if self._events else None
        if isinstance(event, Broadcasts):
            self.waiting += len(event.arguments)
            if isinstance(last, Broadcasts):
                last.arguments.extend(event.arguments)
                self._events[-1] = Broadcasts(last.arguments, event.received_ms)
            else:
                self._events.append(event)
        else:
            self.waiting += 1
            self._events.append(event)
        self._filled.set()

    async def take(self) -> list[FeedEvent]:
        """Wait for events and take all that wait; an empty list after `end`."""
        await self._filled.wait()
        events, self._events = self._events, []
        self.waiting = 0
        self._emptied.set()
        if not self._ended:
            self._filled.clear()
        return events

    def end(self) -> None:
        """No more will come: wake who waits."""
        self._ended = True
        self._filled.set()
