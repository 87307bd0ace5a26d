"""What clients are told about the road from the exchange to them: each stretch of it, and the whole in one word."""

from enum import StrEnum
from typing import NamedTuple

from shared.table import JSON, Row, Table

PROTOCOL = 1


class Ingest(StrEnum):
    """The writer, judged by its heartbeat."""

    LIVE = "live"
    SILENT = "silent"


class Broker(StrEnum):
    """Redis, judged by its answers."""

    LIVE = "live"
    DOWN = "down"


class Link(NamedTuple):
    """What this replica knows about its side of the road."""

    broker: Broker
    ingest: Ingest
    reason: str | None = None


class Status(NamedTuple):
    """One status, without its time."""

    feed: str  # live, quiet (no data is expected now), stale, down; what ingest last said of the exchange link
    ingest: Ingest
    broker: Broker
    phases: tuple[tuple[str, str], ...]  # (exchange, phase)
    reason: str | None
    simulated: bool = False  # the exchange is a simulator
    replay_time_ms: int | None = None  # a recording is played: its time, Unix ms

    @property
    def connected(self) -> bool:
        """Prices are as new as the exchange gives them: every stretch of the road is sound."""
        return self.feed in ("live", "quiet") and self.ingest is Ingest.LIVE and self.broker is Broker.LIVE

    def message(self, changed_at_ms: int, heartbeat_ms: int, intervals_ms: tuple[int, ...]) -> dict[str, JSON]:
        """The status message."""
        return {
            "type": "status",
            "protocol": PROTOCOL,
            "connected": self.connected,
            "feed": self.feed,
            "ingest": self.ingest.value,
            "broker": self.broker.value,
            "phases": dict(self.phases),
            "changed_at": changed_at_ms,
            "reason": self.reason,
            "simulated": self.simulated,
            "replay_time": self.replay_time_ms,
            "heartbeat_ms": heartbeat_ms,
            "intervals": list(intervals_ms),
        }


def compose(link: Link, status_table: Table) -> Status:
    """The status from the link's state and the rows of the status channel."""
    feed_entry = status_table.get("feed")
    feed: Row = (feed_entry.row if feed_entry else None) or {}
    phases = tuple(sorted((key, str(row["phase"])) for key, row in status_table.live() if "phase" in row))
    reason = link.reason or (str(feed["reason"]) if feed.get("reason") else None)
    if not feed and reason is None:
        reason = "no ingest has written yet"
    simulated = bool(feed.get("simulated", False))
    told_ms = feed.get("replay_time")
    replay_ms = told_ms if isinstance(told_ms, int) else None
    return Status(str(feed.get("state", "down")), link.ingest, link.broker, phases, reason, simulated, replay_ms)
