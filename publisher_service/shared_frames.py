"""
uvicorn's websocket protocol with a door for finished frames.

An ASGI application can only send messages, which are encoded for each client again. This class offers the connection
itself to the application, as the ASGI extension `banggia.door`: frames that were encoded once go straight to the
transport of every client.
"""

import asyncio
import socket
from collections.abc import Callable
from typing import Final, cast

from fastapi import FastAPI
from uvicorn._types import ASGISendEvent
from uvicorn.protocols.websockets.websockets_sansio_impl import WebSocketsSansIOProtocol
from websockets.frames import Frame
from websockets.http11 import Request

from publisher_service.client import Owner
from publisher_service.core.allowance import Allowance

EXTENSION: Final = "banggia.door"

#: The kernel's buffer for a connection (Linux doubles it). What waits here can no longer be replaced by newer values.
SEND_BUFFER_BYTES = 32_768
#: Pings and pieces of messages that a peer may send.
FRAMES_PER_S = 50.0
#: How long a peer may take to answer our close frame before the connection is cut.
CLOSE_TIMEOUT_S = 5.0


class SharedFramesProtocol(WebSocketsSansIOProtocol):
    """One websocket connection. It is its own door: see `publisher_service.client.Door`."""

    _owner: Owner | None = None
    _when_lost: Callable[[], None] | None = None
    _frames: Allowance | None = None
    paused_since_s: float | None = None

    @property
    def ready(self) -> bool:
        """Everything written so far was taken by the kernel, and the connection is open."""
        return (
            self.paused_since_s is None
            and self.handshake_complete
            and not self.close_sent
            and not self.disconnected
            and not self.transport.is_closing()
        )

    def when_lost(self, call: Callable[[], None]) -> None:
        """Call this when the connection is gone: now, if it is already."""
        if self.disconnected:
            call()
        else:
            self._when_lost = call

    deflates = False

    def keep_alive(self, now_s: float) -> None:
        """Uvicorn's does it by itself."""

    def open(self, owner: Owner) -> None:
        """Tell who is to be called when the door is ready again."""
        self._owner = owner

    def close(self, code: int, reason: str) -> None:
        """Begin to close. A peer that does not answer in time is cut off, whatever it has not read."""
        if self.close_sent or self.disconnected or self.transport.is_closing():
            return
        self.stop_keepalive()
        self.conn.send_close(code, reason)
        self.transport.write(b"".join(self.conn.data_to_send()))
        self.close_sent = True
        if self.read_paused:
            self.read_paused = False
            self.transport.resume_reading()
        self.queue.put_nowait({"type": "websocket.disconnect", "code": code, "reason": reason})
        self._abort_later()

    def _abort_later(self) -> None:
        """A transport that closes waits until its buffer is empty: with a peer that does not read, for ever."""
        if self.close_timer is not None:
            self.close_timer.cancel()
        if not self.disconnected:
            self.close_timer = self.loop.call_later(CLOSE_TIMEOUT_S, self.transport.abort)

    # ------------------------------------------------------------------------------------------- called by uvicorn

    async def send(self, message: ASGISendEvent) -> None:
        """A handshake that was refused with an answer is complete, too; uvicorn would log each as an error."""
        await super().send(message)
        if self.initial_response is not None and self.close_sent:
            self.handshake_complete = True

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Keep little in the kernel, and nothing in the transport without knowing of it."""
        super().connection_made(transport)
        self.write = self.transport.write
        self.transport.set_write_buffer_limits(high=0)
        if (connection := cast("socket.socket | None", transport.get_extra_info("socket"))) is not None:
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, SEND_BUFFER_BYTES)

    def connection_lost(self, exc: Exception | None) -> None:
        """The socket is closed, whoever closed it."""
        super().connection_lost(exc)
        if self._when_lost is not None:
            self._when_lost()
            self._when_lost = None

    def handle_connect(self, event: Request) -> None:
        """Put the door into the scope; the application runs after this returns."""
        super().handle_connect(event)
        if not self.close_sent:
            self.scope["extensions"][EXTENSION] = {"door": self}

    def handle_cont(self, event: Frame) -> None:
        """A piece of a message: an ordinary client sends few of them."""
        if self._permits_frame():
            super().handle_cont(event)

    def _permits_frame(self) -> bool:
        """Frames that are no messages cost time as well; a peer that sends too many of them is closed."""
        now_s = self.loop.time()
        if self._frames is None:
            self._frames = Allowance(FRAMES_PER_S, now_s)
        if self._frames.take(FRAMES_PER_S, now_s):
            return True
        self._count_close(1008)
        self.close(1008, "too many frames that are no messages")
        return False

    def handle_ping(self) -> None:
        """Answer, but not a peer that asks and does not read: its pongs would pile up."""
        if not self._permits_frame():
            return
        pong = b"".join(self.conn.data_to_send())
        if self.ready:
            self.transport.write(pong)

    def handle_close(self, event: Frame) -> None:
        """The peer closes."""
        super().handle_close(event)
        self._abort_later()

    def handle_parser_exception(self) -> None:
        """The peer breaks the protocol."""
        if self.conn.close_sent is not None:
            self._count_close(self.conn.close_sent.code)
        super().handle_parser_exception()
        self._abort_later()

    def keepalive_timeout(self) -> None:
        """The peer does not answer pings."""
        self._count_close(1011)
        super().keepalive_timeout()
        self._abort_later()

    def _count_close(self, code: int) -> None:
        """For closes that the hub does not order: those it counts itself. Said before the close, which comes once."""
        if not self.close_sent and not self.transport.is_closing():
            cast("FastAPI", self.config.app).state.metrics.closed.labels(str(code)).inc()

    def pause_writing(self) -> None:
        """Something is left in the transport's buffer."""
        super().pause_writing()
        self.paused_since_s = self.loop.time()
        if self._owner is not None:
            self._owner.paused(self)

    def resume_writing(self) -> None:
        """The transport's buffer is empty."""
        super().resume_writing()
        self.paused_since_s = None
        if self._owner is not None:
            self._owner.drained(self)
