"""A websocket client that sends whatever bytes a test makes, right or wrong."""

import asyncio
import base64
import hashlib
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import NamedTuple

KEY = base64.b64encode(b"sixteen bytes!!!")
HEAD = (
    b"GET / HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\n"
    b"Sec-WebSocket-Key: " + KEY + b"\r\n"
)
TEXT, BINARY, CLOSE, PING, PONG = 0x81, 0x82, 0x88, 0x89, 0x8A
MASK = b"\x12\x34\x56\x78"


def frame(first: int, payload: bytes = b"", *, mask: bytes = MASK) -> bytes:
    """A masked frame with this first byte."""
    size = len(payload)
    if size < 126:
        length = bytes((0x80 | size,))
    elif size < 65_536:
        length = b"\xfe" + size.to_bytes(2, "big")
    else:
        length = b"\xff" + size.to_bytes(8, "big")
    return bytes((first,)) + length + mask + bytes(byte ^ mask[at % 4] for at, byte in enumerate(payload))


def close(code: int, reason: bytes = b"") -> bytes:
    """A close frame."""
    return frame(CLOSE, code.to_bytes(2, "big") + reason)


class Received(NamedTuple):
    """A frame of the server's."""

    first: int
    payload: bytes

    @property
    def code(self) -> int | None:
        """Of a close."""
        return int.from_bytes(self.payload[:2], "big") if self.payload else None


class RawWebsocket:
    """After the handshake."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader = reader
        self.writer = writer
        self.head = b""

    async def handshake(self, more: bytes = b"", early: bytes = b"", path: bytes = b"/") -> bytes:
        """Open; the answer's head. `more`: headers; `early`: what is sent with it."""
        self.writer.write(HEAD.replace(b" / ", b" " + path + b" ", 1) + more + b"\r\n" + early)
        self.head = await asyncio.wait_for(self.reader.readuntil(b"\r\n\r\n"), 10)
        return self.head

    def send(self, *frames: bytes) -> None:
        """Without waiting."""
        self.writer.write(b"".join(frames))

    async def next(self) -> Received | None:
        """The next frame; None at the end of the connection."""
        try:
            first, size = await asyncio.wait_for(self.reader.readexactly(2), 10)
            if size == 126:
                size = int.from_bytes(await self.reader.readexactly(2), "big")
            elif size == 127:
                size = int.from_bytes(await self.reader.readexactly(8), "big")
            return Received(first, await self.reader.readexactly(size))
        except asyncio.IncompleteReadError as end:
            if end.partial:
                raise  # half a frame
            return None

    async def rest(self) -> list[Received]:
        """All frames until the connection ends."""
        frames = []
        while (received := await self.next()) is not None:
            frames.append(received)
        return frames


def proof() -> bytes:
    """What the server must answer to KEY."""
    return base64.b64encode(hashlib.sha1(KEY + b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11").digest())


@asynccontextmanager
async def raw_websocket(port: int) -> AsyncIterator[RawWebsocket]:
    """A connection, before the handshake."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    yield RawWebsocket(reader, writer)
    writer.transport.abort()
