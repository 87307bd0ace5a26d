"""When the feed counts as alive, and what is demanded if it does not."""

from datetime import date

import pytest

from ingest_service.core.feed_watch import BACK_S, DATA_SILENCE_S, FeedWatch
from ingest_service.core.sessions import Calendar, Exchange, midnight_ms
from tests.unit.ingest_service.core.a_calendar import a_calendar, with_holidays

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
    watch = FeedWatch(0.0, at(MONDAY, 10), with_holidays(MONDAY))
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


def test_no_hour_of_a_day_demands_data_but_those_in_which_two_exchanges_trade() -> None:
    watch = a_watch(at(MONDAY, 0))
    watch.opened(0.0)

    demanded = [minute for minute in range(24 * 60) if watch.check(minute * 60.0) == "reconnect"]

    morning, afternoon = (9 * 60 + 1, 11 * 60 + 29), (13 * 60 + 1, 14 * 60 + 44)
    assert (demanded[0], demanded[-1]) == (morning[0], afternoon[1])
    assert [minute for minute in demanded if morning[1] < minute < afternoon[0]] == []
    assert len(demanded) == (morning[1] - morning[0] + 1) + (afternoon[1] - afternoon[0] + 1)


def test_a_day_that_ends_at_noon_is_silent_afterwards() -> None:
    calendar = a_calendar(
        '[[hours]]\nexchanges = ["HOSE", "HNX", "UPCOM", "DERIVATIVES"]\non = [2026-11-23]\n'
        'phases = ["09:00 continuous", "11:30 closed"]'
    )
    watch = FeedWatch(0.0, at(MONDAY, 13, 30), calendar)
    watch.opened(0.0)

    demands = [watch.check(second) for second in (1.0, 40.0, 300.0)]

    assert demands == [None] * 3
    assert watch.state == "quiet"


def test_a_saturday_of_trading_in_the_calendar_demands_data() -> None:
    watch = FeedWatch(0.0, at(SATURDAY, 10), a_calendar("[trading_weekends]\n2026 = [2026-11-21]"))
    watch.opened(0.0)

    assert watch.check(31.0) == "reconnect"


@pytest.mark.parametrize("speed", [1, 60, 240])
def test_a_silence_lasts_thirty_seconds_that_have_really_passed_however_fast_the_market_runs(speed: int) -> None:
    watch = a_watch(at(MONDAY, 10))
    watch.opened(0.0)
    for tenth in range(100):
        live(watch, tenth / 10, "X", at(MONDAY, 10) + tenth * speed * 100)

    early, late = watch.check(9.9 + DATA_SILENCE_S - 0.1), watch.check(9.9 + DATA_SILENCE_S + 0.1)

    assert (early, late) == (None, "reconnect")


def test_a_message_tells_when_another_phase_has_begun() -> None:
    watch = with_data(at(MONDAY, 11, 29))

    told = [watch.data(second, "X", "SSI", at(MONDAY, 11, 29) + second * 1000) for second in (57, 59, 60, 61)]

    assert told == [False, False, True, False]


def test_the_next_phase_is_awaited_by_the_clock_when_nothing_comes() -> None:
    watch = with_data(at(MONDAY, 11, 29))  # 11:29:06 at 6 s

    assert watch.until_phase_s(10.0) == 50.0
    watch.check(60.0)
    assert watch.until_phase_s(60.0) == 90 * 60.0


def test_times_that_overtake_each_other_by_seconds_never_turn_the_clock_back() -> None:
    watch = with_data(at(MONDAY, 11, 30))
    live(watch, 10.0, "X", at(MONDAY, 11, 30) + 10_000)

    live(watch, 10.1, "R", at(MONDAY, 11, 29) + 58_000)

    assert watch.market_ms(10.1) == at(MONDAY, 11, 30) + 10_100


def test_old_messages_that_are_repeated_among_new_ones_do_not_turn_the_clock_back() -> None:
    watch = with_data(at(MONDAY, 14))

    for tenth in range(100, 300):
        live(watch, tenth / 10, "X", at(MONDAY, 9, 20) + tenth * 100)
        live(watch, tenth / 10, "MI", at(MONDAY, 14) + tenth * 100)

    assert watch.market_ms(30.0) == pytest.approx(at(MONDAY, 14) + 30_000, abs=200)


def test_one_time_far_ahead_does_not_move_the_clock_and_two_do() -> None:
    watch = with_data(at(MONDAY, 10))

    watch.data(7.0, "X", "SSI", at(MONDAY, 14))
    after_one = watch.market_ms(7.0)
    watch.data(7.0, "X", "SSI", at(MONDAY, 14) + 1000)

    assert after_one == at(MONDAY, 10) + 7000
    assert watch.market_ms(7.0) == at(MONDAY, 14) + 1000


@pytest.mark.parametrize("speed", [1, 240])
def test_a_clock_that_was_wrong_goes_back_when_nothing_else_is_told_for_some_seconds(speed: int) -> None:
    watch = with_data(at(MONDAY, 14))

    for second in range(int(BACK_S)):
        live(watch, 10.0 + second, "X", at(MONDAY, 9) + second * speed * 1000)
    before = watch.market_ms(14.0)
    told = watch.data(10 + BACK_S, "X", "SSI", at(MONDAY, 10))

    assert before == at(MONDAY, 14) + 14_000
    assert watch.market_ms(15.0) == at(MONDAY, 10)
    assert told


def test_before_the_opening_yesterdays_snapshot_does_not_make_it_yesterday() -> None:
    watch = a_watch(at(MONDAY, 8, 30))
    watch.opened(0.0)

    for symbol in ("SSI", "VNM", "FPT"):
        watch.data(1.0, "X", symbol, at(date(2026, 11, 20), 14, 45))

    assert watch.market_ms(1.0) == at(MONDAY, 8, 30) + 1000
    assert watch.check(300.0) is None
    assert watch.state == "quiet"


def test_a_market_that_the_feed_has_called_closed_owes_no_data() -> None:
    watch = with_data(at(MONDAY, 13, 30))
    closed: list[Exchange] = ["HOSE", "HNX", "UPCOM"]

    for exchange in closed[:-1]:
        watch.hear(exchange, "C", at(MONDAY, 13, 30))
    in_part = watch.check(37.0)
    watch.hear(closed[-1], "C", at(MONDAY, 13, 30))
    demands = [watch.check(second) for second in (80.0, 300.0)]

    assert in_part == "reconnect"
    assert demands == [None, None]
    assert watch.state == "quiet"


def test_a_word_of_the_morning_that_all_is_closed_does_not_excuse_silence_after_the_opening() -> None:
    watch = with_data(at(MONDAY, 10))
    exchanges: list[Exchange] = ["HOSE", "HNX", "UPCOM"]

    for exchange in exchanges:
        watch.hear(exchange, "C", at(MONDAY, 8, 30))

    assert watch.check(37.0) == "reconnect"


def test_a_clock_that_went_back_hears_of_the_sessions_of_its_time() -> None:
    watch = with_data(at(MONDAY, 14))
    exchanges: list[Exchange] = ["HOSE", "HNX", "UPCOM"]
    for exchange in exchanges:
        watch.hear(exchange, "LO", at(MONDAY, 14))
    for second in range(int(BACK_S) + 1):
        live(watch, 10.0 + second, "X", at(MONDAY, 10))

    for exchange in exchanges:
        watch.hear(exchange, "C", at(MONDAY, 10))

    assert [watch.check(second) for second in (60.0, 300.0)] == [None, None]
    assert watch.state == "quiet"
