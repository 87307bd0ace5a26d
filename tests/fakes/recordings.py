"""Recordings as tests need them: records in, events out."""

import asyncio
from collections.abc import Iterable
from contextlib import aclosing
from datetime import date

from ingest_service.bootstrap import Lists
from ingest_service.core.feed_events import FeedEvent, LinkDown
from ingest_service.core.recording import Header, Kind, Record
from ingest_service.recording_clock import RecordingClock
from ingest_service.recording_reader import Block, Damage
from ingest_service.replayed_feed import ReplayedFeed

ENDED = LinkDown("the recording has ended")


def a_header(session: str = "k3f9q2", *, source: str = "a", up: bool = False) -> Header:
    """One that says nothing special."""
    return Header(source=source, simulated=True, channels=["X:ALL"], session=session, day=date(2026, 11, 23), up=up)


def a_block(*records: Record, session: str = "k3f9q2", up: bool = False) -> Block:
    """A block as it is read."""
    header = a_header(session, up=up)
    return Block(header, [header.record(records[0].time_ms), *records])


def a_frame(time_ms: int, text: bytes = b'{"C":"d-1"}') -> Record:
    """A frame that was read at that time."""
    return Record(time_ms, Kind.FRAME, text)


class Player:
    """Plays blocks, and notes at what time each event came."""

    def __init__(
        self,
        blocks: Iterable[Block | Damage],
        begin_ms: int,
        *,
        speed: float | None = None,
        paced_from_ms: int = 0,
        until_ms: int | None = None,
    ) -> None:
        self.clock = RecordingClock(begin_ms)
        self.lists: list[Lists] = []
        self.events: list[tuple[int, FeedEvent]] = []
        self.looks_ms: list[int] = []  # when the owner's watch had its turn
        self.feed = ReplayedFeed(
            blocks,
            self.clock,
            read_ms=lambda: 7,
            set_lists=self.lists.append,
            speed=speed,
            paced_from_ms=paced_from_ms,
            until_ms=until_ms,
        )

    async def play(self) -> list[tuple[int, FeedEvent]]:
        """All events but the last, which tells the end."""
        watch = asyncio.create_task(self._watch())
        try:
            async with aclosing(self.feed.events()) as events:
                async for event in events:
                    if event == ENDED:
                        return self.events
                    self.events.append((self.clock.now_ms(), event))
        finally:
            watch.cancel()
        raise AssertionError("the end was not told")

    async def _watch(self) -> None:
        while True:
            await self.clock.sleep(0.5)
            self.looks_ms.append(self.clock.now_ms())
