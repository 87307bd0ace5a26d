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
from collections.abc import AsyncGenerator, Awaitable, Callable
from typing import cast

from redis.asyncio import Redis
from redis.exceptions import RedisError, ResponseError

from publisher_service.core.replica import Change, Gap, Replica
from publisher_service.core.status import Broker, Ingest, Link
from publisher_service.metrics import Metrics
from publisher_service.updates import Updates, subscribed
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

Event = Change | Link
_LIVE = Link(Broker.LIVE, Ingest.LIVE)
_SILENT = Link(Broker.LIVE, Ingest.SILENT, "no heartbeat from the ingest")


class StartOver(Exception):  # noqa: N818 (an order, not an error)
    """Subscribe and load anew."""


class Renewed(StartOver):
    """All rows are new, as on each day: nothing is wrong."""


class Deaf(StartOver):
    """The own subscription of a replica is broken; others may be well."""


class RedisSource:
    """Keeps a replica up to date and tells what changed."""

    def __init__(self, redis: Redis, names: RedisNames, replica: Replica, metrics: Metrics) -> None:
        self._redis = redis
        self._names = names
        self._replica = replica
        self._metrics = metrics
        #: Why this replica alone cannot follow: readiness depends on it, a shared outage does not.
        self.own_fault: str | None = "nothing loaded yet"
        self._deaf = False  # a subscription was broken, and nothing has come by a new one yet
        self._live_epoch = ""  # of the last envelope: a writer stands behind it
        self._faults = Repeated()

    async def events(self) -> AsyncGenerator[Event, None]:
        """Changes of the replica, and of the state of the road; never ends by itself."""
        retry_s = FIRST_RETRY_S
        while True:
            level, more = logging.WARNING, ""
            try:
                async for event in self._follow():
                    retry_s = FIRST_RETRY_S
                    self._faults.ended()
                    yield event
            except (RedisError, OSError, TimeoutError) as error:
                reason = f"no answer from Redis ({type(error).__name__})"
                more = f" at {place_of(self._redis)}: {cause_of(error)}"  # for the log: clients need not know
                if await broker_fault(self._redis, PROBE_DEADLINE_S) is not None:
                    self._blame_nobody()
                    yield Link(Broker.DOWN, Ingest.SILENT, reason)
                else:
                    self.own_fault = reason  # it lives: what broke is our connection, or it refuses us
                    if retry_s > FIRST_RETRY_S:
                        yield Link(Broker.LIVE, Ingest.SILENT, reason)  # not mended by one new connection
            except Deaf as fault:
                self._deaf = True
                self.own_fault = reason = str(fault)
                yield Link(Broker.LIVE, Ingest.SILENT, reason)
            except StartOver as order:
                reason = str(order)
                level = logging.INFO if isinstance(order, Renewed) else level
            except (InvalidEnvelope, NewerContract) as error:
                self.own_fault = reason = str(error)
                yield Link(Broker.LIVE, Ingest.SILENT, reason)
            else:
                raise RuntimeError("following ended by itself")
            # Full jitter: replicas that lost the same broker do not come back in step.
            delay_s = random.uniform(0, retry_s)  # noqa: S311 (no secret)
            if self._faults.is_worth_telling(reason + more, time.monotonic()):
                log.log(level, "following Redis starts over", extra={"reason": reason + more})
            await asyncio.sleep(delay_s)
            retry_s = min(2 * retry_s, LONGEST_RETRY_S)

    async def _follow(self) -> AsyncGenerator[Event, None]:
        # While the rows are read, envelopes wait in the socket and in the server's output buffer, whose limit ends
        # the connection: then all of this starts over.
        async with subscribed(self._redis, self._names.updates, COMMAND_DEADLINE_S) as updates:
            async with asyncio.timeout(LOAD_DEADLINE_S):
                change = await self._load()
            if not self._deaf:
                self._blame_nobody()
            if change is None and self._replica.loaded:
                yield Link(Broker.LIVE, Ingest.SILENT, "Redis lost what was published")
            elif change is None:
                self.own_fault = "nothing was published yet"
                log.info("nothing was published yet, waiting for an ingest", extra={"head": self._names.head})
                yield Link(Broker.LIVE, Ingest.SILENT, self.own_fault)
            else:
                yield change
            async for event in self._take(updates):
                yield event

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

    async def _take(self, updates: Updates) -> AsyncGenerator[Event, None]:
        """Apply what comes on pub/sub, first what came during the load. Raises StartOver if it does not fit."""
        clock_ms = self._replica.time_ms  # the ingest's clock when it was last heard
        link: Link | None = None
        moved = False  # the head did, at the last look, though nothing had come
        while True:
            message = await updates.next(SILENCE_S)
            if message is None:
                async with asyncio.timeout(PROBE_DEADLINE_S):
                    head = await self._head()
                if head is None or head.time_ms <= clock_ms:
                    moved = False
                    self._blame_nobody()
                    if link != _SILENT:
                        link = _SILENT
                        yield _SILENT
                elif moved:
                    raise Deaf("the head moves on, but nothing arrives: the subscription is broken")
                else:
                    moved = True  # or the ingest has just come back: its heartbeat will be here in a second
                continue
            if (envelope := self._decode(message)) is None:
                continue
            moved = False
            if self._deaf:
                self._blame_nobody()
            self._live_epoch = envelope.epoch
            clock_ms = max(clock_ms, envelope.time_ms)
            if (change := self._apply(envelope)) is not None:
                yield change
            # Data alone does not say that the writer lives: envelopes may have waited in the socket.
            if isinstance(envelope, Heartbeat) and link != _LIVE:
                link = _LIVE
                yield _LIVE

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


async def relay(source: RedisSource, changed: Callable[[Change], None], link: Callable[[Link], None]) -> None:
    """Hand each event to whom it concerns; never returns."""
    async for event in source.events():
        if isinstance(event, Change):
            changed(event)
        else:
            link(event)
