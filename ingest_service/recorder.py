"""
What is read from the exchange, on its way to the disk.

The feed never waits for it: records are put into memory, and a thread of its own writes them every two seconds. What
finds no room, as the disk is slow or full, is dropped, counted and told.
"""

import asyncio
import logging
import time
from collections import deque
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager, suppress
from threading import Thread

from ingest_service.core.recording import BLOCK_BYTES, Kind, Record
from ingest_service.metrics import Metrics
from ingest_service.recording_files import RecordingFiles
from shared.tasks import stop_if_failed

log = logging.getLogger(__name__)

#: What a crash may take away.
BLOCK_S = 2.0
#: What may wait for the disk: some seconds of the busiest minute.
MAX_WAITING_BYTES = 64_000_000
#: What is kept while nothing is recorded, as a leader goes on from what it has read as a standby.
KEPT_MS = 12_000
MAX_KEPT_BYTES = 16_000_000
#: After a fault of the disk.
RETRY_S = 60.0
#: Losses of the link, and the like, that wait for the disk meanwhile.
MAX_PUT_BACK = 100
#: What is left is written at the end, unless that takes longer.
END_DEADLINE_S = 5.0
#: What a record costs besides its text.
_RECORD_BYTES = 200


class Recorder:
    """
    Takes records, and has them written while recording is on.

    While it is off, the newest are kept: with them the next recording begins.
    """

    def __init__(
        self,
        files: RecordingFiles,
        metrics: Metrics,
        *,
        now_ms: Callable[[], int] = lambda: time.time_ns() // 1_000_000,
        retry_s: float = RETRY_S,
    ) -> None:
        self._files = files
        self._metrics = metrics
        self._now_ms = now_ms
        self._retry_s = retry_s
        self.frames = self.bytes = 0  # on the disk
        self.dropped = 0  # frames that never will be
        self._on = False
        self._up = False
        self._last_ms = 0  # of the newest record: clocks are set back, recordings never run backwards
        self._kept: deque[Record] = deque()
        self._kept_bytes = 0
        self._waiting: list[Record] = []
        self._waiting_bytes = 0
        self._missing = 0  # frames that were dropped since the last one that was taken
        self._due = asyncio.Event()
        self._ending = False
        self._ill = False  # the last block could not be written
        self._waits_for_disk = False  # and it is not tried again yet

    def take(self, record: Record) -> None:
        """Something was read."""
        if record.kind in (Kind.UP, Kind.DOWN):
            self._up = record.kind == Kind.UP
        record = Record(self._in_order(record.time_ms), record.kind, record.text)
        if self._on:
            self._add(record)
        else:
            self._keep(record)

    def begin(self) -> None:
        """Record from now on, and what was read in the last seconds."""
        kept, self._kept, self._kept_bytes = self._kept, deque(), 0
        time_ms = kept[0].time_ms if kept else self._in_order(self._now_ms())
        self._on = True
        self._add(Record(time_ms, Kind.START, b""))
        if self._up and all(record.kind != Kind.UP for record in kept):
            self._add(Record(time_ms, Kind.UP, b""))
        for record in kept:
            self._add(record)
        log.info("the feed is recorded")

    def pause(self) -> None:
        """Record no more, until `begin`."""
        if self._on:
            self._add(Record(self._in_order(self._now_ms()), Kind.END, b""))
            self._on = False
            log.info("the feed is not recorded any more")

    def end(self) -> None:
        """Let `run` write what is left, and return."""
        self.pause()
        self._ending = True
        self._due.set()

    async def run(self) -> None:
        """Write what waits, every two seconds or when it is much; returns after `end`."""
        while not self._ending:
            await self._due_within(BLOCK_S)
            await self._write()
            if self._waits_for_disk:
                await self._due_within(self._retry_s)
                self._waits_for_disk = False
        await self._write()
        self._metrics.recording.set(0)

    async def _due_within(self, seconds: float) -> None:
        with suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await self._due.wait()
        self._due.clear()

    def _in_order(self, time_ms: int) -> int:
        self._last_ms = max(self._last_ms, time_ms)
        return self._last_ms

    def _keep(self, record: Record) -> None:
        self._kept.append(record)
        self._kept_bytes += _size(record)
        while self._kept and (self._kept_bytes > MAX_KEPT_BYTES or self._kept[0].time_ms < record.time_ms - KEPT_MS):
            self._kept_bytes -= _size(self._kept.popleft())

    def _add(self, record: Record) -> None:
        if self._waits_for_disk and record.kind == Kind.FRAME:
            self._drop("disk", 1)
        elif self._waiting_bytes + _size(record) > MAX_WAITING_BYTES:
            if not self._missing:
                log.error("the disk is too slow: frames are missing in the recording")
            self._drop("slow", 1)
        else:
            if self._missing and record.kind in (Kind.FRAME, Kind.END):
                self._append(Record(record.time_ms, Kind.GAP, b"%d" % self._missing))
                self._missing = 0
            self._append(record)

    def _append(self, record: Record) -> None:
        self._waiting.append(record)
        self._waiting_bytes += _size(record)
        if self._waiting_bytes >= BLOCK_BYTES and not self._waits_for_disk:
            self._due.set()

    def _drop(self, reason: str, frames: int) -> None:
        self._missing += frames
        self.dropped += frames
        self._metrics.recording_dropped.labels(reason).inc(frames)

    async def _write(self) -> None:
        records, self._waiting, self._waiting_bytes = self._waiting, [], 0
        if not records:
            return
        frames = sum(record.kind == Kind.FRAME for record in records)
        try:
            written = await _in_thread(lambda: self._files.write(records))
        except OSError as error:
            log.error(  # noqa: TRY400 (the kind of fault is all there is to know)
                "the recording cannot be written", extra={"reason": error.strerror, "again_in_s": self._retry_s}
            )
            self._ill = self._waits_for_disk = True
            self._metrics.recording.set(0)
            self._put_back(records)
            self._drop("disk", frames)
            return
        if self._ill:
            self._ill = False
            log.info("the recording is written again")
        self.frames += frames
        self.bytes += written
        self._metrics.recording.set(int(self._on))
        self._metrics.recorded_frames.inc(frames)
        self._metrics.recorded_bytes.inc(written)

    def _put_back(self, records: Sequence[Record]) -> None:
        """What is no frame tells what those mean that come later, and is small."""
        self._drop("disk", sum(record.kind == Kind.FRAME for record in self._waiting))
        others = [record for record in [*records, *self._waiting] if record.kind != Kind.FRAME]
        self._waiting = others[-MAX_PUT_BACK:]
        self._waiting_bytes = sum(map(_size, self._waiting))


