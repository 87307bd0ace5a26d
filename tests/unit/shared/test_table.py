"""What `since` promises, whatever changed and however it came."""

from hypothesis import given
from hypothesis import strategies as st

from shared.table import JSON, Row, Table
from tests.fakes.texts import entries, texts

ROWS = st.dictionaries(
    st.sampled_from("ABCDE"),
    st.one_of(st.none(), st.fixed_dictionaries({"last": st.integers(0, 3), "volume": st.integers(0, 3)})),
    max_size=5,
)


def merged(held: dict[str, Row], table: Table, rev: int) -> dict[str, Row]:
    """What a client that held these rows at rev holds after `since(rev)`, by fields."""
    after = dict(held)
    for key, entry in table.since(rev):
        fields = entry.fields_since(rev)
        if fields is None:
            after.pop(key, None)
        else:
            after[key] = after.get(key, {}) | fields
    return after


@given(history=st.lists(ROWS, max_size=12), start=st.integers(0, 12))
def test_who_merges_the_changed_fields_since_any_revision_holds_the_table(
    history: list[dict[str, Row | None]], start: int
) -> None:
    table, held, held_at = Table(), dict[str, Row](), 0
    for rev, rows in enumerate(history, 1):
        table.apply(texts(rows), rev)
        if rev == start:
            held, held_at = dict(table.live()), rev

    assert merged(held, table, held_at) == dict(table.live())


@given(history=st.lists(ROWS, max_size=12), split=st.integers(0, 12))
def test_a_table_that_was_loaded_and_goes_on_equals_one_that_saw_everything(
    history: list[dict[str, Row | None]], split: int
) -> None:
    whole = Table()
    for rev, rows in enumerate(history[:split], 1):
        whole.apply(texts(rows), rev)
    loaded = Table()
    loaded.load(entries((key, entry.row, entry.rev) for key, entry in whole.entries()))
    for rev, rows in enumerate(history[split:], split + 1):
        whole.apply(texts(rows), rev)
        loaded.apply(texts(rows), rev)

    for rev in range(len(history) + 1):
        assert [key for key, _ in loaded.since(rev)] == [key for key, _ in whole.since(rev)]
        assert merged({}, loaded, 0) == merged({}, whole, 0)


def test_since_names_the_oldest_change_first() -> None:
    table = Table()
    for rev, key in enumerate("ABCA", 1):
        table.apply(texts({key: {"last": rev}}), rev)

    assert [key for key, _ in table.since(1)] == ["B", "C", "A"]


def test_a_row_that_is_set_to_what_it_was_is_no_change() -> None:
    table = Table()
    table.apply(texts({"A": {"last": 1}}), 1)

    changed = table.apply(texts({"A": {"last": 1}}), 2)

    assert changed == []
    assert table.since(1) == []


def test_a_loaded_row_is_new_in_every_field_since_equal_values_prove_nothing() -> None:
    table = Table()
    table.apply(texts({"A": {"last": 1, "volume": 5}}), 1)

    table.load(entries([("A", {"last": 1, "volume": 6}, 9)]))

    ((_, entry),) = table.since(1)
    assert entry.fields_since(1) == {"last": 1, "volume": 6}


def test_rows_that_are_loaded_between_and_beside_newer_ones_hide_none_of_them() -> None:
    table = Table()
    table.load(entries([("A", {"last": 1}, 10)]))

    table.load(entries([("B", {"last": 1}, 8), ("C", {"last": 1}, 10)]))

    assert {key for key, _ in table.since(9)} == {"A", "C"}


def test_a_removed_row_is_told_and_left_out_of_the_snapshot() -> None:
    table = Table()
    table.apply(texts({"A": {"last": 1}}), 1)
    table.apply(texts({"A": None}), 2)

    assert [(key, entry.row) for key, entry in table.since(1)] == [("A", None)]
    assert table.since(0) == []


def test_a_row_that_was_removed_and_came_back_is_new_in_every_field() -> None:
    table, row = Table(), dict[str, JSON](last=1)
    table.apply(texts({"A": row}), 1)
    table.apply(texts({"A": None}), 2)
    table.apply(texts({"A": row}), 3)

    ((_, entry),) = table.since(2)
    assert entry.fields_since(2) == {"last": 1}


