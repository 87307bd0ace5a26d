"""
A view: channel, keys, interval and mode. Its clients share one frame.

A flush asks the table once what changed since the view's last flush; whoever has that flush, or anything newer, takes
the shared frame. Whoever is further behind gets a frame of its own position, shared with all who stand there too.
"""

from collections.abc import Iterable, Sequence
from enum import StrEnum
from typing import NamedTuple

from publisher_service.core import frames
from publisher_service.core.delivery import Delivery
from publisher_service.core.kept_frames import KeptFrames
from publisher_service.core.position import Position
from publisher_service.core.replica import Replica
from publisher_service.core.selection import Resolved, Selection
from publisher_service.core.throttle import Throttle
from shared.channels import Channel
from shared.table import JSON, Entry

#: The revision of a client that holds nothing: it is owed a snapshot.
NOTHING = -1
#: More rows than this are not sent again and again as a whole.
MAX_SNAPSHOT_MODE_ROWS = 500


class Mode(StrEnum):
    """What an update carries."""

    ROWS = "rows"  # the changed rows, whole
    FIELDS = "fields"  # of the changed rows, the changed fields
    SNAPSHOT = "snapshot"  # all selected rows, each time


class ViewKey(NamedTuple):
    """What makes two subscriptions share their frames."""

    channel: Channel
    selection: Selection
    interval_ms: int
    mode: Mode


