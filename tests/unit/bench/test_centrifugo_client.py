"""What comes on the socket is counted to the byte, however it is cut."""

import asyncio
import json
import zlib
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager

import pytest

from bench.centrifugo_client import Client, Protocol

JSON_REPLY = b'{"id":1,"connect":{}}'
DELTA = json.dumps({"push": {"channel": "SSI", "pub": {"data": "x" * 900, "delta": True}}}).encode()
WHOLE = json.dumps({"push": {"channel": "SSI", "pub": {"data": {"last": 1}}}}).encode()
#: A reply with id 1 and `connect`; a push of a publication with `data`, and one that has `delta` too.
PROTOBUF_REPLY = b"\x04\x08\x01\x2a\x00"
PROTOBUF_PUSHES = b"\x0c\x22\x0a\x12\x03SSI\x22\x03\x22\x01x" + b"\x0e\x22\x0c\x12\x03SSI\x22\x05\x22\x01x\x40\x01"


def frame(payload: bytes, first: int) -> bytes:
    """A server's frame; `first` is its first byte."""
    size = len(payload)
    return bytes((first,)) + (bytes((size,)) if size < 126 else b"\x7e" + size.to_bytes(2, "big")) + payload


def deflated(text: bytes) -> bytes:
    """As permessage-deflate has it."""
    compressor = zlib.compressobj(6, zlib.DEFLATED, -15)
    return (compressor.compress(text) + compressor.flush(zlib.Z_SYNC_FLUSH))[:-4]


@asynccontextmanager
async def serving(frames: Sequence[bytes]) -> AsyncIterator[int]:
    """The port of a server that agrees on compression and sends these."""

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        head = "HTTP/1.1 101 Switching Protocols\r\nSec-WebSocket-Extensions: permessage-deflate\r\n\r\n"
        writer.write(head.encode() + b"".join(frames))
        await writer.drain()
        await reader.read()
        writer.close()
        await writer.wait_closed()
        ended.set()

    ended = asyncio.Event()
    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    try:
        yield server.sockets[0].getsockname()[1]
    finally:
        server.close()
        await asyncio.wait_for(ended.wait(), 5)


async def test_a_compressed_message_in_several_frames_is_one_and_all_its_bytes_count() -> None:
    text = deflated(DELTA + b"\n" + WHOLE)
    frames = [frame(JSON_REPLY, 0x81), frame(text[:10], 0x41), frame(text[10:], 0x80)]

    async with serving(frames) as port, Client.connected(port, Protocol.JSON) as client:
        await client.received(2, 5)

    assert client.counted == {
        "bytes": sum(map(len, frames)), "frames": 3, "replies": 1, "publications": 2, "deltas": 1,
    }  # fmt: skip


async def test_publications_are_counted_in_protobuf_too() -> None:
    frames = [frame(PROTOBUF_REPLY, 0x82), frame(PROTOBUF_PUSHES, 0x82)]

    async with serving(frames) as port, Client.connected(port, Protocol.PROTOBUF) as client:
        await client.received(2, 5)

    assert (client.counted["publications"], client.counted["deltas"], client.counted["replies"]) == (2, 1, 1)


async def test_a_connection_that_ends_is_no_endless_wait() -> None:
    frames = [frame(JSON_REPLY, 0x81), frame(b"\x0b\xb8bye", 0x88)]

    async with serving(frames) as port, Client.connected(port, Protocol.JSON) as client:
        with pytest.raises(ConnectionError, match="bye"):
            await client.received(1, 5)
