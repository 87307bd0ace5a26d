"""What totals of the day have gained within the last five minutes, in steps of half a minute."""

from collections import deque
from collections.abc import Iterable, Sequence

from ingest_service.core.rows import LookbackRow

LOOKBACK_MS = 5 * 60_000
#: Each step of each symbol is a row to be kept, so they are coarse: the five minutes may be half a minute shorter.
STEP_MS = 30_000
_STEPS = LOOKBACK_MS // STEP_MS


class Lookback:
    """The totals of one symbol as they stood at the end of each step."""

    __slots__ = ("_steps",)

    def __init__(self, steps: Iterable[Sequence[int]] = ()) -> None:
        # [step, totals …], oldest first. The first one stands at the far end of the five minutes or before it.
        self._steps = deque(list(step) for step in steps)

    @classmethod
    def resumed(cls, kept: LookbackRow, totals: Iterable[int]) -> "Lookback":
        """As it was: what was kept when its newest step began, and the totals since, which other rows hold."""
        lookback = cls(kept["steps"])
        if lookback._steps:
            lookback._steps[-1][1:] = totals
        return lookback

    @property
    def row(self) -> LookbackRow:
        """What is to be kept of it, each time that a step begins."""
        return {"steps": [list(step) for step in self._steps]}

    def add(self, time_ms: int, before: Sequence[int], totals: Sequence[int]) -> bool:
        """
        Take the totals at a time, and for a first time those before; True if a step begins.

        A time out of order counts as the newest.
        """
        step, steps = time_ms // STEP_MS, self._steps
        begins = not steps or step > steps[-1][0]
        if not steps:
            steps.append([step - 1, *before])
        if begins:
            steps.append([step, *totals])
            far_end = step - _STEPS
            while steps[1][0] <= far_end:
                steps.popleft()
        else:
            steps[-1][1:] = totals
        return begins

    @property
    def first(self) -> Sequence[int]:
        """The totals at the beginning of the five minutes."""
        return list(self._steps[0])[1:]
