"""Ages counted in buckets, from several processes, and what share of them is below which."""

from collections import Counter
from collections.abc import Iterable


class Histogram:
    """Values in microseconds."""

    def __init__(self, counted: Iterable[tuple[int, int]] = ()) -> None:
        self._counts: Counter[int] = Counter()
        self.add(counted)

    def add(self, counted: Iterable[tuple[int, int]]) -> None:
        """More of them: value, how often."""
        for value_us, times in counted:
            self._counts[value_us] += times

    @property
    def total(self) -> int:
        """How many."""
        return self._counts.total()

    def below_ms(self, per_cent: float) -> float:
        """The least value that so many per cent do not exceed, in ms. Raises ValueError if nothing was counted."""
        if not self.total:
            raise ValueError("nothing was counted")
        wanted, seen = self.total * per_cent / 100, 0
        for value_us in sorted(self._counts):
            seen += self._counts[value_us]
            if seen >= wanted:
                return value_us / 1000
        return max(self._counts) / 1000
