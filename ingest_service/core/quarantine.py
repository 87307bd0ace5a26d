"""What the guard did not let pass, for people to look at: the newest offences, and which of them the log has told."""

from collections import deque

from ingest_service.core.guard import Offence
from shared.table import Row

#: Offences that are kept; the oldest goes for a further one.
MAX_KEPT = 50
#: The log tells one of each reason in so long.
TOLD_AGAIN_MS = 60_000


class Quarantine:
    """The newest offences of this process."""

    def __init__(self) -> None:
        self._kept: deque[Row] = deque(maxlen=MAX_KEPT)
        self._told_ms: dict[str, int] = {}  # reason → when the log told one

    def take(self, offence: Offence, now_ms: int) -> bool:
        """Keep one, read at this moment of the machine's clock, Unix ms; True if the log is to tell it."""
        self._kept.appendleft(
            {
                "read_at": now_ms,
                "reason": offence.reason,
                "type": offence.data_type,
                "key": offence.key,
                "time": offence.time_ms,
                **offence.facts,
            }
        )
        told_ms = self._told_ms.get(offence.reason)
        if told_ms is not None and now_ms - told_ms < TOLD_AGAIN_MS:
            return False
        self._told_ms[offence.reason] = now_ms
        return True

    def rows(self) -> list[Row]:
        """The offences, newest first, times in Unix ms; the numbers behind each have names of their own."""
        return list(self._kept)
