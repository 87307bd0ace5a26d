"""How long to wait before the next attempt."""

from collections.abc import Callable

FIRST_S = 0.5
LONGEST_S = 30.0
#: A link that held for so long was a good one: its loss starts a new series.
GOOD_LINK_S = 10.0
#: No publisher may ask for a longer absence.
LONGEST_RETURN_S = 60.0


class Backoff:
    """A random part of a limit that doubles with each loss (full jitter): many clients do not return at once."""

    def __init__(self, random: Callable[[], float]) -> None:
        self._random = random  # gives 0 ≤ x < 1
        self._limit_s = FIRST_S

    def next_delay_s(self, held_s: float, return_s: float | None = None) -> float:
        """
        The wait after one more loss, of a link that held for so long; 0: it was never open.

        `return_s`: what a goodbye asked for, which is no failure after a good link. Who is let go as soon as it comes
        waits for at least as long as after any other loss.
        """
        if return_s is not None and return_s > LONGEST_RETURN_S:
            return_s = self._random() * LONGEST_RETURN_S  # it is meant for more than this client
        if held_s >= GOOD_LINK_S:
            self._limit_s = FIRST_S
            if return_s is not None:
                return return_s
        delay_s = self._random() * self._limit_s
        self._limit_s = min(2 * self._limit_s, LONGEST_S)
        return max(delay_s, return_s or 0.0)
