"""
What this ingest has published, and the commits that bring the rest.

A number once given to a commit is never given to another. Rows stand in the tables at the revision of the commit that
carries them, so the tables are at any time what a reader that took every commit holds.
"""

from collections import deque
from collections.abc import Callable, Iterable, Iterator, Mapping
from datetime import date
from typing import TypeAlias

import orjson

from shared.channels import STORED, Channel, Internal, Stored
from shared.table import REMOVED, Entry, Row, Table
from shared.wire import Commit, stored_row

#: Limits of one commit. A script call blocks the server: 2,000 rows took 13 ms.
MAX_ROWS = 256
MAX_BYTES = 256_000

#: Of which checksums are made at once: 0.2 ms.
ROWS_ADDED_UP = 128

#: Channels whose rows outlive a trading day.
LASTING = (Channel.SYMBOLS, Channel.GROUPS, Channel.STATUS)

Changes = Mapping[Stored, Mapping[str, Row | None]]


def epoch_of(day: date, token: str) -> str:
    """The identity of a history: its trading day and a random token, `20261123-k3f9q2`."""
    return f"{day:%Y%m%d}-{token}"


def day_of(epoch: str) -> date:
    """The trading day of an epoch. Raises ValueError."""
    return date.fromisoformat(epoch.partition("-")[0])


#: Of one commit: rows as JSON, encoded once, for Redis, the readers, the checksum and the limit.
_Part: TypeAlias = dict[Stored, dict[str, bytes]]


class History:
    """One epoch's tables, the last number given, and the changes that no commit has yet."""

    def __init__(self, epoch: str, rev: int = 0) -> None:
        self.epoch = epoch
        self.rev = rev  # the last number given to a commit
        self.tables: dict[Stored, Table] = {channel: Table() for channel in STORED}
        self._staged: dict[Stored, dict[str, Row | None]] = {}
        # The parts of a larger change that are still to come. Later changes wait until all of them have left.
        self._parts: deque[_Part] = deque()

    @property
    def more(self) -> bool:
        """A part of a larger change is still to come."""
        return bool(self._parts)

    def load(self, channel: Stored, entries: Iterable[tuple[str, Entry]]) -> None:
        """Take a channel's published rows under their keys."""
        self.tables[channel].load(entries)

    def stored_rows(self, channel: Stored) -> Iterator[tuple[str, bytes]]:
        """A channel as it stands in Redis: (key, stored row), removed rows included."""
        return ((key, stored_row(entry.json, entry.rev)) for key, entry in self.tables[channel].entries())

    def checksums(self) -> dict[Channel, int]:
        """Of the tables that are published, as they are at `rev`."""
        return {channel: self.tables[channel].checksum() for channel in Channel}

    def add_up(self) -> Iterator[None]:
        """Get the checksums ready, a piece a step: a second's rows at once take some milliseconds."""
        for channel in Channel:
            table = self.tables[channel]
            for _ in range(0, table.unsummed, ROWS_ADDED_UP):
                table.add_up(ROWS_ADDED_UP)
                yield

    def successor(
        self,
        epoch: str,
        keep: Iterable[Stored] = LASTING,
        fits: Callable[[Stored, str, Row], bool] | None = None,
    ) -> "History":
        """The history of the next epoch: the rows of some tables, if they fit, all at revision 1; the rest is gone."""
        heir = History(epoch, rev=1)
        for channel in keep:
            heir.tables[channel].load(
                (key, Entry(entry.json, 1))
                for key, entry in self.tables[channel].entries()
                if not entry.removed and (fits is None or fits(channel, key, entry.row or {}))
            )
        return heir

    def stage(self, changes: Changes) -> None:
        """Take changed rows, whole; None removes. The newest row of a key wins, so waiting costs one row a key."""
        for channel, rows in changes.items():
            self._staged.setdefault(channel, {}).update(rows)

    def next_commit(self, time_ms: int) -> Commit | None:
        """
        The next commit, already applied to the tables; None if nothing differs from what was published.

        A change above the limits leaves as several commits, all but the last marked `more`.
        """
        if not self._parts:
            self._split_staged()
        if not self._parts:
            return None
        rows = self._parts.popleft()
        from_rev, self.rev = self.rev, self.rev + 1
        for channel, changed in rows.items():
            self.tables[channel].apply(changed, self.rev, compare=False)
        published = {channel: changed for channel, changed in rows.items() if isinstance(channel, Channel)}
        internal = {channel: changed for channel, changed in rows.items() if isinstance(channel, Internal)}
        return Commit(self.epoch, from_rev, self.rev, time_ms, published, self.more, internal)

    def _split_staged(self) -> None:
        part: _Part = {}
        rows_left, bytes_left = MAX_ROWS, MAX_BYTES
        for channel, staged in self._staged.items():
            get = self.tables[channel].get
            rows: dict[str, bytes] = {}
            for key, row in staged.items():
                held = get(key)
                text = orjson.dumps(row)
                if text == (held.json if held else REMOVED):
                    continue
                if rows_left == 0 or bytes_left < len(text):
                    self._parts.append(part | {channel: rows} if rows else part)
                    part, rows = {}, {}
                    rows_left, bytes_left = MAX_ROWS, MAX_BYTES
                rows[key] = text
                rows_left, bytes_left = rows_left - 1, bytes_left - len(text)
            if rows:
                part[channel] = rows
        if part:
            self._parts.append(part)
        self._staged = {}
