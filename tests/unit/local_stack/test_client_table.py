"""The client's rule, as the check's clients follow it."""

from typing import Any

from local_stack.board_client import ClientTable, DataFrame


def test_a_snapshot_replaces_the_table() -> None:
    table = ClientTable()
    table.take(a_snapshot(5, {"OLD": {"last": 1}}))

    table.take(a_snapshot(9, {"SSI": {"last": 2}}))

    assert (table.rows, table.rev, table.position) == ({"SSI": {"last": 2}}, 9, "at 9")


def test_an_update_merges_fields_and_removes_rows() -> None:
    table = ClientTable()
    table.take(a_snapshot(5, {"SSI": {"last": 1, "high": 3}, "OLD": {"last": 1}}))

    in_order = table.take(an_update(4, 8, {"SSI": {"last": 2}, "OLD": None}))

    assert in_order
    assert (table.rows, table.rev) == ({"SSI": {"last": 2, "high": 3}}, 8)


def test_an_update_that_is_known_already_changes_nothing() -> None:
    table = ClientTable()
    table.take(a_snapshot(5, {"SSI": {"last": 2}}))

    in_order = table.take(an_update(3, 5, {"SSI": {"last": 1}}))

    assert in_order
    assert (table.rows, table.rev) == ({"SSI": {"last": 2}}, 5)


def test_a_gap_is_told_and_nothing_is_merged() -> None:
    table = ClientTable()
    table.take(a_snapshot(5, {"SSI": {"last": 2}}))

    in_order = table.take(an_update(6, 8, {"SSI": {"last": 3}}))

    assert not in_order
    assert (table.rows, table.rev, table.position) == ({"SSI": {"last": 2}}, 5, "at 5")


def test_of_a_snapshot_in_parts_the_first_replaces_and_the_last_counts() -> None:
    table = ClientTable()
    table.take(a_snapshot(5, {"OLD": {"last": 1}}))

    table.take(a_snapshot(9, {"A": {"last": 1}}, part=1, parts=2))
    between = table.rev
    table.take(a_snapshot(9, {"B": {"last": 2}}, part=2, parts=2))

    assert between == 5
    assert (sorted(table.rows), table.rev) == (["A", "B"], 9)


def test_of_an_update_in_parts_all_are_merged_and_the_last_counts() -> None:
    table = ClientTable()
    table.take(a_snapshot(5, {}))

    table.take(an_update(5, 9, {"A": {"last": 1}}, part=1, parts=2))
    between = table.rev
    table.take(an_update(5, 9, {"B": {"last": 2}}, part=2, parts=2))

    assert between == 5
    assert (sorted(table.rows), table.rev) == (["A", "B"], 9)


def a_snapshot(rev: int, rows: dict[str, Any], **parts: int) -> DataFrame:
    frame = {"type": "snapshot", "channel": "market", "rev": rev, "position": f"at {rev}", "time": 0, "data": rows}
    return DataFrame.model_validate({**frame, **parts})


def an_update(from_rev: int, rev: int, rows: dict[str, Any], **parts: int) -> DataFrame:
    return a_snapshot(rev, rows, **parts).model_copy(update={"type": "update", "from_rev": from_rev})
