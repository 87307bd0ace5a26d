"""
uvicorn's HTTP protocol with bounds: on what a client may send, and on how long it may take.

The handshake of a websocket begins here as well; once it is one, the bounds are those of `shared_frames`.
"""

import asyncio
from typing import Final, cast

from fastapi import FastAPI
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

#: A request, and whatever is sent with it. The parser keeps its head until all of it is there.
MAX_REQUEST_BYTES: Final = 65_536
#: Requests that wait for the answer to the one before them.
MAX_PIPELINED: Final = 16
#: From connecting, or from the last answer, to the whole of the next one. A phone reads a whole market in this time.
DEADLINE_S: Final = 60.0


class TooManyRequests(Exception):  # noqa: N818 (the name says what it is)
    """Asked before they could be answered; uvicorn closes the connection."""


class BoundedHttpProtocol(HttpToolsProtocol):
    """A connection that is cut when it asks too much, too slowly, or does not read."""

    _end: asyncio.TimerHandle | None = None
    _received = 0  # bytes of the request that is on its way

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]  # (as uvicorn has it)
        """Give it a deadline."""
        super().connection_made(transport)
        self._restart()

    def data_received(self, data: bytes) -> None:
        """Count, and hand on."""
        self._received += len(data)
        if self._received > MAX_REQUEST_BYTES:
            self._cut("size")
        else:
            super().data_received(data)

    def on_headers_complete(self) -> None:
        """A request is there. Raises TooManyRequests into the parser, which takes it for a fault of the client."""
        if len(self.pipeline) >= MAX_PIPELINED:
            raise TooManyRequests
        super().on_headers_complete()

    def on_message_complete(self) -> None:
        """All of a request has come; the next one begins."""
        super().on_message_complete()
        self._received = 0

    def on_response_complete(self) -> None:
        """An answer is on its way; the next request has its own time."""
        super().on_response_complete()
        self._restart()

    def handle_websocket_upgrade(self) -> None:
        """What lives longer than a request has bounds of its own."""
        self._stop()
        super().handle_websocket_upgrade()

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
