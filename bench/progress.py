"""What runs now, and for how long: on stderr, for who waits. Results go to stdout."""

import sys
import time
from collections.abc import Callable


class Progress:
    """Tells each turn when it begins. How long turns that are alike will take, those before them say."""

    def __init__(
        self,
        turns: int,
        turn_s: float | None = None,
        *,
        alike: bool = True,
        now_s: Callable[[], float] = time.monotonic,
    ) -> None:
        """`turn_s`: about how long each takes, if that is known before."""
        self._turns = turns
        self._turn_s = turn_s
        self._alike = alike
        self._now_s = now_s
        self._begun_s = now_s()
        self._done = -1  # none has begun

    def turn(self, what: str) -> None:
        """The next one begins."""
        self._done += 1
        if self._done and self._alike:
            self._turn_s = (self._now_s() - self._begun_s) / self._done
        number = f"{self._done + 1} of {self._turns}: " if self._turns > 1 else ""
        left = "" if self._turn_s is None else f" (about {duration(self._turn_s * (self._turns - self._done))} to go)"
        sys.stderr.write(f"{number}{what}{left}\n")
        sys.stderr.flush()


def duration(seconds: float) -> str:
    """For people: `40 s`, `3 min`."""
    return f"{max(1, round(seconds)):d} s" if seconds < 100 else f"{seconds / 60:.0f} min"
