"""The schema of the rows stands in Redis with the rows that it describes: never another one."""

import asyncio
from collections.abc import AsyncIterator, Awaitable
from typing import cast

import pytest
from redis.asyncio import Redis

from ingest_service.core.history import History
from ingest_service.core.schema import SCHEMA
from ingest_service.redis_sink import Outcome, RedisSink
from shared.channels import RedisNames
from shared.redis_client import open_redis
from shared.wire import Schema, decode_head, decode_schema
from tests.eventually import eventually
from tests.fakes.writer import writing

OTHER = Schema("of-another-version", b'{"title":"another"}')


class Stored:
    """What Redis says of the rows' form."""

    def __init__(self, redis: Redis, names: RedisNames) -> None:
        self.redis = redis
        self.names = names

    async def schema(self) -> Schema | None:
        """The one that stands there."""
        return decode_schema(await cast("Awaitable[dict[bytes, bytes]]", self.redis.hgetall(self.names.schema)))

    async def identity(self) -> str:
        """Of the one that the head names."""
        head = decode_head(await cast("Awaitable[dict[bytes, bytes]]", self.redis.hgetall(self.names.head)))
        assert head is not None
        return head.schema


@pytest.fixture
async def stored(redis_url: str, redis_prefix: str) -> AsyncIterator[Stored]:
    async with open_redis(redis_url) as redis:
        yield Stored(redis, RedisNames(redis_prefix))


async def test_it_stands_beside_the_head_which_names_it(redis_url: str, redis_prefix: str, stored: Stored) -> None:
    async with writing(redis_url, redis_prefix) as writer:
        first = await stored.schema(), await stored.identity()
        await writer.price("SSI", 1)

        assert first == (SCHEMA, SCHEMA.identity)
        assert (await stored.schema(), await stored.identity()) == first


async def test_a_standby_of_another_version_leaves_it_alone_until_it_leads(
    redis_url: str, redis_prefix: str, stored: Stored, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("INFO")
    leads = asyncio.Event()

    async def stand_by() -> None:
        async with writing(redis_url, redis_prefix, owner="standby", schema=OTHER):
            leads.set()

    async with writing(redis_url, redis_prefix, owner="leader"):
        standing_by = asyncio.create_task(stand_by())
        await eventually(lambda: "another ingest leads" in caplog.text)
        intruder = RedisSink(stored.redis, stored.names, token="standby", lease_ms=5000, source="", schema=OTHER)
        outcome = await intruder.replace(History("20261124-bbbbbb", 1), "id", server="s", time_ms=1, read_ms=1)
        while_led = await stored.schema()
    await asyncio.wait_for(leads.wait(), 10)
    await standing_by

    assert outcome is Outcome.NO_LEASE
    assert while_led == SCHEMA
    assert await stored.schema() == OTHER
    assert await stored.identity() == OTHER.identity


async def test_a_redis_that_lost_everything_gets_it_again_with_the_rows(
    redis_url: str, redis_prefix: str, stored: Stored
) -> None:
    async with writing(redis_url, redis_prefix) as writer:
        await stored.redis.delete(stored.names.head, stored.names.schema, stored.names.lease)

        await writer.price("SSI", 2)

        assert await stored.schema() == SCHEMA
