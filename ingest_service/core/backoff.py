"""How long to wait before the next attempt."""

from collections.abc import Callable

# A link that carried data for so long was a good one: its loss starts a new series.
GOOD_LINK_S = 60.0


class Backoff:
    """
    Full jitter: a random part of a limit that doubles with each loss, until a good link sets it back.

    Many clients that lose the same server at once so spread their returns evenly.
    """

    def __init__(self, random: Callable[[], float], *, first_s: float, longest_s: float, least_s: float = 0.0) -> None:
        self._random = random  # gives 0 ≤ x < 1
        self._first_s = first_s
        self._longest_s = longest_s
        self._least_s = least_s
        self._limit_s = first_s

    def next_delay_s(self) -> float:
        """The wait after one more loss."""
        delay_s = self._least_s + self._random() * (self._limit_s - self._least_s)
        self._limit_s = min(2 * self._limit_s, self._longest_s)
        return delay_s

    def reset(self) -> None:
        """The link was good: the next loss is a first one."""
        self._limit_s = self._first_s
