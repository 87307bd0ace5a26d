"""What the ledger says may stand where."""

from local_stack.chaos.ledger import EpochLedger, Sent
from shared.channels import Channel
from shared.table import Row
from shared.wire import Commit
from tests.fakes.texts import texts

MARKET = Channel.MARKET


def test_a_row_stands_from_its_revision_to_the_next() -> None:
    ledger = EpochLedger()
    ran(ledger, 1, SSI={"last": 1})
    ran(ledger, 2, VNM={"last": 9})
    ran(ledger, 3, SSI={"last": 3})

    assert [rows(ledger, "SSI", rev) for rev in (0, 1, 2, 3, 4)] == [[None], [{"last": 1}]] + [[{"last": 1}]] + [
        [{"last": 3}]
    ] * 2


def test_a_removed_row_is_none() -> None:
    ledger = EpochLedger()
    ran(ledger, 1, SSI={"last": 1})
    ran(ledger, 2, SSI=None)

    assert rows(ledger, "SSI", 2) == [None]


def test_a_part_may_carry_newer_rows() -> None:
    ledger = EpochLedger()
    ran(ledger, 1, SSI={"last": 1})
    ran(ledger, 2, SSI={"last": 2})

    assert list(ledger.rows(MARKET, "SSI", 1, or_newer=True)) == [{"last": 2}, {"last": 1}]


def test_until_a_commit_is_answered_the_row_before_may_stand_as_well() -> None:
    ledger = EpochLedger()
    ran(ledger, 1, SSI={"last": 1})

    sent = send(ledger, 2, SSI={"last": 2})
    before = rows(ledger, "SSI", 2)
    ledger.confirm(sent, 1)

    assert before == [{"last": 2}, {"last": 1}]
    assert rows(ledger, "SSI", 2) == [{"last": 2}]


def test_of_two_commits_with_one_number_the_one_that_ran_counts() -> None:
    ledger = EpochLedger()
    ran(ledger, 1, SSI={"last": 1})
    send(ledger, 2, "of the dead leader", SSI={"last": 8}, VNM={"last": 8})
    heir = send(ledger, 2, "of its heir", SSI={"last": 2})
    before = rows(ledger, "SSI", 2)

    ledger.confirm(heir, 1)

    assert before == [{"last": 2}, {"last": 8}, {"last": 1}]
    assert rows(ledger, "SSI", 2) == [{"last": 2}]
    assert rows(ledger, "VNM", 2) == [None]


def test_a_commit_that_the_next_one_followed_ran_though_its_answer_was_lost() -> None:
    ledger = EpochLedger()
    ran(ledger, 1, SSI={"last": 1})
    send(ledger, 2, SSI={"last": 2})

    ran(ledger, 3, VNM={"last": 3})

    assert rows(ledger, "SSI", 3) == [{"last": 2}]


def test_a_commit_sent_twice_is_one() -> None:
    ledger = EpochLedger()

    assert send(ledger, 1, "same", SSI={"last": 1}) is send(ledger, 1, "same", SSI={"last": 1})


def test_a_replacement_has_rows_of_their_own_revisions_and_what_is_not_in_it_is_void() -> None:
    ledger = EpochLedger()
    ran(ledger, 1, SSI={"last": 1})
    send(ledger, 2, "lost with the server", SSI={"last": 2}, VNM={"last": 2})

    sent = ledger.replace("all", 3, {MARKET: {"SSI": (1, {"last": 1}), "FPT": (3, {"last": 3})}}, 0.0, more=False)
    ledger.confirm(sent, 0)

    assert [rows(ledger, key, 3) for key in ("SSI", "VNM", "FPT")] == [[{"last": 1}], [None], [{"last": 3}]]
    assert rows(ledger, "VNM", 2) == [{"last": 2}, None]  # who saw it before the server lost it
    assert rows(ledger, "FPT", 2) == [None]


def test_only_the_revisions_of_whole_changes_are_known() -> None:
    ledger = EpochLedger()
    ran(ledger, 1, SSI={"last": 1})
    ledger.send(Commit("e", 1, 2, 0, {MARKET: {"SSI": b"null"}}, more=True), "part", 0.0)

    assert [ledger.knows(rev) for rev in (0, 1, 2, 3)] == [False, True, False, False]


def test_changed_keys_are_those_in_between() -> None:
    ledger = EpochLedger()
    ran(ledger, 1, SSI={})
    ran(ledger, 2, VNM={})
    ran(ledger, 3, FPT={}, HPG={})
    ran(ledger, 4, ACB={})

    assert ledger.changed(MARKET, 1, 3) == {"VNM", "FPT", "HPG"}


def test_what_is_old_and_replaced_is_forgotten_and_the_rest_stays() -> None:
    ledger = EpochLedger()
    for rev in range(1, 6):
        ran(ledger, rev, now_s=float(rev), SSI={"last": rev})
    ran(ledger, 6, now_s=6.0, VNM={"last": 6})

    ledger.forget(4.5)

    assert ledger.floor_rev == 4
    assert [rows(ledger, "SSI", rev) for rev in (4, 5, 6)] == [[{"last": 4}], [{"last": 5}], [{"last": 5}]]
    assert len(ledger._versions[MARKET]["SSI"]) == 2
    assert ledger.knows(4)


def send(ledger: EpochLedger, rev: int, identity: str = "", now_s: float = 0.0, **rows: Row | None) -> Sent:
    return ledger.send(Commit("e", rev - 1, rev, 0, {MARKET: texts(rows)}), identity or f"commit {rev}", now_s)


def ran(ledger: EpochLedger, rev: int, now_s: float = 0.0, **rows: Row | None) -> None:
    ledger.confirm(send(ledger, rev, "", now_s, **rows), rev - 1)


def rows(ledger: EpochLedger, key: str, rev: int) -> list[Row | None]:
    return list(ledger.rows(MARKET, key, rev))
