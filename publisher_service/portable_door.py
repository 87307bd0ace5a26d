"""
Doors over plain ASGI, for servers without the extensions of `shared_frames` and `event_door`.

It costs a task and an encoding for each client. One frame is on its way at a time: until the server has taken it the
door is not ready, and the hub keeps what is newest, as it does for every socket that is full.
"""

import asyncio
import logging
import math
from collections.abc import Iterable

from starlette.types import Message, Receive, Send

from publisher_service.client import Owner
from publisher_service.core.events import closed
from publisher_service.core.frames import Form, payload_of
from publisher_service.core.handshake import Headers

log = logging.getLogger(__name__)

#: How long a server may take to let a connection go that we closed.
CLOSE_TIMEOUT_S = 5.0


class PortableDoor:
    """One websocket connection: `accept`, `open`, and then `live` until it has ended."""

    form = Form.PLAIN  # compression is the server's business
    descriptor = None  # and so is the socket

    __slots__ = (
        "_close",
        "_frame",
        "_last_words",
        "_owner",
        "_receive",
        "_send",
        "_wake",
        "_writing",
        "paused_since_s",
        "ready",
    )

    def __init__(self, receive: Receive, send: Send) -> None:
        self._receive = receive
        self._send = send
        self._owner: Owner | None = None
        self._frame: bytes | None = None  # on its way
        self._close: tuple[int, str] | None = None
        self._last_words: list[bytes] = []
        self._wake = asyncio.Event()
        self._writing: asyncio.Task[None] | None = None
        self.ready = False
        self.paused_since_s: float | None = None

    async def accept(self) -> None:
        """Open the connection. Raises OSError if it is gone."""
        await self._receive()  # that somebody wants to connect
        await self._send({"type": "websocket.accept"})
        self.ready = True

    def open(self, owner: Owner) -> None:
        """Tell who is to be called."""
        self._owner = owner

    def write(self, frame: bytes) -> None:
        """Hand a finished frame to the server; never waits. Only while the door is ready."""
        if not self.ready:
            raise RuntimeError("a frame is on its way already")
        self._frame = frame
        self.ready, self.paused_since_s = False, asyncio.get_running_loop().time()
        self._wake.set()
        if self._owner is not None:
            self._owner.paused(self)

    def close(self, code: int, reason: str, last_words: Iterable[bytes] = ()) -> None:
        """Close after the frame that is on its way and these, if the server takes them in time."""
        self._owner = None
        if self._close is None:
            self._last_words += last_words
            self.ready, self._close = False, (code, reason)
            self._wake.set()
            asyncio.get_running_loop().call_later(CLOSE_TIMEOUT_S, self._give_up)

    def keep_alive(self, now_s: float) -> float:  # noqa: ARG002 (as doors have it)
        """Nothing to do: servers ask peers for signs of life themselves."""
        return math.inf

    async def live(self) -> None:
        """Read and write until the connection has ended."""
        self._writing = asyncio.create_task(self._write())
        tasks = [asyncio.create_task(self._read()), self._writing]
        try:
            await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for task in tasks:
                task.cancel()
            ends = await asyncio.gather(*tasks, return_exceptions=True)
            self.ready, owner, self._owner = False, self._owner, None
            if owner is not None:
                owner.leave(self)
        for end in ends:
            # OSError: the peer is gone, which is no fault. CancelledError is no Exception.
            if isinstance(end, Exception) and not isinstance(end, OSError):
                raise end

    async def _read(self) -> None:
        while not (event := await self._receive())["type"].endswith(".disconnect"):
            if self._owner is None or event["type"] != "websocket.receive":
                continue  # its last words, or the body of a request that has none
            try:
                self._owner.receive(self, event.get("text"))
            except Exception:
                log.exception("a message could not be carried out")
                owner = self._owner
                self.close(1011, "internal error")
                if owner is not None:
                    owner.leave(self)

    async def _write(self) -> None:
        while self._frame is not None or self._close is None:
            await self._wake.wait()
            self._wake.clear()
            if self._frame is not None:
                await self._send(self._message(self._frame))
                self._frame, self.paused_since_s = None, None
                self.ready = self._close is None
                if self._owner is not None:
                    self._owner.drained(self)
        code, reason = self._close
        for frame in self._last_words:
            await self._send(self._message(frame))
        await self._send(self._end(code, reason))

    def _message(self, frame: bytes) -> Message:
        """What hands a finished, unmasked text frame over: a server makes its own."""
        return {"type": "websocket.send", "text": payload_of(frame).decode()}

    def _end(self, code: int, reason: str) -> Message:
        return {"type": "websocket.close", "code": code, "reason": reason}

    def _give_up(self) -> None:
        if self._writing is not None:
            self._writing.cancel()


class PortableEventDoor(PortableDoor):
    """One stream of server-sent events."""

    __slots__ = ("_first", "_headers")

    form = Form.EVENT

    def __init__(self, receive: Receive, send: Send, headers: Headers, first: bytes) -> None:
        super().__init__(receive, send)
        self._headers = headers
        self._first = first

    async def accept(self) -> None:
        """Begin the answer. Raises OSError if the peer is gone."""
        await self._send({"type": "http.response.start", "status": 200, "headers": self._headers})
        await self._send(self._message(self._first))
        self.ready = True

    def _message(self, frame: bytes) -> Message:
        return {"type": "http.response.body", "body": frame, "more_body": True}

    def _end(self, code: int, reason: str) -> Message:
        return {"type": "http.response.body", "body": closed(code, reason)}
