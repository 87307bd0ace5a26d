"""A table against a dict for each revision: whatever was applied or loaded, `since` tells exactly what is different."""

from typing import Any

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from shared.table import Row, Table
from tests.fakes.texts import entries, texts

KEYS = st.sampled_from(["A", "B", "C", "A#0", "A#1", "AB#0"])
#: The fields in one order, as a writer writes them.
ROWS = st.none() | st.builds(
    lambda last, volume: {"last": last, "volume": volume}, st.integers(0, 2), st.integers(0, 2)
)
NAMES = st.none() | st.sets(st.sampled_from(["A", "B", "A#1", "AB", "Z"]), min_size=1)


class Tables(RuleBasedStateMachine):
    """A writer's table, and a reader's that takes some commits and loads what it missed."""

    def __init__(self) -> None:
        super().__init__()
        self.writer, self.reader = Table(), Table()
        self.reads_at = 0  # the revision up to which the reader knows all
        self.past: list[dict[str, Row]] = [{}]  # of each revision

    @rule(rows=st.dictionaries(KEYS, ROWS, min_size=1, max_size=4), heard=st.booleans(), compares=st.booleans())
    def commit(self, rows: dict[str, Row | None], *, heard: bool, compares: bool) -> None:
        rev, before = len(self.past), self.past[-1]
        after = {key: row for key, row in (before | rows).items() if row is not None}
        changed = {key for key in rows if before.get(key) != after.get(key)}

        assert set(self.writer.apply(texts(rows), rev)) == changed

        self.past.append(after)
        if heard and self.reads_at == rev - 1:
            assert set(self.reader.apply(texts(rows), rev, compare=compares)) == changed
            self.reads_at = rev

    @rule(data=st.data())
    def load(self, data: st.DataObject) -> None:
        """In any order; and some rows may have been read before already."""
        stored = [(key, entry.row, entry.rev) for key, entry in self.writer.entries()]
        some = data.draw(st.lists(st.sampled_from(stored), max_size=3)) if stored else []
        self.reader.load(entries(some))
        self.reader.load(entries(data.draw(st.permutations(stored))))
        self.reads_at = len(self.past) - 1

    @precondition(lambda self: self.reads_at == len(self.past) - 1)
    @invariant()
    def readers_hold_the_same(self) -> None:
        assert dict(self.reader.live()) == self.past[-1]
        assert self.reader.checksum() == self.writer.checksum()

    @precondition(lambda self: self.reads_at == len(self.past) - 1)
    @rule(data=st.data(), names=NAMES)
    def return_from_any_revision(self, data: st.DataObject, names: set[str] | None) -> None:
        since = data.draw(st.integers(0, self.reads_at))
        for table in (self.writer, self.reader):
            by_rows, by_fields = self.selected(since, names), self.selected(since, names)
            for key, entry in table.since(since, names):
                merge(by_rows, key, entry.row)
                merge(by_fields, key, entry.fields_since(since))

            assert by_rows == by_fields == self.selected(-1, names)

    def selected(self, rev: int, names: set[str] | None) -> dict[str, Row]:
        """What a client of these names holds at a revision."""
        return {key: row for key, row in self.past[rev].items() if names is None or {key, key.split("#")[0]} & names}


def merge(rows: dict[str, Row], key: str, told: Row | None) -> None:
    """The client's rule."""
    if told is None:
        rows.pop(key, None)
    else:
        rows[key] = rows.get(key, {}) | told


TestTables: Any = Tables.TestCase
TestTables.settings = settings(max_examples=60, stateful_step_count=30)
