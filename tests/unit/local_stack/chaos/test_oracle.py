"""What a connection must say: the status first, and true."""

import pytest

from local_stack.chaos.complaint import Kind
from tests.unit.local_stack.chaos.a_market import Market


@pytest.fixture
def market() -> Market:
    """Connected; one row has come."""
    market = Market()
    market.commit(1, {"SSI": {"last": 1}})
    market.connect()
    market.snapshot(1, {"SSI": {"last": 1}}, id=1)
    return market


def test_a_connection_that_does_not_begin_with_a_status_is_found() -> None:
    market = Market()
    market.commit(1, {"SSI": {"last": 1}})
    market.oracle.opened(market.now_s)

    market.snapshot(1, {"SSI": {"last": 1}}, id=1)

    assert market.complaints == [Kind.RULE]


def test_an_error_is_found(market: Market) -> None:
    market.take({"type": "error", "code": "invalid_json", "message": "not JSON"})

    assert market.complaints == [Kind.RULE]


def test_a_frame_that_is_none_is_found(market: Market) -> None:
    market.oracle.take(b"{", market.now_s, 0.0)
    market.take({"type": "update", "channel": "market"})

    assert market.complaints == [Kind.RULE, Kind.RULE]


def test_a_type_that_is_not_known_is_ignored(market: Market) -> None:
    market.take({"type": "weather", "id": "x"})

    assert market.complaints == []


def test_a_status_that_says_connected_while_no_data_comes_is_found_once(market: Market) -> None:
    market.now_s += 7.9
    market.oracle.check(market.now_s)
    in_time = market.complaints
    market.now_s += 0.2
    market.oracle.check(market.now_s)
    market.oracle.check(market.now_s)

    assert in_time == []
    assert market.complaints == [Kind.STATUS]


def test_old_data_is_no_data(market: Market) -> None:
    before_ms = round(market.now_s * 1000)
    market.now_s += 8.1
    market.commit(2, {"SSI": {"last": 2}})
    market.update(1, 2, {"SSI": {"last": 2}}, time=before_ms)

    market.oracle.check(market.now_s)

    assert market.complaints == [Kind.DELAY, Kind.STATUS]


def test_an_outage_that_is_told_is_true(market: Market) -> None:
    market.now_s += 5
    market.status(connected=False, feed="down")
    market.now_s += 60

    market.oracle.check(market.now_s)

    assert market.complaints == []


def test_after_an_outage_data_may_follow_a_status_by_a_moment_and_no_longer(market: Market) -> None:
    market.status(connected=False, feed="live")
    market.now_s += 20
    market.status(connected=True)
    market.now_s += 1.9
    market.oracle.check(market.now_s)
    in_time = market.complaints
    market.now_s += 0.2
    market.oracle.check(market.now_s)

    assert in_time == []
    assert market.complaints == [Kind.STATUS]


def test_nobody_is_judged_without_a_connection(market: Market) -> None:
    market.oracle.closed()
    market.now_s += 60

    market.oracle.check(market.now_s)

    assert market.complaints == []
    assert not market.oracle.connected


def test_who_reads_only_now_and_then_is_not_judged_by_silence() -> None:
    market = Market(ordinary=False)
    market.connect()
    market.now_s += 60

    market.oracle.watches.clear()
    market.oracle.check(market.now_s)

    assert market.complaints == []


def test_the_feed_is_back_when_its_data_is(market: Market) -> None:
    market.status(connected=False, feed="stale")
    market.commit(2, {"SSI": {"last": 2}})
    market.update(1, 2, {"SSI": {"last": 2}})
    market.status(connected=True)

    assert market.complaints == []


def test_a_feed_that_is_said_to_be_back_before_its_data_is_found(market: Market) -> None:
    market.status(connected=False, feed="down")
    market.status(connected=True)

    assert market.complaints == [Kind.STATUS]


def test_who_holds_nothing_is_owed_no_data_before_the_feed_is_said_to_be_back() -> None:
    market = Market()
    market.connect()
    market.status(connected=False, feed="down")

    market.status(connected=True)

    assert market.complaints == []


def test_after_an_outage_of_the_broker_no_data_needs_to_come_first(market: Market) -> None:
    market.status(connected=False, feed="live")
    market.status(connected=True)

    assert market.complaints == []


def test_the_longest_wait_is_that_which_touches_the_fault(market: Market) -> None:
    market.oracle.advances.clear()
    market.oracle.advances.extend([10.0, 19.0, 20.0, 22.5, 23.0, 23.5])

    assert market.oracle.longest_wait_s(21.0, 23.2) == 2.5
    assert market.oracle.longest_wait_s(21.0, 27.5) == 4.0
    assert market.oracle.longest_wait_s(12.0, 13.0) == 9.0