class View:
    """The frames of one view over a replica, made at most once for each position a client may stand at."""

    __slots__ = (
        "_kept", "_replica", "_resolved", "_snapshot", "fingerprint", "flushed_at_s", "key", "noticed", "rev",
        "throttle",
    )  # fmt: skip

    def __init__(self, key: ViewKey, replica: Replica, kept: KeptFrames) -> None:
        self.key = key
        self.throttle = Throttle(key.interval_ms / 1000)
        self.rev = replica.rev  # of the last flush
        self.flushed_at_s = 0.0
        self.noticed = 0  # changes of its rows since then: if there are any, it waits for its flush
        self._replica = replica
        self._kept = kept
        self._resolved = Resolved(None, 0)
        self.fingerprint = key.selection.fingerprint(key.channel).encode()  # its part of positions
        self._snapshot: Delivery | None = None
        self.resolve()

    @property
    def keys(self) -> frozenset[str] | None:
        """The keys selected now; None: all."""
        return self._resolved.keys

    @property
    def has_groups(self) -> bool:
        """The selection names a group."""
        return any(name.startswith("@") for name in self.key.selection.names)

    def resolve(self) -> bool:
        """Look the groups up again. True if one of them changed: what clients hold is of another selection."""
        resolved = self.key.selection.resolve(self._replica.tables[Channel.GROUPS])
        changed = resolved.rev != self._resolved.rev
        self._resolved = resolved
        if changed:
            self._snapshot = None
        return changed

    def start_over(self) -> None:
        """Begin as if new: nothing that was made before is sent again."""
        self.rev, self._snapshot, self.noticed = self._replica.rev, None, 0

    def resumes(self, position: Position) -> bool:
        """The position is of this view's keys, epoch and past, of right rows, and no group in them changed since."""
        return (
            position.fingerprint == self.fingerprint.decode()
            and position.epoch == self._replica.epoch
            and position.rev > self._replica.doubted_rev
            and self._resolved.rev <= position.rev <= self._replica.rev
        )

    def is_too_large(self) -> bool:
        """In snapshot mode: the selection has more rows than are sent each time."""
        if self.key.mode is not Mode.SNAPSHOT:
            return False
        table = self._replica.tables[self.key.channel]
        return (len(table) if self.keys is None else len(table.matching(self.keys))) > MAX_SNAPSHOT_MODE_ROWS

    def snapshot(self, least_rev: int) -> Delivery:
        """The whole selection. One made before serves again, if it is still there, and no older than this."""
        kept = self._snapshot
        if kept is None or kept.let_go or kept.rev < least_rev:
            kept = self._snapshot = self._make_snapshot(None)
        return kept

    @property
    def takes_several_frames(self) -> bool:
        """The last snapshot did."""
        return self._snapshot is not None and len(self._snapshot) > 1

    def changes(self, from_rev: int) -> list[tuple[str, Entry]]:
        """What is different from revision from_rev in the view's keys."""
        return self._replica.tables[self.key.channel].since(from_rev, self.keys)

    def update(self, from_rev: int, changes: Sequence[tuple[str, Entry]], request_id: JSON = None) -> Delivery:
        """An update from from_rev to the replica's revision."""
        rev = self._replica.rev
        keys, fragments = [key for key, _ in changes], fragments_of(self.key.mode, from_rev, changes)
        parts = frames.update(self._head(rev), from_rev, keys, fragments, request_id)
        delivery = Delivery(parts, rev, from_rev, request_id)
        if len(delivery) > 1:
            self._kept.keep(delivery)  # one frame is written at once
        return delivery

    def part(self, delivery: Delivery, at: int) -> frames.Frame:
        """
        The frame of a delivery at this place, made anew if it was let go.

        Then its rows are those of now: newer ones than the delivery's revision, which the next update tells again.
        """
        if delivery.parts.frames:
            return delivery.parts.frames[at]
        table = self._replica.tables[self.key.channel]
        entries = [(key, entry) for key in delivery.parts.keys[at] if (entry := table.get(key)) is not None]
        head, place = self._head(delivery.rev), (at + 1, len(delivery))
        if delivery.from_rev is None:
            rows = [entry.fragment(key) for key, entry in entries if not entry.removed]
            return frames.snapshot_part(head, self.key.interval_ms, rows, delivery.request_id, place)
        changed = fragments_of(self.key.mode, delivery.from_rev, entries)
        return frames.update_part(head, delivery.from_rev, changed, delivery.request_id, place)

    def anew(self, delivery: Delivery) -> Delivery:
        """What takes the place of a delivery that was let go before anything of it was written: the same, of now."""
        if not self._replica.settled:
            return delivery
        if delivery.from_rev is None:
            return self._make_snapshot(delivery.request_id)
        return self.update(delivery.from_rev, self.changes(delivery.from_rev), delivery.request_id)

    def answer(self, since: int | None, request_id: JSON) -> Delivery:
        """What answers a subscription: an update from the revision it resumes at, else a snapshot."""
        if since is not None and self.key.mode is not Mode.SNAPSHOT:
            delivery = self.update(since, self.changes(since), request_id)
            if len(delivery) == 1:
                self._kept.keep(delivery)  # who asks may not read
            return delivery
        # As old as the last flush, at most: the next shared frame follows it, and is due if there is something newer.
        return self.snapshot(self.rev) if request_id is None else self._make_snapshot(request_id)

    @property
    def version(self) -> str:
        """What stays the same as long as nothing in the channel, or in a group that is named, changes."""
        rev = max(self._replica.tables[self.key.channel].rev, self._resolved.rev)
        held = str(Position(self._replica.epoch, rev, self.fingerprint.decode()))
        doubted_rev = self._replica.doubted_rev  # rows that were wrong had the same revisions as the right ones
        return f"{held}.{doubted_rev}" if doubted_rev else held

    def document(self) -> bytes:
        """The snapshot as one JSON text."""
        return frames.document(self._head(self._replica.rev), (entry.fragment(key) for key, entry in self.changes(0)))

    def _make_snapshot(self, request_id: JSON) -> Delivery:
        rev, rows = self._replica.rev, self.changes(0)
        keys, fragments = [key for key, _ in rows], [entry.fragment(key) for key, entry in rows]
        parts = frames.snapshot(self._head(rev), self.key.interval_ms, keys, fragments, request_id)
        delivery = Delivery(parts, rev, request_id=request_id)
        self._kept.keep(delivery)
        return delivery

    def _head(self, rev: int) -> frames.DataHead:
        replica = self._replica
        position = Position(replica.epoch, rev, self.fingerprint.decode())
        return frames.DataHead(self.key.channel, replica.epoch, rev, str(position), replica.time_ms)


def fragments_of(mode: Mode, from_rev: int, changes: Iterable[tuple[str, Entry]]) -> list[bytes]:
    """Rows that changed after from_rev, as they stand in an update of this mode: whole, or the changed fields."""
    if mode is Mode.FIELDS:
        return [entry.fields_fragment(key, from_rev) for key, entry in changes]
    return [entry.fragment(key) for key, entry in changes]
