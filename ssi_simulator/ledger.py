"""What truly happened, told outside the protocol, so that a test can prove what arrived and what did not."""

from collections import Counter


class Ledger:
    """Counts since the start of the process."""

    def __init__(self) -> None:
        self.produced: Counter[str] = Counter()  # data type → messages the market brought forth
        self.sent: Counter[str] = Counter()  # data type → messages written to connections, each counted
        self.snapshots: Counter[str] = Counter()  # data type → of these, the last known ones pushed on subscription
        self.withheld = 0  # messages not sent because of a stall
        self.connections = 0  # connections opened
        self.connections_max = 0  # most open at the same time
        self.slow_dropped = 0  # connections cut because the client did not read
        self.keepalives = 0

    def document(self) -> dict[str, object]:
        """The counts, for the control endpoint."""
        return {
            "produced": dict(self.produced),
            "sent": dict(self.sent),
            "snapshots": dict(self.snapshots),
            "withheld": self.withheld,
            "connections_opened": self.connections,
            "connections_max": self.connections_max,
            "slow_dropped": self.slow_dropped,
            "keepalives": self.keepalives,
        }
