"""How often something may happen: so many times a second, with a burst."""

#: What was not used is saved up for this long.
BURST_S = 2.0


class Allowance:
    """A bucket of permissions that fills at a steady rate. A rate of 0 permits everything."""

    __slots__ = ("_at_s", "_left")

    def __init__(self, rate_per_s: float, now_s: float) -> None:
        self._left = _burst(rate_per_s)
        self._at_s = now_s

    def take(self, rate_per_s: float, now_s: float) -> bool:
        """Use one permission; False if there is none."""
        if not rate_per_s:
            return True
        self._fill(rate_per_s, now_s)
        if self._left < 1.0:
            return False
        self._left -= 1.0
        return True

    def full(self, rate_per_s: float, now_s: float) -> bool:
        """Nothing was used lately: it may be forgotten and made anew."""
        self._fill(rate_per_s, now_s)
        return self._left >= _burst(rate_per_s)

    def _fill(self, rate_per_s: float, now_s: float) -> None:
        self._left = min(_burst(rate_per_s), self._left + (now_s - self._at_s) * rate_per_s)
        self._at_s = now_s


def _burst(rate_per_s: float) -> float:
    """Once at least: with less, a rate below one in two seconds would permit nothing, ever."""
    return max(1.0, rate_per_s * BURST_S)
