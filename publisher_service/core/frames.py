"""
The messages to clients, encoded once, as finished websocket frames.

A server's frames are not masked, so one frame is the same bytes for every client that gets it.
"""

from collections.abc import Iterable, Iterator
from typing import NamedTuple

import orjson

from shared.table import JSON

#: No frame is larger, so that ordinary clients need no special limit and a slow one holds little.
MAX_FRAME_BYTES = 64_000


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


def snapshot(
    head: DataHead, interval_ms: int, rows: Iterable[tuple[str, bytes]], request_id: JSON = None
) -> list[bytes]:
    """The frames of a snapshot: (key, row as JSON text)."""
    opening = _opening("snapshot", head, request_id, {"epoch": head.epoch}, {"interval": interval_ms})
    return list(_frames(opening, rows))


def update(head: DataHead, from_rev: int, rows: Iterable[tuple[str, bytes]], request_id: JSON = None) -> list[bytes]:
    """The frames of an update that covers the revisions after from_rev: (key, row or fields as JSON text)."""
    return list(_frames(_opening("update", head, request_id, {"from": from_rev}, {}), rows))


def document(head: DataHead, rows: Iterable[tuple[str, bytes]]) -> bytes:
    """A snapshot as one JSON text of any size, for HTTP."""
    opening = _opening("snapshot", head, None, {"epoch": head.epoch}, {})
    return opening + b',"data":{' + b",".join(_fragment(key, row) for key, row in rows) + b"}}"


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


def _frames(opening: bytes, rows: Iterable[tuple[str, bytes]]) -> Iterator[bytes]:
    parts = list(_parts(rows, MAX_FRAME_BYTES - len(opening) - 50))
    for number, part in enumerate(parts, 1):
        count = b',"part":%d,"parts":%d' % (number, len(parts)) if len(parts) > 1 else b""
        yield text_frame(opening + count + b',"data":{' + b",".join(part) + b"}}")


def _parts(rows: Iterable[tuple[str, bytes]], max_bytes: int) -> Iterator[list[bytes]]:
    part: list[bytes] = []
    size = 0
    for key, row in rows:
        fragment = _fragment(key, row)
        if part and size + len(fragment) >= max_bytes:
            yield part
            part, size = [], 0
        part.append(fragment)
        size += len(fragment) + 1
    yield part
