"""The feed's websocket takes what came together, and loses nothing of it."""

import asyncio
import random
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest
from websockets.asyncio.client import connect
from websockets.asyncio.server import ServerConnection, serve
from websockets.exceptions import ConnectionClosedError, ConnectionClosedOK, InvalidStatus
from websockets.utils import accept_key

from ingest_service.frame_connection import MAX_MESSAGE_BYTES, MAX_WAITING_MESSAGES, FrameConnection
from tests.eventually import eventually

MANY = 20 * MAX_WAITING_MESSAGES
#: Where the length of a frame takes more bytes, and more than one read brings.
SIZES = (0, 1, 125, 126, 127, 65_535, 65_536, 300_000)


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


def a_frame(first: int, payload: bytes) -> bytes:
    """What a server sends: not masked."""
    size = len(payload)
    if size < 126:
        return bytes((first, size)) + payload
    if size < 65_536:
        return bytes((first, 126)) + size.to_bytes(2, "big") + payload
    return bytes((first, 127)) + size.to_bytes(8, "big") + payload


@pytest.mark.parametrize("seed", range(20))
async def test_messages_come_whole_and_in_order_however_the_bytes_were_cut(seed: int) -> None:
    pick = random.Random(seed)
    sent, messages = bytearray(), list[bytes]()
    for _ in range(60):
        payload = pick.randbytes(pick.choice(SIZES[:5]) if pick.random() < 0.9 else pick.choice(SIZES))
        messages.append(payload)
        cut = pick.randrange(len(payload) + 1)
        sent += pick.choice(
            (
                a_frame(0x81, payload),
                a_frame(0x82, payload),
                a_frame(0x01, payload[:cut]) + a_frame(0x89, b"ping") + a_frame(0x80, payload[cut:]),
                a_frame(0x8A, b"pong") + a_frame(0x81, payload),
            )
        )

    async with connected(0, then_closes=False) as connection, asyncio.timeout(10):
        while sent:
            size = pick.choice((1, 2, 3, 10, 1000, 100_000))
            connection.data_received(bytes(sent[:size]))
            del sent[:size]
        come = await connection.receive_all()

    assert come == messages


@pytest.mark.parametrize(
    ("wrong", "code"),
    [
        (a_frame(0xC1, b"with a bit that nobody agreed on"), 1002),
        (a_frame(0x83, b"of no known kind"), 1002),
        (a_frame(0x09, b"half a ping"), 1002),
        (a_frame(0x80, b"the end of nothing"), 1002),
        (a_frame(0x01, b"half") + a_frame(0x81, b"another before the end"), 1002),
        (b"\x81\x84\0\0\0\0mask", 1002),
        (b"\x81\x84", 1002),
        (b"\x81\x7f" + (MAX_MESSAGE_BYTES + 1).to_bytes(8, "big"), 1009),
    ],
)
async def test_after_a_frame_against_the_rules_nothing_more_is_taken(wrong: bytes, code: int) -> None:
    async with connected(0, then_closes=False) as connection, asyncio.timeout(10):
        connection.data_received(a_frame(0x81, b"before") + wrong + a_frame(0x81, b"after"))

        assert await connection.receive_all() == [b"before"]
        with pytest.raises(ConnectionClosedError) as caught:
            await connection.receive_all()

    assert caught.value.sent is not None
    assert caught.value.sent.code == code


@pytest.mark.parametrize("at_once", [1, 7, 10_000])
async def test_what_comes_with_the_answer_to_the_handshake_is_not_lost(at_once: int) -> None:
    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        request = (await reader.readuntil(b"\r\n\r\n")).decode()
        key = request.partition("Sec-WebSocket-Key: ")[2].partition("\r\n")[0]
        said = (
            f"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
            f"Sec-WebSocket-Accept: {accept_key(key)}\r\n\r\n"
        ).encode() + b"".join(a_frame(0x81, b"%d" % number) for number in range(5))
        for start in range(0, len(said), at_once):
            writer.write(said[start : start + at_once])
            await writer.drain()
        writer.close()

    async with await asyncio.start_server(answer, "127.0.0.1", 0) as server, asyncio.timeout(10):
        port = server.sockets[0].getsockname()[1]
        connection = await connect(
            f"ws://127.0.0.1:{port}", create_connection=FrameConnection, compression=None, proxy=None, close_timeout=0.1
        )
        assert isinstance(connection, FrameConnection)
        come = list[bytes]()
        while len(come) < 5:
            come += await connection.receive_all()

    assert come == [b"0", b"1", b"2", b"3", b"4"]


async def test_a_refusal_of_the_handshake_is_read_to_its_end() -> None:
    body = b"\x81\x7f" + b"\xff" * 100

    async def refuse(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 429 Too Many Requests\r\nContent-Length: %d\r\n\r\n%b" % (len(body), body))
        writer.close()

    async with await asyncio.start_server(refuse, "127.0.0.1", 0) as server, asyncio.timeout(10):
        port = server.sockets[0].getsockname()[1]
        with pytest.raises(InvalidStatus) as caught:
            await connect(f"ws://127.0.0.1:{port}", create_connection=FrameConnection, compression=None, proxy=None)

    assert caught.value.response.body == body
