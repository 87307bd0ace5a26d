"""The status that all clients are told: composed anew when something happens, told at most once a second."""

import logging
import time
from collections.abc import Callable

from publisher_service.core import frames
from publisher_service.core.replica import Change, Replica
from publisher_service.core.status import Broker, Ingest, Link, compose
from publisher_service.metrics import Metrics
from publisher_service.pacer import Clock, Timer
from shared.channels import Channel

log = logging.getLogger(__name__)

#: Statuses are at least this far apart. The newest always arrives.
STATUS_INTERVAL_S = 1.0


class Announcer:
    """
    Knows the newest status, and when to tell it.

    `flush_all` is called before a status that changes what clients may rely on, so that facts reach them in the order
    in which they happened; then `tell`.
    """

    def __init__(
        self,
        replica: Replica,
        metrics: Metrics,
        clock: Clock,
        *,
        flush_all: Callable[[], None],
        tell: Callable[[], None],
        heartbeat_ms: int,
        tiers_ms: tuple[int, ...],
    ) -> None:
        self._replica = replica
        self._metrics = metrics
        self._clock = clock
        self._flush_all = flush_all
        self._tell = tell
        self._heartbeat_ms = heartbeat_ms
        self._tiers_ms = tiers_ms
        self._link = Link(Broker.DOWN, Ingest.SILENT, "starting")
        self._status = compose(self._link, replica.tables[Channel.STATUS])
        self._told_at_s = -STATUS_INTERVAL_S
        self._timer: Timer | None = None
        self._may_differ = True  # from the newest status: something that it is made of changed
        self._stopped = False
        self.frame = self._encode()

    def link(self, link: Link) -> None:
        """The state of this replica's side of the road."""
        self._link, self._may_differ = link, True
        self.update()

    def notice(self, change: Change) -> None:
        """The replica changed: `update` is to follow when its tables may be shown."""
        self._may_differ = self._may_differ or change.new_epoch or Channel.STATUS in change.keys

    def update(self) -> None:
        """Tell the status if it changed, now or when its second is over."""
        if self._stopped or not self._may_differ:
            return
        status = compose(self._link, self._replica.tables[Channel.STATUS])
        if status == self._status:
            self._may_differ = False
            return
        if status.connected and not self._replica.settled:
            return  # the data that it speaks of cannot be shown yet; told when it can
        now_s = self._clock.time()
        wait_s = self._told_at_s + STATUS_INTERVAL_S - now_s
        if wait_s > 0:
            if self._timer is None:
                self._timer = self._clock.call_at(now_s + wait_s, self._due, 0)
            return
        if (status.connected, status.phases) != (self._status.connected, self._status.phases):
            self._flush_all()
            lost = self._status.connected and not status.connected
            log.log(
                logging.WARNING if lost else logging.INFO,  # until all have started, nothing is wrong
                "feed status changed",
                extra={"connected": status.connected, "reason": status.reason},
            )
        self._status, self._told_at_s, self._may_differ = status, now_s, False
        self._metrics.connected.set(status.connected)
        self.frame = self._encode()
        self._tell()

    def stop(self) -> None:
        """Tell nothing any more."""
        self._stopped = True
        if self._timer is not None:
            self._timer.cancel()

    def _due(self, _: int) -> None:
        self._timer = None
        self.update()

    def _encode(self) -> frames.Frame:
        changed_at_ms = time.time_ns() // 1_000_000
        return frames.message(self._status.message(changed_at_ms, self._heartbeat_ms, self._tiers_ms))
