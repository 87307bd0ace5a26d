"""Whether a balancer should send clients here."""

from publisher_service.redis_source import RedisSource


class Readiness:
    """Unready only for faults of this replica's own; a shared outage must never empty the balancer."""

    def __init__(self, source: RedisSource) -> None:
        self._source = source
        self._draining = False

    def drain(self) -> None:
        """The process is about to stop."""
        self._draining = True

    def fault(self) -> str | None:
        """Why no client should be sent here; None if all is well."""
        return "draining" if self._draining else self._source.own_fault
