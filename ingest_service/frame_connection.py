"""A websocket whose messages are taken together: all that one read brought, at the price of one."""

import asyncio
from typing import Any

from websockets.asyncio.client import ClientConnection
from websockets.client import ClientProtocol
from websockets.frames import DATA_OPCODES, Frame
from websockets.protocol import Event, State

#: The snapshot of every symbol may come as one frame: 2,000 messages are 4 MB, all types together some 10 MB.
MAX_MESSAGE_BYTES = 32 * 1024 * 1024
#: Messages that may wait to be taken. Beyond, no more is read than has come already, and TCP holds the server back.
MAX_WAITING_MESSAGES = 64
#: How a frame begins that is a whole message, of text or of bytes.
_WHOLE_MESSAGES = (0x81, 0x82)
_END_OF_HANDSHAKE = b"\r\n\r\n"


class FrameConnection(ClientConnection):
    """
    The library's connection, but for the way of messages: into a list, instead of a queue that wakes a task for each.

    With one message a frame those, and a deadline for each wait, took 26 of 97 µs a message. Whole messages do not even
    come to the library's parser, which took 2.2 µs more for each. Use `receive_all` instead of `recv`.
    """

    def __init__(self, protocol: ClientProtocol, **options: Any) -> None:  # noqa: ANN401 (the library's own)
        super().__init__(protocol, **options)
        self._handshake = bytearray()
        self._shaken = False  # the handshake has ended, and the library is at the beginning of a frame
        self._rest = bytearray()  # of a frame that has not come whole
        self._wanted = 0  # so many bytes of it are the least by which more can be told
        self._messages: list[bytes] = []
        self._fragments: list[bytes] = []  # of the message that is on its way; the library bounds their size
        self._news = asyncio.Event()
        self._holding_back = False
        self._leaving = False

    def data_received(self, data: bytes) -> None:
        """Take whole messages, and give all else to the library, in the order in which it came."""
        if not self._shaken:
            data = self._shake(data)
        if self._rest:
            self._rest += data
            if len(self._rest) < self._wanted:
                return
            data = bytes(self._rest)
            self._rest.clear()
        self._cut(data)

    def process_event(self, event: Event) -> None:
        """Take a frame; the library's own affairs go on to it."""
        if not isinstance(event, Frame) or event.opcode not in DATA_OPCODES:
            super().process_event(event)
        else:
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

    def _shake(self, data: bytes) -> bytes:
        """Give the library the server's answer to the handshake, and not a byte more; returns the rest."""
        before = len(self._handshake)
        self._handshake += data
        end = self._handshake.find(_END_OF_HANDSHAKE, max(0, before - len(_END_OF_HANDSHAKE)))
        if end < 0:
            super().data_received(data)
            return b""
        length = end + len(_END_OF_HANDSHAKE) - before
        super().data_received(data[:length])
        self._handshake.clear()
        self._shaken = True
        return data[length:]

    def _cut(self, data: bytes) -> None:
        at = 0
        while at < len(data):
            start, end = payload_at(data, at)
            # A refusal has a body, and after a goodbye or a broken rule the library knows what to do with what comes.
            # It is the judge of frames that are too large, or masked.
            if self.protocol.state is not State.OPEN or end - start > MAX_MESSAGE_BYTES or _is_masked(data, at):
                super().data_received(data[at:])
                return
            if end > len(data):
                self._rest += data[at:]
                self._wanted = end - at
                return
            if data[at] in _WHOLE_MESSAGES and not self._fragments:
                self._add(data[start:end])
            else:
                super().data_received(data[at:end])
            at = end

    def _take(self, frame: Frame) -> None:
        self._fragments.append(bytes(frame.data))
        if frame.fin:
            whole = b"".join(self._fragments)
            self._fragments.clear()
            self._add(whole)

    def _add(self, message: bytes) -> None:
        if self._leaving:
            return
        self._messages.append(message)
        self._news.set()
        if len(self._messages) >= MAX_WAITING_MESSAGES and not self._holding_back:
            self._holding_back = True
            self.transport.pause_reading()

    def _read_on(self) -> None:
        if self._holding_back:
            self._holding_back = False
            if not self.transport.is_closing():
                self.transport.resume_reading()


def payload_at(data: bytes, frame: int) -> tuple[int, int]:
    """
    Where the payload of the frame that begins at this place begins and ends.

    The end is beyond the data if something is still to come: at least so much.
    """
    start = frame + 2
    if start > len(data):
        return start, start
    length = data[frame + 1] & 0x7F
    if length > 125:
        start += 2 if length == 126 else 8
        length = int.from_bytes(data[frame + 2 : start], "big") if start <= len(data) else 0
    return start, start + length


def _is_masked(data: bytes, frame: int) -> bool:
    return len(data) > frame + 1 and data[frame + 1] > 0x7F
