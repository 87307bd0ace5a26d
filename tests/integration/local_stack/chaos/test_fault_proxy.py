"""The fault proxy between a real Redis and its clients: each fault does what it says, and ends when it is healed."""

import asyncio
from collections.abc import AsyncIterator
from urllib.parse import urlsplit

import pytest
from redis.asyncio import Redis
from redis.exceptions import ConnectionError as LostConnection
from redis.exceptions import ResponseError

from local_stack.chaos.fault_proxy import FaultProxy
from local_stack.chaos.redis_talk import Request
from shared.channels import Channel
from shared.redis_client import open_redis
from shared.wire import Commit, encode_envelope
from tests.eventually import eventually

PATIENCE_S = 0.3

SET = "redis.call('SET', KEYS[1], 'written') redis.call('PUBLISH', 'updates', ARGV[1]) return 'done'"
COMMIT = encode_envelope(Commit("20261123-abcdef", 1, 2, 1_795_405_337_123, {Channel.MARKET: {"SSI": b"null"}}))


class Diary:
    """What an observer was told."""

    def __init__(self) -> None:
        self.sent_requests: list[bytes] = []
        self.answers: list[tuple[bytes, object]] = []

    def sent(self, request: Request) -> None:
        self.sent_requests.append(request[0])

    def answered(self, request: Request, reply: object) -> None:
        self.answers.append((request[0], reply))


@pytest.fixture
def diary() -> Diary:
    return Diary()


@pytest.fixture
async def proxy(redis_url: str, diary: Diary) -> AsyncIterator[FaultProxy]:
    parts = urlsplit(redis_url)
    async with FaultProxy(parts.hostname or "", parts.port or 6379, diary) as started:
        yield started


@pytest.fixture
async def redis(redis_url: str, proxy: FaultProxy) -> AsyncIterator[Redis]:
    async with open_redis(proxy.through(redis_url)) as client:
        await client.ping()
        yield client


async def test_an_observer_is_told_each_request_and_its_answer(redis: Redis, diary: Diary, redis_prefix: str) -> None:
    await redis.set(redis_prefix, "x" * 100_000)
    await redis.get(redis_prefix)

    assert diary.sent_requests[-2:] == [b"SET", b"GET"]
    assert diary.answers[-2:] == [(b"SET", b"OK"), (b"GET", b"x" * 100_000)]


async def test_a_delay_counts_each_way(redis: Redis, proxy: FaultProxy) -> None:
    loop = asyncio.get_running_loop()
    proxy.delay_s = 0.2

    began_s = loop.time()
    await redis.ping()
    delayed_s = loop.time() - began_s

    assert delayed_s >= 0.4


async def test_a_delay_holds_up_much_no_longer_than_little(redis: Redis, proxy: FaultProxy, redis_prefix: str) -> None:
    loop = asyncio.get_running_loop()
    proxy.delay_s = 0.2

    began_s = loop.time()
    await redis.set(redis_prefix, "x" * 240_000)  # fifteen chunks, of which each would wait for the one before
    delayed_s = loop.time() - began_s

    assert delayed_s < 2


@pytest.mark.parametrize("cut", [FaultProxy.drop, FaultProxy.reset])
async def test_a_cut_ends_connections_and_new_ones_until_it_is_healed(
    redis: Redis, proxy: FaultProxy, cut: object
) -> None:
    assert callable(cut)
    cut(proxy)

    for _ in range(2):
        with pytest.raises((LostConnection, OSError)):
            await redis.ping()
    proxy.heal()
    assert await redis.ping()


async def test_a_reset_is_seen_as_one(proxy: FaultProxy) -> None:
    reader, writer = await asyncio.open_connection("127.0.0.1", proxy.port)
    await eventually(lambda: proxy.connections == 1)

    proxy.cut()

    with pytest.raises(ConnectionResetError):
        await reader.read()
    writer.close()


async def test_a_black_hole_holds_what_is_sent_until_it_is_healed(redis: Redis, proxy: FaultProxy) -> None:
    proxy.black_hole()

    answer = asyncio.ensure_future(redis.ping())
    done, _ = await asyncio.wait([answer], timeout=PATIENCE_S)
    proxy.heal()

    assert not done
    assert await answer


async def test_a_black_hole_takes_new_connections_and_serves_them_once_it_is_healed(
    redis_url: str, proxy: FaultProxy
) -> None:
    proxy.black_hole()

    async with open_redis(proxy.through(redis_url)) as fresh:
        answer = asyncio.ensure_future(fresh.ping())
        done, _ = await asyncio.wait([answer], timeout=PATIENCE_S)
        connected = proxy.connections
        proxy.heal()

        assert not done
        assert connected == 1
        assert await answer


async def test_who_is_read_slowly_is_held_up_and_not_the_other_way(
    redis: Redis, proxy: FaultProxy, redis_prefix: str
) -> None:
    await redis.set(redis_prefix, "x" * 1_000_000)
    proxy.read_slowly("server", 10_000)

    answer = asyncio.ensure_future(redis.get(redis_prefix))
    done, _ = await asyncio.wait([answer], timeout=PATIENCE_S)
    proxy.heal()

    assert not done
    assert await answer == b"x" * 1_000_000


async def test_the_reply_to_a_commit_is_lost_after_it_ran(
    redis: Redis, redis_url: str, proxy: FaultProxy, diary: Diary, redis_prefix: str
) -> None:
    proxy.lose_next_commit_reply()

    await redis.ping()  # another request is answered
    with pytest.raises(LostConnection):
        await redis.eval(SET, 1, redis_prefix, COMMIT)
    again = await redis.eval(SET, 1, redis_prefix, COMMIT)

    async with open_redis(redis_url) as direct:
        assert await direct.get(redis_prefix) == b"written"
    assert again == b"done"
    assert proxy.lost_replies == 1
    assert diary.answers.count((b"EVAL", b"done")) == 2


async def test_who_is_deafened_hears_nothing_of_what_is_published_and_is_answered_all_the_same(
    redis: Redis, proxy: FaultProxy, redis_prefix: str
) -> None:
    async with redis.pubsub() as updates:
        await updates.subscribe(redis_prefix)
        proxy.deafen()

        await redis.publish(redis_prefix, "late")
        heard = [await updates.get_message(ignore_subscribe_messages=True, timeout=PATIENCE_S) for _ in range(2)]
        proxy.heal()
        async with asyncio.timeout(5):
            while (message := await updates.get_message(ignore_subscribe_messages=True, timeout=1)) is None:
                pass

    assert heard == [None, None]
    assert message["data"] == b"late"


async def test_an_address_that_moved_leads_to_the_other_server(redis: Redis, proxy: FaultProxy) -> None:
    async def refuse(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while commands := await reader.read(1000):  # each begins with a star
            writer.write(b"-ERR another server\r\n" * commands.count(b"*"))
        writer.close()

    async with await asyncio.start_server(refuse, "127.0.0.1", 0) as other:
        proxy.lead_to("127.0.0.1", other.sockets[0].getsockname()[1])

        with pytest.raises((LostConnection, OSError, ResponseError)):
            await redis.ping()
        with pytest.raises(ResponseError, match="another server"):
            await redis.ping()
