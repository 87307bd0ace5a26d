"""When the feed counts as alive, and what is demanded if it does not."""

from datetime import date

from ingest_service.core.feed_watch import FeedWatch
from ingest_service.core.sessions import Calendar, midnight_ms

MONDAY = date(2026, 11, 23)
SATURDAY = date(2026, 11, 21)


def at(day: date, hour: int, minute: int = 0) -> int:
    """A market time, Unix ms."""
    return midnight_ms(day) + (hour * 60 + minute) * 60_000


def a_watch(market_ms: int) -> FeedWatch:
    """A watch whose clock begins at 0 s."""
    return FeedWatch(0.0, market_ms, Calendar())


def live(watch: FeedWatch, now_s: float, data_type: str, market_ms: int | None) -> None:
    """A message that is no part of the snapshot: it comes a second time."""
    watch.data(now_s, data_type, "SSI", market_ms)
    watch.data(now_s, data_type, "SSI", market_ms)


def with_data(market_ms: int) -> FeedWatch:
    """A link on which data has come, also after the first snapshot, at 6 s."""
    watch = a_watch(market_ms)
    watch.opened(0.0)
    for data_type in ("X", "R", "MI"):
        live(watch, 6.0, data_type, market_ms + 6000)
    return watch


def test_a_link_without_data_is_not_live_yet() -> None:
    watch = a_watch(at(MONDAY, 10))

    watch.opened(0.0)
    watch.check(1.0)

    assert watch.state == "down"


def test_data_makes_it_live_and_a_lost_link_down_with_the_reason() -> None:
    watch = with_data(at(MONDAY, 10))
    live = watch.state

    watch.closed("closed by the server")

    assert live == "live"
    assert (watch.state, watch.reason) == ("down", "closed by the server")


def test_thirty_seconds_of_silence_in_continuous_trading_are_stale_and_demand_a_new_link() -> None:
    watch = with_data(at(MONDAY, 10))

    early = watch.check(35.9)
    late = watch.check(36.1)

    assert early is None
    assert (late, watch.state) == ("reconnect", "stale")


def test_the_demand_is_not_repeated_at_once() -> None:
    watch = with_data(at(MONDAY, 10))
    watch.check(36.1)

    assert watch.check(37.0) is None
    assert watch.check(70.0) == "reconnect"


def test_silence_at_lunch_and_at_the_weekend_is_quiet() -> None:
    for market_ms in (at(MONDAY, 12), at(SATURDAY, 10), at(MONDAY, 20)):
        watch = a_watch(market_ms)
        watch.opened(0.0)

        demands = [watch.check(second) for second in (1.0, 20.0, 40.0, 300.0)]

        assert demands == [None] * 4
        assert watch.state == "quiet"


def test_silence_that_began_at_lunch_counts_from_the_afternoon_on() -> None:
    watch = with_data(at(MONDAY, 12, 59))

    at_noon, too_early, late = watch.check(50.0), watch.check(80.0), watch.check(91.0)

    assert (at_noon, too_early, late) == (None, None, "reconnect")


def test_the_market_s_time_comes_from_the_feed_not_from_the_machine() -> None:
    watch = a_watch(at(SATURDAY, 3))
    watch.opened(0.0)

    live(watch, 6.0, "X", at(MONDAY, 10))

    assert watch.market_ms(8.0) == at(MONDAY, 10) + 2000
    assert watch.check(37.0) == "reconnect"


def test_a_wanted_type_that_stays_silent_beside_others_demands_a_connection_for_each_channel_once() -> None:
    watch = a_watch(at(MONDAY, 10))
    watch.opened(0.0)

    demands = []
    for second in range(1, 120):
        live(watch, float(second), "X", at(MONDAY, 10) + second * 1000)
        live(watch, float(second), "MI", at(MONDAY, 10) + second * 1000)
        demands.append(watch.check(float(second)))

    assert demands.count("split") == 1
    assert demands.index("split") == 59


def test_a_holiday_is_quiet() -> None:
    watch = FeedWatch(0.0, at(MONDAY, 10), Calendar({MONDAY}))
    watch.opened(0.0)

    demands = [watch.check(second) for second in (1.0, 40.0, 300.0)]

    assert demands == [None] * 3
    assert watch.state == "quiet"


def test_a_day_on_which_data_flows_is_no_holiday() -> None:
    watch = FeedWatch(0.0, at(SATURDAY, 10), Calendar())
    watch.opened(0.0)
    live(watch, 6.0, "X", at(SATURDAY, 10))

    assert watch.check(36.1) == "reconnect"


def test_old_times_in_the_first_snapshot_do_not_set_the_clock_back() -> None:
    watch = a_watch(at(MONDAY, 10))
    watch.opened(0.0)

    watch.data(1.0, "X", "SSI", at(date(2026, 11, 20), 15))  # Friday's close

    assert watch.check(31.1) == "reconnect"


def test_the_first_data_ends_a_stall() -> None:
    watch = with_data(at(MONDAY, 10))
    watch.check(36.1)

    live(watch, 37.0, "X", at(MONDAY, 10) + 37_000)

    assert (watch.state, watch.reason) == ("live", None)


def test_a_new_link_after_a_stall_gets_its_thirty_seconds() -> None:
    watch = with_data(at(MONDAY, 10))
    watch.check(36.1)
    watch.closed("dropped")

    watch.opened(37.0)

    assert watch.check(66.9) is None
    assert watch.state == "down"
    assert watch.check(67.1) == "reconnect"


def test_a_message_without_a_time_is_data_all_the_same() -> None:
    watch = with_data(at(MONDAY, 10))

    live(watch, 30.0, "X", None)

    assert watch.check(40.0) is None
    assert watch.state == "live"


def test_a_silent_type_counts_in_continuous_trading_only() -> None:
    watch = a_watch(at(MONDAY, 9, 10))  # the opening auction of HOSE; continuous trading begins after 300 s
    watch.opened(0.0)

    demands = {}
    for second in range(1, 400):
        live(watch, float(second), "X", at(MONDAY, 9, 10) + second * 1000)
        demands[second] = watch.check(float(second))

    assert [second for second, demand in demands.items() if demand] == [360]
