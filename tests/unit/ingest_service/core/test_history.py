"""The history of one epoch: numbers, parts, and what waits."""

from datetime import date

from ingest_service.core.history import MAX_ROWS, History, day_of, epoch_of
from shared.channels import Channel
from shared.table import Row


def rows(count: int, last: int = 0) -> dict[str, Row | None]:
    """So many rows."""
    return {f"S{number:04}": {"last": last} for number in range(count)}


def commits(history: History) -> list[tuple[int, int, int, bool]]:
    """(from, rev, rows, more) of all commits that wait."""
    found = []
    while (commit := history.next_commit(0)) is not None:
        found.append((commit.from_rev, commit.rev, sum(map(len, commit.rows.values())), commit.more))
    return found


def test_an_epoch_tells_its_trading_day() -> None:
    epoch = epoch_of(date(2026, 11, 23), "k3f9q2")

    assert epoch == "20261123-k3f9q2"
    assert day_of(epoch) == date(2026, 11, 23)


def test_each_commit_follows_the_one_before() -> None:
    history = History("e")
    history.stage({Channel.MARKET: rows(1, 1)})
    first = commits(history)
    history.stage({Channel.INDEX: rows(2, 2)})

    assert first + commits(history) == [(0, 1, 1, False), (1, 2, 2, False)]


def test_what_changes_while_a_commit_is_under_way_waits_merged() -> None:
    history = History("e")
    for last in range(1, 100):
        history.stage({Channel.MARKET: {"SSI": {"last": last}}})

    commit = history.next_commit(0)

    assert commit is not None
    assert commit.rows == {Channel.MARKET: {"SSI": b'{"last":99}'}}


def test_a_value_that_is_back_where_it_was_is_no_commit() -> None:
    history = History("e")
    history.stage({Channel.MARKET: {"SSI": {"last": 1}}})
    commits(history)
    history.stage({Channel.MARKET: {"SSI": {"last": 2}}})
    history.stage({Channel.MARKET: {"SSI": {"last": 1}}})

    assert history.next_commit(0) is None
    assert history.rev == 1


def test_a_large_change_is_several_commits_and_all_but_the_last_say_more() -> None:
    history = History("e")
    history.stage({Channel.MARKET: rows(2 * MAX_ROWS + 10)})

    assert commits(history) == [(0, 1, MAX_ROWS, True), (1, 2, MAX_ROWS, True), (2, 3, 10, False)]


def test_later_changes_wait_until_a_large_one_is_complete_so_that_it_ends() -> None:
    history = History("e")
    history.stage({Channel.MARKET: rows(MAX_ROWS + 1)})
    first = history.next_commit(0)
    history.stage({Channel.MARKET: rows(MAX_ROWS + 1, last=5)})
    second = history.next_commit(0)

    assert first is not None
    assert second is not None
    assert (first.more, second.more) == (True, False)


def test_rows_stand_in_the_tables_at_the_revision_of_their_commit() -> None:
    history = History("e")
    history.stage({Channel.MARKET: {"SSI": {"last": 1}}})
    commits(history)
    history.stage({Channel.MARKET: {"VNM": {"last": 2}}})
    commits(history)

    assert list(history.stored_rows(Channel.MARKET)) == [("SSI", b'1 {"last":1}'), ("VNM", b'2 {"last":2}')]


def test_a_new_day_keeps_what_lasts_and_drops_the_rest() -> None:
    history = History("old")
    history.stage({Channel.MARKET: rows(1), Channel.SYMBOLS: rows(2), Channel.GROUPS: rows(1)})
    commits(history)

    heir = history.successor("new")

    assert (heir.epoch, heir.rev) == ("new", 1)
    assert {channel: len(table) for channel, table in heir.tables.items() if len(table)} == {
        Channel.SYMBOLS: 2,
        Channel.GROUPS: 1,
    }
