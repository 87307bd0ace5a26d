"""
Follows the history in Redis: subscribe, load, take commits; notice silence; start again, for ever.

An open connection proves nothing, so silence is judged by the ingest's heartbeat. Without one, the head is read:
no answer, the broker is down; the head stands still, the ingest is silent; the head moves on, this subscription is
broken, and only that is this replica's own fault.
"""

import asyncio
import logging
import random
import time
from collections.abc import Awaitable, Callable
from typing import NoReturn, cast

from redis.asyncio import Redis
from redis.exceptions import RedisError, ResponseError

from publisher_service.core.replica import Change, Gap, Replica
from publisher_service.core.status import Broker, Ingest, Link
from publisher_service.metrics import Metrics
from publisher_service.updates import subscribed
from shared.cause import cause_of
from shared.channels import Channel, RedisNames
from shared.redis_client import COMMAND_DEADLINE_S, broker_fault, place_of
from shared.repeated import Repeated
from shared.table import Entry
from shared.wire import (
    SILENCE_S,
    Commit,
    Envelope,
    Head,
    Heartbeat,
    InvalidEnvelope,
    NewerContract,
    Replaced,
    Schema,
    decode_entry,
    decode_envelope,
    decode_head,
    decode_key,
    decode_schema,
)

log = logging.getLogger(__name__)

#: A live broker reads one hash in a millisecond. With the silence before it, clients know of a dead one in time.
PROBE_DEADLINE_S = 1.0
#: A load may take longer than one command; each of its commands has a deadline of its own.
LOAD_DEADLINE_S = 20.0
FIRST_RETRY_S, LONGEST_RETRY_S = 0.1, 2.0

_LIVE = Link(Broker.LIVE, Ingest.LIVE)
_SILENT = Link(Broker.LIVE, Ingest.SILENT, "no heartbeat from the ingest")


class StartOver(Exception):  # noqa: N818 (an order, not an error)
    """Subscribe and load anew."""


class Renewed(StartOver):
    """All rows are new, as on each day: nothing is wrong."""


class Deaf(StartOver):
    """The own subscription of a replica is broken; others may be well."""


