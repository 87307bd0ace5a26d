"""
New connections are let in one after the other, so many in a turn of the loop.

A handshake with a small snapshot costs a quarter of a millisecond. When another replica dies thousands of them come at
once, and those who are here already would wait for the last of them.
"""

import asyncio
from collections import deque

from publisher_service.bounded_http import BoundedHttpProtocol

#: Five milliseconds or so, and then everybody else has a turn.
PER_TURN = 16


class Gate:
    """Nothing is read from a connection before its turn comes. Its length is bounded by the descriptors there are."""

    def __init__(self) -> None:
        self._waiting: deque[asyncio.Transport] = deque()
        self.entered = 0  # connections that came, ever

    @property
    def waiting(self) -> int:
        """How many wait."""
        return len(self._waiting)

    def enter(self, transport: asyncio.Transport, loop: asyncio.AbstractEventLoop) -> None:
        """Wait for a turn."""
        self.entered += 1
        transport.pause_reading()
        if not self._waiting:
            loop.call_soon(self._turn, loop)
        self._waiting.append(transport)

    def _turn(self, loop: asyncio.AbstractEventLoop) -> None:
        for _ in range(min(PER_TURN, len(self._waiting))):
            transport = self._waiting.popleft()
            if not transport.is_closing():
                transport.resume_reading()
        if self._waiting:
            loop.call_soon(self._turn, loop)


def protocol_behind(gate: Gate) -> type[BoundedHttpProtocol]:
    """The protocol of uvicorn, for connections that pass this gate."""

    class GatedProtocol(BoundedHttpProtocol):
        def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]  # (no other comes)
            super().connection_made(transport)
            gate.enter(transport, self.loop)

    return GatedProtocol
