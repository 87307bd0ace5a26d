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

from redis.exceptions import RedisError, ResponseError

from ingest_service.core.backoff import Backoff
from ingest_service.core.history import Changes, History, day_of, epoch_of
from ingest_service.core.rows import is_of_this_form
from ingest_service.metrics import Metrics
from ingest_service.redis_sink import Outcome, RedisSink
from shared.cause import cause_of
from shared.channels import STORED
from shared.repeated import Repeated
from shared.wire import SILENCE_S, Commit, Head, Heartbeat, InvalidEnvelope

log = logging.getLogger(__name__)

HEARTBEAT_S = 1.0
#: Several times within a lease, so that a stall or a lost answer costs nothing.
RENEWAL_S = 0.4
#: How often a standby looks whether the lease is free.
STANDBY_POLL_S = 0.1
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
    """Six characters that make an epoch unique. None is an `e`: among digits it looks like a number's exponent."""
    return "".join(secrets.choice(ascii_lowercase.replace("e", "") + digits) for _ in range(6))


class Publication:
    """The published history of this ingest, while it leads."""

    def __init__(self, sink: RedisSink, metrics: Metrics, *, random: Callable[[], float]) -> None:
        self._sink = sink
        self._metrics = metrics
        self._random = random
        self.history = History("")
        self._confirmed_rev = 0  # the last commit that Redis is known to have
        self._confirmed_ms = 0  # the head's clock, as Redis is known to have had it
        self._mark = ""  # of a term: by it we know our own commits, also those whose answer was lost
        self._inherited_commit_id = ""  # the last one of the leader before us
        self._server = ""
        self._time_ms = 0  # never running backwards
        self._read_ms = 0  # when the newest feed message was read that the published rows know of
        self._writing = asyncio.Lock()
        self._missed_beats = Repeated()

    @property
    def day(self) -> date | None:
        """The trading day of the present epoch."""
        return day_of(self.history.epoch) if self.history.epoch else None

    @property
    def read_ms(self) -> int:
        """When the newest feed message was read that the published rows know of: at first, by the leader before us."""
        return self._read_ms

    @asynccontextmanager
    async def leading(self) -> AsyncIterator[None]:
        """
        Wait for the lease, take over what was published, and hold the lease for the length of the block.

        As a standby this may wait for days. Raises LeaseLost.
        """
        await self._wait_for_lease()
        log.info("leading")
        # A commit that was refused in an earlier term may still arrive: it must not be taken for one of this term.
        self._mark = random_token()
        self._metrics.leader.set(1)
        try:
            async with self._holding_lease():
                await self._until_answered(self._take_over)
                yield
        finally:
            self._metrics.leader.set(0)

    async def _wait_for_lease(self) -> None:
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
                await self._until_answered(self._compare_source)
                waiting = True
            await asyncio.sleep(STANDBY_POLL_S)

    async def _compare_source(self) -> None:
        """Whoever stands by with other settings would throw everything away when it leads."""
        try:
            head = await self._sink.head()
        except InvalidEnvelope:
            return
        if head is not None and head.source not in ("", self._sink.source):
            log.warning(
                "the leader reads another exchange; taking over would discard the board: are the addresses and "
                "SIMULATED the same?"
            )

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
            await self._tell_readers(server)
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
            await asyncio.sleep(0)  # the lease is renewed meanwhile
        self._confirmed_rev, self._inherited_commit_id = stored.head.rev, stored.head.commit
        self._time_ms = self._confirmed_ms = stored.head.time_ms
        self._read_ms = 0 if stored.head.more else stored.head.read_ms  # of half a change nobody knows what it told
        epoch = epoch_of(day_of(stored.head.epoch), random_token())
        if stored.head.source not in ("", self._sink.source):
            # Prices of two exchanges, or invented and real ones, must never stand in one table.
            log.warning("what is in Redis comes from another exchange: all of it goes")
            self.history = self.history.successor(epoch, keep=())
        elif stored.head.schema != self._sink.schema.identity:
            # Fields may mean something else now, so nothing that clients hold goes on; rows of this form do.
            log.warning("the rows in Redis are of another version: those of this version's form are kept")
            self.history = self.history.successor(epoch, keep=STORED, fits=is_of_this_form)
        elif stored.head.server != server or stored.head.more:
            # Another server may lack commits that somebody has seen; a half-written change is nobody's truth.
            self.history = self.history.successor(epoch, keep=STORED)
        else:
            return
        if not await self._replace():
            raise LeaseLost

    async def _tell_readers(self, server: str) -> None:
        """
        That somebody leads again, if what they hold goes on: to read all rows of a full board takes a second.

        Readers who have told their clients already that nobody writes are told by the first rows: before these, what
        they show is old.
        """
        head = await self._sink.head()
        if head is None or head.more or head.server != server or head.schema != self._sink.schema.identity:
            return
        if head.source in ("", self._sink.source) and now_ms() - head.time_ms < 1000 * SILENCE_S:
            await self._sink.heartbeat(Heartbeat(head.epoch, head.rev, max(head.time_ms, now_ms()), checksums=None))

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
            self._read_ms = read_at_ms
            if self._confirmed_rev == 0:
                self.history.next_commit(self._time_ms)
                await self._until_answered(self._restore)
            while (commit := self.history.next_commit(self._time_ms)) is not None:
                await self._deliver(commit)

    async def beat(self) -> None:
        """A heartbeat each second, as long as we lead. Raises LeaseLost."""
        while True:  # the first at once: after a takeover the silence has lasted long enough
            await self._tell_head()
            await asyncio.sleep(HEARTBEAT_S)

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
        faults = Repeated()
        while True:
            await asyncio.sleep(RENEWAL_S)
            try:
                await self._sink.renew_lease()
            except (RedisError, OSError, TimeoutError) as error:
                self._tell(faults, "the lease was not renewed", error)
            else:
                faults.ended()

    async def _tell_head(self) -> None:
        for _ in self.history.add_up():
            await asyncio.sleep(0)  # messages and commits come first
        async with self._writing:  # a commit on its way would make the head differ from what we know
            if not self._confirmed_rev:
                return  # an epoch is being opened: that takes the lease anew if it has to
            self._time_ms = max(self._time_ms, now_ms())
            try:
                outcome = await self._sink.heartbeat(self._heartbeat())
                server = await self._sink.server()
            except (RedisError, OSError, TimeoutError) as error:
                self._tell(self._missed_beats, "heartbeat not delivered", error)
                return
            self._missed_beats.ended()
            if outcome is Outcome.DONE:
                self._confirmed_ms = self._time_ms
            # Another server may have everything, and yet the head has to name it: a standby trusts no other.
            if outcome is not Outcome.DONE or server != self._server:
                await self._until_answered(self._restore)

    def _heartbeat(self) -> Heartbeat:
        # Between a commit that was given its number and the answer to it nobody can say what the tables add up to.
        settled = self.history.rev == self._confirmed_rev
        checksums = self.history.checksums() if settled else None
        return Heartbeat(self.history.epoch, self._confirmed_rev, self._time_ms, checksums)

    async def _deliver(self, commit: Commit) -> None:
        commit_id = self._commit_id(commit.rev)
        began_s = time.perf_counter()
        outcome = await self._until_answered(lambda: self._sink.commit(commit, commit_id, read_ms=self._read_ms))
        if outcome is not Outcome.DONE:
            await self._until_answered(self._restore)
            return
        self._confirmed_rev, self._confirmed_ms = commit.rev, commit.time_ms
        self._metrics.commit_seconds.observe(time.perf_counter() - began_s)
        for channel, rows in commit.rows.items():
            self._metrics.commits.labels(channel).inc()
            self._metrics.committed_rows.labels(channel).inc(len(rows))

    async def _restore(self) -> None:
        """
        Redis is not as we left it. Put the history back, unless another ingest has written.

        Raises LeaseLost, and RedisError where it may simply be tried again.
        """
        if not await self._sink.take_lease():
            raise LeaseLost
        server = await self._sink.server()
        try:
            head = await self._sink.head()
        except InvalidEnvelope:
            head = None  # whatever is there is nobody's history
        if head is not None and not self._is_ours(head) and (head.server == server or not self._is_newer_than(head)):
            raise LeaseLost
        self._server = server
        if not await self._replace():
            # No loss, unless another leads, which the next attempt will see.
            raise ResponseError("the lease ran out while all rows were written, or what was built aside is gone")

    def _is_ours(self, head: Head) -> bool:
        """Nobody has written since we did, or since we took over."""
        return head.commit == self._inherited_commit_id or head.commit.endswith(f".{self._mark}")

    def _is_newer_than(self, head: Head) -> bool:
        """
        What Redis has confirmed to us was newer: nobody but a leader before us can have written this head.

        The clock of the heads never runs backwards, so it tells that across epochs. The revision tells it where a
        later leader's clock is behind ours.
        """
        if head.time_ms > self._confirmed_ms:
            return False
        return head.epoch != self.history.epoch or head.rev <= self._confirmed_rev

    def _commit_id(self, rev: int) -> str:
        return f"{self.history.epoch}.{rev}.{self._mark}"

    async def _replace(self) -> bool:
        """False if the lease was not ours any more, or what was built is not there."""
        commit_id, time_ms = self._commit_id(self.history.rev), self._time_ms
        outcome = await self._sink.replace(
            self.history, commit_id, server=self._server, time_ms=time_ms, read_ms=self._read_ms
        )
        if outcome is not Outcome.DONE:
            return False
        self._metrics.replacements.inc()
        self._confirmed_rev, self._confirmed_ms = self.history.rev, time_ms
        log.info("all rows written", extra={"epoch": self.history.epoch, "rev": self.history.rev})
        return True

    async def _until_answered(self, command: Callable[[], Awaitable[T]]) -> T:
        """Try until Redis answers; the history waits in memory."""
        backoff = Backoff(self._random, first_s=FIRST_RETRY_S, longest_s=LONGEST_RETRY_S)
        faults = Repeated()
        while True:
            try:
                answer = await command()
            except (RedisError, OSError, TimeoutError) as error:
                self._metrics.commit_retries.inc()
                self._tell(faults, "Redis does not answer, or refuses", error)
                await asyncio.sleep(backoff.next_delay_s())
            else:
                if faults.ended():
                    log.info("Redis answers again")
                return answer

    def _tell(self, faults: Repeated, what: str, error: Exception) -> None:
        """An outage of a night must not push everything else out of the log."""
        reason = cause_of(error)
        if faults.is_worth_telling(reason, time.monotonic()):
            log.warning(what, extra={"at": self._sink.place, "reason": reason})

    async def resign(self) -> None:
        """Leave the lease to a standby, if Redis can be told."""
        try:
            await self._sink.release_lease()
        except (RedisError, OSError, TimeoutError):
            if self._server:  # else there was none
                log.warning("the lease was not released; a standby takes over when it ends")
