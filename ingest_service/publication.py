"""
Brings a history to Redis and keeps it there: one commit in flight, whatever changes meanwhile waits merged.

Redis may be gone for a while, or come back empty or older. The history in memory is the newer one then, and is put
back whole. Only when somebody else has written is it given up, by raising `LeaseLost`.
"""

import asyncio
import logging
import secrets
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from datetime import date
from string import ascii_lowercase, digits
from typing import TypeVar

from redis.exceptions import RedisError

from ingest_service.core.backoff import Backoff
from ingest_service.core.history import Changes, History, day_of, epoch_of
from ingest_service.core.rows import SCHEMA, is_of_this_form
from ingest_service.metrics import Metrics
from ingest_service.redis_sink import Outcome, RedisSink
from shared.channels import STORED
from shared.wire import Commit, Heartbeat, InvalidEnvelope

log = logging.getLogger(__name__)

HEARTBEAT_S = 1.0
#: Several times within a lease, so that a stall or a lost answer costs nothing.
RENEWAL_S = 0.4
#: How often a standby looks whether the lease is free.
STANDBY_POLL_S = 0.15
#: How long a standby leaves a Redis that lost something to the leader: the longest retry, a lease, and some more.
LEADER_FIRST_S = 4.0
FIRST_RETRY_S, LONGEST_RETRY_S = 0.05, 1.0

T = TypeVar("T")


class LeaseLost(Exception):  # noqa: N818 (a fact, not a fault)
    """Another ingest writes now: what is in memory is not the truth any more."""


def now_ms() -> int:
    """The wall clock, Unix ms."""
    return time.time_ns() // 1_000_000


def random_token() -> str:
    """Six characters that make an epoch unique."""
    return "".join(secrets.choice(ascii_lowercase + digits) for _ in range(6))


