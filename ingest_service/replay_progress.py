"""How far a replay is: a bar on a terminal, a line now and then elsewhere."""

import asyncio
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import datetime, timedelta, timezone
from typing import TextIO

from ingest_service.recording_clock import RecordingClock
from ingest_service.replayed_feed import ReplayedFeed

BAR_S, LINE_S = 0.2, 10.0
_WIDTH = 30
_VIETNAM = timezone(timedelta(hours=7))


@asynccontextmanager
async def telling(
    feed: ReplayedFeed, clock: RecordingClock, first_ms: int, end_ms: int, out: TextIO = sys.stderr
) -> AsyncIterator[None]:
    """Tell for the length of the block, and how it ended."""
    is_terminal = out.isatty()

    def tell(begin: str, end: str) -> None:
        out.write(begin + progress_line(clock.now_ms(), first_ms, end_ms, feed.frames, bar=is_terminal) + end)
        out.flush()

    async def keep_telling() -> None:
        while True:
            await asyncio.sleep(BAR_S if is_terminal else LINE_S)
            tell("\r" if is_terminal else "", "" if is_terminal else "\n")

    task = asyncio.create_task(keep_telling(), name="progress")
    try:
        yield
    finally:
        task.cancel()
        await asyncio.wait([task])
        tell("\r" if is_terminal else "", "\n")
        for lost, what in (
            (feed.cut_tails, "files end with half a block, as a crash leaves it"),
            (feed.damages, "stretches cannot be read, and were left out"),
        ):
            if lost:
                out.write(f"{lost} {what}\n")


def progress_line(time_ms: int, first_ms: int, end_ms: int, frames: int, *, bar: bool) -> str:
    """One line: where it is, and how much of it that is."""
    share = 1.0 if end_ms <= first_ms else min(1.0, max(0.0, (time_ms - first_ms) / (end_ms - first_ms)))
    done = round(share * _WIDTH)
    drawn = f" [{'#' * done}{'.' * (_WIDTH - done)}]" if bar else ""
    return f"{clock_text(time_ms)}{drawn} {share:4.0%} {frames:,} frames"


def clock_text(time_ms: int) -> str:
    """A moment, as the clocks in Vietnam show it."""
    return f"{datetime.fromtimestamp(time_ms / 1000, _VIETNAM):%d/%m %H:%M:%S}"
