"""A replica is exact, or says that it is not."""

import pytest

from publisher_service.core import replica as module
from publisher_service.core.replica import NO_CHANGE, Gap, Replica
from shared.channels import Channel
from shared.table import Row
from shared.wire import Commit, Head, Heartbeat
from tests.fakes.texts import entries, texts

EPOCH = "20261123-aaaaaa"


def loaded(rev: int = 1, *, more: bool = False, after: int | None = None, **rows: Row) -> Replica:
    """A replica that was loaded while the head went from `rev` to `after`."""
    replica = Replica()
    head = Head(EPOCH, rev, "c", 1000, "server", more)
    market = entries((key, row, rev) for key, row in rows.items())
    replica.load(head, {Channel.MARKET: market}, head._replace(rev=after or rev))
    return replica


def commit(from_rev: int, *, more: bool = False, epoch: str = EPOCH, **rows: Row | None) -> Commit:
    return Commit(epoch, from_rev, from_rev + 1, 1000 + from_rev, {Channel.MARKET: texts(rows)}, more)


def prices(replica: Replica) -> dict[str, object]:
    return {key: row["last"] for key, row in replica.tables[Channel.MARKET].live()}


def test_commits_in_order_are_taken_and_tell_what_changed() -> None:
    replica = loaded(1, SSI={"last": 1})

    change = replica.apply(commit(1, SSI={"last": 2}, VNM={"last": 3}))

    assert change.keys == {Channel.MARKET: ["SSI", "VNM"]}
    assert (replica.rev, prices(replica)) == (2, {"SSI": 2, "VNM": 3})


@pytest.mark.parametrize("missed", [commit(3, SSI={"last": 9}), commit(1, epoch="20261124-bbbbbb", SSI={"last": 9})])
def test_a_commit_that_does_not_follow_is_a_gap_and_changes_nothing(missed: Commit) -> None:
    replica = loaded(1, SSI={"last": 1})

    with pytest.raises(Gap):
        replica.apply(missed)

    assert (replica.rev, prices(replica)) == (1, {"SSI": 1})


def test_a_commit_that_is_known_already_changes_nothing() -> None:
    replica = loaded(5, SSI={"last": 5})

    assert replica.apply(commit(3, SSI={"last": 4})) == NO_CHANGE
    assert prices(replica) == {"SSI": 5}


def test_the_parts_of_a_larger_change_are_shown_together_each_row_at_its_own_revision() -> None:
    replica = loaded(1, SSI={"last": 1})

    changes = [
        replica.apply(commit(1, more=True, SSI={"last": 2})),
        replica.apply(commit(2, more=True, VNM={"last": 3})),
    ]
    between = (replica.rev, replica.heard_rev, replica.settled, prices(replica))
    last = replica.apply(commit(3, FPT={"last": 4}))

    assert changes == [NO_CHANGE, NO_CHANGE]
    assert between == (1, 3, True, {"SSI": 1})
    assert last.keys == {Channel.MARKET: ["SSI", "VNM", "FPT"]}
    assert (replica.rev, prices(replica)) == (4, {"SSI": 2, "VNM": 3, "FPT": 4})
    assert [entry.rev for _, entry in replica.tables[Channel.MARKET].entries()] == [2, 3, 4]


def test_a_part_that_is_missed_is_a_gap_and_one_that_is_repeated_is_none() -> None:
    replica = loaded(1, SSI={"last": 1})
    replica.apply(commit(1, more=True, SSI={"last": 2}))

    repeated = replica.apply(commit(1, more=True, SSI={"last": 2}))
    with pytest.raises(Gap):
        replica.apply(commit(3, VNM={"last": 3}))

    assert repeated == NO_CHANGE
    assert prices(replica) == {"SSI": 1}


def test_a_load_forgets_the_parts_that_were_held_aside() -> None:
    replica = loaded(1, SSI={"last": 1})
    replica.apply(commit(1, more=True, SSI={"last": 2}))

    head = Head("20261123-bbbbbb", 1, "c", 1000, "server", more=False)
    change = replica.load(head, {Channel.MARKET: entries([("SSI", {"last": 1}, 1)])}, head)
    replica.apply(commit(1, epoch="20261123-bbbbbb", VNM={"last": 5}))

    assert change.new_epoch
    assert prices(replica) == {"SSI": 1, "VNM": 5}


def test_parts_without_end_are_a_gap_at_some_time(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "MAX_PARTS", 3)
    replica = loaded(1)

    for rev in (1, 2, 3):
        replica.apply(commit(rev, more=True, SSI={"last": rev}))
    with pytest.raises(Gap):
        replica.apply(commit(4, more=True, SSI={"last": 4}))


