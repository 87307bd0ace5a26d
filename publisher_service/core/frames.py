"""
The messages to clients, encoded once, as finished websocket frames.

A server's frames are not masked, so one frame is the same bytes for every client that gets it.
"""

from collections.abc import Iterable, Iterator
from sys import intern
from typing import NamedTuple

import orjson

from shared.table import JSON

#: No frame is much larger: the rest of one frame is what is kept for a client that does not read.
MAX_FRAME_BYTES = 32_000


class Parts(NamedTuple):
    """The frames of one message, and which rows each of them carries."""

    frames: list[bytes]
    keys: list[tuple[str, ...]]


class DataHead(NamedTuple):
    """What a data frame says of itself."""

    channel: str
    epoch: str
    rev: int
    position: str
    time_ms: int


def text_frame(payload: bytes) -> bytes:
    """A whole, unmasked text frame (RFC 6455, section 5.2)."""
    size = len(payload)
    if size < 126:
        return bytes((0x81, size)) + payload
    if size < 65_536:
        return b"\x81\x7e" + size.to_bytes(2, "big") + payload
    return b"\x81\x7f" + size.to_bytes(8, "big") + payload


def message(body: dict[str, JSON]) -> bytes:
    """The frame of a message without table data."""
    return text_frame(orjson.dumps(body))


def snapshot(head: DataHead, interval_ms: int, rows: Iterable[tuple[str, bytes]], request_id: JSON = None) -> Parts:
    """The frames of a snapshot: (key, row as JSON text)."""
    return _parts(_snapshot_opening(head, interval_ms, request_id), rows)


def update(head: DataHead, from_rev: int, rows: Iterable[tuple[str, bytes]], request_id: JSON = None) -> Parts:
    """The frames of an update that covers the revisions after from_rev: (key, row or fields as JSON text)."""
    return _parts(_update_opening(head, from_rev, request_id), rows)


def snapshot_part(
    head: DataHead, interval_ms: int, rows: Iterable[tuple[str, bytes]], request_id: JSON, place: tuple[int, int]
) -> bytes:
    """One part of a snapshot, (number, of how many), made anew."""
    return _frame(_snapshot_opening(head, interval_ms, request_id), [_fragment(*row) for row in rows], place)


def update_part(
    head: DataHead, from_rev: int, rows: Iterable[tuple[str, bytes]], request_id: JSON, place: tuple[int, int]
) -> bytes:
    """The same of an update."""
    return _frame(_update_opening(head, from_rev, request_id), [_fragment(*row) for row in rows], place)


def document(head: DataHead, rows: Iterable[tuple[str, bytes]]) -> bytes:
    """A snapshot as one JSON text of any size, for HTTP."""
    opening = _opening("snapshot", head, None, {"epoch": head.epoch}, {})
    return opening + b',"data":{' + b",".join(_fragment(key, row) for key, row in rows) + b"}}"


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


def _fragment(key: str, row: bytes) -> bytes:
    return orjson.dumps(key) + b":" + row


def _parts(opening: bytes, rows: Iterable[tuple[str, bytes]]) -> Parts:
    split = list(_split(rows, MAX_FRAME_BYTES - len(opening) - 50))
    made = [
        _frame(opening, [fragment for _, fragment in part], (number, len(split)))
        for number, part in enumerate(split, 1)
    ]
    return Parts(made, [tuple(intern(key) for key, _ in part) for part in split])


def _frame(opening: bytes, fragments: list[bytes], place: tuple[int, int]) -> bytes:
    which = b',"part":%d,"parts":%d' % place if place[1] > 1 else b""
    return text_frame(opening + which + b',"data":{' + b",".join(fragments) + b"}}")


def _split(rows: Iterable[tuple[str, bytes]], max_bytes: int) -> Iterator[list[tuple[str, bytes]]]:
    """Keys and fragments, in parts that fit into a frame."""
    part: list[tuple[str, bytes]] = []
    size = 0
    for key, row in rows:
        fragment = _fragment(key, row)
        if part and size + len(fragment) >= max_bytes:
            yield part
            part, size = [], 0
        part.append((key, fragment))
        size += len(fragment) + 1
    yield part
