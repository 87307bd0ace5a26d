"""What an ASGI application says before its websocket is open: accept, or an HTTP answer instead."""

import asyncio
from http import HTTPStatus
from typing import Protocol

from starlette.types import Message, Scope

from publisher_service.core.handshake import Handshake, Headers


class ClientDisconnected(OSError):  # noqa: N818 (ASGI names it so)
    """Who asked is gone; as ASGI has it."""


class Connection(Protocol):
    """What is opened, or refused."""

    @property
    def gone(self) -> bool:
        """It is closed, or about to be."""

    def accept(self, head: bytes) -> None:
        """Write the answer that opens it."""

    def refuse(self, answer: bytes) -> None:
        """Write another one, and close."""

    def close(self, code: int, reason: str) -> None:
        """Begin to close it after it was opened."""


class Opening:
    """One conversation with the application. It ends when that returns: the connection lives on without it."""

    __slots__ = ("_answer", "_connection", "_handshake", "_lost", "_told", "answered", "scope")

    def __init__(self, scope: Scope, handshake: Handshake, connection: Connection) -> None:
        self.scope = scope
        self.answered = False
        self._handshake = handshake
        self._connection = connection
        self._answer: tuple[int, Headers, list[bytes]] | None = None  # other than to accept, on its way
        self._told = False  # that somebody wants to connect
        self._lost: asyncio.Event | None = None  # made for an application that waits for it

    def lost(self) -> None:
        """The connection is gone."""
        if self._lost is not None:
            self._lost.set()

    async def receive(self) -> Message:
        """As ASGI has it; messages go to the owner of the door instead."""
        if not self._told:
            self._told = True
            return {"type": "websocket.connect"}
        self._lost = self._lost or asyncio.Event()
        if self._connection.gone:
            self._lost.set()
        await self._lost.wait()
        return {"type": "websocket.disconnect", "code": 1006}

    async def send(self, message: Message) -> None:
        """As ASGI has it, without messages: frames are written through the door. Raises ClientDisconnected."""
        if self._connection.gone:
            raise ClientDisconnected
        match message["type"]:
            case "websocket.accept" if not self.answered and self._answer is None:
                headers = list(message.get("headers") or ())
                if message.get("subprotocol"):
                    headers.append((b"sec-websocket-protocol", message["subprotocol"].encode("latin-1")))
                self.answered = True
                self._connection.accept(self._handshake.response(headers))
            case "websocket.close" if not self.answered and self._answer is None:
                self._refuse(403, (), b"")
            case "websocket.http.response.start" if not self.answered and self._answer is None:
                self._answer = (message["status"], list(message.get("headers") or ()), [])
            case "websocket.http.response.body" if not self.answered and self._answer is not None:
                status, told, body = self._answer
                body.append(message.get("body", b""))
                if not message.get("more_body", False):
                    self._refuse(status, told, b"".join(body))
            case "websocket.close" if self.answered:
                self._connection.close(message.get("code", 1000), message.get("reason") or "")
            case unexpected:
                raise RuntimeError(f"{unexpected} is not what may come now")

    def _refuse(self, status: int, headers: Headers, body: bytes) -> None:
        self.answered = True
        self._connection.refuse(http_answer(status, headers, body))


def http_answer(status: int, headers: Headers, body: bytes) -> bytes:
    """A whole HTTP answer after which the connection ends."""
    lines = [b"HTTP/1.1 %d %s" % (status, HTTPStatus(status).phrase.encode())]
    lines += [name + b": " + value for name, value in headers if name.lower() not in (b"content-length", b"connection")]
    lines += [b"content-length: %d" % len(body), b"connection: close", b"", body]
    return b"\r\n".join(lines)
