"""
The messages to clients, encoded once, as finished websocket frames and server-sent events.

A server's frames are not masked, so one frame is the same bytes for every client that gets it. Compressed without
context takeover (RFC 7692), it still is.
"""

import zlib
from collections.abc import Iterable, Iterator, Sequence
from enum import IntEnum
from sys import intern
from typing import NamedTuple

import orjson

from publisher_service.core.events import event
from shared.table import JSON

#: No frame is much larger: the rest of one frame is what is kept for a client that does not read.
MAX_FRAME_BYTES = 32_000
#: What is smaller is hardly smaller compressed.
DEFLATE_FROM_BYTES = 256
#: Of 1 (fast) to 9; of large frames the last tenth takes three times as long.
DEFLATE_LEVEL, DEFLATE_LEVEL_OF_LARGE = 6, 3
LARGE_BYTES = 8_000
#: Ends what was compressed at a byte's border, and is left out on the wire (RFC 7692, section 7.2.1).
_SYNC_TAIL_BYTES = 4


class Form(IntEnum):
    """In which bytes a client takes its messages."""

    PLAIN = 0  # a websocket's text frames
    DEFLATED = 1  # the same, compressed
    EVENT = 2  # server-sent events


class Frame:
    """A finished message, for everybody who gets it. Forms that nobody takes are not made."""

    __slots__ = ("_deflated", "_event", "plain")

    def __init__(self, *payload: bytes) -> None:
        self.plain = text_frame(*payload)
        self._deflated: bytes | None = None
        self._event: bytes | None = None

    @property
    def is_deflated(self) -> bool:
        """The compressed form was made already."""
        return self._deflated is not None

    @property
    def deflated(self) -> bytes:
        """For those who agreed on compression; made for the first of them. As it is if that is no longer."""
        if self._deflated is None:
            self._deflated = _deflated(self.plain)
        return self._deflated

    @property
    def event(self) -> bytes:
        """For those who get events; made for the first of them."""
        if self._event is None:
            self._event = event(payload_of(self.plain))
        return self._event

    def uncompressed(self, form: Form) -> bytes:
        """As it leaves where compression is not worth it: to clients who take this form."""
        return self.event if form is Form.EVENT else self.plain


class Parts(NamedTuple):
    """The frames of one message, and which rows each of them carries."""

    frames: list[Frame]
    keys: list[tuple[str, ...]]


class DataHead(NamedTuple):
    """What a data frame says of itself."""

    channel: str
    epoch: str
    rev: int
    position: str
    time_ms: int


class UpdateOpening:
    """
    How updates begin that go from one revision of a channel to another, but for the view's own part of the position.

    In the shortest time: there may be thousands of views.
    """

    __slots__ = ("_after", "_before")

    def __init__(self, channel: str, epoch: str, from_rev: int, rev: int, time_ms: int) -> None:
        position = orjson.dumps(f"{epoch}.{rev}.")[:-1]
        revs = b'"from":%d,"rev":%d,"position":%b' % (from_rev, rev, position)
        self._before = b'{"type":"update","channel":"%b",%b' % (channel.encode(), revs)
        self._after = b'","time":%d,"data":{' % time_ms

    def frame(self, fingerprint: bytes, fragments: Iterable[bytes]) -> Frame | None:
        """One frame with these rows, or fields of them; None if it would be too large."""
        rows = b",".join(fragments)
        if len(rows) > MAX_FRAME_BYTES - len(self._before) - 100:
            return None
        return Frame(self._before, fingerprint, self._after, rows, b"}}")


def text_frame(*payload: bytes) -> bytes:
    """A whole, unmasked text frame (RFC 6455, section 5.2), of one text in pieces."""
    return b"".join((_frame_head(0x81, sum(map(len, payload))), *payload))


def payload_of(frame: bytes) -> bytes:
    """The text in a finished, unmasked frame that is not compressed."""
    return frame[_head_size(frame) :]


def message(body: dict[str, JSON]) -> Frame:
    """The frame of a message without table data."""
    return Frame(orjson.dumps(body))


def snapshot(
    head: DataHead, interval_ms: int, keys: Sequence[str], fragments: Sequence[bytes], request_id: JSON = None
) -> Parts:
    """The frames of a snapshot. A fragment is a row as it stands there, `"SSI":{…}`: see `Entry.fragment`."""
    return _parts(_snapshot_opening(head, interval_ms, request_id), keys, fragments)


