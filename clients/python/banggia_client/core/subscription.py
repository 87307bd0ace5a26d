"""
One channel's table, by the client's rule of the protocol.

What came in parts is put together aside, so the rows that are held are always whole, and of one revision.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Literal, NamedTuple, TypeAlias

from .change import Change, Row
from .frames import ErrorFrame, TableFrame

Mode: TypeAlias = Literal["rows", "fields", "snapshot"]


@dataclass(frozen=True, slots=True)
class Wish:
    """What is subscribed."""

    channel: str
    keys: tuple[str, ...] | None = None  # None: all
    interval_ms: int | None = None  # None: the server's default
    mode: Mode = "fields"


class Taken(NamedTuple):
    """What a frame did."""

    change: Change | None = None
    gap: bool = False  # something is missing: subscribe again
    wrong: bool = False  # an answer that is none to what was asked: this server is not to be trusted with the position


@dataclass(slots=True)
class _Parts:
    """The beginning of a message in parts."""

    first: TableFrame
    rows: dict[str, Row | None] = field(default_factory=dict)
    number: int = 0  # of the newest one

    def continues(self, frame: TableFrame) -> bool:
        """It is the next part of the same message."""
        return (frame.type, frame.rev, frame.from_rev, frame.parts, frame.part) == (
            self.first.type, self.first.rev, self.first.from_rev, self.first.parts, self.number + 1,
        )  # fmt: skip


class Subscription:
    """The rows, and where they stand in the channel's history."""

    def __init__(self, wish: Wish) -> None:
        self.wish = wish
        self.rows: dict[str, Row] = {}
        self.epoch: str | None = None
        self.rev: int | None = None  # of the rows; None: nothing whole was held yet
        self.time_ms: int | None = None
        self.interval_ms: int | None = None  # granted
        self.position: str | None = None  # None: they stand nowhere that could be resumed
        self.error: ErrorFrame | None = None
        self.is_owed = True  # the request has to be sent (again)
        self.is_current = False  # answered on this connection
        self._request_id: int | None = None
        self._is_asking = False
        self._only_answer = False  # frames of an earlier wish are still on their way: only the answer counts
        self._parts: _Parts | None = None

    def request(self, request_id: int) -> dict[str, object]:
        """The message that subscribes; from now on it is waited for its answer."""
        self.is_owed, self._is_asking, self._request_id = False, True, request_id
        wish = self.wish
        body: dict[str, object] = {"type": "subscribe", "id": request_id, "channel": wish.channel, "mode": wish.mode}
        if wish.keys is not None:
            body["keys"] = list(wish.keys)
        if wish.interval_ms is not None:
            body["interval"] = wish.interval_ms
        if self.position is not None:
            body["since"] = self.position
        return body

    def change_wish(self, wish: Wish) -> None:
        """Subscribe anew. With other keys it begins with an empty table: the rows are none of the new selection."""
        if _as_set(wish.keys) != _as_set(self.wish.keys):
            self.rows, self.epoch, self.rev, self.time_ms, self.interval_ms = {}, None, None, None, None
            self.position, self._only_answer, self.is_current = None, True, False
        self.wish, self.error, self.is_owed, self._parts = wish, None, True, None

    def lost(self) -> None:
        """The connection is gone: what had come in parts is worth nothing, and all is asked anew on the next one."""
        self.error, self.is_owed, self.is_current = None, True, False
        self._request_id, self._is_asking, self._only_answer, self._parts = None, False, False, None

    def owns(self, request_id: object) -> bool:
        """It is the id of the newest request."""
        return self._request_id is not None and request_id == self._request_id

    def refused(self, error: ErrorFrame) -> None:
        """The request, or what it had begun, is answered by an error."""
        if error.code == "invalid_position" and self.position is not None:
            self.position, self.is_owed, self._is_asking = None, True, False  # it goes without
            return
        self.error, self._is_asking, self.is_current, self._parts = error, False, False, None

    def take(self, frame: TableFrame) -> Taken:
        """A frame of this channel."""
        is_answer = self.owns(frame.id)
        if self._only_answer and not is_answer:
            return Taken()
        taken = self._take_snapshot(frame) if frame.type == "snapshot" else self._take_update(frame)
        if taken.gap:
            if is_answer and self._is_asking:
                self.position = None
                return Taken(wrong=True)
            if self._is_asking:
                return Taken()  # its answer is on the way
            self.is_owed = True
        elif is_answer:
            self._is_asking = self._only_answer = False
        return taken

    def _take_snapshot(self, frame: TableFrame) -> Taken:
        if frame.part == 1:
            self.position, self._parts = None, _Parts(frame)
        rows = self._together(frame)
        if rows is None:
            return Taken(gap=self._parts is None)
        self.rows = {key: row for key, row in rows.items() if row is not None}
        self.epoch, self.interval_ms = frame.epoch, frame.interval_ms
        self._stand(frame)
        return Taken(Change(True, dict(self.rows), 0, frame.rev, frame.time_ms))  # noqa: FBT003 (`reset`)

    def _take_update(self, frame: TableFrame) -> Taken:
        if self._parts is not None and self._parts.first.type == "snapshot":
            self._parts = None  # the rest of the snapshot will not come
            return Taken(gap=True)
        if self.position is None or self.rev is None or frame.from_rev > self.rev:
            return Taken(gap=True)
        if frame.rev <= self.rev:
            # Known already, but an answer to the very position that is held says that it was accepted.
            if frame.rev == self.rev and frame.part == frame.parts:
                self._stand(frame)
            return Taken()
        if frame.part == 1:
            self._parts = _Parts(frame)
        rows = self._together(frame)
        if rows is None:
            return Taken(gap=self._parts is None)
        for key, fields in rows.items():
            if fields is None:
                self.rows.pop(key, None)
            else:
                # A new row each time: one that somebody took away never changes.
                self.rows[key] = {**self.rows.get(key, {}), **fields}
        self._stand(frame)
        return Taken(Change(False, rows, frame.from_rev, frame.rev, frame.time_ms) if rows else None)  # noqa: FBT003

    def _together(self, frame: TableFrame) -> dict[str, Row | None] | None:
        """All rows of the message, with its last part; None until then, or if this is no next part."""
        parts = self._parts
        if parts is None or not parts.continues(frame):
            self._parts = None
            return None
        parts.number += 1
        for key, fields in frame.data.items():
            known = parts.rows.get(key)
            parts.rows[key] = fields if fields is None or known is None else {**known, **fields}
        if frame.part < frame.parts:
            return None
        self._parts = None
        return parts.rows

    def _stand(self, frame: TableFrame) -> None:
        self.rev, self.position, self.time_ms = frame.rev, frame.position, frame.time_ms
        self.is_current = True


def _as_set(keys: Sequence[str] | None) -> frozenset[str] | None:
    return None if keys is None else frozenset(keys)
