"""Something that goes wrong again and again, told so that a log stays readable."""

FIRST_PAUSE_S, LONGEST_PAUSE_S = 2.0, 600.0


class Repeated:
    """Says when a line is worth writing: at first, when the reason is another, and then after doubling pauses."""

    def __init__(self) -> None:
        self._reason: str | None = None  # None: all is well
        self._pause_s = FIRST_PAUSE_S
        self._told_s = 0.0

    def is_worth_telling(self, reason: str, now_s: float) -> bool:
        """Of what went wrong just now; the time is one that never runs backwards."""
        if reason != self._reason:
            self._reason, self._pause_s = reason, FIRST_PAUSE_S
        elif now_s - self._told_s < self._pause_s:
            return False
        else:
            self._pause_s = min(2 * self._pause_s, LONGEST_PAUSE_S)
        self._told_s = now_s
        return True

    def ended(self) -> bool:
        """It goes well now; whether something had been told."""
        told, self._reason = self._reason is not None, None
        return told
