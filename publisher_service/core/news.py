"""What changed in a channel since a revision, encoded once for all views that go on from there together."""

from typing import NamedTuple

from publisher_service.core import frames
from publisher_service.core.replica import Replica
from publisher_service.core.views import Mode, View, fragments_of
from shared.channels import Channel

#: So many views ask for their keys each, before all that changed is laid out for the others.
FEW_VIEWS = 8


class NewsKey(NamedTuple):
    """What views have in common whose updates hold the same rows, as far as they select them."""

    channel: Channel
    mode: Mode
    from_rev: int


class News:
    """From one revision of a channel to the replica's present one."""

    def __init__(self, key: NewsKey, replica: Replica) -> None:
        self._table = replica.tables[key.channel]
        self._from_rev = key.from_rev
        self._mode = key.mode
        self._asked = 0
        self._fragments: dict[str, bytes] | None = None
        self._opening = frames.UpdateOpening(key.channel, replica.epoch, key.from_rev, replica.rev, replica.time_ms)

    def of(self, keys: frozenset[str] | None) -> list[bytes]:
        """The rows with these keys that changed, as they stand in a frame; None: all."""
        if self._fragments is None:
            self._asked += 1
            if keys is None or self._asked <= FEW_VIEWS or self._table.has_rings:
                return fragments_of(self._mode, self._from_rev, self._table.since(self._from_rev, keys))
            changes = self._table.since(self._from_rev)
            made = fragments_of(self._mode, self._from_rev, changes)
            self._fragments = {key: fragment for (key, _), fragment in zip(changes, made, strict=True)}
        if keys is None:
            return list(self._fragments.values())
        found = self._fragments.get
        return [fragment for key in keys if (fragment := found(key)) is not None]

    def frame(self, view: View, rows: list[bytes]) -> frames.Frame | None:
        """The update of a view; None if it takes more than one frame."""
        return self._opening.frame(view.fingerprint, rows)
