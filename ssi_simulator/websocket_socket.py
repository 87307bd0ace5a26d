"""
uvicorn's websocket protocol with a door to the socket.

A stand-in must be able to misbehave: cut TCP without a close frame, or hold it open and say nothing. ASGI has no words
for that, so the protocol object offers itself to the application in the scope's extensions.
"""

from typing import cast

from starlette.websockets import WebSocket
from uvicorn.protocols.websockets.websockets_sansio_impl import WebSocketsSansIOProtocol

from ssi_simulator.connection import Socket

_EXTENSION = "ssi_simulator.socket"


class WebSocketProtocol(WebSocketsSansIOProtocol):
    """One websocket; a `Socket` for its connection."""

    _frozen = False

    async def run_asgi(self) -> None:
        """Run the application with this object in the extensions."""
        self.scope["extensions"][_EXTENSION] = {"socket": self}
        await super().run_asgi()

    @property
    def buffered_bytes(self) -> int:
        """Written, but not yet taken by the operating system."""
        return self.transport.get_write_buffer_size()

    def write(self, finished_frames: bytes) -> None:
        """Write finished websocket frames; nothing happens if the socket is closing or frozen."""
        if not (self._frozen or self.close_sent or self.transport.is_closing()):
            self.transport.write(finished_frames)

    def close(self, code: int) -> None:
        """Begin the closing handshake; the application hears of it as a disconnect."""
        if self._frozen:
            self.cut()
        elif not (self.close_sent or self.transport.is_closing()):
            self.queue.put_nowait({"type": "websocket.disconnect", "code": code, "reason": ""})
            self.conn.send_close(code)
            self.transport.write(b"".join(self.conn.data_to_send()))
            self.close_sent = True
            # The client's answer closes the connection; if none comes, the timer does.
            self.transport.resume_reading()
            self.close_timer = self.loop.call_later(self.close_timeout, self.transport.close)

    def cut(self) -> None:
        """Drop the TCP connection, with whatever was not sent yet."""
        self.transport.abort()

    def freeze(self) -> None:
        """From now on, write nothing and ignore what comes, pings and close frames too."""
        self._frozen = True

    def data_received(self, data: bytes) -> None:
        """Bytes of the client."""
        if not self._frozen:
            super().data_received(data)

    def shutdown(self) -> None:
        """The server stops: say goodbye, but do not wait for a client that does not read."""
        if self._frozen or self.buffered_bytes:
            self.cut()
        else:
            super().shutdown()


def socket_of(websocket: WebSocket) -> Socket:
    """The socket under an accepted websocket. Only this module's protocol offers it."""
    return cast("Socket", websocket.scope["extensions"][_EXTENSION]["socket"])
