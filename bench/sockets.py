"""Websocket clients that cost next to nothing, so that a thousand of them fit beside what is measured."""

import asyncio
import socket
import time
from array import array
from typing import cast
from urllib.parse import urlsplit

_TIME = b'"time":'
_POSITION = b'"position":'
#: An empty ping with a mask of zeros.
PING = b"\x89\x80\x00\x00\x00\x00"


def handshake(path: str) -> bytes:
    """What a client says first."""
    return (
        f"GET {path} HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
        "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"
    ).encode()


def address(url: str) -> tuple[str, int]:
    """Host and port."""
    parts = urlsplit(url)
    return str(parts.hostname), int(parts.port or 80)


class Reader(asyncio.Protocol):
    """Reads on, and notes how old the data is when it comes: the clock of this machine against a frame's `time`."""

    def __init__(self, path: str, ages_ms: "array[float] | None" = None) -> None:
        self._path = path
        self._ages_ms = ages_ms
        self.opened = asyncio.get_running_loop().create_future()
        self.lost = False

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Shake hands."""
        self._transport = cast("asyncio.Transport", transport)  # uvloop's is none by type
        self._transport.write(handshake(self._path))

    def data_received(self, data: bytes) -> None:
        """One frame mostly; of several that come together the first counts: it is the one that waited."""
        if not self.opened.done():
            self.opened.set_result(None)
        if self._ages_ms is None or (at := data.find(_POSITION)) < 0 or (at := data.find(_TIME, at)) < 0:
            return
        sent_ms = data[at + len(_TIME) : at + len(_TIME) + 13]
        if sent_ms.isdigit():
            self._ages_ms.append(time.time() * 1000 - int(sent_ms))

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: ARG002 (as the loop calls it)
        """By whomever."""
        self.lost = True

    def close(self) -> None:
        """Go without a word."""
        self._transport.abort()


async def connect(url: str, path: str, ages_ms: "array[float] | None" = None) -> Reader:
    """A reader whose handshake was answered."""
    loop = asyncio.get_running_loop()
    _, reader = await loop.create_connection(lambda: Reader(path, ages_ms), *address(url))
    async with asyncio.timeout(10):
        await reader.opened
    return reader


def stalled(url: str, path: str) -> socket.socket:
    """A client that asks and never reads."""
    connection = socket.create_connection(address(url))
    connection.sendall(handshake(path))
    return connection