@asynccontextmanager
async def recording(recorder: Recorder) -> AsyncIterator[None]:
    """Write for the length of the block, and what is left at its end."""
    task = asyncio.create_task(recorder.run(), name="recorder")
    task.add_done_callback(stop_if_failed)
    try:
        yield
    finally:
        recorder.end()
        _, late = await asyncio.wait([task], timeout=END_DEADLINE_S)
        if late:
            log.error("the disk does not answer: the end of the recording is lost")
            task.cancel()


def _size(record: Record) -> int:
    return len(record.text) + _RECORD_BYTES


async def _in_thread(write: Callable[[], int]) -> int:
    """Like `asyncio.to_thread`, but a disk that never answers cannot keep the process from ending."""
    loop = asyncio.get_running_loop()
    done: asyncio.Future[int] = loop.create_future()

    def settle(result: int, error: BaseException | None) -> None:
        if done.cancelled():
            return
        if error is None:
            done.set_result(result)
        else:
            done.set_exception(error)

    def work() -> None:
        result, fault = 0, None
        try:
            result = write()
        except BaseException as error:  # noqa: BLE001 (handed to the one who waits)
            fault = error
        with suppress(RuntimeError):  # the loop has ended: nobody waits
            loop.call_soon_threadsafe(settle, result, fault)

    Thread(target=work, name="recording", daemon=True).start()
    return await done
