"""
Follows the history in Redis: subscribe, load, take commits; notice silence; start again, for ever.

An open connection proves nothing, so silence is judged by the ingest's heartbeat. Without one, the head is read:
no answer, the broker is down; the head stands still, the ingest is silent; the head moves on, this subscription is
broken, and only that is this replica's own fault.
"""

import asyncio
import logging
import random
from collections.abc import AsyncGenerator, Awaitable, Callable
from typing import cast

from redis.asyncio import Redis
from redis.asyncio.client import PubSub
from redis.exceptions import RedisError

from publisher_service.core.replica import Change, Gap, Replica
from publisher_service.core.status import Broker, Ingest, Link
from publisher_service.metrics import Metrics
from shared.channels import Channel, RedisNames
from shared.redis_client import COMMAND_DEADLINE_S, broker_fault
from shared.table import Row
from shared.wire import (
    Commit,
    Envelope,
    Head,
    Heartbeat,
    InvalidEnvelope,
    NewerContract,
    Replaced,
    decode_envelope,
    decode_head,
    decode_key,
    decode_row,
)

log = logging.getLogger(__name__)

#: Two heartbeats missed.
SILENCE_S = 2.0
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

    async def events(self) -> AsyncGenerator[Event, None]:
        """Changes of the replica, and of the state of the road; never ends by itself."""
        retry_s = FIRST_RETRY_S
        while True:
            try:
                async for event in self._follow():
                    retry_s = FIRST_RETRY_S
                    yield event
            except (RedisError, OSError, TimeoutError) as error:
                reason = f"no answer from Redis ({type(error).__name__})"
                if await broker_fault(self._redis, PROBE_DEADLINE_S) is not None:
                    yield Link(Broker.DOWN, Ingest.SILENT, reason)
                else:
                    self.own_fault = reason  # it lives: what broke is our connection, or it refuses us
                    if retry_s > FIRST_RETRY_S:
                        yield Link(Broker.LIVE, Ingest.SILENT, reason)  # not mended by one new connection
            except Deaf as fault:
                self.own_fault = reason = str(fault)
                yield Link(Broker.LIVE, Ingest.SILENT, reason)
            except StartOver as order:
                reason = str(order)
            except (InvalidEnvelope, NewerContract) as error:
                self.own_fault = reason = str(error)
                yield Link(Broker.LIVE, Ingest.SILENT, reason)
            else:
                raise RuntimeError("following ended by itself")
            # Full jitter: replicas that lost the same broker do not come back in step.
            delay_s = random.uniform(0, retry_s)  # noqa: S311 (no secret)
            log.warning("following Redis starts over", extra={"reason": reason, "after_s": round(delay_s, 2)})
            await asyncio.sleep(delay_s)
            retry_s = min(2 * retry_s, LONGEST_RETRY_S)

    async def _follow(self) -> AsyncGenerator[Event, None]:
        # While the rows are read, envelopes wait in the socket and in the server's output buffer, whose limit ends
        # the connection: then all of this starts over.
        async with self._redis.pubsub() as pubsub:
            async with asyncio.timeout(2 * COMMAND_DEADLINE_S):
                await pubsub.subscribe(self._names.updates)
                while (await pubsub.get_message(timeout=COMMAND_DEADLINE_S) or {}).get("type") != "subscribe":
                    pass
            async with asyncio.timeout(LOAD_DEADLINE_S):
                change = await self._load()
            if change is None:
                self.own_fault = None if self._replica.loaded else "nothing was published yet"
                yield Link(Broker.LIVE, Ingest.SILENT, "nothing was published yet")
            else:
                self.own_fault = None
                yield change
            async for event in self._take(pubsub):
                yield event

    # ------------------------------------------------------------------------------------------------------- loading

    async def _load(self) -> Change | None:
        """Read head, rows and head again. None if nothing was published."""
        before = await self._head()
        if before is None:
            return None
        rows = {channel: await self._rows(channel) for channel in Channel}
        after = await self._head()
        if after is None or after.epoch != before.epoch:
            raise StartOver("a new epoch began while the rows were read")
        self._metrics.loads.inc()
        log.info("rows loaded", extra={"epoch": before.epoch, "rev": after.rev, "rows": sum(map(len, rows.values()))})
        return self._replica.load(before, rows, after)

    async def _head(self) -> Head | None:
        return decode_head(await cast("Awaitable[dict[bytes, bytes]]", self._redis.hgetall(self._names.head)))

    async def _rows(self, channel: Channel) -> list[tuple[str, Row | None, int]]:
        return [
            (decode_key(key), *decode_row(stored))
            async for key, stored in self._redis.hscan_iter(self._names.rows(channel), count=256)
        ]

    # ------------------------------------------------------------------------------------------------------ following

    async def _take(self, pubsub: PubSub) -> AsyncGenerator[Event, None]:
        """Apply what comes on pub/sub, first what came during the load. Raises StartOver if it does not fit."""
        clock_ms = self._replica.time_ms  # the ingest's clock when it was last heard
        link: Link | None = None
        deaf = False
        while True:
            message = await pubsub.get_message(timeout=SILENCE_S)
            if message is None:
                async with asyncio.timeout(PROBE_DEADLINE_S):
                    head = await self._head()
                if head is None or head.time_ms <= clock_ms:
                    deaf = False
                    if link != _SILENT:
                        link = _SILENT
                        yield _SILENT
                elif deaf:
                    raise Deaf("the head moves on, but nothing arrives: the subscription is broken")
                else:
                    deaf = True  # or the ingest has just come back: its heartbeat will be here in a second
                continue
            if message["type"] != "message" or (envelope := self._decode(message["data"])) is None:
                continue
            deaf = False
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
            raise StartOver("the rows were replaced" if isinstance(envelope, Replaced) else "a commit was missed")
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