class Publication:
    """The published history of this ingest, while it leads."""

    def __init__(self, sink: RedisSink, metrics: Metrics, *, random: Callable[[], float]) -> None:
        self._sink = sink
        self._metrics = metrics
        self._random = random
        self.history = History("")
        self._confirmed_rev = 0  # the last commit that Redis is known to have
        self._last_commit_id = ""
        self._sent_commit_id = ""  # of the commit that may or may not have arrived
        self._server = ""
        self._time_ms = 0  # never running backwards
        self._writing = asyncio.Lock()

    @property
    def day(self) -> date | None:
        """The trading day of the present epoch."""
        return day_of(self.history.epoch) if self.history.epoch else None

    @property
    def time_ms(self) -> int:
        """The ingest's clock at the head, Unix ms: after `lead`, when the leader before us was last heard."""
        return self._time_ms

    async def lead(self) -> None:
        """Wait for the lease, and take over what was published. As a standby this may take days. Raises LeaseLost."""
        # Redis that is away may come back empty or older: then others, who were here before, go first.
        waiting, deferred_s = not await self._redis_answers(), 0.0
        while True:
            if waiting and await self._until_answered(self._redis_lost_something):
                deferred_s += STANDBY_POLL_S
            else:
                deferred_s = 0.0
            # The leader has in memory what was lost: it goes first, unless it does not come.
            if not 0 < deferred_s < LEADER_FIRST_S and await self._until_answered(self._sink.take_lease):
                break
            if not waiting:
                log.info("another ingest leads, standing by")
                waiting = True
            await asyncio.sleep(STANDBY_POLL_S)
        log.info("leading")
        self._metrics.leader.set(1)
        async with self._holding_lease():
            await self._until_answered(self._take_over)

    async def _redis_answers(self) -> bool:
        try:
            await self._sink.server()
        except (RedisError, OSError, TimeoutError):
            return False
        return True

    async def _redis_lost_something(self) -> bool:
        """It is empty, or another server than the one that was written to, which may lack the newest commits."""
        try:
            head = await self._sink.head()
        except InvalidEnvelope:
            return False
        return head is None or head.server != await self._sink.server()

    async def _take_over(self) -> None:
        server = self._server = await self._sink.server()
        try:
            stored = await self._sink.load()
        except InvalidEnvelope as invalid:
            log.warning("what is in Redis cannot be read, starting anew", extra={"reason": str(invalid)})
            stored = None
        if stored is None:
            self.history = History("")
            return
        self.history = History(stored.head.epoch, stored.head.rev)
        for channel, rows in stored.rows.items():
            self.history.load(channel, rows)
        self._confirmed_rev, self._last_commit_id = stored.head.rev, stored.head.commit
        self._time_ms = stored.head.time_ms
        if stored.head.source not in ("", self._sink.source):
            # Prices of two exchanges, or invented and real ones, must never stand in one table.
            log.warning("what is in Redis comes from another exchange: all of it goes")
            self.history = self.history.successor(epoch_of(day_of(stored.head.epoch), random_token()), keep=())
            await self._replace()
        elif stored.head.server != server or stored.head.more:
            # Another server may lack commits that somebody has seen; a half-written change is nobody's truth.
            self.history = self.history.successor(epoch_of(day_of(stored.head.epoch), random_token()), keep=STORED)
            await self._replace()
        elif stored.head.schema != SCHEMA:
            # Fields may mean something else now, so nothing that clients hold goes on; rows of this form do.
            log.warning("the rows in Redis are of another version: those of this version's form are kept")
            epoch = epoch_of(day_of(stored.head.epoch), random_token())
            self.history = self.history.successor(epoch, keep=STORED, fits=is_of_this_form)
            await self._replace()

    async def open_epoch(self, day: date) -> None:
        """Begin the history of a trading day: what lasts is kept, the rest starts empty."""
        self.history = self.history.successor(epoch_of(day, random_token()))
        self._confirmed_rev = 0
        log.info("a new epoch begins", extra={"epoch": self.history.epoch})

    async def publish(self, changes: Changes, read_at_ms: int) -> None:
        """
        Commit these rows; returns when Redis has them. Raises LeaseLost.

        `read_at_ms`: when the newest feed message behind them was read.
        """
        self._time_ms = max(self._time_ms, read_at_ms)
        self.history.stage(changes)
        async with self._writing:
            if self._confirmed_rev == 0:
                self.history.next_commit(self._time_ms)
                await self._until_answered(self._restore)
            while (commit := self.history.next_commit(self._time_ms)) is not None:
                await self._deliver(commit)

    async def keep_alive(self) -> None:
        """Keep the lease, with a heartbeat each second, as long as we lead. Raises LeaseLost."""
        async with self._holding_lease():
            await self._beat()

    @asynccontextmanager
    async def _holding_lease(self) -> AsyncIterator[None]:
        """Renew the lease for the length of the block."""
        renewing = asyncio.create_task(self._renew(), name="renew the lease")
        try:
            yield
        finally:
            renewing.cancel()
            await asyncio.wait([renewing])
            if not renewing.cancelled():
                renewing.result()  # a bug of ours must not stay unheard

    async def _renew(self) -> None:
        # Who lost it learns that from the next commit or heartbeat, and what to do about it.
        while True:
            await asyncio.sleep(RENEWAL_S)
            try:
                await self._sink.renew_lease()
            except (RedisError, OSError, TimeoutError) as error:
                log.warning("the lease was not renewed", extra={"reason": type(error).__name__})

    async def _beat(self) -> None:
        while True:  # the first at once: after a takeover the silence has lasted long enough
            if self._confirmed_rev:  # else an epoch is being opened: that takes the lease anew if it has to
                await self._tell_head()
            await asyncio.sleep(HEARTBEAT_S)

    async def _tell_head(self) -> None:
        async with self._writing:  # a commit on its way would make the head differ from what we know
            self._time_ms = max(self._time_ms, now_ms())
            try:
                outcome = await self._sink.heartbeat(self._heartbeat())
            except (RedisError, OSError, TimeoutError) as error:
                log.warning("heartbeat not delivered", extra={"reason": type(error).__name__})
                return
            if outcome is not Outcome.DONE:
                await self._until_answered(self._restore)

    def _heartbeat(self) -> Heartbeat:
        # Between a commit that was given its number and the answer to it nobody can say what the tables add up to.
        settled = self.history.rev == self._confirmed_rev
        checksums = self.history.checksums() if settled else None
        return Heartbeat(self.history.epoch, self._confirmed_rev, self._time_ms, checksums)

    async def _deliver(self, commit: Commit) -> None:
        commit_id = self._sent_commit_id = f"{commit.epoch}.{commit.rev}.{random_token()}"
        began_s = time.perf_counter()
        outcome = await self._until_answered(lambda: self._sink.commit(commit, commit_id))
        if outcome is not Outcome.DONE:
            await self._until_answered(self._restore)
            return
        self._confirmed_rev, self._last_commit_id = commit.rev, commit_id
        self._metrics.commit_seconds.observe(time.perf_counter() - began_s)
        for channel, rows in commit.rows.items():
            self._metrics.commits.labels(channel).inc()
            self._metrics.committed_rows.labels(channel).inc(len(rows))

    async def _restore(self) -> None:
        """Redis is not as we left it. Put the history back, unless another ingest has written. Raises LeaseLost."""
        if not await self._sink.take_lease():
            raise LeaseLost
        server = await self._sink.server()
        try:
            head = await self._sink.head()
        except InvalidEnvelope:
            head = None  # whatever is there is nobody's history
        ours = head is None or head.commit in (self._last_commit_id, self._sent_commit_id)
        fell_back = (
            head is not None
            and server != self._server
            and head.epoch == self.history.epoch
            and head.rev <= self.history.rev
        )
        if not (ours or fell_back):
            raise LeaseLost
        self._server = server
        await self._replace()

    async def _replace(self) -> None:
        # Remembered before it is sent: if only the answer is lost, what stands there is recognised as ours.
        commit_id = self._sent_commit_id = f"{self.history.epoch}.{self.history.rev}.{random_token()}"
        outcome = await self._sink.replace(self.history, commit_id, server=self._server, time_ms=self._time_ms)
        if outcome is not Outcome.DONE:
            raise LeaseLost
        self._metrics.replacements.inc()
        self._confirmed_rev, self._last_commit_id = self.history.rev, commit_id
        log.info("all rows written", extra={"epoch": self.history.epoch, "rev": self.history.rev})

    async def _until_answered(self, command: Callable[[], Awaitable[T]]) -> T:
        """Try until Redis answers; the history waits in memory."""
        backoff = Backoff(self._random, first_s=FIRST_RETRY_S, longest_s=LONGEST_RETRY_S)
        while True:
            try:
                return await command()
            except (RedisError, OSError, TimeoutError) as error:
                delay_s = backoff.next_delay_s()
                self._metrics.commit_retries.inc()
                log.warning(
                    "Redis does not answer", extra={"reason": type(error).__name__, "after_s": round(delay_s, 2)}
                )
                await asyncio.sleep(delay_s)

    async def resign(self) -> None:
        """Leave the lease to a standby, if Redis can be told."""
        self._metrics.leader.set(0)
        try:
            await self._sink.release_lease()
        except (RedisError, OSError, TimeoutError):
            log.warning("the lease was not released; a standby takes over when it ends")
