"""
A stream of server-sent events as the hub's door: what is left of an HTTP connection once its answer has begun.

The events were encoded once and go straight to the transport, as websocket frames do. They end with the connection, so
nothing stands around them that would be another for each client. What the peer sends is not read.
"""

import asyncio
import math
import socket
from collections.abc import Callable, Iterable
from typing import Final, Protocol, cast

from starlette.types import Scope, Send
from uvicorn.server import ServerState

from publisher_service.client import Owner
from publisher_service.core.events import closed
from publisher_service.core.frames import Form
from publisher_service.core.handshake import Headers
from publisher_service.transports import descriptor_of, tell_of_every_byte

EXTENSION: Final = "banggia.events"

#: How long a peer may take to close its side after we have closed ours.
CLOSE_TIMEOUT_S = 5.0
#: What a peer may send to us, who have nothing to ask of it.
MAX_RECEIVED_BYTES = 65_536


class EventDoor(asyncio.Protocol):
    """One stream. See `publisher_service.client.Door`."""

    __slots__ = (
        "__weakref__", "_end", "_lost", "_open", "_owner", "_received", "_server_state", "_transport", "_when_lost",
        "descriptor", "paused_since_s", "ready",
    )  # fmt: skip

    form = Form.EVENT

    def __init__(self, transport: asyncio.Transport, server_state: ServerState, unanswered_s: float | None) -> None:
        """`unanswered_s`: how long the kernel may wait for a peer to confirm what it was sent."""
        self._transport = transport
        self._server_state = server_state
        self._owner: Owner | None = None
        self._when_lost: Callable[[], None] | None = None
        self._end: asyncio.TimerHandle | None = None
        self._received = 0  # bytes
        self._open, self._lost = True, False
        #: Everything written so far was taken by the kernel, and the stream has not ended.
        self.ready = True
        #: Since when something waits in the transport, on the event loop's clock.
        self.paused_since_s: float | None = None
        #: Where events may go straight to; see `publisher_service.client.Door`.
        self.descriptor = descriptor_of(transport)
        transport.set_protocol(self)
        tell_of_every_byte(transport, self)
        # There are no pings here. Linux tells of a peer that is gone when it has not confirmed a heartbeat.
        peer = transport.get_extra_info("socket")
        if unanswered_s is not None and hasattr(socket, "TCP_USER_TIMEOUT") and peer.family != socket.AF_UNIX:
            peer.setsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, int(unanswered_s * 1000))
        server_state.connections.add(self)  # type: ignore[arg-type]  # (uvicorn names its own classes)

    # ------------------------------------------------------------------------------------------- called by the owner

    def open(self, owner: Owner) -> None:
        """Tell who is to be called."""
        self._owner = owner

    def when_lost(self, call: Callable[[], None]) -> None:
        """Call this when the connection is gone: now, if it is already."""
        if self._lost:
            call()
        else:
            self._when_lost = call

    def write(self, frame: bytes) -> None:
        """Write finished events. Nowhere at the end."""
        if self._open:
            self._transport.write(frame)

    def keep_alive(self, now_s: float) -> float:  # noqa: ARG002 (as doors have it)
        """Nothing to do: the kernel knows whether the peer confirms heartbeats."""
        return math.inf

    def close(self, code: int, reason: str, last_words: Iterable[bytes] = ()) -> None:  # noqa: ARG002 (see below)
        """
        Say why, end, and throw away what the peer still sends. One that does not end its side is cut off.

        Nothing is owed here but to a peer that does not read.
        """
        self._owner = None
        if not self._open:
            return
        self._open = self.ready = False
        if self._transport.is_closing():
            return
        # A transport that closes waits until its buffer is empty: with a peer that does not read, for ever.
        self._end = asyncio.get_running_loop().call_later(CLOSE_TIMEOUT_S, self._transport.abort)
        self._transport.write(closed(code, reason))
        if self._transport.can_write_eof():
            self._transport.write_eof()
        else:
            self._transport.close()

    # ------------------------------------------------------------------------------------------ called by the server

    def data_received(self, data: bytes) -> None:
        """Whatever it is, it was not asked for."""
        self._received += len(data)
        if self._received > MAX_RECEIVED_BYTES:
            self._transport.abort()

    def pause_writing(self) -> None:
        """Something is left in the transport's buffer."""
        self.ready = False
        self.paused_since_s = asyncio.get_running_loop().time()
        if self._owner is not None:
            self._owner.paused(self)

    def resume_writing(self) -> None:
        """The transport's buffer is empty."""
        self.paused_since_s = None
        self.ready = self._open
        if self._owner is not None:
            self._owner.drained(self)

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: ARG002 (as asyncio has it)
        """The socket is closed, whoever closed it."""
        self._lost, self._open, self.ready = True, False, False
        self._server_state.connections.discard(self)
        if self._end is not None:
            self._end.cancel()
            self._end = None
        owner, self._owner = self._owner, None
        if owner is not None:
            owner.leave(self)
        if self._when_lost is not None:
            self._when_lost()
            self._when_lost = None

    def shutdown(self) -> None:
        """The server stops, and has asked everybody to leave before; whoever is still here is not waited for."""
        self._transport.close()


class Carrier(Protocol):
    """An HTTP connection that can become a stream of events."""

    @property
    def events(self) -> EventDoor | None:
        """The stream that it became."""

    async def become_events(self, headers: Headers, send: Send) -> EventDoor | None:
        """Answer with these headers and become one; None: the peer is gone."""


def carrier_of(scope: Scope) -> Carrier | None:
    """The connection that an application is asked on; None if another server or class serves it."""
    return cast("Carrier | None", (scope.get("extensions") or {}).get(EXTENSION))


def events_of(scope: Scope) -> EventDoor | None:
    """What the connection became, if it did."""
    carrier = carrier_of(scope)
    return None if carrier is None else carrier.events
