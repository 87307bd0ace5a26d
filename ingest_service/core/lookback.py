"""What totals of the day have gained within the last five minutes, in steps of half a minute."""

from collections import deque
from collections.abc import Iterable

from ingest_service.core.rows import LookbackRow

LOOKBACK_MS = 5 * 60_000
#: Each step of each symbol is a row to be kept, so they are coarse: the five minutes may be half a minute shorter.
STEP_MS = 30_000
_STEPS = LOOKBACK_MS // STEP_MS


class Lookback:
    """The totals of one symbol as they stood at the end of each step, and as they stand now."""

    __slots__ = ("_steps",)

    def __init__(self, time_ms: int, before: Iterable[int]) -> None:
        """It begins at a time, before which these were the totals."""
        # [step, totals …], oldest first. The first one stands at the far end of the five minutes or before it.
        self._steps = deque([[time_ms // STEP_MS - 1, *before]])

    @classmethod
    def resumed(cls, kept: LookbackRow, totals: Iterable[int]) -> "Lookback":
        """As it was: what was kept when its newest step began, and the totals since, which other rows hold."""
        lookback = cls(0, ())
        lookback._steps = deque(list(step) for step in kept["steps"])
        lookback._steps[-1][1:] = totals
        return lookback

    @property
    def row(self) -> LookbackRow:
        """What is to be kept of it, each time that a step begins."""
        return {"steps": [list(step) for step in self._steps]}

    @property
    def first(self) -> list[int]:
        """[step, totals …] at the beginning of the five minutes; not to be changed."""
        return self._steps[0]

    def add(self, time_ms: int, *totals: int) -> bool:
        """Take the totals at a time; True if a step begins. A time out of order counts as the newest."""
        step, steps = time_ms // STEP_MS, self._steps
        newest = steps[-1]
        if step <= newest[0]:
            newest[1:] = totals
            return False
        steps.append([step, *totals])
        while steps[1][0] <= step - _STEPS:
            steps.popleft()
        return True
