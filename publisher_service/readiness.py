"""Whether a balancer should send clients here, and whether one is asking."""

import math

from publisher_service.redis_source import RedisSource

#: Who has not asked for so long does not watch this replica.
WATCHED_S = 15.0


class Readiness:
    """Unready only for faults of this replica's own; a shared outage must never empty the balancer."""

    def __init__(self, source: RedisSource) -> None:
        self._source = source
        self._draining = False
        self._asked_at_s = -math.inf

    def drain(self) -> None:
        """The process is about to stop."""
        self._draining = True

    def asked(self, now_s: float) -> None:
        """Somebody wants to know."""
        self._asked_at_s = now_s

    def is_watched(self, now_s: float) -> bool:
        """Somebody asks regularly, and so must be given the time to learn of a change."""
        return now_s - self._asked_at_s < WATCHED_S

    def fault(self) -> str | None:
        """Why no client should be sent here; None if all is well."""
        return "draining" if self._draining else self._source.own_fault
