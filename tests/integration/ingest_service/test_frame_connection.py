"""The feed's websocket takes what came together, and loses nothing of it."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest
from websockets.asyncio.client import connect
from websockets.asyncio.server import ServerConnection, serve
from websockets.exceptions import ConnectionClosedError, ConnectionClosedOK

from ingest_service.frame_connection import MAX_WAITING_MESSAGES, FrameConnection
from tests.eventually import eventually

MANY = 20 * MAX_WAITING_MESSAGES


@asynccontextmanager
async def connected(sends: int, *, then_closes: bool = True) -> AsyncIterator[FrameConnection]:
    """A server that sends numbers, some of them in fragments."""

    async def send(server: ServerConnection) -> None:
        for number in range(sends):
            text = f"{number:4000}"  # much more than the buffers between hold
            await server.send([text[:10], text[10:]] if number % 3 else text)
        if not then_closes:
            await server.wait_closed()

    async with serve(send, "127.0.0.1", 0, compression=None) as server:
        port = server.sockets[0].getsockname()[1]
        connection = await connect(
            f"ws://127.0.0.1:{port}", create_connection=FrameConnection, compression=None, proxy=None, close_timeout=2
        )
        assert isinstance(connection, FrameConnection)
        try:
            yield connection
        finally:
            await connection.close()


async def test_all_messages_come_in_their_order_whole_and_then_the_goodbye() -> None:
    numbers: list[int] = []

    async with connected(MANY) as connection, asyncio.timeout(10):
        while len(numbers) < MANY:
            numbers += map(int, await connection.receive_all())
        with pytest.raises(ConnectionClosedOK):
            await connection.receive_all()

    assert numbers == list(range(MANY))


async def test_who_does_not_take_them_holds_the_server_back() -> None:
    async with connected(MANY, then_closes=False) as connection, asyncio.timeout(10):
        await eventually(lambda: not connection.transport.is_reading())

        first = await connection.receive_all()

        # What one read has brought comes on top: some 256 kB.
        assert MAX_WAITING_MESSAGES <= len(first) <= 2 * MAX_WAITING_MESSAGES
        assert connection.transport.is_reading()


async def test_a_connection_that_was_held_back_closes_in_order() -> None:
    async with connected(MAX_WAITING_MESSAGES + 1, then_closes=False) as connection, asyncio.timeout(10):
        await eventually(lambda: not connection.transport.is_reading())

        await connection.close()

        assert connection.close_code == 1000


async def test_a_broken_connection_is_no_goodbye() -> None:
    async with connected(0, then_closes=False) as connection, asyncio.timeout(10):
        receiving = asyncio.create_task(connection.receive_all())
        await asyncio.sleep(0)

        connection.transport.abort()

        with pytest.raises(ConnectionClosedError):
            await receiving
