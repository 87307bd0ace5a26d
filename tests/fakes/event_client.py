"""A reader of server-sent events, by the rules of browsers: what it would come back with, and when."""

import asyncio
import json
import socket
from typing import Any
from urllib.parse import urlsplit

from tests.fakes.table_client import TableClient


class EventClient:
    """One stream, one table. Its reading is the test's decision."""

    def __init__(self) -> None:
        self.status = 0
        self.headers: dict[str, str] = {}
        self.body = b""  # not read yet; all of it, of an answer that is no stream
        self.messages: list[dict[str, Any]] = []
        self.table = TableClient()
        self.last_id = ""
        self.retry_ms: int | None = None
        self._socket = socket.socket()
        self._chunks = b""  # of a server that sends chunks, what is not whole yet

    async def connect(
        self, url: str, headers: dict[str, str] | None = None, *, receive_buffer: int | None = None, method: str = "GET"
    ) -> "EventClient":
        """Ask, and read the head of the answer."""
        parts = urlsplit(url)
        if receive_buffer is not None:
            self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_buffer)
        self._socket.connect((parts.hostname, parts.port))
        self._socket.setblocking(False)  # noqa: FBT003 (as the standard library has it)
        fields = {"Host": parts.netloc, **(headers or {})}
        lines = [f"{method} {parts.path}?{parts.query} HTTP/1.1", *(f"{name}: {fields[name]}" for name in fields)]
        self._socket.send("\r\n".join([*lines, "", ""]).encode())
        while b"\r\n\r\n" not in self.body:
            assert await self._receive()
        head, _, self.body = self.body.partition(b"\r\n\r\n")
        first, *rest = head.decode().split("\r\n")
        self.status = int(first.split(" ")[1])
        self.headers = {name.lower(): value for name, _, value in (line.partition(": ") for line in rest)}
        if "transfer-encoding" in self.headers:
            self._chunks, self.body = self.body, b""
            self._join_chunks()
        return self

    async def next(self, *kinds: str, within_s: float = 10.0) -> dict[str, Any]:
        """The next message of the types named, or of any. Raises EOFError at the end of the stream."""
        async with asyncio.timeout(within_s):
            while True:
                event, blank, rest = self.body.partition(b"\n\n")
                if not blank:
                    if not await self._receive():
                        raise EOFError
                    continue
                self.body = rest
                message = self._take(event.decode())
                if message is not None and (not kinds or message["type"] in kinds):
                    return message

    async def until_closed(self) -> dict[str, Any]:
        """Read to the end; the last message."""
        try:
            while True:
                await self.next()
        except EOFError:
            return self.messages[-1]

    async def until(self, rev: int) -> None:
        """Read until the table stands there."""
        while self.table.rev < rev:
            await self.next()

    async def whole_body(self) -> bytes:
        """Of an answer that ends."""
        while len(self.body) < int(self.headers["content-length"]):
            assert await self._receive()
        return self.body

    def send(self, data: bytes) -> None:
        """What nobody asked for."""
        self._socket.send(data)

    def close(self) -> None:
        """Go without a word."""
        self._socket.close()

    async def _receive(self) -> bool:
        try:
            received = await asyncio.wait_for(asyncio.get_running_loop().sock_recv(self._socket, 65_536), 10)
        except ConnectionResetError:
            return False
        if "transfer-encoding" not in self.headers:
            self.body += received
            return bool(received)
        self._chunks += received
        return bool(received) and self._join_chunks()

    def _join_chunks(self) -> bool:
        """Those that are whole; False: that was the last one."""
        while True:
            size, line, rest = self._chunks.partition(b"\r\n")
            if not line or len(rest) < int(size, 16) + 2:
                return True
            if int(size, 16) == 0:
                return False
            self.body += rest[: int(size, 16)]
            self._chunks = rest[int(size, 16) + 2 :]

    def _take(self, event: str) -> dict[str, Any] | None:
        message = None
        for line in event.split("\n"):
            name, _, value = line.partition(": ")
            if name == "id":
                self.last_id = value
            elif name == "retry":
                self.retry_ms = int(value)
            elif name == "data":
                assert message is None, "a message is one line"
                message = json.loads(value)
                self.messages.append(message)
                self.table.take(message)
            else:
                raise AssertionError(f"a field that is not in use here: {line!r}")
        return message
