"""
How fast running totals rise: over the last five minutes, and over the five minutes before these.

Time goes in steps of ten seconds of the feed's own time. The steps are kept in rows of their own, so that another
process can go on with them.
"""

from bisect import bisect_left, bisect_right
from collections.abc import Sequence

WINDOW_MIN = 5
STEP_MS = 10_000
_WINDOW_STEPS = WINDOW_MIN * 60_000 // STEP_MS
#: Steps that are kept, at most: those of both windows.
MAX_STEPS = 2 * _WINDOW_STEPS


class Window:
    """
    One symbol's totals, as they stood before each step of the last ten minutes in which something was told.

    A list for each total, not one for each step: the garbage collector looks at every list.
    """

    __slots__ = ("columns", "steps")

    def __init__(self, steps: list[int], *columns: list[int]) -> None:
        """Lists of different lengths fit nothing, and count as empty ones."""
        if any(len(column) != len(steps) for column in columns):
            steps, columns = [], tuple([] for _ in columns)
        #: Numbers of steps, oldest first. These lists are never changed but replaced: rows hold them.
        self.steps = steps
        #: Of each total, what it was before each of the steps.
        self.columns = columns

    @property
    def newest_step(self) -> int:
        """When it changes, the window is worth keeping anew: within a step the symbol's own row has the totals."""
        return self.steps[-1] if self.steps else 0

    def enter(self, time_ms: int, totals: Sequence[int]) -> None:
        """
        Something is told at this time, and before it the totals stood so.

        Times out of order count in the newest step.
        """
        step = time_ms // STEP_MS
        if self.newest_step < step:
            old = bisect_right(self.steps, step - MAX_STEPS)
            self.steps = [*self.steps[old:], step]
            self.columns = tuple([*column[old:], total] for column, total in zip(self.columns, totals, strict=True))

    def rises(self, time_ms: int, totals: Sequence[int]) -> tuple[list[int], list[int]]:
        """
        How much each total, which is now this, has risen in the five minutes before a time, and in those before them.

        The present step counts as a whole one. A total that was corrected downwards has not risen.
        """
        step = time_ms // STEP_MS
        middle = self._before(step - _WINDOW_STEPS + 1, totals)
        first = self._before(step - MAX_STEPS + 1, totals)
        return _rises(middle, totals), _rises(first, middle)

    def _before(self, step: int, totals: Sequence[int]) -> Sequence[int]:
        at = bisect_left(self.steps, step)
        return [column[at] for column in self.columns] if at < len(self.steps) else totals


def _rises(before: Sequence[int], after: Sequence[int]) -> list[int]:
    return [max(0, later - earlier) for earlier, later in zip(before, after, strict=True)]


def per_min(rise: int) -> int:
    """A rise within a window as a speed, a minute."""
    return round(rise / WINDOW_MIN)
