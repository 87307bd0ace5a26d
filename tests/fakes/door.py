"""A websocket that keeps what was written, and can be made to stop reading."""

import itertools
import re
import zlib
from collections.abc import Iterable
from typing import Any, ClassVar
from weakref import WeakValueDictionary

import orjson

from publisher_service.client import Owner
from publisher_service.core.frames import Form


class FakeDoor:
    """The door of a client under test, with its socket behind it. Frames are decoded as they are read."""

    _numbers: ClassVar = itertools.count(1000)
    _of_descriptor: ClassVar[WeakValueDictionary[int, "FakeDoor"]] = WeakValueDictionary()

    def __init__(self, form: Form = Form.PLAIN) -> None:
        self.frames: list[bytes] = []
        self.closed: tuple[int, str] | None = None
        self.last_words: list[dict[str, Any]] = []
        self.form = form
        self.pause_after: int | None = None  # stop reading after so many further frames
        self.broken = False
        self.asked = 0  # times it was to see whether the peer is there
        self.asks_after_s = 0.0  # it wants to be asked again so much later
        number = next(self._numbers)
        self.descriptor: int | None = number
        self._of_descriptor[number] = self
        self._begun = b""  # what the socket took of a frame
        self.takes = 0.5  # of the frame with which it is full
        self._owner: Owner | None = None
        self._paused_since_s: float | None = None

    @property
    def ready(self) -> bool:
        """Takes frames."""
        return self._paused_since_s is None and self.closed is None

    @property
    def paused_since_s(self) -> float | None:
        """Since when it takes no frames."""
        return self._paused_since_s

    @paused_since_s.setter
    def paused_since_s(self, at_s: float | None) -> None:
        self._paused_since_s = at_s
        if at_s is not None and self._owner is not None:
            self._owner.paused(self)

    def open(self, owner: Owner) -> None:
        """Remember whom to tell."""
        self._owner = owner

    @classmethod
    def write_to(cls, descriptor: int, data: bytes) -> int:
        """As the kernel's write: of the last frame for now it takes `takes`, of others all. Raises OSError."""
        door = cls._of_descriptor[descriptor]
        assert door.ready, "nothing may be written to a socket that is full, or closed"
        if door.broken:
            raise BrokenPipeError
        if door.pause_after == 1:
            door._begun = data[: int(len(data) * door.takes)]
            if not door._begun:
                raise BlockingIOError
            return len(door._begun)
        door.write(data)
        return len(data)

    def write(self, data: bytes) -> None:
        """Keep the frames; several may come in one piece."""
        if self.broken:
            raise RuntimeError("the transport failed")
        assert self.ready, "nothing may be written to a door that is not ready"
        self.frames += split(self._begun + data)
        self._begun = b""
        if self.pause_after is not None:
            self.pause_after -= 1
            if self.pause_after == 0:
                self.pause_after = None
                self.paused_since_s = 1000.0

    def keep_alive(self, now_s: float) -> float:
        """Count."""
        self.asked += 1
        return now_s + self.asks_after_s

    def close(self, code: int, reason: str, last_words: Iterable[bytes] = ()) -> None:
        """Remember why, and what it was still owed."""
        self.closed, self.last_words = (code, reason), [decode(frame) for frame in last_words]

    def messages(self, *kinds: str) -> list[dict[str, Any]]:
        """What was written so far, decoded; of the given types only."""
        decoded = [decode(frame) for frame in self.frames]
        return [message for message in decoded if not kinds or message["type"] in kinds]

    def take(self, *kinds: str) -> list[dict[str, Any]]:
        """As `messages`, and forget them."""
        messages = self.messages(*kinds)
        self.frames.clear()
        return messages


def id_of(event: bytes) -> str | None:
    """What an event says of the client's position."""
    found = re.search(rb"^id: (.*)$", event, re.MULTILINE)
    return None if found is None else found[1].decode()


def split(data: bytes) -> list[bytes]:
    """The frames in what was written at once."""
    found = []
    while data:
        if data[0] not in (0x81, 0xC1):
            event, blank, data = data.partition(b"\n\n")
            found.append(event + blank)
            continue
        size, start = data[1], 2
        if size >= 126:
            start = 4 if size == 126 else 10
            size = int.from_bytes(data[2:start], "big")
        found.append(data[: start + size])
        data = data[start + size :]
    return found


def decode(frame: bytes) -> dict[str, Any]:
    """The message in a finished, unmasked text frame, or in an event."""
    if frame[0] not in (0x81, 0xC1):
        fields = [line.partition(b": ") for line in frame.removesuffix(b"\n\n").split(b"\n")]
        (text,) = [value for name, _, value in fields if name == b"data"]
        told: dict[str, Any] = orjson.loads(text)
        return told
    start = {126: 4, 127: 10}.get(frame[1], 2)
    payload = frame[start:]
    if frame[0] == 0xC1:
        payload = zlib.decompressobj(-15).decompress(payload + b"\x00\x00\xff\xff")
    message: dict[str, Any] = orjson.loads(payload)
    return message
