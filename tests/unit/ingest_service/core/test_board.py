"""The tables of a day: what enters, what leaves, and when a day begins."""

from datetime import date

import pytest

from ingest_service.core import channel_rows
from ingest_service.core.board import Board
from ingest_service.core.calendar_rules import EXCHANGES
from ingest_service.core.invalid_row import InvalidRow
from ingest_service.core.sessions import midnight_ms
from ingest_service.core.symbols import Listing
from ingest_service.core.ticks import parse
from shared.channels import Channel
from tests.unit.ingest_service.core.a_feed import (
    DAY,
    FUTURE,
    FUTURE_X,
    MI,
    UNTRADED,
    B,
    CheckedBoard,
    F,
    R,
    X,
    a_tick,
    at_ms,
)

TUESDAY = {"TradingDate": "17/11/2026"}


def a_full_board() -> CheckedBoard:
    """One row at least in each channel."""
    checked = CheckedBoard()
    checked.board.set_feed("live", None, now_ms=5)
    checked.board.set_time(at_ms(10, 42), now_ms=at_ms(10, 42))
    checked.board.set_components({"VN30": ["SSI", "ACB"]})
    for template in (X, FUTURE_X, R, MI):
        checked.tell(template)
    checked.settle(at_ms(10, 42, 18))
    return checked


def time_passes(checked: CheckedBoard, day: date) -> None:
    """It is the morning of this day."""
    checked.board.set_time(at_ms(10, 42, day=day), now_ms=at_ms(10, 42, day=day))


def test_a_new_board_has_neither_day_nor_changes() -> None:
    board = Board()

    assert board.day is None
    assert board.take_changes() == {}


def test_changes_are_whole_rows_told_once() -> None:
    board = Board()
    board.apply(a_tick(X))
    board.apply(a_tick(X, LastPrice=31550.0))

    first, second = board.take_changes(), board.take_changes()

    row = first[Channel.MARKET]["SSI"]
    assert row is not None
    assert row["last"] == 31550
    assert second == {}


def test_the_first_tick_sets_the_day() -> None:
    checked = a_full_board()

    assert checked.board.day == DAY


def test_a_tick_of_a_later_day_starts_the_day_anew() -> None:
    checked = a_full_board()

    time_passes(checked, date(2026, 11, 17))
    checked.board.apply(a_tick(X, **TUESDAY, Symbol="ACB"))
    changes = checked.board.take_changes()
    share = checked.tell(X, **TUESDAY, **UNTRADED)
    index = checked.tell({"RType": "MI", "IndexId": "VN30"}, **TUESDAY, TotalQtty=5.0)

    assert checked.board.day == date(2026, 11, 17)
    assert set(changes[Channel.MARKET]) == {"ACB"}
    assert not changes.keys() & {Channel.FOREIGN, Channel.INDEX, Channel.DERIVATIVES}
    # Nothing of yesterday is in their rows.
    assert (share["last"], share["total_volume"], share["unseen_volume"]) == (None, 0, 0)
    assert (index["value"], index["total_volume"]) == (None, 5)


def test_after_a_new_day_the_lasting_rows_are_told_again_for_the_new_history() -> None:
    checked = a_full_board()

    time_passes(checked, date(2026, 11, 17))
    checked.board.apply(a_tick(X, **TUESDAY))
    changes = checked.board.take_changes()

    assert set(changes[Channel.SYMBOLS]) == {"SSI", FUTURE}
    assert {"VN30", "HOSE", "futures"} <= set(changes[Channel.GROUPS])
    feed = changes[Channel.STATUS]["feed"]
    assert feed is not None
    assert feed["day"] == "2026-11-17"
    assert {"HOSE", "HNX", "UPCOM", "DERIVATIVES"} <= set(changes[Channel.STATUS])


def test_an_expired_contract_leaves_the_symbols_with_the_new_day() -> None:
    checked = a_full_board()

    time_passes(checked, date(2026, 11, 20))
    checked.board.apply(a_tick(X, TradingDate="20/11/2026"))
    changes = checked.board.take_changes()

    assert changes[Channel.SYMBOLS][FUTURE] is None
    assert changes[Channel.GROUPS]["futures"] == {"keys": []}


def test_an_expired_contract_stays_away_though_lists_of_another_day_have_it_still() -> None:
    checked = a_full_board()
    time_passes(checked, date(2026, 11, 20))
    checked.tell(X, TradingDate="20/11/2026")

    checked.board.set_symbols([Listing(FUTURE, "DER"), Listing("41I1GC000", "DER")])
    checked.take()

    assert FUTURE not in checked.tables[Channel.SYMBOLS]
    assert checked.row(Channel.GROUPS, "futures") == {"keys": ["41I1GC000"]}


