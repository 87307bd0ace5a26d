"""An ingest reduced to its hands: a test decides what it commits."""

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from datetime import date

from ingest_service.core.history import Changes
from ingest_service.core.schema import SCHEMA
from ingest_service.metrics import Metrics
from ingest_service.publication import LeaseLost, Publication
from ingest_service.redis_sink import RedisSink
from shared.channels import Channel, RedisNames
from shared.redis_client import open_redis
from shared.wire import Schema

DAY = date(2026, 11, 23)
LIVE: Changes = {Channel.STATUS: {"feed": {"state": "live", "reason": None}}}


class Writer:
    """Holds the lease and publishes."""

    def __init__(self, publication: Publication) -> None:
        self.publication = publication

    async def commit(self, changes: Changes) -> None:
        """Publish these rows; returns when Redis has them."""
        await self.publication.publish(changes, time.time_ns() // 1_000_000)

    async def price(self, symbol: str, last: int) -> None:
        """Publish one price."""
        await self.commit({Channel.MARKET: {symbol: {"last": last, "reference": 100}}})


@asynccontextmanager
async def writing(
    redis_url: str,
    prefix: str,
    *,
    owner: str = "writer",
    lease_ms: int = 5000,
    source: str = "an exchange",
    schema: Schema = SCHEMA,
) -> AsyncIterator[Writer]:
    """Lead, with a heartbeat each second, for the length of the block."""
    async with open_redis(redis_url) as redis:
        sink = RedisSink(redis, RedisNames(prefix), token=owner, lease_ms=lease_ms, source=source, schema=schema)
        publication = Publication(sink, Metrics(), random=lambda: 0.5)
        async with publication.leading():
            if publication.day is None:
                await publication.open_epoch(DAY)
            writer = Writer(publication)
            await writer.commit(LIVE)
            async with asyncio.TaskGroup() as group:
                heartbeat = group.create_task(_beat(publication))
                yield writer
                heartbeat.cancel()
        await publication.resign()


async def _beat(publication: Publication) -> None:
    """Until another writes: a test may go on with that one."""
    with suppress(LeaseLost):
        await publication.beat()
