"""A client of Centrifugo that counts what comes on its socket, and understands just enough to count it."""

import asyncio
import json
import zlib
from collections import Counter
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import asynccontextmanager, suppress
from enum import StrEnum
from typing import Self

EXTENSION = "permessage-deflate; client_no_context_takeover; server_no_context_takeover"
#: Field numbers of its protocol's messages.
REPLY_PUSH, PUSH_PUBLICATION, PUBLICATION_DELTA = 4, 4, 8
COMMAND_ID, COMMAND_CONNECT, COMMAND_SUBSCRIBE, SUBSCRIBE_CHANNEL, SUBSCRIBE_DELTA = 1, 4, 5, 1, 12


class Protocol(StrEnum):
    """How its messages are written."""

    JSON = "JSON"
    PROTOBUF = "Protobuf"


class Client:
    """`counted`: bytes on the socket, frames, replies, publications, and those of them that were deltas."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, protocol: Protocol) -> None:
        self.counted: Counter[str] = Counter()
        self._reader = reader
        self._writer = writer
        self._protocol = protocol
        self._news = asyncio.Event()
        self._failed = ""

    @classmethod
    @asynccontextmanager
    async def connected(cls, port: int, protocol: Protocol) -> AsyncIterator[Self]:
        """It has said hello."""
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        query = "?cf_protocol=protobuf" if protocol is Protocol.PROTOBUF else ""
        writer.write(
            f"GET /connection/websocket{query} HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nUpgrade: websocket\r\n"
            "Connection: Upgrade\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"
            f"Sec-WebSocket-Extensions: {EXTENSION}\r\n\r\n".encode()
        )
        answer = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").lower()
        if " 101 " not in answer or "permessage-deflate" not in answer:
            raise ConnectionError(f"no compressed websocket: {answer.splitlines()[0]}")
        client = cls(reader, writer, protocol)
        reading = asyncio.create_task(client._read(), name="client of Centrifugo")
        try:
            client._say({"id": 1, "connect": {}})
            await client._counts("replies", 1, 10.0)
            yield client
        finally:
            reading.cancel()
            await asyncio.wait([reading])
            writer.close()
            with suppress(OSError):
                await writer.wait_closed()

    async def subscribe(self, channels: Sequence[str]) -> None:
        """With deltas."""
        wanted = self.counted["replies"] + len(channels)
        for number, channel in enumerate(channels, 2):
            self._say({"id": number, "subscribe": {"channel": channel, "delta": "fossil"}})
            await self._writer.drain()
        await self._counts("replies", wanted, 60.0)

    async def received(self, publications: int, within_s: float) -> None:
        """Return when so many have come in all. Raises TimeoutError."""
        await self._counts("publications", publications, within_s)

    async def _counts(self, what: str, wanted: int, within_s: float) -> None:
        async with asyncio.timeout(within_s):
            while self.counted[what] < wanted:
                if self._failed:
                    raise ConnectionError(self._failed)
                self._news.clear()
                await self._news.wait()

    def _say(self, command: dict[str, object]) -> None:
        text = json.dumps(command).encode() if self._protocol is Protocol.JSON else _delimited(_command(command))
        opcode = 0x81 if self._protocol is Protocol.JSON else 0x82
        size = len(text)
        head = bytes((opcode, 0x80 | size)) if size < 126 else bytes((opcode, 0xFE)) + size.to_bytes(2, "big")
        self._writer.write(head + bytes(4) + text)  # a mask of zeros

    async def _read(self) -> None:
        try:
            while True:
                await self._read_message()
        except Exception as error:  # noqa: BLE001 (whatever it is, it is told to whoever waits)
            self._failed = f"the connection ended: {error!r}"
            self._news.set()

    async def _read_message(self) -> None:
        """A large one comes in several frames."""
        text, compressed, last = b"", False, False
        while not last:
            head = await self._reader.readexactly(2)
            size, extended = head[1] & 0x7F, 0
            if size >= 126:
                extended = 2 if size == 126 else 8
                size = int.from_bytes(await self._reader.readexactly(extended), "big")
            text += await self._reader.readexactly(size)
            self.counted["bytes"] += 2 + extended + size
            self.counted["frames"] += 1
            if head[0] & 0x0F == 8:
                raise ConnectionError(f"closed: {text[2:].decode('utf-8', 'replace')}")
            compressed, last = compressed or bool(head[0] & 0x40), bool(head[0] & 0x80)
        if compressed:
            text = zlib.decompressobj(-15).decompress(text + b"\x00\x00\xff\xff")
        if self._protocol is Protocol.JSON:
            self._take_json(text)
        else:
            self._take_protobuf(text)
        self._news.set()

    def _take_json(self, text: bytes) -> None:
        for line in text.splitlines():
            reply = json.loads(line)
            if "error" in reply:
                raise ConnectionError(f"refused: {reply['error']}")
            publication = reply.get("push", {}).get("pub")
            self._count("id" in reply, publication is not None, bool(publication and publication.get("delta")))

    def _take_protobuf(self, text: bytes) -> None:
        for reply in _messages(text):
            fields = dict(_fields(reply))
            if 2 in fields:
                raise ConnectionError(f"refused: {fields[2]!r}")
            push = fields.get(REPLY_PUSH)
            publication = dict(_fields(push)).get(PUSH_PUBLICATION) if isinstance(push, bytes) else None
            delta = isinstance(publication, bytes) and bool(dict(_fields(publication)).get(PUBLICATION_DELTA))
            self._count(COMMAND_ID in fields, publication is not None, delta)

    def _count(self, answered: bool, published: bool, delta: bool) -> None:  # noqa: FBT001 (three facts of a message)
        self.counted["replies"] += answered
        self.counted["publications"] += published
        self.counted["deltas"] += delta


def _command(command: dict[str, object]) -> bytes:
    """The two commands that we say, as Protobuf."""
    number = command["id"]
    assert isinstance(number, int)  # noqa: S101 (for the type checker)
    subscription = command.get("subscribe")
    if not isinstance(subscription, dict):
        return _varint(COMMAND_ID << 3) + _varint(number) + _text(COMMAND_CONNECT, b"")
    body = _text(SUBSCRIBE_CHANNEL, subscription["channel"].encode()) + _text(SUBSCRIBE_DELTA, b"fossil")
    return _varint(COMMAND_ID << 3) + _varint(number) + _text(COMMAND_SUBSCRIBE, body)


def _text(field: int, value: bytes) -> bytes:
    return _varint(field << 3 | 2) + _delimited(value)


def _delimited(value: bytes) -> bytes:
    return _varint(len(value)) + value


def _varint(number: int) -> bytes:
    written = bytearray()
    while number > 127:
        written.append(number & 127 | 128)
        number >>= 7
    return bytes((*written, number))


def _read_varint(text: bytes, at: int) -> tuple[int, int]:
    """The number, and where the rest begins."""
    number = shift = 0
    while True:
        byte = text[at]
        number |= (byte & 127) << shift
        at, shift = at + 1, shift + 7
        if byte < 128:
            return number, at


def _messages(text: bytes) -> Iterator[bytes]:
    at = 0
    while at < len(text):
        size, at = _read_varint(text, at)
        yield text[at : at + size]
        at += size


def _fields(message: bytes) -> Iterator[tuple[int, int | bytes]]:
    """Numbers and texts, all that these messages have."""
    at = 0
    while at < len(message):
        tag, at = _read_varint(message, at)
        value: int | bytes
        value, at = _read_varint(message, at)
        if tag & 7 == 2:
            size = value
            value, at = message[at : at + size], at + size
        yield tag >> 3, value
