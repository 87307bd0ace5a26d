"""An epoch begins with its first rows, whatever else is told meanwhile."""

import asyncio
from datetime import date

from ingest_service.core.history import Changes
from shared.channels import Channel, RedisNames
from shared.redis_client import open_redis
from shared.wire import Envelope, Replaced, decode_envelope
from tests.fakes.writer import DAY, writing

YESTERDAY_S: Changes = {Channel.MARKET: {"SSI": {"last": 1}}}
TODAY_S: Changes = {Channel.MARKET: {"SSI": {"last": 2}}}


async def test_a_heartbeat_that_waited_for_yesterdays_last_commit_tells_nothing_of_todays_empty_tables(
    redis_url: str, redis_prefix: str
) -> None:
    async with (
        writing(redis_url, redis_prefix) as writer,
        open_redis(redis_url) as redis,
        redis.pubsub() as updates,
    ):
        publication = writer.publication
        await updates.subscribe(RedisNames(redis_prefix).updates)
        await updates.get_message(timeout=5)

        async def roll() -> None:
            await publication.publish(YESTERDAY_S, 1)
            await publication.open_epoch(date.fromordinal(DAY.toordinal() + 1))
            await publication.publish(TODAY_S, 2)

        rolling = asyncio.create_task(roll())
        await asyncio.sleep(0)  # its first commit is on its way
        beating = asyncio.create_task(publication.beat())  # waits for it
        await rolling
        heard: list[Envelope] = []
        async with asyncio.timeout(10):
            while not heard:
                message = await updates.get_message(ignore_subscribe_messages=True, timeout=5)
                envelope = decode_envelope(message["data"]) if message is not None else None
                if envelope is not None and envelope.epoch == publication.history.epoch:
                    heard.append(envelope)
        beating.cancel()
        await asyncio.wait([beating])

    assert [(type(envelope), envelope.rev) for envelope in heard] == [(Replaced, publication.history.rev)]