class RedisSource:
    """Keeps a replica up to date, and tells whom it concerns what changed, and in what state the road is."""

    def __init__(
        self,
        redis: Redis,
        names: RedisNames,
        replica: Replica,
        metrics: Metrics,
        *,
        changed: Callable[[Change], None],
        link: Callable[[Link], None],
    ) -> None:
        self._redis = redis
        self._names = names
        self._replica = replica
        self._metrics = metrics
        self._changed = changed
        self._link = link
        #: Why this replica alone cannot follow: readiness depends on it, a shared outage does not.
        self.own_fault: str | None = "nothing loaded yet"
        self._deaf = False  # a subscription was broken, and nothing has come by a new one yet
        self._live_epoch = ""  # of the last envelope: a writer stands behind it
        self._clock_ms = 0  # the ingest's, when it was last heard
        self._told: Link | None = None  # since the last start
        self._head_moved = False  # at the last look, though nothing had come
        self._retry_s = FIRST_RETRY_S
        self._faults = Repeated()

    async def follow(self) -> NoReturn:
        """For ever."""
        while True:
            level, more = logging.WARNING, ""
            try:
                await self._follow()
            except (RedisError, OSError, TimeoutError) as error:
                reason = f"no answer from Redis ({type(error).__name__})"
                more = f" at {place_of(self._redis)}: {cause_of(error)}"  # for the log: clients need not know
                if await broker_fault(self._redis, PROBE_DEADLINE_S) is not None:
                    self._blame_nobody()
                    self._link(Link(Broker.DOWN, Ingest.SILENT, reason))
                else:
                    self.own_fault = reason  # it lives: what broke is our connection, or it refuses us
                    if self._retry_s > FIRST_RETRY_S:
                        self._link(Link(Broker.LIVE, Ingest.SILENT, reason))  # not mended by one new connection
            except Deaf as fault:
                self._deaf = True
                self.own_fault = reason = str(fault)
                self._link(Link(Broker.LIVE, Ingest.SILENT, reason))
            except StartOver as order:
                reason = str(order)
                level = logging.INFO if isinstance(order, Renewed) else level
            except (InvalidEnvelope, NewerContract) as error:
                self.own_fault = reason = str(error)
                self._link(Link(Broker.LIVE, Ingest.SILENT, reason))
            # Full jitter: replicas that lost the same broker do not come back in step.
            delay_s = random.uniform(0, self._retry_s)  # noqa: S311 (no secret)
            if self._faults.is_worth_telling(reason + more, time.monotonic()):
                log.log(level, "following Redis starts over", extra={"reason": reason + more})
            await asyncio.sleep(delay_s)
            self._retry_s = min(2 * self._retry_s, LONGEST_RETRY_S)

    async def _follow(self) -> NoReturn:
        # While the rows are read, envelopes wait in the socket and in the server's output buffer, whose limit ends
        # the connection: then all of this starts over.
        async with subscribed(self._redis, self._names.updates, COMMAND_DEADLINE_S) as updates:
            async with asyncio.timeout(LOAD_DEADLINE_S):
                change = await self._load()
            if not self._deaf:
                self._blame_nobody()
            self._clock_ms, self._told, self._head_moved = self._replica.time_ms, None, False
            if change is None and self._replica.loaded:
                self._tell(Link(Broker.LIVE, Ingest.SILENT, "Redis lost what was published"))
            elif change is None:
                self.own_fault = "nothing was published yet"
                log.info("nothing was published yet, waiting for an ingest", extra={"head": self._names.head})
                self._tell(Link(Broker.LIVE, Ingest.SILENT, self.own_fault))
            else:
                self._tell(change)
            while True:
                await updates.deliver(self._take, SILENCE_S)
                await self._look_at_the_head()

    def _tell(self, event: Change | Link) -> None:
        """What was heard on a road that goes so far: the next fault is a new one."""
        self._retry_s = FIRST_RETRY_S
        self._faults.ended()
        if isinstance(event, Change):
            self._changed(event)
        else:
            self._told = event
            self._link(event)

    def _blame_nobody(self) -> None:
        """What is wrong, if anything, is so for all replicas: only one that has nothing to show stays unready."""
        self._deaf = False
        if self._replica.loaded:
            self.own_fault = None

    # ------------------------------------------------------------------------------------------------------- loading

    async def _load(self) -> Change | None:
        """Read head, rows and head again. None if there is nothing that would be news."""
        before = await self._head()
        if before is None or self._fell_back(before):
            return None
        schema = await self._schema(before.schema)
        rows = {channel: await self._rows(channel) for channel in Channel}
        after = await self._head()
        if after is None or after.epoch != before.epoch:
            raise Renewed("a new epoch began while the rows were read")
        self._replica.schema = schema
        self._metrics.loads.inc()
        log.info("rows loaded", extra={"epoch": before.epoch, "rev": after.rev, "rows": sum(map(len, rows.values()))})
        return self._replica.load(before, rows, after)

    def _fell_back(self, head: Head) -> bool:
        """
        A server may come back with yesterday's history; its writer will soon put today's in the place of it.

        The clock of the heads never runs backwards. Should the clock of another machine be behind, its writer is
        believed as soon as it is heard.
        """
        known = self._replica.epoch, self._live_epoch
        return self._replica.loaded and head.epoch not in known and head.time_ms < self._replica.time_ms

    async def _head(self) -> Head | None:
        async with asyncio.timeout(COMMAND_DEADLINE_S):
            return decode_head(await cast("Awaitable[dict[bytes, bytes]]", self._redis.hgetall(self._names.head)))

    async def _schema(self, identity: str) -> Schema | None:
        """
        What describes the rows of this head; it is another one only in another epoch, so each load has the right one.

        Prices do not wait for it: one that cannot be read, or is of another version's rows, counts as none.
        """
        try:
            async with asyncio.timeout(COMMAND_DEADLINE_S):
                schema = decode_schema(
                    await cast("Awaitable[dict[bytes, bytes]]", self._redis.hgetall(self._names.schema))
                )
        except (ResponseError, InvalidEnvelope) as error:
            log.warning("the schema of the rows cannot be read", extra={"reason": str(error)})
            return None
        return schema if schema is not None and schema.identity == identity else None

    async def _rows(self, channel: Channel) -> list[tuple[str, Entry]]:
        rows: list[tuple[str, Entry]] = []
        cursor, name = None, self._names.rows(channel)
        while cursor != 0:
            async with asyncio.timeout(COMMAND_DEADLINE_S):
                cursor, some = await cast(
                    "Awaitable[tuple[int, dict[bytes, bytes]]]", self._redis.hscan(name, cursor or 0, count=256)
                )
            rows += [(decode_key(key), decode_entry(stored)) for key, stored in some.items()]
        return rows

    # ------------------------------------------------------------------------------------------------------ following

    async def _look_at_the_head(self) -> None:
        """Nothing has come for long: why? Raises StartOver."""
        async with asyncio.timeout(PROBE_DEADLINE_S):
            head = await self._head()
        if head is None or head.time_ms <= self._clock_ms:
            self._head_moved = False
            self._blame_nobody()
            if self._told != _SILENT:
                self._tell(_SILENT)
        elif self._head_moved:
            raise Deaf("the head moves on, but nothing arrives: the subscription is broken")
        else:
            self._head_moved = True  # or the ingest has just come back: its heartbeat will be here in a second

    def _take(self, message: bytes) -> None:
        """What comes on pub/sub, first what came during the load. Raises StartOver if it does not fit."""
        envelope = self._decode(message)
        if envelope is None:
            return
        self._head_moved = False
        if self._deaf:
            self._blame_nobody()
        self._live_epoch = envelope.epoch
        self._clock_ms = max(self._clock_ms, envelope.time_ms)
        if (change := self._apply(envelope)) is not None:
            self._tell(change)
        # Data alone does not say that the writer lives: envelopes may have waited in the socket.
        if isinstance(envelope, Heartbeat) and self._told != _LIVE:
            self._tell(_LIVE)

    def _decode(self, message: bytes) -> Envelope | None:
        try:
            return decode_envelope(message)
        except InvalidEnvelope as invalid:
            # It may have been a commit. If so, the next heartbeat or commit shows the gap.
            self._metrics.unknown_envelopes.labels(invalid.reason).inc()
            return None

    def _apply(self, envelope: Envelope) -> Change | None:
        replica = self._replica
        if isinstance(envelope, Commit):
            try:
                change = replica.apply(envelope)
            except Gap:
                raise StartOver("a commit was missed") from None
            self._metrics.commits.inc()
            return change
        if envelope.epoch != replica.epoch or envelope.rev > replica.heard_rev:
            raise (
                Renewed("the rows were replaced")
                if isinstance(envelope, Replaced)
                else StartOver("a commit was missed")
            )
        if isinstance(envelope, Heartbeat) and (differences := replica.differences(envelope)):
            for channel in differences:
                self._metrics.divergences.labels(channel).inc()
            replica.distrust()
            raise StartOver(f"the tables differ from the writer's: {', '.join(differences)}")
        return None
