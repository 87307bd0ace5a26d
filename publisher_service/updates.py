"""
What is published in one channel of Redis, as it comes: without the client library's way to each message.

The library connects, with the URL, its credentials and TLS, and parses; in between, its connection is taken over. A
message costs its layers more than all that is done here with a commit of a few rows.
"""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import cast

from hiredis import Reader
from redis.asyncio import Redis
from redis.exceptions import ConnectionError as LostConnection
from redis.exceptions import InvalidResponse, NoPermissionError, RedisError, ResponseError

#: What may wait here. The rest waits in the socket, then in the server, which ends the connection of who is too slow.
MAX_WAITING_BYTES = 131_072


class Updates(asyncio.Protocol):
    """The messages of one subscription, for one reader."""

    def __init__(self, transport: asyncio.Transport) -> None:
        self._transport = transport
        self._loop = asyncio.get_running_loop()
        self._replies = Reader(protocolError=InvalidResponse, replyError=_refusal, notEnoughData=None)
        self._unread_bytes = 0  # came since the reader has last found nothing whole
        self._full = False
        self._lost: LostConnection | None = None
        self._arrival: asyncio.Future[None] | None = None  # somebody waits for it
        self._give_up_at_s = 0.0
        self._timer: asyncio.TimerHandle | None = None  # at that time or earlier: not one a message

    async def confirmed(self, deadline_s: float) -> None:
        """The server has said that it listens. Raises RedisError."""
        while (reply := await self._next(deadline_s)) is not None:
            if reply[0] == b"subscribe":
                return
        raise LostConnection("the subscription was not confirmed")

    async def next(self, timeout_s: float) -> bytes | None:
        """The next message; None if there is none for so long. Raises RedisError."""
        while (reply := await self._next(timeout_s)) is not None:
            if reply[0] == b"message":
                return cast("bytes", reply[2])
        return None

    def close(self) -> None:
        """Nothing is waited for any more."""
        if self._timer is not None:
            self._timer.cancel()

    async def _next(self, timeout_s: float) -> list[object] | None:
        self._give_up_at_s = self._loop.time() + timeout_s
        while (reply := self._replies.gets(False)) is None:  # noqa: FBT003 (it takes no names)
            if self._lost is not None:
                raise self._lost
            self._unread_bytes = 0
            if self._full:
                self._full = False
                self._transport.resume_reading()
            if self._loop.time() >= self._give_up_at_s:
                return None
            self._set_timer()
            self._arrival = self._loop.create_future()
            await self._arrival
        if isinstance(reply, RedisError):
            raise reply
        if isinstance(reply, list) and len(reply) > 2:
            return reply
        raise InvalidResponse("a subscription hears nothing but messages")

    def _set_timer(self) -> None:
        if self._timer is not None:
            if self._timer.when() <= self._give_up_at_s:
                return
            self._timer.cancel()
        self._timer = self._loop.call_at(self._give_up_at_s, self._look_at_the_clock)

    def _look_at_the_clock(self) -> None:
        self._timer = None
        if self._loop.time() >= self._give_up_at_s:
            self._wake()
        elif self._arrival is not None and not self._arrival.done():
            self._set_timer()

    def _wake(self) -> None:
        if self._arrival is not None and not self._arrival.done():
            self._arrival.set_result(None)

    # ---------------------------------------------------------------------------------------- called by the event loop

    def data_received(self, data: bytes) -> None:
        """A piece of the stream."""
        self._replies.feed(data)
        self._unread_bytes += len(data)
        if self._unread_bytes > MAX_WAITING_BYTES and not self._full:
            self._full = True
            self._transport.pause_reading()
        self._wake()

    def connection_lost(self, exc: Exception | None) -> None:
        """It is closed, whoever closed it."""
        self._lost = LostConnection(str(exc or "closed by the server"))
        self._wake()


@asynccontextmanager
async def subscribed(redis: Redis, channel: str, deadline_s: float) -> AsyncIterator[Updates]:
    """
    A subscription that the server has confirmed, for the length of the block.

    Raises RedisError, OSError, TimeoutError.
    """
    pool = redis.connection_pool
    async with asyncio.timeout(deadline_s):
        connection = await pool.get_connection()  # type: ignore[no-untyped-call]  # (the library has no types there)
    try:
        writer = connection._writer  # noqa: SLF001 (no public name leads to the transport)
        if writer is None:
            raise LostConnection("lost at once")
        updates = Updates(writer.transport)
        # All that was asked before has been answered, so nothing waits in the library's own reader.
        writer.transport.set_protocol(updates)
        writer.transport.write(b"".join(connection.pack_command("SUBSCRIBE", channel)))
        try:
            await updates.confirmed(deadline_s)
            yield updates
        finally:
            updates.close()
    finally:
        await connection.disconnect(nowait=True)
        await pool.release(connection)


def _refusal(text: str) -> ResponseError:
    """An error that the server answers with."""
    return NoPermissionError(text) if text.startswith("NOPERM") else ResponseError(text)
