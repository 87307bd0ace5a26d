"""
The finished frames of deliveries that take more than one turn: the newest ones, whoever they are for.

A client that reads on finds its next frame here, shared with all who are sent the same. For one that reads slowly, or
not at all, nothing is kept: its frames are made anew when it reads.
"""

from collections import deque

from publisher_service.core.delivery import Delivery

#: Two snapshots of a whole market: the one that is being read, and a newer one.
MAX_BYTES = 8_000_000


class KeptFrames:
    """A ring of deliveries; beyond its size the oldest ones are let go."""

    def __init__(self) -> None:
        self._deliveries: deque[tuple[Delivery, int]] = deque()
        self.bytes = 0

    def keep(self, delivery: Delivery) -> None:
        """Take a delivery in, and let the oldest ones go for it."""
        size = delivery.size
        self._deliveries.append((delivery, size))
        self.bytes += size
        while self.bytes > MAX_BYTES:
            oldest, size = self._deliveries.popleft()
            oldest.thin()
            self.bytes -= size