def test_what_was_loaded_in_the_middle_of_a_larger_change_is_not_shown_before_its_end() -> None:
    replica = loaded(3, more=True, SSI={"last": 3})

    before = replica.settled
    replica.apply(commit(3, more=True, VNM={"last": 4}))
    between = replica.settled
    replica.apply(commit(4, FPT={"last": 5}))

    assert (before, between, replica.settled) == (False, False, True)
    assert prices(replica) == {"SSI": 3, "VNM": 4, "FPT": 5}


def test_what_was_loaded_while_the_head_moved_is_not_shown_before_that_revision() -> None:
    replica = loaded(3, after=5, SSI={"last": 4})

    before = replica.settled
    replica.apply(commit(3, SSI={"last": 4}))
    replica.apply(commit(4, VNM={"last": 5}))

    assert (before, replica.settled) == (False, True)
    assert prices(replica) == {"SSI": 4, "VNM": 5}


def test_a_server_that_fell_back_to_an_older_state_teaches_nothing() -> None:
    replica = loaded(9, SSI={"last": 9})

    head = Head(EPOCH, 4, "c", 1000, "server", more=False)
    change = replica.load(head, {Channel.MARKET: entries([("SSI", {"last": 4}, 4)])}, head)

    assert change.keys == {}
    assert (replica.rev, prices(replica)) == (9, {"SSI": 9})


def test_an_older_copy_that_is_read_while_rows_of_several_moments_stand_here_does_not_make_them_whole() -> None:
    replica = loaded(3, after=5, SSI={"last": 5})

    head = Head(EPOCH, 2, "c", 1000, "server", more=False)
    replica.load(head, {Channel.MARKET: entries([("SSI", {"last": 2}, 2)])}, head)

    assert not replica.settled


def heartbeat(rev: int, checksum: int, epoch: str = EPOCH, time_ms: int = 2000) -> Heartbeat:
    return Heartbeat(epoch, rev, time_ms, {Channel.MARKET: checksum})


def test_a_table_that_differs_from_the_writers_at_the_same_revision_is_found() -> None:
    replica, writer = loaded(1, SSI={"last": 1}), loaded(1, SSI={"last": 1})
    writer.apply(commit(1, SSI={"last": 2}))
    replica.apply(commit(1, SSI={"last": 3}))  # as if a bug, or a broken memory, had made it so

    told = writer.tables[Channel.MARKET].checksum()

    assert replica.differences(heartbeat(2, told)) == [Channel.MARKET]
    assert writer.differences(heartbeat(2, told)) == []


def test_tables_are_only_compared_at_one_and_the_same_whole_revision() -> None:
    replica = loaded(2, SSI={"last": 1})
    held_aside = loaded(2, SSI={"last": 1})
    held_aside.apply(commit(2, more=True, SSI={"last": 2}))
    unsettled = loaded(2, after=4, SSI={"last": 1})

    assert replica.differences(heartbeat(3, 0)) == []
    assert replica.differences(heartbeat(2, 0, epoch="another")) == []
    assert replica.differences(Heartbeat(EPOCH, 2, 2000)) == []
    assert held_aside.differences(heartbeat(2, 0, time_ms=1001)) == []
    assert unsettled.differences(heartbeat(2, 0)) == []
    assert replica.differences(heartbeat(2, 0)) == [Channel.MARKET]


def test_what_the_writer_says_later_not_to_have_written_is_a_difference() -> None:
    shown, held_aside = loaded(2, SSI={"last": 1}), loaded(2, SSI={"last": 1})
    shown.apply(commit(2, SSI={"last": 9}))
    held_aside.apply(commit(2, more=True, SSI={"last": 9}))

    for replica in (shown, held_aside):
        assert replica.differences(heartbeat(2, 0, time_ms=1002)) == []  # said before that was written
        assert replica.differences(heartbeat(2, 0, time_ms=1003)) == list(Channel)


def test_positions_are_doubted_up_to_where_the_difference_was_found_and_not_in_the_next_epoch() -> None:
    replica = loaded(2, SSI={"last": 666})
    head, next_head = (Head(epoch, 2, "c", 1000, "server", more=False) for epoch in (EPOCH, "20261124-bbbbbb"))
    rows = {Channel.MARKET: entries([("SSI", {"last": 1}, 2)])}

    replica.distrust()
    replica.load(head, rows, head)
    doubted = replica.doubted_rev
    replica.load(next_head, rows, next_head)

    assert (doubted, replica.doubted_rev) == (2, 0)


def test_after_a_difference_everything_is_replaced_and_counts_as_new_for_clients() -> None:
    replica = loaded(2, SSI={"last": 666}, GONE={"last": 1})

    replica.distrust()
    head = Head(EPOCH, 2, "c", 1000, "server", more=False)
    change = replica.load(head, {Channel.MARKET: entries([("SSI", {"last": 1}, 2)])}, head)

    assert change.new_epoch
    assert prices(replica) == {"SSI": 1}
