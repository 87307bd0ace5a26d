"""The subscription of a publisher, at a real server."""

import asyncio

import pytest
from redis.exceptions import ConnectionError as LostConnection
from redis.exceptions import NoPermissionError

from publisher_service.updates import MAX_WAITING_BYTES, subscribed
from shared.redis_client import open_redis
from tests.integration.private_broker import PrivateBroker

DEADLINE_S = 5.0


async def test_messages_of_all_sizes_arrive_in_order_also_if_nobody_reads_for_a_while(
    redis_url: str, redis_prefix: str
) -> None:
    sent = [b"%d" % size + b"x" * size for size in (0, 1, 70_000, 300_000, 5, MAX_WAITING_BYTES, 2_000_000, 3)]
    async with open_redis(redis_url) as redis, subscribed(redis, redis_prefix, DEADLINE_S) as updates:
        for message in sent:
            assert await redis.publish(redis_prefix, message) == 1
        heard = [await updates.next(DEADLINE_S) for _ in sent]

    assert heard == sent


async def test_silence_is_told_in_time_and_what_comes_after_it_is_heard(redis_url: str, redis_prefix: str) -> None:
    loop = asyncio.get_running_loop()
    async with open_redis(redis_url) as redis, subscribed(redis, redis_prefix, DEADLINE_S) as updates:
        await redis.publish(redis_prefix, "first")
        first = await updates.next(DEADLINE_S)
        began_s = loop.time()
        nothing = [await updates.next(0.2), await updates.next(0.2)]
        took_s = loop.time() - began_s
        await redis.publish(redis_prefix, "second")
        second = await updates.next(DEADLINE_S)

    assert (first, nothing, second) == (b"first", [None, None], b"second")
    assert 0.4 <= took_s < DEADLINE_S  # the long patience of before does not count


async def test_a_connection_that_was_cut_is_told_after_what_came_before(broker: PrivateBroker) -> None:
    await broker.start()
    async with open_redis(broker.url) as redis, subscribed(redis, "updates", DEADLINE_S) as updates:
        await redis.publish("updates", "last words")
        await redis.client_kill_filter(_type="pubsub")
        heard = await updates.next(DEADLINE_S)
        with pytest.raises(LostConnection):
            await updates.next(DEADLINE_S)

    assert heard == b"last words"


async def test_a_user_who_may_not_listen_is_told_so(broker: PrivateBroker) -> None:
    await broker.start()
    async with open_redis(broker.url) as redis:
        await redis.execute_command("ACL", "SETUSER", "default", "resetchannels")  # type: ignore[no-untyped-call]  # redis-py leaves it untyped
        with pytest.raises(NoPermissionError):
            async with subscribed(redis, "updates", DEADLINE_S):
                pass
