"""
The table: rows by key, and what changed since a revision.

Two rules hold everything here together. Revisions only grow within an epoch. A removed row stays as a tombstone, so
that nothing is forgotten that somebody may still have to be told.
"""

from bisect import bisect_right
from collections.abc import Collection, ItemsView, Iterable, Iterator, Mapping
from itertools import islice
from typing import TypeAlias
from zlib import crc32

import orjson

JSON: TypeAlias = "bool | int | float | str | list[JSON] | dict[str, JSON] | None"
Row: TypeAlias = dict[str, JSON]

#: The JSON of a removed row.
REMOVED = b"null"


class Entry:
    """
    One row with the revision of its last change, and that of each field.

    The row is held as JSON text, which is what leaves. As an object of Python it takes eight times the memory, and is
    made for whoever asks.
    """

    __slots__ = ("_field_revs", "_fields", "_fragment", "_row", "json", "rev")

    def __init__(self, json: bytes, rev: int) -> None:
        self.json = json  # `null` if removed
        self.rev = rev
        self._row: Row | None = None  # not wanted yet, or removed
        self._field_revs: dict[str, int] | None = None  # None: all changed at `rev`, or nobody knows which did not
        self._fragment: bytes | None = None
        # The revisions at which fields changed, and what was made for those who stand between two of them.
        self._fields: tuple[list[int], dict[int, bytes]] | None = None

    @property
    def removed(self) -> bool:
        """There is no such row any more."""
        return self.json == REMOVED

    @property
    def row(self) -> Row | None:
        """The row; None if it was removed."""
        if self._row is None and not self.removed:
            self._row = orjson.loads(self.json)
        return self._row

    def successor(self, json: bytes, rev: int) -> "Entry":
        """The entry after this one, which knows at which revision each field changed."""
        entry = Entry(json, rev)
        held, row = self.row, entry.row
        # Another set of fields (a newer writer): a reader cannot unlearn a field, so all of it is new.
        if held is None or row is None or held.keys() != row.keys():
            return entry
        revs = dict.fromkeys(held, self.rev) if self._field_revs is None else self._field_revs.copy()
        for field, value in row.items():
            if held[field] != value:
                revs[field] = rev
        entry._field_revs = revs
        return entry

    def fields_since(self, rev: int) -> Row | None:
        """The fields that changed after revision rev; None if the row was removed."""
        row, revs = self.row, self._field_revs
        if row is None or revs is None:
            return row if self.rev > rev else {}
        return {field: row[field] for field, changed in revs.items() if changed > rev}

    def fragment(self, key: str) -> bytes:
        """The row under its key, as it stands in a JSON object: `"SSI":{…}`; made once for all frames that carry it."""
        if self._fragment is None:
            self._fragment = orjson.dumps(key) + b":" + self.json
        return self._fragment

    def fields_fragment(self, key: str, rev: int) -> bytes:
        """The same of the fields that changed after revision rev; made once for all views that lack the same ones."""
        if self._field_revs is None and self.rev > rev:
            return self.fragment(key)
        if self._fields is None:
            self._fields = sorted(set((self._field_revs or {}).values())), {}
        revs, made = self._fields
        at = bisect_right(revs, rev)
        fragment = made.get(at)
        if fragment is None:
            fragment = made[at] = orjson.dumps(key) + b":" + orjson.dumps(self.fields_since(rev))
        return fragment


