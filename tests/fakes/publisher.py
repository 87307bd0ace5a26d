"""A hub over a replica that a test feeds by hand, in virtual time."""

from typing import Any

import orjson

from publisher_service.core.frames import Form
from publisher_service.core.grant import EVERYTHING, Grant
from publisher_service.core.replica import Replica
from publisher_service.core.requests import AddressQuery, Intervals
from publisher_service.core.status import Broker, Ingest, Link
from publisher_service.hub import Hub
from publisher_service.metrics import Metrics
from shared.channels import Channel
from shared.table import Row
from shared.wire import Commit, Head
from tests.fakes.clock import ManualClock
from tests.fakes.door import FakeDoor
from tests.fakes.texts import entries, texts

EPOCH = "20261123-aaaaaa"
TIERS_MS = (100, 250, 500, 1000, 2000, 5000)


class FakePublisher:
    """One replica of a publisher without Redis and sockets."""

    def __init__(self, epoch: str = EPOCH, rev: int = 1, **options: Any) -> None:
        """`options` are the hub's own: `messages_per_s`, `max_age_s`, `read_token`."""
        self.clock = ManualClock()
        self.form = Form.PLAIN  # of clients that join
        self.replica = Replica()
        self.metrics = Metrics()
        intervals = Intervals(TIERS_MS, 500, {})
        self.hub = Hub(
            self.replica, intervals, self.metrics, self.clock, write=FakeDoor.write_to, heartbeat_ms=15_000,
            slow_client_s=30.0, **options,
        )  # fmt: skip
        if epoch:
            self.load(epoch, rev)

    def load(
        self, epoch: str, rev: int, rows: dict[Channel, dict[str, Row | None]] | None = None, *, more: bool = False
    ) -> None:
        """Load rows that all changed at rev."""
        head = Head(epoch, rev, "c", 1_795_405_337_000, "server", more)
        loaded = {
            channel: entries((key, row, rev) for key, row in table.items()) for channel, table in (rows or {}).items()
        }
        self.hub.changed(self.replica.load(head, loaded, head))

    def commit(self, rows: dict[Channel, dict[str, Row | None]], *, more: bool = False) -> None:
        """Take the next commit."""
        rev = self.replica.heard_rev
        told = {channel: texts(table) for channel, table in rows.items()}
        commit = Commit(self.replica.epoch, rev, rev + 1, self.replica.time_ms + 1, told, more)
        self.hub.changed(self.replica.apply(commit))

    def market(self, symbol: str, last: int) -> None:
        """Take a commit of one price, and let the loop turn once."""
        self.commit({Channel.MARKET: {symbol: {"last": last, "reference": 100}}})
        self.clock.advance(0)

    def live(self) -> None:
        """The whole road is sound."""
        self.commit({Channel.STATUS: {"feed": {"state": "live", "reason": None}}})
        self.hub.link(Link(Broker.LIVE, Ingest.LIVE))
        self.clock.advance(2.5)

    def client(self, channel: str = "", **query: str) -> FakeDoor:
        """A client that joined, subscribed by address if a channel is named."""
        return self.holder(EVERYTHING, channel, **query)

    def holder(self, grant: Grant, channel: str = "", **query: str) -> FakeDoor:
        """The same with a token that grants this."""
        door = FakeDoor(self.form)
        self.hub.join(door, grant, AddressQuery(channel, **query) if channel else None)
        return door

    def say(self, door: FakeDoor, **message: Any) -> None:
        """A message from a client."""
        self.hub.receive(door, orjson.dumps(message).decode())

    def value(self, name: str, **labels: str) -> float:
        """The value of a metric, as it is after the next tick."""
        self.hub._fan_out.count()
        return self.metrics.registry.get_sample_value(name, labels) or 0.0
