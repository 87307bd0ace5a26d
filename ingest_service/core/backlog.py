"""
What a standby has read lately: enough to go on where the leader's last commit ended, as if it had led before.

A trade is a rise of the day's total, so ticks that the leader has published already can be taken once more: see
`Board.catch_up`.
"""

from collections import deque
from collections.abc import Iterator

from ingest_service.core.ticks import Tick

#: A takeover takes two seconds, or five; and the clocks of two machines differ by some.
KEPT_MS = 12_000
#: Some 40 MB, at most: four seconds of the busiest minute.
MAX_TICKS = 16_384
#: More than the clock of the leader's machine may differ from ours.
MARGIN_MS = 1_500


class Backlog:
    """
    The newest ticks, in order.

    When it is full the oldest go, and so does the claim to have seen them.
    """

    def __init__(self, *, whole: bool = True) -> None:
        #: What the exchange tells of everything, after the link was opened, is here, and all that came since.
        self.whole = whole
        self._read: deque[tuple[int, Tick]] = deque()
        self._complete_since_ms: int | None = None  # the link has stood, and every tick is here

    def __iter__(self) -> Iterator[Tick]:
        return (tick for _, tick in self._read)

    def __len__(self) -> int:
        return len(self._read)

    def take(self, tick: Tick, read_at_ms: int) -> None:
        """Keep a tick, read at this moment of the machine's clock, Unix ms."""
        if self._complete_since_ms is None:
            self._complete_since_ms = read_at_ms
        self._read.append((read_at_ms, tick))
        while len(self._read) > MAX_TICKS or self._read[0][0] < read_at_ms - KEPT_MS:
            self._complete_since_ms, _ = self._read.popleft()
            self.whole = False

    def link_lost(self) -> None:
        """From now on something may be missed."""
        self._read.clear()
        self._complete_since_ms = None
        self.whole = False

    def link_opened(self) -> None:
        """A link was opened, the only one there is: the exchange tells everything now."""
        self.whole = True

    def feed_told(self) -> None:
        """What is known about the feed may have changed. Nobody is told by a standby."""

    def covers(self, read_ms: int) -> bool:
        """Whether everything is here that came after what a leader had read at this moment."""
        return self._complete_since_ms is not None and self._complete_since_ms <= read_ms - MARGIN_MS