def test_a_row_with_another_set_of_fields_is_new_in_every_field() -> None:
    table = Table()
    table.apply(texts({"A": {"last": 1, "high": 2}}), 1)

    table.apply(texts({"A": {"last": 1, "low": 3}}), 2)

    ((_, entry),) = table.since(1)
    assert entry.fields_since(1) == {"last": 1, "low": 3}


def test_a_name_stands_for_its_row_and_for_the_ring_of_that_name() -> None:
    table = Table()
    for rev, key in enumerate(("SSI#0", "SSIX#0", "SSI", "SSI#1", "VNM", "SSI#0"), 1):
        table.apply(texts({key: {"last": rev}}), rev)

    assert [key for key, _ in table.since(1, {"SSI"})] == ["SSI", "SSI#1", "SSI#0"]
    assert [key for key, _ in table.since(0, {"SSI#1", "VNM"})] == ["SSI#1", "VNM"]
    assert set(table.matching({"SSI", "new"})) == {"SSI", "SSI#0", "SSI#1", "new"}


@given(keys=st.sets(st.sampled_from("ABCDEFGH"), min_size=1))
def test_a_selection_is_the_same_part_of_the_whole_however_it_is_found(keys: set[str]) -> None:
    table = Table()
    for rev, key in enumerate("ABCDEFGHABCD", 1):
        table.apply(texts({key: {"last": rev}}), rev)

    for rev in range(13):
        assert dict(table.since(rev, keys)) == {key: entry for key, entry in table.since(rev) if key in keys}


def test_of_a_ring_the_oldest_change_comes_first() -> None:
    table = Table()
    for rev in range(1, 30):
        table.apply(texts({f"SSI#{rev % 4}": {"match": rev}, f"S{rev}": {"last": rev}}), rev)

    found = [entry.row["match"] for _, entry in table.since(20, {"SSI"}) if entry.row]

    assert found == [26, 27, 28, 29]


@given(
    st.lists(
        st.tuples(st.sampled_from("ABCD"), st.one_of(st.none(), st.integers(0, 3).map(lambda last: {"last": last}))),
        max_size=30,
    ),
    st.sets(st.integers(0, 30)),
)
def test_two_copies_with_the_same_rows_have_the_same_checksum_however_they_came_by_them(
    changes: list[tuple[str, Row | None]], asked_at: set[int]
) -> None:
    followed, loaded = Table(), Table()
    for rev, (key, row) in enumerate(changes, 1):
        followed.apply(texts({key: row}), rev)
        if rev in asked_at:
            followed.checksum()

    loaded.load(entries((key, entry.row, entry.rev) for key, entry in reversed(list(followed.entries()))))

    assert followed.checksum() == loaded.checksum()


def test_a_checksum_tells_another_value_revision_key_or_removal() -> None:
    tables = [Table() for _ in range(6)]
    tables[1].load(entries([("A", {"last": 1}, 1)]))
    tables[2].load(entries([("A", {"last": 2}, 1)]))
    tables[3].load(entries([("A", {"last": 1}, 2)]))
    tables[4].load(entries([("B", {"last": 1}, 1)]))
    tables[5].load(entries([("A", None, 1)]))

    assert len({table.checksum() for table in tables}) == 6


def test_without_a_comparison_every_field_of_a_changed_row_has_changed_and_later_ones_go_on_from_there() -> None:
    table = Table()
    table.apply(texts({"A": {"last": 1, "volume": 5}}), 1)
    table.apply(texts({"A": {"last": 2, "volume": 5}}), 2, compare=False)

    ((_, entry),) = table.since(1)
    assert entry.fields_since(1) == {"last": 2, "volume": 5}

    table.apply(texts({"A": {"last": 2, "volume": 6}}), 3)

    ((_, entry),) = table.since(1)
    assert entry.fields_since(2) == {"volume": 6}
    assert entry.fields_since(1) == {"last": 2, "volume": 6}
