"""The subscription of a publisher, at a real server."""

import asyncio
from contextlib import suppress

import pytest
from redis.exceptions import ConnectionError as LostConnection
from redis.exceptions import NoPermissionError

from publisher_service.updates import MAX_WAITING_BYTES, subscribed
from shared.redis_client import open_redis
from tests.fakes.heard import EnoughError, Heard
from tests.integration.private_broker import PrivateBroker

DEADLINE_S = 5.0


@pytest.mark.parametrize("waits", [False, True])
async def test_messages_of_all_sizes_arrive_in_order_also_if_nobody_takes_them_for_a_while(
    redis_url: str, redis_prefix: str, *, waits: bool
) -> None:
    sent = [b"%d" % size + b"x" * size for size in (0, 1, 70_000, 300_000, 5, MAX_WAITING_BYTES, 2_000_000, 3)]
    async with open_redis(redis_url) as redis, subscribed(redis, redis_prefix, DEADLINE_S) as updates:
        heard = Heard(updates)
        taking = None if waits else asyncio.create_task(heard.until(len(sent)))
        for message in sent:
            assert await redis.publish(redis_prefix, message) == 1
        await (taking or heard.until(len(sent)))

    assert heard.messages == sent


async def test_who_takes_messages_has_each_of_them_before_the_loop_turns_again(
    redis_url: str, redis_prefix: str
) -> None:
    """No task has to be woken for a message."""
    at: list[int] = []
    turns = 0

    async def count_turns() -> None:
        nonlocal turns
        while True:
            turns += 1
            await asyncio.sleep(0)

    def take(_: bytes) -> None:
        at.append(turns)
        if len(at) == 3:
            raise EnoughError

    async with open_redis(redis_url) as redis, subscribed(redis, redis_prefix, DEADLINE_S) as updates:
        await redis.eval(  # one write of the server
            "for n = 1, 3 do redis.call('PUBLISH', KEYS[1], n) end", 1, redis_prefix
        )
        counting = asyncio.create_task(count_turns())
        with suppress(EnoughError):
            await updates.deliver(take, DEADLINE_S)
        counting.cancel()

    assert len(set(at)) == 1


async def test_silence_is_told_in_time_and_what_comes_after_it_is_heard(redis_url: str, redis_prefix: str) -> None:
    loop = asyncio.get_running_loop()
    async with open_redis(redis_url) as redis, subscribed(redis, redis_prefix, DEADLINE_S) as updates:
        heard = Heard(updates)
        await redis.publish(redis_prefix, "first")
        await heard.until(1)
        began_s = loop.time()
        for _ in range(2):
            await updates.deliver(heard.take, 0.2)
        took_s = loop.time() - began_s
        await redis.publish(redis_prefix, "second")
        await heard.until(2)

    assert heard.messages == [b"first", b"second"]
    assert 0.4 <= took_s < DEADLINE_S  # the long patience of before does not count


async def test_there_is_no_silence_while_messages_come(redis_url: str, redis_prefix: str) -> None:
    quiet_s, lasts_s = 2.0, 3.0
    async with open_redis(redis_url) as redis, subscribed(redis, redis_prefix, DEADLINE_S) as updates:
        heard = Heard(updates)
        delivering = asyncio.create_task(updates.deliver(heard.take, quiet_s))
        began_s = asyncio.get_running_loop().time()
        while asyncio.get_running_loop().time() < began_s + lasts_s:
            await redis.publish(redis_prefix, "here")
            await asyncio.wait([delivering], timeout=0.1)
        assert not delivering.done()
        await asyncio.wait_for(delivering, DEADLINE_S)  # and now it is silent

    assert len(heard.messages) > 2


async def test_what_nobody_takes_waits_in_the_server(redis_url: str, redis_prefix: str) -> None:
    sent = [b"%02d" % number + b"x" * 1_000_000 for number in range(20)]  # more than sockets hold
    async with open_redis(redis_url) as redis, subscribed(redis, redis_prefix, DEADLINE_S) as updates:
        for message in sent:
            await redis.publish(redis_prefix, message)
        for _ in range(300):
            await redis.ping()  # more turns of the loop than it takes to read all
        waiting_bytes = sum(int(client["omem"]) for client in await redis.client_list(_type="pubsub"))
        heard = await Heard(updates).until(len(sent))

    assert waiting_bytes > 1_000_000
    assert heard == sent


async def test_what_goes_wrong_with_a_message_is_told_to_who_waits_and_the_next_is_heard(
    redis_url: str, redis_prefix: str
) -> None:
    def fail(message: bytes) -> None:
        raise ValueError(message)

    async with open_redis(redis_url) as redis, subscribed(redis, redis_prefix, DEADLINE_S) as updates:
        for message in ("odd", "next"):
            await redis.publish(redis_prefix, message)
        with pytest.raises(ValueError, match="odd"):
            await updates.deliver(fail, DEADLINE_S)
        heard = await Heard(updates).until(1)

    assert heard == [b"next"]


async def test_a_connection_that_was_cut_is_told_after_what_came_before(broker: PrivateBroker) -> None:
    await broker.start()
    async with open_redis(broker.url) as redis, subscribed(redis, "updates", DEADLINE_S) as updates:
        heard = Heard(updates)
        await redis.publish("updates", "last words")
        await redis.client_kill_filter(_type="pubsub")
        with pytest.raises(LostConnection):
            await updates.deliver(heard.take, DEADLINE_S)

    assert heard.messages == [b"last words"]


async def test_a_user_who_may_not_listen_is_told_so(broker: PrivateBroker) -> None:
    await broker.start()
    async with open_redis(broker.url) as redis:
        await redis.execute_command("ACL", "SETUSER", "default", "resetchannels")  # type: ignore[no-untyped-call]  # redis-py leaves it untyped
        with pytest.raises(NoPermissionError):
            async with subscribed(redis, "updates", DEADLINE_S):
                pass
