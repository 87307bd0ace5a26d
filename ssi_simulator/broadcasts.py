"""From the market's messages to finished frames: encoded once, shared by all connections, altered by faults."""

from typing import NamedTuple

from ssi_simulator import frames
from ssi_simulator.core.messages import Content, Message, content_text
from ssi_simulator.faults import Faults
from ssi_simulator.market_clock import clock_seconds, clock_text

_DAY_S = 86_400


class Broadcast(NamedTuple):
    """One message, ready to leave, alone or in a batch."""

    sequence: int  # its place among all messages of the market
    data_type: str
    key: str
    invocations: bytes  # elements of a data frame's `M`, joined by commas
    ahead: bytes  # finished websocket frames that leave before it; empty but for a fault
    frame: bytes  # the finished websocket frame that holds it alone


class Encoder:
    """Encodes messages. A fault alters one, or adds to it, but never takes it away."""

    def __init__(self, server_id: str, faults: Faults) -> None:
        self._server_id = server_id
        self._faults = faults

    def broadcast(self, message: Message, sequence: int) -> Broadcast:
        """The message as a data frame. Uses up what message faults are in force."""
        at = frames.cursor(self._server_id, sequence)
        ahead = b""
        if self._faults:
            invocations, ahead = self._altered(message, at)
        else:
            invocations = frames.broadcast(message.data_type, content_text(message.content))
        frame = frames.websocket_frame(frames.data(at, invocations))
        return Broadcast(sequence, message.data_type, message.key, invocations, ahead, frame)

    def batched(self, batch: list[Broadcast]) -> bytes:
        """Several messages in one frame."""
        at = frames.cursor(self._server_id, batch[-1].sequence)
        joined = frames.data(at, b",".join(one.invocations for one in batch))
        return b"".join(one.ahead for one in batch) + frames.websocket_frame(joined)

    def _altered(self, message: Message, at: str) -> tuple[bytes, bytes]:
        use = self._faults.use
        content = message.content
        if (back_s := use("time-back")) is not None:
            content = _earlier(content, back_s)
        if use("numeric-strings") is not None:
            content = {key: str(value) if isinstance(value, int | float) else value for key, value in content.items()}
        text = content_text(content)
        invocation = frames.broadcast(message.data_type, text, as_object=use("content-object") is not None)
        sent = [invocation] * int(use("duplicate") or 1)
        if use("unknown-type") is not None:
            sent.insert(0, frames.broadcast("X-NEW", text))
        ahead = b""
        if use("malformed") is not None:
            broken = frames.data(at, invocation)
            ahead = frames.websocket_frame(broken[: len(broken) // 2])
        return b",".join(sent), ahead


def _earlier(content: Content, back_s: float) -> Content:
    time = content.get("Time")
    if not isinstance(time, str):
        return content
    return {**content, "Time": clock_text((clock_seconds(time) - back_s) % _DAY_S)}
