"""
A replica's copy of all tables, and the moment of history at which it stands.

Exact, or loaded anew: a commit that does not follow what is held raises Gap, and the caller reads the rows from Redis.
The parts of a larger change are held aside until the last one is there, so that the tables are of one moment, and stay
so if the rest never comes.
"""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

from shared.channels import Channel
from shared.table import Entry, Table
from shared.wire import Commit, Head, Heartbeat, Schema

#: Parts that may wait for their last one: more rows than all channels have. Beyond, the rows are loaded.
MAX_PARTS = 256

LoadedRows = Mapping[Channel, Sequence[tuple[str, Entry]]]


class Gap(Exception):  # noqa: N818 (a fact of the history, not a fault)
    """A commit does not follow what is held."""


class Change(NamedTuple):
    """What a commit or a load made different."""

    new_epoch: bool  # everything is different: nothing of what a client holds is still valid
    keys: dict[Channel, list[str]]


NO_CHANGE = Change(new_epoch=False, keys={})


class Replica:
    """All tables at one epoch and revision."""

    def __init__(self) -> None:
        self.epoch = ""  # empty: never loaded
        self.rev = 0
        self.time_ms = 0  # the ingest's clock at `rev`, Unix ms
        self.tables = {channel: Table() for channel in Channel}
        #: Channels of which somebody wants to know which fields changed. In the others all of a row's count as changed.
        self.compared: set[Channel] = set()
        #: What the ingest says of its rows, for clients; None while it has said nothing that goes with what is held.
        self.schema: Schema | None = None
        self._parts: list[Commit] = []  # of a larger change whose rest is still to come
        self._more = False  # what was loaded is a part of such a change
        self._distrusted = False
        #: Positions of this epoch up to here may be of rows that were wrong: nobody goes on from one.
        self.doubted_rev = 0
        self._whole_at = 0  # after a load: the revision from which the tables are of one moment

    @property
    def loaded(self) -> bool:
        """Something was loaded, at some time."""
        return bool(self.epoch)

    @property
    def heard_rev(self) -> int:
        """The revision up to which all is known, held aside or shown: the next commit follows it."""
        return self._parts[-1].rev if self._parts else self.rev

    @property
    def settled(self) -> bool:
        """The tables are of one moment, and may be shown."""
        return self.loaded and not self._more and self.rev >= self._whole_at

    def differences(self, heartbeat: Heartbeat) -> list[Channel]:
        """
        Tables that are not what the writer holds at this very revision; none if that cannot be told now.

        All of them, if the writer says of a later moment that it has not come as far.
        """
        if heartbeat.epoch != self.epoch:
            return []
        heard_ms = self._parts[-1].time_ms if self._parts else self.time_ms
        if heartbeat.rev < self.heard_rev and heartbeat.time_ms > heard_ms:
            return list(Channel)
        if heartbeat.checksums is None or heartbeat.rev != self.rev or self._parts or not self.settled:
            return []
        return [channel for channel, told in heartbeat.checksums.items() if self.tables[channel].checksum() != told]

    def distrust(self) -> None:
        """Something that is held is wrong, and nobody knows since when: the next load replaces all of it."""
        self._distrusted, self.doubted_rev = True, self.rev

    def load(self, before: Head, rows: LoadedRows, after: Head) -> Change:
        """
        Take the rows read between two looks at the head, both of one epoch.

        A row carries its own revision, so rows that changed while they were read do no harm: the tables are of one
        moment as soon as the commits up to `after` have been applied.
        """
        self._parts.clear()
        # Rows that are wrong have the revisions of those that are right, so comparing would not find them; and clients
        # may hold what is wrong, so they need everything again, as in a new epoch.
        new_epoch = before.epoch != self.epoch or self._distrusted
        self._distrusted = False
        if before.epoch != self.epoch:
            self.doubted_rev = 0
        if new_epoch:
            self.epoch, self.rev, self._whole_at = before.epoch, 0, 0
            self.tables = {channel: Table() for channel in Channel}
        keys = {channel: self.tables[channel].load(loaded) for channel, loaded in rows.items()}
        # A server that fell back to an older state teaches nothing: what is held is newer.
        if before.rev >= self.rev:
            self.rev, self._more = before.rev, before.more
        self._whole_at = max(self._whole_at, after.rev)
        self.time_ms = max(self.time_ms, before.time_ms)
        return Change(new_epoch, {channel: changed for channel, changed in keys.items() if changed})

    def apply(self, commit: Commit) -> Change:
        """
        Take a commit; one that is older than what is held changes nothing, and neither does a part but the last.

        Raises Gap.
        """
        if commit.epoch != self.epoch or commit.from_rev > self.heard_rev or len(self._parts) >= MAX_PARTS:
            raise Gap
        if commit.rev <= self.heard_rev:
            return NO_CHANGE
        self._parts.append(commit)
        if commit.more:
            return NO_CHANGE
        keys: dict[Channel, dict[str, None]] = {}
        for part in self._parts:
            for channel, changed in self._show(part).items():
                keys.setdefault(channel, {}).update(dict.fromkeys(changed))
        self._parts.clear()
        self._more = False
        return Change(new_epoch=False, keys={channel: list(changed) for channel, changed in keys.items()})

    def _show(self, commit: Commit) -> dict[Channel, list[str]]:
        """Take a commit's rows into the tables; the keys that are different now."""
        keys = {}
        for channel, rows in commit.rows.items():
            table = self.tables[channel]
            if self.rev < self._whole_at:
                changed = table.load((key, Entry(text, commit.rev)) for key, text in rows.items())
            else:
                changed = table.apply(rows, commit.rev, compare=channel in self.compared)
            if changed:
                keys[channel] = changed
        self.rev, self.time_ms = commit.rev, commit.time_ms
        return keys
