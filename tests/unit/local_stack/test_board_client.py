"""The check's client keeps the protocol's rule."""

from local_stack.board_client import ClientTable, DataFrame

Rows = dict[str, dict[str, object] | None]


def test_a_snapshot_replaces_what_was_held() -> None:
    table = ClientTable()
    table.take(a_snapshot(5, {"OLD": {"last": 1}, "SSI": {"last": 31500}}))

    assert table.take(a_snapshot(9, {"SSI": {"last": 31550}}))

    assert table.rows == {"SSI": {"last": 31550}}
    assert (table.rev, table.position) == (9, "epoch.9")


def test_an_update_merges_fields_and_removes_rows() -> None:
    table = ClientTable()
    table.take(a_snapshot(5, {"OLD": {"last": 1}, "SSI": {"last": 31500, "high": 31600}}))

    assert table.take(an_update(5, 7, {"SSI": {"last": 31550}, "OLD": None, "NEW": {"last": 2}}))

    assert table.rows == {"SSI": {"last": 31550, "high": 31600}, "NEW": {"last": 2}}
    assert (table.rev, table.position) == (7, "epoch.7")


def test_an_update_that_reaches_back_further_than_needed_is_merged() -> None:
    table = ClientTable()
    table.take(a_snapshot(5, {"SSI": {"last": 31500}}))

    assert table.take(an_update(3, 7, {"SSI": {"last": 31550}}))

    assert table.rows == {"SSI": {"last": 31550}}
    assert table.rev == 7


def test_an_update_that_is_already_known_changes_nothing() -> None:
    table = ClientTable()
    table.take(a_snapshot(5, {"SSI": {"last": 31500}}))

    assert table.take(an_update(3, 5, {"SSI": {"last": 1}}))

    assert table.rows == {"SSI": {"last": 31500}}
    assert (table.rev, table.position) == (5, "epoch.5")


def test_a_gap_is_told_and_changes_nothing() -> None:
    table = ClientTable()
    table.take(a_snapshot(5, {"SSI": {"last": 31500}}))

    assert not table.take(an_update(6, 7, {"SSI": {"last": 1}}))

    assert table.rows == {"SSI": {"last": 31500}}
    assert (table.rev, table.position) == (5, "epoch.5")


def test_of_a_snapshot_in_parts_the_first_replaces_and_the_last_moves_the_position() -> None:
    table = ClientTable()
    table.take(a_snapshot(5, {"OLD": {"last": 1}}))

    table.take(a_snapshot(9, {"SSI": {"last": 31500}}, part=1, parts=2))
    between = (dict(table.rows), table.rev)
    table.take(a_snapshot(9, {"VNM": {"last": 60000}}, part=2, parts=2))

    assert between == ({"SSI": {"last": 31500}}, 5)
    assert table.rows == {"SSI": {"last": 31500}, "VNM": {"last": 60000}}
    assert (table.rev, table.position) == (9, "epoch.9")


def test_an_update_in_parts_is_merged_whole() -> None:
    table = ClientTable()
    table.take(a_snapshot(5, {}))

    assert table.take(an_update(5, 9, {"SSI": {"last": 31500}}, part=1, parts=2))
    assert table.take(an_update(5, 9, {"VNM": {"last": 60000}}, part=2, parts=2))

    assert table.rows == {"SSI": {"last": 31500}, "VNM": {"last": 60000}}
    assert table.rev == 9


def a_snapshot(rev: int, data: Rows, *, part: int = 1, parts: int = 1) -> DataFrame:
    return _frame({"type": "snapshot", "rev": rev, "data": data, "part": part, "parts": parts})


def an_update(from_rev: int, rev: int, data: Rows, *, part: int = 1, parts: int = 1) -> DataFrame:
    return _frame({"type": "update", "from": from_rev, "rev": rev, "data": data, "part": part, "parts": parts})


def _frame(told: dict[str, object]) -> DataFrame:
    common = {"channel": "market", "time": 1_795_405_337_123, "position": f"epoch.{told['rev']}"}
    return DataFrame.model_validate(common | told)