def update(
    head: DataHead, from_rev: int, keys: Sequence[str], fragments: Sequence[bytes], request_id: JSON = None
) -> Parts:
    """The frames of an update that covers the revisions after from_rev, with whole rows or some of their fields."""
    return _parts(_update_opening(head, from_rev, request_id), keys, fragments)


def snapshot_part(
    head: DataHead, interval_ms: int, fragments: Iterable[bytes], request_id: JSON, place: tuple[int, int]
) -> Frame:
    """One part of a snapshot, (number, of how many), made anew."""
    return _frame(_snapshot_opening(head, interval_ms, request_id), fragments, place)


def update_part(
    head: DataHead, from_rev: int, fragments: Iterable[bytes], request_id: JSON, place: tuple[int, int]
) -> Frame:
    """The same of an update."""
    return _frame(_update_opening(head, from_rev, request_id), fragments, place)


def document(head: DataHead, fragments: Iterable[bytes]) -> bytes:
    """A snapshot as one JSON text of any size, for HTTP."""
    opening = _opening("snapshot", head, None, {"epoch": head.epoch}, {})
    return opening + b',"data":{' + b",".join(fragments) + b"}}"


def _snapshot_opening(head: DataHead, interval_ms: int, request_id: JSON) -> bytes:
    return _opening("snapshot", head, request_id, {"epoch": head.epoch}, {"interval": interval_ms})


def _update_opening(head: DataHead, from_rev: int, request_id: JSON) -> bytes:
    return _opening("update", head, request_id, {"from": from_rev}, {})


def _opening(kind: str, head: DataHead, request_id: JSON, before: dict[str, JSON], after: dict[str, JSON]) -> bytes:
    body: dict[str, JSON] = {"type": kind}
    if request_id is not None:
        body["id"] = request_id
    body["channel"] = head.channel
    body |= before
    body |= {"rev": head.rev, "position": head.position, "time": head.time_ms}
    return orjson.dumps(body | after)[:-1]


def _parts(opening: bytes, keys: Sequence[str], fragments: Sequence[bytes]) -> Parts:
    room = _room(opening)
    if sum(map(len, fragments)) + len(fragments) - 1 <= room:
        return Parts([_frame(opening, fragments)], [tuple(keys)])
    ends = [*_ends(fragments, room), len(fragments)]
    starts = [0, *ends[:-1]]
    made = [
        _frame(opening, fragments[start:end], (number, len(ends)))
        for number, (start, end) in enumerate(zip(starts, ends, strict=True), 1)
    ]
    return Parts(made, [tuple(map(intern, keys[start:end])) for start, end in zip(starts, ends, strict=True)])


def _room(opening: bytes) -> int:
    """For rows, beside the number of the part and what ends a frame; as large as a row may be, one fits."""
    return MAX_FRAME_BYTES - len(opening) - 50


def _frame(opening: bytes, fragments: Iterable[bytes], place: tuple[int, int] | None = None) -> Frame:
    which = b"" if place is None or place[1] == 1 else b',"part":%d,"parts":%d' % place
    return Frame(opening, which, b',"data":{', b",".join(fragments), b"}}")


def _ends(fragments: Sequence[bytes], room: int) -> Iterator[int]:
    """Where parts end that fit into a frame, but the last one."""
    size = start = 0
    for at, fragment in enumerate(fragments):
        if at > start and size + len(fragment) >= room:
            yield at
            start, size = at, 0
        size += len(fragment) + 1


def _frame_head(first: int, size: int) -> bytes:
    if size < 126:
        return bytes((first, size))
    if size < 65_536:
        return bytes((first, 126)) + size.to_bytes(2, "big")
    return bytes((first, 127)) + size.to_bytes(8, "big")


def _head_size(frame: bytes) -> int:
    return {126: 4, 127: 10}.get(frame[1], 2)


def _deflated(frame: bytes) -> bytes:
    """The same frame compressed, or the frame itself."""
    if len(frame) < DEFLATE_FROM_BYTES:
        return frame
    level = DEFLATE_LEVEL if len(frame) < LARGE_BYTES else DEFLATE_LEVEL_OF_LARGE
    squeeze = zlib.compressobj(level, zlib.DEFLATED, -zlib.MAX_WBITS)
    payload = memoryview(frame)[_head_size(frame) :]
    squeezed = (squeeze.compress(payload) + squeeze.flush(zlib.Z_SYNC_FLUSH))[:-_SYNC_TAIL_BYTES]
    return _frame_head(0xC1, len(squeezed)) + squeezed if len(squeezed) < len(payload) else frame
