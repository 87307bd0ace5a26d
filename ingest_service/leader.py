"""What an ingest does while it leads: keeps the board, and publishes what changes."""

import asyncio
import logging
from collections.abc import Callable
from datetime import date, datetime
from zoneinfo import ZoneInfo

from ingest_service.core.board import Board
from ingest_service.core.feed_watch import FeedWatch
from ingest_service.core.guard import Offence
from ingest_service.core.quarantine import Quarantine
from ingest_service.core.ticks import Tick
from ingest_service.metrics import Metrics
from ingest_service.publication import Publication, now_ms

log = logging.getLogger(__name__)

#: So long after a takeover the feed may still tell what the leader before us has published.
CATCH_UP_S = 12.0
#: Two commits begin at least so far apart, but for the parts of one. The first after a pause leaves at once. Each costs
#: every reader a message, however little it holds.
COMMIT_GAP_S = 0.002
VIETNAM = ZoneInfo("Asia/Ho_Chi_Minh")


class Leader:
    """One term of leadership, from the lease to its loss. It is what a `FeedReader` reads for."""

    def __init__(
        self,
        board: Board,
        watch: FeedWatch,
        publication: Publication,
        metrics: Metrics,
        quarantine: Quarantine,
        *,
        now_s: Callable[[], float],
        clock_ms: Callable[[], int] = now_ms,
    ) -> None:
        """`clock_ms`, Unix ms, goes with `now_s`: the machine's clocks, or those of a recording."""
        self._board = board
        self._watch = watch
        self._publication = publication
        self._metrics = metrics
        self._quarantine = quarantine
        self._now_s = now_s
        self._clock_ms = clock_ms
        self._changed = asyncio.Event()
        self._read_at_ms = now_ms()
        self._catch_up_until_s = now_s() + CATCH_UP_S

    async def run(self) -> None:
        """Lead until cancelled. Raises LeaseLost."""
        # The state left behind may say "live": nobody may believe it unless it is.
        self.feed_told()
        await self.publish()
        async with asyncio.TaskGroup() as group:
            group.create_task(self._publication.beat(), name="heartbeat")
            group.create_task(self._publish(), name="publish")

    def changed(self) -> None:
        """The board was changed by somebody else: publish."""
        self._changed.set()

    def take(self, tick: Tick, read_at_ms: int) -> None:
        """Publish what a tick changes. Raises InvalidRow."""
        self._read_at_ms = read_at_ms
        try:
            if self._catch_up_until_s and self._now_s() < self._catch_up_until_s:
                self._board.catch_up(tick)
            else:
                self._catch_up_until_s = 0.0
                self._board.apply(tick)
        except Offence as offence:
            self._keep(offence, read_at_ms)
            raise
        self._changed.set()

    def link_lost(self) -> None:
        """Whatever is traded from now on until the next data is not seen."""
        self._board.link_restored()
        self._catch_up_until_s = 0.0  # what was late on that link is gone with it: the next one tells what is

    def feed_told(self) -> None:
        """Put feed state and phases into the board; the rows change only if they do."""
        self._board.set_feed(self._watch.state, self._watch.reason, self._clock_ms())
        self._board.set_time(self._watch.market_ms(self._now_s()), self._clock_ms())
        self._changed.set()

    def _keep(self, offence: Offence, read_at_ms: int) -> None:
        if self._quarantine.take(offence, read_at_ms):
            told = {"reason": offence.reason, "key": offence.key, **offence.facts}
            log.warning("a message is in quarantine; /quarantine shows the newest", extra=told)

    async def _publish(self) -> None:
        loop = asyncio.get_running_loop()
        while True:
            await self._changed.wait()
            self._changed.clear()
            began_s = loop.time()
            await self.publish()
            if (early_s := began_s + COMMIT_GAP_S - loop.time()) > 0:
                await asyncio.sleep(early_s)

    async def publish(self) -> None:
        """Bring to Redis what has changed so far. Raises LeaseLost."""
        day = self._board.day or self._publication.day or today()
        if day != self._publication.day:
            await self._publication.open_epoch(day)
        changes = self._board.take_changes()
        if self._board.unfinished:
            self._changed.set()
        self._count_oddities()
        if changes:
            await self._publication.publish(changes, self._read_at_ms)

    def _count_oddities(self) -> None:
        for oddity, times in self._board.oddities.items():
            self._metrics.oddities.labels(oddity).inc(times)
        self._board.oddities.clear()


def today() -> date:
    """The day in Vietnam, by the machine's clock: for a history that begins before the feed has told its day."""
    return datetime.now(VIETNAM).date()
