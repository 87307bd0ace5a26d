"""
uvicorn's HTTP protocol with bounds: on what a client may send, and on how long it may take.

The handshake of a websocket begins here as well; once it is one, the bounds are those of `shared_frames`. So does a
stream of events, which goes on in `event_door`.
"""

import asyncio
import weakref
from typing import Any, Final, cast

import httptools
from fastapi import FastAPI
from starlette.types import Scope, Send
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol, RequestResponseCycle

from publisher_service.core.handshake import Headers
from publisher_service.event_door import EXTENSION, EventDoor
from publisher_service.shared_frames import SharedFramesProtocol

#: A request, and whatever is sent with it. The parser keeps its head until all of it is there.
MAX_REQUEST_BYTES: Final = 65_536
#: Requests that wait for the answer to the one before them.
MAX_PIPELINED: Final = 16
#: From connecting, or from the last answer, to the whole of the next one. A phone reads a whole market in this time.
DEADLINE_S: Final = 60.0


class TooManyRequests(Exception):  # noqa: N818 (the name says what it is)
    """Asked before they could be answered; uvicorn closes the connection."""


class StreamRequest:
    """A request that may become a stream: its own connection and cycle, whatever was asked behind it. See `Carrier`."""

    __slots__ = ("_cycle", "_protocol", "events")

    def __init__(self, protocol: "BoundedHttpProtocol", cycle: RequestResponseCycle) -> None:
        self._protocol = protocol
        self._cycle = weakref.ref(cycle)  # which holds us: what goes round is not freed by itself
        self.events: EventDoor | None = None  # what it became

    async def become_events(self, headers: Headers, send: Send) -> EventDoor | None:
        """To be called by the application that is asked, once."""
        cycle = self._cycle()
        if cycle is not None:
            self.events = await self._protocol.become_events(cycle, headers, send)
        return self.events


class BoundedHttpProtocol(HttpToolsProtocol):
    """A connection that is cut when it asks too much, too slowly, or does not read."""

    _end: asyncio.TimerHandle | None = None
    _received = 0  # bytes of the request that is on its way
    _upgrades: bool | None = None  # whether it is a handshake, when it has been asked

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]  # (as uvicorn has it)
        """Give it a deadline."""
        super().connection_made(transport)
        self._restart()

    def data_received(self, data: bytes) -> None:
        """Count, and hand on."""
        self._received += len(data)
        if self._received > MAX_REQUEST_BYTES:
            self._cut("size")
            return
        self._unset_keepalive_if_required()
        try:
            self.parser.feed_data(data)
        except httptools.HttpParserUpgrade as upgrade:
            self._upgrade(data[upgrade.args[0] :])
        except httptools.HttpParserError:
            self.logger.warning("Invalid HTTP request received.")
            self.send_400_response("Invalid HTTP request received.")

    def on_headers_complete(self) -> None:
        """A request is there. Raises TooManyRequests into the parser, which takes it for a fault of the client."""
        if len(self.pipeline) >= MAX_PIPELINED:
            raise TooManyRequests
        self._upgrades = None
        super().on_headers_complete()
        if self.url.startswith(b"/sse/") and not self._should_upgrade():
            cast("dict[str, Any]", self.scope)["extensions"] = {EXTENSION: StreamRequest(self, self.cycle)}

    def _should_upgrade(self) -> bool:
        """Asked three times for each request."""
        if self._upgrades is None:
            self._upgrades = super()._should_upgrade()
        return self._upgrades

    def on_message_complete(self) -> None:
        """All of a request has come; the next one begins."""
        super().on_message_complete()
        self._received = 0

    def on_response_complete(self) -> None:
        """An answer is on its way; the next request has its own time."""
        super().on_response_complete()
        self._restart()

    def _get_upgrade(self) -> bytes | None:
        """What uvicorn asks for: whether one of the protocols is ours, since both headers are lists."""
        if super()._get_upgrade() == b"websocket":
            return b"websocket"  # as almost all say it, and asked three times a handshake
        named: dict[bytes, set[bytes]] = {b"connection": set(), b"upgrade": set()}
        for name, value in self.headers:
            if name in named:
                named[name].update(token.strip() for token in value.lower().split(b","))
        return b"websocket" if b"upgrade" in named[b"connection"] and b"websocket" in named[b"upgrade"] else None

    def _upgrade(self, rest: bytes) -> None:
        """Hand a handshake over as it was parsed; `rest` came after it."""
        if not self._should_upgrade():
            self._unsupported_upgrade_warning()
        elif cast("RequestResponseCycle | None", self.cycle) is not None and not self.cycle.response_complete:
            self.send_400_response("A websocket cannot begin before the answer to the request before it.")
        elif not issubclass(cast("type", self.ws_protocol_class), SharedFramesProtocol):
            self._stop()
            self.handle_websocket_upgrade()
        else:
            self._stop()
            self.connections.discard(self)
            websocket = SharedFramesProtocol(self.config, self.server_state, self.app_state)
            transport, scope = self.transport, cast("Scope", self.scope)
            transport.set_protocol(websocket)
            websocket.connection_made(transport)
            websocket.begin(scope, self.url, rest)
            self.parser = self.flow = self.transport = cast("Any", None)  # what goes round is not freed by itself

    async def become_events(self, cycle: RequestResponseCycle, headers: Headers, send: Send) -> EventDoor | None:
        """Answer the request of this cycle by a stream, which is all there is from then on."""
        cycle.chunked_encoding = False  # chunks would stand around each client's events
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        cycle.response_complete = True  # as far as uvicorn is concerned
        if self.transport.is_closing():
            return None
        self._stop()
        self._unset_keepalive_if_required()
        self.connections.discard(self)
        self.flow.resume_reading()
        interval_s, timeout_s = self.config.ws_ping_interval, self.config.ws_ping_timeout
        unanswered_s = None if interval_s is None or timeout_s is None else interval_s + timeout_s
        events = EventDoor(self.transport, self.server_state, unanswered_s)
        self.pipeline.clear()  # what was asked after it is not answered any more
        self.parser = self.flow = self.transport = self.scope = self.cycle = cast("Any", None)  # as in `_upgrade`
        return events

    def connection_lost(self, exc: Exception | None) -> None:
        """The socket is closed."""
        self._stop()
        super().connection_lost(exc)

    def _restart(self) -> None:
        self._stop()
        self._end = self.loop.call_later(DEADLINE_S, self._cut, "time")

    def _stop(self) -> None:
        if self._end is not None:
            self._end.cancel()
            self._end = None

    def _cut(self, reason: str) -> None:
        """Let go, whatever was not read."""
        cast("FastAPI", self.config.app).state.metrics.http_cut.labels(reason).inc()
        self.transport.abort()