def test_a_contract_that_is_told_after_its_last_day_by_calendar_is_listed_as_it_trades() -> None:
    checked = a_full_board()
    time_passes(checked, date(2026, 11, 20))

    checked.tell(FUTURE_X, TradingDate="20/11/2026")

    assert checked.row(Channel.GROUPS, "futures") == {"keys": [FUTURE]}


def test_the_first_trades_of_a_new_day_are_seen_if_nobody_looked_away() -> None:
    checked = CheckedBoard()
    checked.tell(X)

    row = checked.tell(X, **TUESDAY, TotalVol=300.0, TradingSession="ATO")

    assert (row["neutral_volume"], row["unseen_volume"]) == (300, 0)


def test_a_message_of_an_older_day_is_refused_and_changes_nothing() -> None:
    checked = a_full_board()

    with pytest.raises(InvalidRow) as caught:
        checked.board.apply(a_tick(X, TradingDate="13/11/2026", LastPrice=1.0))

    assert caught.value.reason == "old_day"
    assert checked.board.take_changes() == {}


def test_a_message_without_a_day_is_of_the_present_one() -> None:
    checked = a_full_board()

    row = checked.tell(X, TradingDate=None, LastPrice=31600.0)

    assert row["last"] == 31600
    assert checked.board.oddities["missing_day"] == 1


def test_a_message_without_a_day_cannot_begin_one() -> None:
    with pytest.raises(InvalidRow) as caught:
        Board().apply(a_tick(X, TradingDate=None))

    assert caught.value.reason == "no_day"


