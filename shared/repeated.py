"""Something that goes wrong again and again, told so that a log stays readable."""

FIRST_PAUSE_S, LONGEST_PAUSE_S = 2.0, 600.0
#: Two reasons may come in turn for a whole night. Of more than these, the one that is known longest is forgotten.
MOST_REASONS = 8


class Repeated:
    """Says when a line is worth writing: of each reason at first, and then after doubling pauses."""

    def __init__(self) -> None:
        self._told: dict[str, tuple[float, float]] = {}  # reason → when, and the pause after it; empty: all is well

    def is_worth_telling(self, reason: str, now_s: float) -> bool:
        """Of what went wrong just now; the time is one that never runs backwards."""
        told_s, pause_s = self._told.get(reason, (now_s, 0.0))
        if now_s - told_s < pause_s:
            return False
        if reason not in self._told and len(self._told) >= MOST_REASONS:
            del self._told[next(iter(self._told))]
        self._told[reason] = now_s, min(2 * pause_s or FIRST_PAUSE_S, LONGEST_PAUSE_S)
        return True

    def ended(self) -> bool:
        """It goes well now; whether something had been told."""
        told = bool(self._told)
        self._told.clear()
        return told
