"""At most one flush per interval, and no change is lost."""

import math


class Throttle:
    """
    A change after a quiet interval is flushed at once (leading edge). Changes within an interval leave together at
    its end (trailing edge). With an interval of 0 each change leaves at once.
    """

    __slots__ = ("armed", "interval_s", "open_at_s")

    def __init__(self, interval_s: float) -> None:
        self.interval_s = interval_s
        # When the next flush may happen. In the past while all is quiet.
        self.open_at_s = -math.inf
        # True from the first change until the flush that carries it and all that come in between.
        self.armed = False

    def notify(self) -> bool:
        """Take note of a change. True if the caller must see to a flush at `open_at_s`, or now if that is past."""
        first = not self.armed
        self.armed = True
        return first

    def disarm(self) -> None:
        """No flush is seen to any more."""
        self.armed = False

    def flushed(self, now_s: float) -> None:
        """Everything up to now has left, or was tried: a flush that failed opens no second one in its window."""
        self.armed = False
        self.open_at_s = now_s + self.interval_s