def test_a_full_board_refuses_further_symbols_and_serves_those_it_has(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(channel_rows, "MAX_ROWS", 1)
    checked = CheckedBoard()
    checked.tell(X)

    with pytest.raises(InvalidRow) as caught:
        checked.board.apply(a_tick(X, Symbol="ACB"))
    row = checked.tell(X, LastPrice=31550.0)

    assert caught.value.reason == "too_many_rows"
    assert row["last"] == 31550


def test_bars_change_no_table() -> None:
    checked = CheckedBoard()

    checked.board.apply(a_tick(B))

    assert checked.board.take_changes() == {}


def test_oddities_are_counted_by_name() -> None:
    checked = CheckedBoard()

    checked.tell(X, AvgPrice="NaN", LastVol="1200")
    checked.tell(X, AvgPrice="NaN")

    assert checked.board.oddities == {"nan": 2, "numeric_text": 1}


def test_a_loaded_board_goes_on_where_the_other_stopped() -> None:
    checked = a_full_board()
    checked.tell(X, TotalVol=12345700.0)
    successor = CheckedBoard()
    assert checked.board.day is not None

    successor.board.load(checked.board.day, checked.tables)
    unchanged = successor.board.take_changes()
    row = successor.tell(X, TotalVol=12345900.0)

    assert unchanged == {}
    assert successor.board.oddities["stored_row"] == 0
    # 100 shares seen by the first board; 200 by none, as the second cannot know when they were traded.
    assert (row["active_buy_volume"], row["unseen_volume"], row["total_volume"]) == (100, 12345800, 12345900)


def test_a_loaded_board_repeats_nothing_when_the_feed_repeats_everything() -> None:
    checked = a_full_board()
    successor = Board()
    successor.load(DAY, checked.tables)

    for template in (X, FUTURE_X, R, MI):
        successor.apply(a_tick(template))

    assert successor.take_changes() == {}


def test_a_stored_row_of_another_form_is_left_out_and_counted() -> None:
    checked = a_full_board()
    board = Board()

    board.load(DAY, {Channel.MARKET: {"SSI": {"last": "31.5"}, FUTURE: checked.row(Channel.MARKET, FUTURE)}})

    assert board.oddities["stored_row"] == 1


def test_symbols_and_groups_exist_without_the_exchanges_lists() -> None:
    checked = a_full_board()

    assert checked.row(Channel.SYMBOLS, "SSI")["type"] == "stock"
    assert checked.row(Channel.GROUPS, "HOSE") == {"keys": ["SSI"]}
    assert checked.row(Channel.GROUPS, "futures") == {"keys": [FUTURE]}


def test_the_exchanges_lists_give_names_and_groups() -> None:
    checked = CheckedBoard()

    checked.board.set_symbols([Listing("SSI", "HOSE", "Chứng khoán Mẫu", "Sample Securities", "ST", "100")])
    checked.take()

    assert checked.row(Channel.SYMBOLS, "SSI")["name_vi"] == "Chứng khoán Mẫu"
    assert checked.row(Channel.GROUPS, "HOSE") == {"keys": ["SSI"]}


def test_a_tick_does_not_take_away_what_the_lists_told() -> None:
    checked = CheckedBoard()
    checked.board.set_symbols([Listing("SSI", "HOSE", "Chứng khoán Mẫu", "Sample Securities", "ST", "100")])
    checked.take()

    checked.tell(X)

    assert checked.row(Channel.SYMBOLS, "SSI")["name_en"] == "Sample Securities"


def test_the_thirty_components_of_an_index_are_its_group() -> None:
    checked = CheckedBoard()
    symbols = [f"S{number:02}" for number in range(30)]

    checked.board.set_components({"VN30": symbols})
    checked.take()

    assert checked.row(Channel.GROUPS, "VN30") == {"keys": symbols}


def test_an_empty_list_of_components_is_an_error_and_never_an_empty_board() -> None:
    checked = a_full_board()

    with pytest.raises(ValueError, match="no components for VN30"):
        checked.board.set_components({"HNX30": ["SHS"], "VN30": []})
    checked.take()

    assert checked.row(Channel.GROUPS, "VN30") == {"keys": ["ACB", "SSI"]}
    assert checked.row(Channel.MARKET, "SSI")["last"] == 31500


def test_the_feed_row_tells_when_state_or_reason_changed() -> None:
    checked = CheckedBoard()

    for now_ms, state, reason in ((1, "live", None), (2, "live", None), (3, "stale", "no data for 30 s")):
        checked.board.set_feed("live" if state == "live" else "stale", reason, now_ms)
        checked.take()
        if now_ms == 2:
            assert checked.last_changes == {}

    assert checked.row(Channel.STATUS, "feed") == {
        "state": "stale",
        "reason": "no data for 30 s",
        "changed_at": 3,
        "day": None,
        "simulated": False,
        "replay_time": None,
    }


def test_while_a_recording_is_played_the_feed_row_tells_its_time_in_whole_seconds() -> None:
    board = Board(replayed=True)

    board.set_feed("live", None, 1_795_405_337_123)

    row = board.take_changes()[Channel.STATUS]["feed"]
    assert row is not None
    assert row["replay_time"] == 1_795_405_337_000


def test_phases_follow_the_clock_when_nothing_comes() -> None:
    checked = CheckedBoard()
    checked.board.set_time(at_ms(11, 29, 59), now_ms=1)
    checked.take()

    checked.board.set_time(at_ms(11, 30), now_ms=2)
    checked.take()

    assert checked.row(Channel.STATUS, "HOSE") == {"phase": "break", "changed_at": 2}
    assert set(checked.last_changes[Channel.STATUS]) == {"HOSE", "HNX", "UPCOM", "DERIVATIVES"}


def test_a_phase_that_goes_on_is_no_change() -> None:
    checked = CheckedBoard()
    checked.board.set_time(at_ms(10, 0), now_ms=1)
    checked.take()

    checked.board.set_time(at_ms(10, 30), now_ms=2)

    assert checked.board.take_changes() == {}


def test_what_the_feed_says_of_a_session_is_heard() -> None:
    checked = CheckedBoard()
    checked.tell(MI, TradingSession="PLO", Time="14:50:00")
    checked.tell(F, Symbol=FUTURE, Exchange="DERIVATIVES", TradingSession="PT", Time="14:50:00")

    checked.board.set_time(at_ms(14, 50, 10), now_ms=1)
    checked.take()

    assert checked.row(Channel.STATUS, "HOSE")["phase"] == "plo"
    assert checked.row(Channel.STATUS, "DERIVATIVES")["phase"] == "put_through"


X_TODAY = (
    '{"DataType":"X","Content":{"RType":"X","TradingDate":"23/11/2026","Time":"10:00:00","Symbol":"SSI",'
    '"LastPrice":31500.0,"LastVol":100.0,"TotalVol":100.0,"RefPrice":31200.0}}'
)


def test_a_broken_date_far_ahead_does_not_end_the_day() -> None:
    board = Board()
    now_ms = midnight_ms(date(2026, 11, 23)) + 10 * 3_600_000
    board.set_time(now_ms, now_ms)
    board.apply(parse(X_TODAY))

    with pytest.raises(InvalidRow) as refused:
        board.apply(parse(X_TODAY.replace("23/11/2026", "23/11/2062")))
    board.apply(parse(X_TODAY))

    assert refused.value.reason == "future_day"
    assert board.day == date(2026, 11, 23)


def test_symbols_without_end_are_not_listed_and_their_prices_are_shown_all_the_same(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    checked = CheckedBoard()
    checked.tell(X, Symbol="AAA")
    checked.board.set_symbols([Listing("BBB", market="HOSE")])
    monkeypatch.setattr(channel_rows, "MAX_ROWS", 2)

    row = checked.tell(X, Symbol="CCC")
    checked.board.set_symbols([Listing("DDD", market="HOSE"), Listing("AAA", name_en="First", market="HOSE")])
    checked.take()

    assert row["last"] is not None
    assert set(checked.tables[Channel.SYMBOLS]) == {"AAA", "BBB"}
    assert checked.row(Channel.SYMBOLS, "AAA")["name_en"] == "First"
    assert checked.board.oddities["too_many_symbols"] == 2


@pytest.mark.parametrize(
    ("day", "clock"),
    [
        (date(2026, 11, 16), (20, 0)),
        (date(2026, 11, 17), (7, 30)),
        (date(2026, 11, 21), (10, 0)),  # a Saturday
        (date(2027, 1, 1), (10, 0)),  # a holiday
    ],
)
def test_until_the_first_row_of_the_next_day_the_last_one_is_shown_closed(day: date, clock: tuple[int, int]) -> None:
    checked = a_full_board()
    market = checked.row(Channel.MARKET, "SSI")
    now_ms = at_ms(*clock, day=day)

    checked.board.set_feed("quiet", "no data is due now", now_ms)
    checked.board.set_time(now_ms, now_ms)
    checked.take()

    assert checked.board.day == DAY
    assert checked.row(Channel.STATUS, "feed")["day"] == DAY.isoformat()
    assert {checked.row(Channel.STATUS, exchange)["phase"] for exchange in EXCHANGES} == {"closed"}
    assert checked.last_changes.keys() <= {Channel.STATUS, Channel.FOREIGN}  # speeds of foreigners come to rest
    assert checked.row(Channel.MARKET, "SSI") == market


def test_a_burst_of_yesterdays_last_rows_before_the_opening_is_shown_as_yesterday_until_today_comes() -> None:
    """Each subscription brings the last message of each symbol, at any hour, under the day that it was of."""
    checked = CheckedBoard()
    morning = at_ms(8, 30, day=date(2026, 11, 17))
    checked.board.set_time(morning, morning)

    for symbol in ("SSI", "ACB"):
        checked.tell(X, Symbol=symbol, Time="14:45:03", TradingSession="C")
    of_yesterday = checked.board.day
    phases = {checked.row(Channel.STATUS, exchange)["phase"] for exchange in EXCHANGES}
    checked.tell(X, **TUESDAY, Symbol="SSI", Time="08:30:05", TradingSession="C", **UNTRADED)

    assert (of_yesterday, checked.board.day) == (DAY, date(2026, 11, 17))
    assert phases == {"pre_open"}
    assert set(checked.last_changes[Channel.MARKET]) == {"SSI"}


def test_a_row_of_yesterday_that_is_repeated_later_rolls_neither_day_nor_rows_nor_phases_back() -> None:
    checked = CheckedBoard()
    checked.tell(X, **TUESDAY, Time="14:31:00", TradingSession="ATC")
    checked.board.set_time(*[at_ms(14, 32, day=date(2026, 11, 17))] * 2)
    checked.take()
    tables = {channel: dict(rows) for channel, rows in checked.tables.items()}

    for template in (X, FUTURE_X, R, MI):
        with pytest.raises(InvalidRow, match="earlier trading day"):
            checked.board.apply(a_tick(template, Time="10:00:00"))
    checked.board.set_time(*[at_ms(14, 33, day=date(2026, 11, 17))] * 2)
    checked.take()

    assert checked.board.day == date(2026, 11, 17)
    assert checked.tables == tables


@pytest.mark.parametrize("exchange", ["DER", "DERIVATIVES"])
def test_sessions_of_futures_are_heard_under_either_name_of_their_exchange(exchange: str) -> None:
    checked = CheckedBoard()
    checked.tell(F, Symbol=FUTURE, Exchange=exchange, MarketId=exchange, TradingSession="ATC", Time="14:47:00")

    checked.board.set_time(at_ms(14, 47, 10), now_ms=1)
    checked.take()

    assert checked.row(Channel.STATUS, "DERIVATIVES")["phase"] == "atc"


def test_a_session_is_heard_whichever_name_the_time_has() -> None:
    """Messages have Time, TradingTime, or one of them only."""
    checked, without_time = CheckedBoard(), {name: value for name, value in MI.items() if name != "Time"}
    checked.tell(without_time, TradingSession="ATC", TradingTime="14:47:00")

    checked.board.set_time(at_ms(14, 47, 10), now_ms=1)
    checked.take()

    assert checked.row(Channel.STATUS, "HOSE")["phase"] == "atc"
