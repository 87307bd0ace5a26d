"""The clock of a recording that is played: time stands still until the player moves it on."""

import asyncio
import heapq
from itertools import count


class RecordingClock:
    """What the machine's clock is to a live ingest. Deterministic: who sleeps wakes at the same moment in each run."""

    def __init__(self, time_ms: int) -> None:
        self._time_ms = time_ms
        self._sleepers: list[tuple[int, int, asyncio.Future[None]]] = []
        self._numbers = count()

    def now_ms(self) -> int:
        """The recording's time, Unix ms."""
        return self._time_ms

    def now_s(self) -> float:
        """The same in seconds."""
        return self._time_ms / 1000

    async def sleep(self, seconds: float) -> None:
        """Until the recording is so much further."""
        woken: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        heapq.heappush(self._sleepers, (self._time_ms + round(seconds * 1000), next(self._numbers), woken))
        await woken

    @property
    def next_ms(self) -> int | None:
        """When the first one wakes; None if nobody sleeps."""
        return self._sleepers[0][0] if self._sleepers else None

    async def move_to(self, time_ms: int) -> None:
        """
        Let a time come. Whoever slept until then has had its turn when this returns.

        Time never runs back. To let all wake at their own times, move from `next_ms` to `next_ms`.
        """
        self._time_ms = max(self._time_ms, time_ms)
        while self._sleepers and self._sleepers[0][0] <= self._time_ms:
            _, _, woken = heapq.heappop(self._sleepers)
            if not woken.done():  # cancelled, if it is
                woken.set_result(None)
                await asyncio.sleep(0)  # the sleeper is next in the loop's line
