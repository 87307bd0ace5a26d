"""The client of Redis that all services share."""

import pytest
from redis.asyncio.connection import Connection, SSLConnection, UnixDomainSocketConnection

from shared.redis_client import PackedInC, open_redis


async def test_what_is_sent_arrives_as_it_was(redis_url: str, redis_prefix: str) -> None:
    sent: list[bytes | str | int] = [b"\x00\xff\r\n", "Giá trần", -1, 2**53, "", b"x" * 2_000_000]
    async with open_redis(redis_url) as redis:
        await redis.rpush(redis_prefix, *sent)
        held = await redis.lrange(redis_prefix, 0, -1)
        told = await redis.client_info()  # a command of two words

    assert held == [b"\x00\xff\r\n", "Giá trần".encode(), b"-1", b"%d" % 2**53, b"", b"x" * 2_000_000]
    assert told["cmd"] == "client|info"


@pytest.mark.parametrize(
    ("url", "kind"),
    [
        ("redis://localhost:1/0", Connection),
        ("rediss://localhost:1/0", SSLConnection),
        ("unix:///tmp/redis.sock", UnixDomainSocketConnection),
    ],
)
def test_connections_of_each_kind_put_commands_together_in_c(url: str, kind: type) -> None:
    connection = open_redis(url).connection_pool.make_connection()  # type: ignore[no-untyped-call]  # redis-py leaves it untyped

    assert isinstance(connection, kind)
    assert isinstance(connection, PackedInC)
