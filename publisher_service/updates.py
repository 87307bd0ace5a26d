"""
What is published in one channel of Redis, as it comes: without the client library's way to each message.

The library connects, with the URL, its credentials and TLS, and parses; in between, its connection is taken over. A
message costs its layers more than all that is done here with a commit of a few rows.
"""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

from hiredis import Reader
from redis.asyncio import Redis
from redis.exceptions import ConnectionError as LostConnection
from redis.exceptions import InvalidResponse, NoPermissionError, RedisError, ResponseError

#: What may wait here. The rest waits in the socket, then in the server, which ends the connection of who is too slow.
MAX_WAITING_BYTES = 131_072


class Updates(asyncio.Protocol):
    """The messages of one subscription. They wait here, and then in the socket, while nobody takes them."""

    def __init__(self, transport: asyncio.Transport) -> None:
        self._transport = transport
        self._loop = asyncio.get_running_loop()
        self._replies = Reader(protocolError=InvalidResponse, replyError=_refusal, notEnoughData=None)
        self._unread_bytes = 0  # came since nothing whole was left
        self._full = False
        self._lost: LostConnection | None = None
        self._take: Callable[[list[Any]], object] | None = None  # what is done with a reply; true: that was enough
        self._end: asyncio.Future[bool]  # of taking
        self._timer: asyncio.TimerHandle  # at which it may have been quiet for long enough
        self._heard_at_s = self._quiet_s = 0.0

    async def confirmed(self, deadline_s: float) -> None:
        """The server has said that it listens. Raises RedisError."""
        if not await self._hand_over(lambda reply: reply[0] == b"subscribe", deadline_s):
            raise LostConnection("the subscription was not confirmed")

    async def deliver(self, take: Callable[[bytes], None], quiet_s: float) -> None:
        """
        Hand over each message in the moment when it comes, first those that wait, until nothing has come for so long.

        Raises RedisError, and what `take` raises; that message counts as taken.
        """

        def take_message(reply: list[Any]) -> None:
            if reply[0] == b"message":
                take(reply[2])

        await self._hand_over(take_message, quiet_s)

    async def _hand_over(self, take: Callable[[list[Any]], object], quiet_s: float) -> bool:
        """Whether there was enough, before it was quiet."""
        self._take, self._quiet_s = take, quiet_s
        self._heard_at_s = self._loop.time()
        self._end = self._loop.create_future()
        self._go_on()
        if self._lost is not None and not self._end.done():
            self._end.set_exception(self._lost)
        self._watch()
        try:
            return await self._end
        finally:
            self._take = None
            self._timer.cancel()

    def _watch(self) -> None:
        """One timer for all messages, not one for each."""
        quiet_at_s = self._heard_at_s + self._quiet_s
        if self._loop.time() < quiet_at_s:
            self._timer = self._loop.call_at(quiet_at_s, self._watch)
        elif not self._end.done():
            self._end.set_result(False)

    def _go_on(self) -> None:
        """Hand over what is whole."""
        take, end = self._take, self._end
        if take is None:
            return
        try:
            while not end.done():
                reply = self._replies.gets(False)  # noqa: FBT003 (it takes no names)
                if reply is None:
                    self._unread_bytes = 0
                    if self._full:
                        self._full = False
                        self._transport.resume_reading()
                    return
                if take(_checked(reply)):
                    end.set_result(True)
        except Exception as error:  # noqa: BLE001 (whoever waits for the end gets it)
            end.set_exception(error)

    # ---------------------------------------------------------------------------------------- called by the event loop

    def data_received(self, data: bytes) -> None:
        """A piece of the stream."""
        self._replies.feed(data)
        self._heard_at_s = self._loop.time()
        self._unread_bytes += len(data)
        self._go_on()
        if self._unread_bytes > MAX_WAITING_BYTES and not self._full:
            self._full = True
            self._transport.pause_reading()

    def connection_lost(self, exc: Exception | None) -> None:
        """It is closed, whoever closed it."""
        self._lost = LostConnection(str(exc or "closed by the server"))
        if self._take is not None and not self._end.done():
            self._end.set_exception(self._lost)


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
        await updates.confirmed(deadline_s)
        yield updates
    finally:
        await connection.disconnect(nowait=True)
        await pool.release(connection)


def _checked(reply: object) -> list[Any]:
    """Three things: of what kind it is, in which channel, and what. Raises RedisError."""
    if isinstance(reply, list) and len(reply) == 3:
        return reply
    raise reply if isinstance(reply, RedisError) else InvalidResponse("a subscription hears nothing but messages")


def _refusal(text: str) -> ResponseError:
    """An error that the server answers with."""
    return NoPermissionError(text) if text.startswith("NOPERM") else ResponseError(text)
