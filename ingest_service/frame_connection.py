"""A websocket whose messages are taken together: all that one read brought, at the price of one."""

import asyncio
from typing import Any

from websockets.asyncio.client import ClientConnection
from websockets.client import ClientProtocol
from websockets.frames import DATA_OPCODES, Frame
from websockets.protocol import Event, State

#: Messages that may wait to be taken. Beyond, no more is read than has come already, and TCP holds the server back.
MAX_WAITING_MESSAGES = 64


class FrameConnection(ClientConnection):
    """
    The library's connection, but for the way of messages: into a list, instead of a queue that wakes a task for each.

    With one message a frame those, and a deadline for each wait, took 26 of 97 µs a message. Use `receive_all` instead
    of `recv`.
    """

    def __init__(self, protocol: ClientProtocol, **options: Any) -> None:  # noqa: ANN401 (the library's own)
        super().__init__(protocol, **options)
        self._messages: list[bytes] = []
        self._fragments: list[bytes] = []  # of the message that is on its way; the library bounds their size
        self._news = asyncio.Event()
        self._holding_back = False
        self._leaving = False

    def process_event(self, event: Event) -> None:
        """Take a frame; the library's own affairs go on to it."""
        if not isinstance(event, Frame) or event.opcode not in DATA_OPCODES:
            super().process_event(event)
        elif not self._leaving:
            self._take(event)

    def connection_lost(self, exc: Exception | None) -> None:
        """Wake who waits."""
        super().connection_lost(exc)
        self._news.set()

    async def receive_all(self) -> list[bytes]:
        """All messages that have come, in their order; waits for one. Raises ConnectionClosed after the last one."""
        while not self._messages:
            if self.protocol.state is State.CLOSED:
                raise self.protocol.close_exc
            self._news.clear()
            await self._news.wait()
        messages, self._messages = self._messages, []
        self._read_on()
        return messages

    async def close(self, code: int = 1000, reason: str = "") -> None:
        """As the library's. What still comes is dropped: behind it is the server's goodbye."""
        self._leaving = True
        self._read_on()
        await super().close(code, reason)

    def _take(self, frame: Frame) -> None:
        self._fragments.append(bytes(frame.data))
        if not frame.fin:
            return
        whole = self._fragments[0] if len(self._fragments) == 1 else b"".join(self._fragments)
        self._fragments.clear()
        self._messages.append(whole)
        self._news.set()
        if len(self._messages) >= MAX_WAITING_MESSAGES and not self._holding_back:
            self._holding_back = True
            self.transport.pause_reading()

    def _read_on(self) -> None:
        if self._holding_back:
            self._holding_back = False
            if not self.transport.is_closing():
                self.transport.resume_reading()
