"""The window of a view."""

from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from publisher_service.core.throttle import Throttle


def test_the_first_change_after_quiet_may_leave_at_once() -> None:
    throttle = Throttle(interval_s=0.5)

    first = throttle.notify()

    assert first
    assert throttle.open_at_s < 0


def test_a_change_within_the_window_waits_for_its_end() -> None:
    throttle = Throttle(interval_s=0.5)
    throttle.notify()
    throttle.flushed(10.0)

    first = throttle.notify()

    assert first
    assert throttle.open_at_s == 10.5


def test_further_changes_ask_for_no_further_flush() -> None:
    throttle = Throttle(interval_s=0.5)
    throttle.notify()

    assert not throttle.notify()
    assert not throttle.notify()


@given(gaps=st.lists(st.floats(0.001, 2.0), min_size=1, max_size=60))
def test_no_change_waits_longer_than_an_interval_and_flushes_keep_their_distance(gaps: list[float]) -> None:
    throttle, now_s, due_s = Throttle(interval_s=0.5), 0.0, None
    flushes: list[float] = []
    waiting_since_s: float | None = None
    for gap in [*gaps, 10.0]:
        now_s += gap
        if due_s is not None and due_s <= now_s:
            assert waiting_since_s is not None
            assert due_s - waiting_since_s <= 0.5 + 1e-9
            throttle.flushed(due_s)
            flushes.append(due_s)
            due_s = waiting_since_s = None
        if throttle.notify():
            due_s = max(throttle.open_at_s, now_s)
            waiting_since_s = now_s

    assert all(later - earlier >= 0.5 - 1e-9 for earlier, later in pairwise(flushes))
    assert flushes
