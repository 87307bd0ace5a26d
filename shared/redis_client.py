"""The Redis connection of every process. Callers give each command a deadline; nothing is retried behind their back."""

import asyncio
from urllib.parse import urlsplit

from hiredis import pack_command as hiredis_pack
from redis.asyncio import ConnectionPool, Redis
from redis.asyncio.connection import AbstractConnection
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from redis.exceptions import RedisError

#: No command of ours is slow on a live server; a dead one must be noticed before clients would.
COMMAND_DEADLINE_S = 2.0


class CheckedPool(ConnectionPool):
    """
    Gives out no connection that was reset while nobody used it.

    redis-py looks only for those that were closed politely. Writing to one that was reset is no OSError with uvloop,
    but a RuntimeError, as if it were a bug of ours.
    """

    async def ensure_connection(self, connection: AbstractConnection) -> None:
        """Also of a reset connection."""
        reader = connection._reader  # noqa: SLF001 (no public name tells of a reset)
        if reader is not None and reader.exception() is not None:
            await connection.disconnect(nowait=True)
        await super().ensure_connection(connection)


class PackedInC(AbstractConnection):
    """Puts commands together by hiredis, as redis-py's blocking half does: 13 rows of a commit in 6 µs, not in 36."""

    __slots__ = ()

    def pack_command(self, *args: bytes | str | int) -> list[bytes]:  # type: ignore[override]  # (all that we send)
        """What goes over the wire."""
        name, *rest = args
        words = name.split() if isinstance(name, str) else [name]  # such as CLIENT INFO
        return [hiredis_pack((*words, *rest))]


def open_redis(url: str) -> Redis:
    """
    A client for the URL; it connects when first used. Close it with `aclose()`.

    RESP2, because redis-py spends less on a pub/sub message with it. No retries: whether a command may be sent again
    is known to the caller only. No socket time-out either: redis-py would use `asyncio.wait_for`, which may swallow a
    cancellation before Python 3.12; put `asyncio.timeout(COMMAND_DEADLINE_S)` around commands instead.
    """
    pool = CheckedPool.from_url(
        url,
        protocol=2,
        socket_timeout=None,
        socket_connect_timeout=COMMAND_DEADLINE_S,
        retry=Retry(NoBackoff(), 0),
    )
    # Whatever the URL asks for: TCP, TLS or a socket file.
    pool.connection_class = type("PackedConnection", (PackedInC, pool.connection_class), {})
    return Redis.from_pool(pool)


def place_of(redis: Redis) -> str:
    """Where a client looks for its server: host and port, or a socket file. No name, no password."""
    at = redis.connection_pool.connection_kwargs
    if "path" in at:
        return str(at["path"])
    host = str(at.get("host", "localhost"))
    return f"[{host}]:{at.get('port', 6379)}" if ":" in host else f"{host}:{at.get('port', 6379)}"


async def broker_fault(redis: Redis, deadline_s: float = COMMAND_DEADLINE_S) -> str | None:
    """Why the broker does not answer; None if it does. Never raises for it."""
    try:
        async with asyncio.timeout(deadline_s):
            await redis.ping()
    except (RedisError, OSError, TimeoutError) as error:
        return f"no answer from Redis ({type(error).__name__})"
    return None


def check_redis_url(url: str) -> str:
    """The URL, if it can be one of a Redis. Raises ValueError with what is wrong."""
    return check_url(url, ("redis", "rediss", "unix"))


def check_url(url: str, schemes: tuple[str, ...]) -> str:
    """The URL, if it can be one of these schemes. Raises ValueError with what is wrong, without the URL."""
    url = url.strip()  # of the end of a line, most often: that of a file which a setting was read from
    if not url.isprintable():
        raise ValueError("holds a character that cannot be seen")
    parts = urlsplit(url)
    if parts.scheme not in schemes:
        raise ValueError(f"must begin with {' or '.join(f'{scheme}://' for scheme in schemes)}")
    if parts.scheme == "unix":
        if not parts.path:
            raise ValueError("names no socket file")
        return url
    try:
        host, _ = parts.hostname, parts.port
    except ValueError:
        raise ValueError("has a port that is no number up to 65535") from None
    if not host:
        raise ValueError("names no host")
    try:
        host.encode("idna")
    except ValueError:
        raise ValueError("names a host that can be none") from None
    return url
