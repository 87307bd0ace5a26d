"""A recording in the place of the exchange: the same events, at the recording's time, at any speed."""

import asyncio
import logging
from collections.abc import AsyncGenerator, Callable, Iterable, Iterator

from ingest_service.bootstrap import Lists
from ingest_service.core import signalr
from ingest_service.core.feed_events import FeedEvent, FrameSkipped, LinkDown, LinkUp, told_by
from ingest_service.core.recording import Header, Kind, Record
from ingest_service.core.ticks import Tick, parse
from ingest_service.recording_clock import RecordingClock
from ingest_service.recording_reader import Block, Damage

log = logging.getLogger(__name__)

#: A stretch in which nothing was recorded for so long is left out: a night, or a recorder that was away.
SKIPPED_MS = 300_000
#: So many records without a pause; then the other tasks get their turn.
RECORDS_A_TURN = 100


class ReplayedFeed:
    """
    The events of a recording, once. It is what a `FeedReader` reads, in the place of `FastConnect`.

    `ended` is set when the owner has taken all of them; the stream stays open then, as nothing more will come.
    """

    def __init__(
        self,
        blocks: Iterable[Block | Damage],
        clock: RecordingClock,
        *,
        read_ms: Callable[[], int],
        set_lists: Callable[[Lists], None],
        speed: float | None,
        paced_from_ms: int,
        until_ms: int | None,
    ) -> None:
        """
        `speed`: recorded seconds a second, None for as fast as can be; before `paced_from_ms` it always is.

        `read_ms` is the machine's clock: what is played is read now. Played is what comes before `until_ms`.
        """
        self._blocks = blocks
        self._clock = clock
        self._read_ms = read_ms
        self._set_lists = set_lists
        self._speed = speed
        self._paced_from_ms = paced_from_ms
        self._until_ms = until_ms
        self._pace: tuple[float, int] | None = None  # on the loop's clock it was …, when the recording's was …
        self._up = False
        self._session = ""
        self.ended = asyncio.Event()
        self.frames = 0  # played so far
        self.cut_tails = 0  # files that end with half a block: what a crash leaves
        self.damages = 0  # stretches lost from between sound blocks

    @property
    def waiting(self) -> int:
        """Nothing is read ahead."""
        return 0

    def tick(self, argument: str) -> Tick:
        """What a message says. Raises InvalidRow."""
        return parse(argument)

    def reconnect(self, reason: str) -> None:
        """What came of such a wish is in the recording."""

    def split(self) -> None:
        """As `reconnect`."""

    def stop(self) -> None:
        """As `reconnect`."""

    async def events(self) -> AsyncGenerator[FeedEvent, None]:
        """Play all of it, then wait for ever."""
        while self._clock.next_ms is None:  # noqa: ASYNC110 (a turn or two: the watch begins with the recording)
            await asyncio.sleep(0)
        played = 0
        for item in self._records():
            if isinstance(item, LinkDown):
                self._up = False
                yield item
                continue
            header, record = item
            if self._until_ms is not None and record.time_ms >= self._until_ms:
                await self._come_to(self._until_ms)
                break
            if record.time_ms > self._clock.now_ms():
                await self._come_to(record.time_ms)
            for event in self._events_of(header, record):
                yield event
            played += 1
            if played % RECORDS_A_TURN == 0:
                await asyncio.sleep(0)
        yield LinkDown("the recording has ended")
        self.ended.set()
        await asyncio.Event().wait()

    def _records(self) -> Iterator[tuple[Header, Record] | LinkDown]:
        """All records of all blocks, but for those of a time that another recorder has told of already."""
        played_ms = 0
        for block in self._blocks:
            if isinstance(block, Damage):
                yield from self._damage(block)
                continue
            other, self._session = self._session not in ("", block.header.session), block.header.session
            if other:
                played_ms += 1  # what both have of one millisecond is told once
                if self._up:
                    yield LinkDown("another recording goes on")
            for record in block.records:
                if record.time_ms >= played_ms or record.kind == Kind.HEADER:
                    played_ms = max(played_ms, record.time_ms)
                    yield block.header, record

    def _damage(self, damage: Damage) -> Iterator[LinkDown]:
        log.warning(
            "a part of the recording cannot be read and is left out",
            extra={"file": damage.file, "offset": damage.offset, "bytes": damage.length, "reason": damage.reason},
        )
        if damage.at_end:
            self.cut_tails += 1
        else:
            self.damages += 1
        if self._up:
            yield LinkDown("a part of the recording cannot be read")

    def _events_of(self, header: Header, record: Record) -> Iterator[FeedEvent]:
        match record.kind:
            case Kind.FRAME:
                self.frames += 1
                try:
                    yield from told_by(signalr.parse_frame(record.text), self._read_ms())
                except signalr.FrameError:
                    yield FrameSkipped("malformed")
            case Kind.HEADER:
                if header.up:
                    yield from self._link_up(header)
            case Kind.UP:
                yield from self._link_up(header)
            case Kind.DOWN:
                yield self._link_down(record.text.decode(errors="replace"))
            case Kind.END:
                if self._up:
                    yield self._link_down("nothing was recorded from here on")
            case Kind.GAP:
                yield self._link_down("frames are missing in the recording")
                yield from self._link_up(header)
            case Kind.LISTS:
                self._take_lists(record.text)
            case _:
                pass

    def _link_up(self, header: Header) -> Iterator[FeedEvent]:
        if not self._up:
            self._up = True
            yield LinkUp((",".join(header.channels),))

    def _link_down(self, reason: str) -> LinkDown:
        self._up = False
        return LinkDown(reason)

    def _take_lists(self, text: bytes) -> None:
        try:
            self._set_lists(Lists.model_validate_json(text))
        except ValueError:  # no lists, or none that a board can take
            log.warning("symbol lists in the recording are not understood")

    async def _come_to(self, time_ms: int) -> None:
        """Let the recording's clock come to a time, by way of everybody who wakes before."""
        if time_ms - self._clock.now_ms() > SKIPPED_MS:
            self._pace = None
            await self._clock.move_to(time_ms)
            return
        while (next_ms := self._clock.next_ms) is not None and next_ms <= time_ms:
            await self._wait_until(next_ms)
            await self._clock.move_to(next_ms)
        await self._wait_until(time_ms)
        await self._clock.move_to(time_ms)

    async def _wait_until(self, time_ms: int) -> None:
        if self._speed is None or time_ms < self._paced_from_ms:
            return
        now_s = asyncio.get_running_loop().time()
        if self._pace is None:
            self._pace = now_s, max(self._clock.now_ms(), self._paced_from_ms)
        began_s, began_ms = self._pace
        early_s = began_s + (time_ms - began_ms) / 1000 / self._speed - now_s
        if early_s > 0:
            await asyncio.sleep(early_s)
