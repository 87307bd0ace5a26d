"""Frames are due at moments that are known before."""

import asyncio
from itertools import pairwise

import orjson

from bench.market import Market
from bench.supply import Frames, pace


async def test_frames_that_a_stall_delays_keep_the_time_at_which_they_were_due() -> None:
    due_ms: list[int] = []
    all_sent = asyncio.Event()

    async def send(time_ms: int) -> None:
        due_ms.append(time_ms)
        if len(due_ms) == 3:
            await asyncio.sleep(0.1)  # the stall
        if len(due_ms) == 12:
            all_sent.set()

    async with asyncio.timeout(20), pace(send, per_s=100) as feeding:
        await all_sent.wait()

    assert {later - earlier for earlier, later in pairwise(due_ms)} == {10}
    assert feeding.late.below_ms(100) >= 100 - 10


def test_a_frame_is_an_update_of_one_row_with_the_time_when_it_was_due() -> None:
    frames = Frames(Market())

    first, second = (orjson.loads(frames.text(time_ms)) for time_ms in (1000, 1050))

    assert (first["type"], first["time"], second["time"]) == ("update", 1000, 1050)
    assert list(first["data"]) == [frames.key]
    assert second["from"] == first["rev"]
    assert 800 < frames.size < 1200
