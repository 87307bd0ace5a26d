"""A websocket that keeps what was written, and can be made to stop reading."""

from typing import Any

import orjson


class FakeDoor:
    """The door of a client under test. Frames are decoded as they are read."""

    def __init__(self) -> None:
        self.frames: list[bytes] = []
        self.closed: tuple[int, str] | None = None
        self.paused_since_s: float | None = None
        self.pause_after: int | None = None  # stop reading after so many further frames
        self.broken = False
        self.deflates = False
        self.asked_at_s: float | None = None  # whether the peer is still there, last

    @property
    def ready(self) -> bool:
        """Takes frames."""
        return self.paused_since_s is None and self.closed is None

    def write(self, frame: bytes) -> None:
        """Keep a frame."""
        if self.broken:
            raise RuntimeError("the transport failed")
        assert self.ready, "nothing may be written to a door that is not ready"
        self.frames.append(frame)
        if self.pause_after is not None:
            self.pause_after -= 1
            if self.pause_after == 0:
                self.paused_since_s, self.pause_after = 1000.0, None

    def close(self, code: int, reason: str) -> None:
        """Remember why."""
        self.closed = (code, reason)

    def keep_alive(self, now_s: float) -> None:
        """Remember when."""
        self.asked_at_s = now_s

    def messages(self, *kinds: str) -> list[dict[str, Any]]:
        """What was written so far, decoded; of the given types only."""
        decoded = [decode(frame) for frame in self.frames]
        return [message for message in decoded if not kinds or message["type"] in kinds]

    def take(self, *kinds: str) -> list[dict[str, Any]]:
        """As `messages`, and forget them."""
        messages = self.messages(*kinds)
        self.frames.clear()
        return messages


def decode(frame: bytes) -> dict[str, Any]:
    """The message in a finished, unmasked text frame."""
    assert frame[0] == 0x81
    start = {126: 4, 127: 10}.get(frame[1], 2)
    message: dict[str, Any] = orjson.loads(frame[start:])
    return message
