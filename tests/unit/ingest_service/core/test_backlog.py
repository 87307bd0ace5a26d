"""What a standby keeps of the feed, and what it may claim to have seen."""

from ingest_service.core.backlog import KEPT_MS, MARGIN_MS, MAX_TICKS, Backlog
from tests.unit.ingest_service.core.a_feed import X, a_tick

TICK = a_tick(X)


def filled(*read_at_ms: int) -> Backlog:
    backlog = Backlog()
    for moment_ms in read_at_ms:
        backlog.take(TICK, moment_ms)
    return backlog


def test_an_empty_backlog_covers_nothing() -> None:
    assert not Backlog().covers(10**13)


def test_it_covers_a_leader_that_was_heard_some_time_after_the_first_tick() -> None:
    backlog = filled(10_000, 10_100)

    assert not backlog.covers(10_000 + MARGIN_MS - 1)
    assert backlog.covers(10_000 + MARGIN_MS)


def test_a_quiet_feed_takes_nothing_from_what_is_covered() -> None:
    assert filled(10_000).covers(10_000_000)


def test_ticks_that_are_too_old_go_and_are_not_covered_any_more() -> None:
    backlog = filled(0, 5_000, KEPT_MS + 1)

    assert len(backlog) == 2
    assert not backlog.covers(MARGIN_MS - 1)
    assert backlog.covers(MARGIN_MS)


def test_a_full_backlog_forgets_its_oldest_ticks_and_says_so() -> None:
    backlog = filled(0, 1, 2, *(3 for _ in range(MAX_TICKS)))

    assert len(backlog) == MAX_TICKS
    assert not backlog.covers(MARGIN_MS + 1)
    assert backlog.covers(MARGIN_MS + 2)


def test_it_is_whole_from_the_opening_of_a_link_until_something_had_to_go() -> None:
    backlog = filled(0)
    whole_at_first = backlog.whole

    backlog.take(TICK, KEPT_MS + 1)
    shortened = backlog.whole
    backlog.link_lost()
    lost = backlog.whole
    backlog.link_opened()

    assert (whole_at_first, shortened, lost, backlog.whole) == (True, False, False, True)


def test_after_a_lost_link_only_what_came_since_is_covered() -> None:
    backlog = filled(10_000)

    backlog.link_lost()
    backlog.take(TICK, 20_000)

    assert len(backlog) == 1
    assert not backlog.covers(20_000)
    assert backlog.covers(20_000 + MARGIN_MS)