class Table:
    """
    One channel's rows. Entries stand in the order of their last change, so the newest ones are found from the end.

    The caller sees to it that revisions arrive in order.
    """

    def __init__(self) -> None:
        self._entries: dict[str, Entry] = {}
        self._rings: dict[str, list[str]] = {}  # name → its keys with a `#`, such as `SSI#17`
        self.rev = 0  # of the last change
        self._checksum = 0
        self._summed: dict[str, int] = {}  # key → what it adds to the checksum
        self._unsummed: set[str] = set()  # keys that changed since

    def __len__(self) -> int:
        """How many keys are known, tombstones included."""
        return len(self._entries)

    def get(self, key: str) -> Entry | None:
        """The entry of a key, a tombstone too; None if the key was never seen."""
        return self._entries.get(key)

    def entries(self) -> ItemsView[str, Entry]:
        """All keys with their entries, tombstones included, oldest change first."""
        return self._entries.items()

    def live(self) -> Iterator[tuple[str, Row]]:
        """All rows that are not removed."""
        return ((key, row) for key, entry in self._entries.items() if (row := entry.row) is not None)

    @property
    def live_rows(self) -> int:
        """How many rows are not removed."""
        return sum(not entry.removed for entry in self._entries.values())

    def apply(self, rows: Mapping[str, bytes], rev: int, *, compare: bool = True) -> list[str]:
        """
        Take whole rows as JSON (`null` removes) that changed at revision rev; return the keys that are different now.

        Valid only while commits arrive unbroken: then what stands here is what stood before the commit. A row whose
        JSON is the one held is no change and keeps its revision. `compare` finds the fields that changed, for several
        times the cost: without it, all of them did.
        """
        changed = []
        get = self._entries.get
        for key, text in rows.items():
            held = get(key)
            if held is None:
                if text == REMOVED:
                    continue  # removing what is not there
                entry = Entry(text, rev)
            elif held.json == text:
                continue
            elif compare:
                entry = held.successor(text, rev)
            else:
                entry = Entry(text, rev)
            self._put(key, entry)
            changed.append(key)
        if changed:
            self.rev = rev
        return changed

    def load(self, entries: Iterable[tuple[str, Entry]]) -> list[str]:
        """
        Take rows read from a store, which are of this table from now on; return the keys that are newer now.

        What happened between the row held and the one loaded is not known, and equal values prove nothing (A → B → A):
        every field of a newer row has changed.
        """
        newer = []
        for key, entry in sorted(entries, key=lambda loaded: loaded[1].rev):
            held = self._entries.get(key)
            if held is None or held.rev < entry.rev:
                self._put(key, entry)
                newer.append(key)
        if newer and self._entries[newer[0]].rev < self.rev:
            # Some loaded rows are older than some held ones: restore the order of last change.
            self._entries = dict(sorted(self._entries.items(), key=lambda item: item[1].rev))
        self.rev = max(self.rev, max((self._entries[key].rev for key in newer), default=0))
        return newer

    @property
    def has_rings(self) -> bool:
        """Some names stand for more than one row."""
        return bool(self._rings)

    def matching(self, names: Collection[str]) -> Collection[str]:
        """The keys that names stand for: each itself, and the ring of that name (`SSI`: `SSI#0`, `SSI#1`, …)."""
        if not self._rings:
            return names
        return {*names, *(key for name in names for key in self._rings.get(name, ()))}

    def since(self, rev: int, names: Collection[str] | None = None) -> list[tuple[str, Entry]]:
        """
        What changed after revision rev: of all rows, or of the given names and rings, oldest change first; of names
        in a table without rings, in any order.

        For rev 0 that is the snapshot, which leaves removed rows out; for any other, a removed row is an entry too.
        """
        entries = self._entries
        keys = names if names is None or not self._rings else self.matching(names)
        if keys is None or len(keys) * 4 > len(entries):
            found = []
            for key in reversed(entries):
                entry = entries[key]
                if entry.rev <= rev:
                    break
                if keys is None or key in keys:
                    found.append((key, entry))
            found.reverse()
        else:
            get = entries.get
            found = [(key, one) for key in keys if (one := get(key)) is not None and one.rev > rev]
            if keys is not names:
                found.sort(key=lambda item: item[1].rev)
        return found if rev else [(key, entry) for key, entry in found if not entry.removed]

    @property
    def unsummed(self) -> int:
        """How many rows `checksum` would have to look at."""
        return len(self._unsummed)

    def add_up(self, rows: int) -> None:
        """Do a part of what `checksum` would have to do: so many rows, of those that changed since."""
        for key in [*islice(self._unsummed, rows)]:
            self._add_up(key)

    def checksum(self) -> int:
        """
        The sum, over all keys, of the CRC-32 of `key rev json`: equal on all copies that hold the same.

        Costs what changed since it was asked for last. Below 2^53 for up to two million keys.
        """
        self.add_up(len(self._unsummed))
        return self._checksum

    def _add_up(self, key: str) -> None:
        entry = self._entries[key]
        adds = crc32(entry.json, crc32(b"%b %d " % (key.encode(), entry.rev)))
        self._checksum += adds - self._summed.get(key, 0)
        self._summed[key] = adds
        self._unsummed.remove(key)

    def _put(self, key: str, entry: Entry) -> None:
        if self._entries.pop(key, None) is None and "#" in key:
            self._rings.setdefault(key.partition("#")[0], []).append(key)
        self._entries[key] = entry  # at the end: newest last
        self._unsummed.add(key)
