"""What the guard refuses, what it knows as an exception, and what it comes to believe."""

from collections import Counter
from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ingest_service.core import guard as guard_file
from ingest_service.core.board import Board
from ingest_service.core.guard import AGREEING, ENOUGH, ENOUGH_MS, Offence
from ingest_service.core.quarantine import MAX_KEPT, TOLD_AGAIN_MS, Quarantine
from ingest_service.core.symbols import Listing
from shared.channels import Channel
from shared.table import JSON, Row
from tests.unit.ingest_service.core.a_feed import (
    DAY,
    FUTURE_X,
    MI,
    OL,
    UNTRADED,
    X_QUOTE,
    X_TRADE,
    CheckedBoard,
    F,
    R,
    X,
    a_tick,
    at_ms,
)

NEXT = {"TotalVol": 12345700.0}
#: One step above the ceiling.
TOO_HIGH: dict[str, JSON] = {"LastPrice": 33400.0, "High": 33400.0}


def refusal(board: Board, template: dict[str, JSON], **changes: JSON) -> str | None:
    """Why a message is refused; None if it is taken."""
    try:
        board.apply(a_tick(template, **changes))
    except Offence as offence:
        return offence.reason
    return None


def a_board() -> Board:
    board = Board(now_ms=at_ms(10, 42, 30))
    for template in (X, FUTURE_X, R, MI, OL):
        board.apply(a_tick(template))
    board.take_changes()
    return board


def pass_time(board: Board, seconds: float) -> None:
    """Since the board was made."""
    board.set_time(at_ms(10, 42, 30) + round(1000 * seconds), at_ms(10, 42, 30) + round(1000 * seconds))


def ssi(board: Board) -> Row:
    row = board.take_changes()[Channel.MARKET]["SSI"]
    assert row is not None
    return row


# Exceptions


@pytest.mark.parametrize(
    "changes",
    [
        {"LastPrice": 33350.0, "High": 33350.0},
        {"LastPrice": 29050.0, "Low": 29050.0},
        {**UNTRADED, "LastPrice": 50.0, "TotalVol": 0.0},
        {"LastPrice": 40001.0, "Ceiling": 0.0, "Floor": 0.0, "Symbol": "ABCD"},
        {"LastPrice": 40000.0, "TradingStatus": "NL"},
        {"LastPrice": 40001.0, "TradingSession": "PT"},
        {"LastPrice": None},
        {"LastPrice": "NaN"},
        {"BidPrice1": 0.0, "TradingSession": "ATO", "Symbol": "NEW"},
        {"EstMatchedPrice": 99.0, "TradingSession": "ATC"},
        {"AvgPrice": 31416.1},
    ],
    ids=[
        "at the ceiling",
        "at the floor",
        "a price of yesterday, before the first match",
        "no band is known, and no steps of this kind",
        "newly listed",
        "put through",
        "no price",
        "a price that is no number",
        "an order at whatever price",
        "an expected price is no match",
        "an average is on no step",
    ],
)
def test_what_looks_odd_and_may_be_is_taken(changes: dict[str, JSON]) -> None:
    board = Board(now_ms=at_ms(10, 42, 30))

    assert refusal(board, X, **changes) is None


@given(price=st.integers(1, 200_000))
def test_the_price_steps_of_hose_are_10_up_to_10_000_then_50_and_100_from_50_000(price: int) -> None:
    step = 10 if price < 10_000 else 50 if price < 50_000 else 100
    band: dict[str, JSON] = {"Ceiling": 200_000.0, "Floor": 1.0, "Open": 0.0, "High": 0.0, "Low": 0.0}

    told = refusal(Board(), X, LastPrice=float(price), **band)

    assert told == (None if price % step == 0 else "off_tick")


@pytest.mark.parametrize(
    ("exchange", "kind", "price", "expected"),
    [
        ("HNX", "ST", 18450, "off_tick"),
        ("HNX", "EF", 18451, None),
        ("UPCOM", "ST", 18450, "off_tick"),
        ("HOSE", "EF", 18450, None),
        ("HOSE", "CW", 18455, "off_tick"),
        ("HOSE", "MF", 18410, "off_tick"),
        ("HNXBOND", "BO", 100_001, None),
    ],
)
def test_price_steps_are_those_of_the_type_and_the_exchange(
    exchange: str, kind: str, price: int, expected: str | None
) -> None:
    board = Board()
    board.set_symbols([Listing("ABC", exchange, kind=kind)])
    band: dict[str, JSON] = {"Ceiling": 200_000.0, "Floor": 1.0, "Open": 0.0, "High": 0.0, "Low": 0.0}

    told = refusal(board, X, Symbol="ABC", Exchange=exchange, MarketId=exchange, LastPrice=float(price), **band)

    assert told == expected


def test_a_share_that_moves_to_another_exchange_has_its_steps_from_the_first_message_on() -> None:
    board = Board()
    board.set_symbols([Listing("SSI", "UPCOM", kind="ST")])

    assert refusal(board, X, LastPrice=31450.0) is None


def test_nothing_of_an_offender_is_applied_be_it_the_first_message_of_a_day() -> None:
    board = a_board()
    board.set_time(at_ms(9, 0, day=date(2026, 11, 17)), at_ms(9, 0, day=date(2026, 11, 17)))
    board.take_changes()

    told = refusal(board, X, TradingDate="17/11/2026", Time="09:00:00", LastPrice=1.0)

    assert (told, board.day, board.take_changes()) == ("off_band", DAY, {})


def test_the_totals_of_a_new_day_begin_anew() -> None:
    board = a_board()
    board.set_time(at_ms(9, 16, day=date(2026, 11, 17)), at_ms(9, 16, day=date(2026, 11, 17)))

    assert refusal(board, X, TradingDate="17/11/2026", Time="09:16:00", TotalVol=100.0) is None
    assert refusal(board, R, TradingDate="17/11/2026", Time="09:16:00", BuyVol=100.0) is None
    assert refusal(board, MI, TradingDate="17/11/2026", Time="09:16:00", TotalQtty=100.0) is None


def test_the_values_of_foreigners_may_fall() -> None:
    assert refusal(a_board(), R, BuyVal=1.0, SellVal=1.0) is None


# What is believed in the end


def test_a_band_that_prices_do_not_keep_is_disbelieved_for_the_rest_of_the_day() -> None:
    board = a_board()

    told = [refusal(board, X, **NEXT, **TOO_HIGH) for _ in range(AGREEING)]
    row = ssi(board)
    again = [refusal(board, template, **NEXT, LastPrice=33450.0) for template in (X, X_TRADE)]

    assert told == ["off_band"] * (AGREEING - 1) + [None]
    assert row["last"] == 33400
    assert again == [None, None]
    assert board.oddities["new_band"] == 1


def test_a_band_that_was_disbelieved_counts_again_when_it_changes() -> None:
    board = a_board()
    for _ in range(AGREEING):
        refusal(board, X, **NEXT, **TOO_HIGH)

    assert refusal(board, X, **NEXT, LastPrice=36000.0, Ceiling=35000.0, High=0.0) == "off_band"


def test_another_band_is_believed_when_prices_that_only_it_permits_come_again_and_again() -> None:
    board = a_board()
    other: dict[str, JSON] = {**NEXT, "LastPrice": 36000.0, "High": 36000.0, "Ceiling": 37400.0, "Floor": 31100.0}
    other |= {"Low": 36000.0, "Open": 36000.0}

    told = [refusal(board, X, **other) for _ in range(AGREEING + 1)]
    row = ssi(board)

    assert told == ["off_band"] * (AGREEING - 1) + [None, None]
    assert (row["last"], row["ceiling"]) == (36000, 37400)


def test_price_steps_that_prices_do_not_keep_are_disbelieved_for_the_rest_of_the_day() -> None:
    board = a_board()

    told = [refusal(board, X, **NEXT, LastPrice=31510.0 + 100 * number) for number in range(AGREEING)]
    later = [refusal(board, X, **NEXT, LastPrice=price) for price in (31500.0, 31510.0, 31600.0, 31610.0)]

    assert told == ["off_tick"] * (AGREEING - 1) + [None]
    assert later == [None] * 4
    assert board.oddities["new_price_step"] == 1


def test_a_total_that_was_corrected_downwards_is_taken_and_what_follows_counts_from_there() -> None:
    checked = CheckedBoard()
    checked.tell(X)

    checked.insist(X, TotalVol=9000.0)
    row = checked.tell(X, TotalVol=9500.0)

    assert (row["total_volume"], row["unseen_volume"], row["active_buy_volume"]) == (9500, 9000, 500)
    assert checked.board.oddities == {"volume_correction": 1}


@pytest.mark.parametrize(
    ("template", "lower"),
    [
        (X, {"TotalVol": 9000.0}),
        (OL, {"TotalVol": 9000}),
        (R, {"BuyVol": 1.0, "SellVol": 1.0}),
        (MI, {"TotalQtty": 1.0}),
    ],
    ids=["X", "OL", "R", "MI"],
)
def test_what_a_new_link_tells_first_is_so_and_what_comes_after_it_may_not_fall(
    template: dict[str, JSON], lower: dict[str, JSON]
) -> None:
    board = a_board()

    told = [refusal(board, template, **lower)]
    board.link_restored()
    told.append(refusal(board, template, **lower))
    told.append(refusal(board, template))
    told.append(refusal(board, template, **lower))

    assert told == ["falling_total", None, None, "falling_total"]


@pytest.mark.parametrize(
    ("template", "lower"),
    [(X, {"TotalVol": 9000.0}), (OL, {"TotalVol": 9000}), (R, {"BuyVol": 1.0}), (MI, {"TotalQtty": 1.0})],
    ids=["X", "OL", "R", "MI"],
)
def test_what_a_new_link_tells_first_takes_nothing_back_if_it_is_an_older_message(
    template: dict[str, JSON], lower: dict[str, JSON]
) -> None:
    board = a_board()
    board.link_restored()

    told = [refusal(board, template, Time=time, **lower) for time in ("10:42:16", "10:42:17")]

    assert told == ["falling_total", None]


def test_a_correction_that_a_new_link_tells_is_taken_in_whatever_case_the_index_is_spelt() -> None:
    board = a_board()
    board.link_restored()

    assert refusal(board, MI, IndexId="vn30", TotalQtty=1.0) is None


def test_who_takes_over_without_having_watched_believes_the_first_totals_and_who_has_watched_does_not() -> None:
    for watched, expected in ((False, None), (True, "falling_total")):
        checked, heir = CheckedBoard(), Board(now_ms=at_ms(10, 42, 30))
        checked.tell(X)
        heir.load(DAY, checked.tables, watched=watched)

        assert refusal(heir, X, TotalVol=9000.0, Time="10:42:18") == expected


def test_trades_that_go_on_from_the_corrected_total_agree() -> None:
    board = a_board()

    told = [refusal(board, X, TotalVol=9000.0 + 100 * number) for number in range(AGREEING)]

    assert told[-1] is None
    assert ssi(board)["total_volume"] == 9000 + 100 * (AGREEING - 1)


@pytest.mark.parametrize(
    "between",
    [
        {**X, **NEXT},
        {**X, "LastPrice": 3150.0},
        {**X, **NEXT, "LastPrice": 31475.0},
    ],
    ids=["a good message", "another price", "another offence"],
)
def test_a_few_offences_that_do_not_agree_or_not_in_a_row_are_not_believed(between: dict[str, JSON]) -> None:
    board = a_board()

    for _ in range(ENOUGH // AGREEING - 1):
        for _ in range(AGREEING - 1):
            assert refusal(board, X, **NEXT, **TOO_HIGH) == "off_band"
        refusal(board, between)


def test_totals_that_fall_further_and_further_do_not_agree() -> None:
    board = a_board()

    assert {refusal(board, X, TotalVol=9000.0 - number) for number in range(3 * AGREEING)} == {"falling_total"}


@pytest.mark.parametrize(
    "turns",
    [
        [{"LastPrice": 33400.0, "High": 33400.0}, {"LastPrice": 31475.0}],
        [{"LastPrice": 400.0}, {"LastPrice": 500.0}],
        [{"TotalVol": 9000.0}, {"TotalVol": 8000.0}],
        [{"TotalVol": 9000.0}, {"LastPrice": 1000.0}, {"LastPrice": 31475.0}, {"Time": "23:59:59"}],
    ],
    ids=["band and step in turn", "prices far apart", "totals up and down", "all there is"],
)
def test_no_symbol_is_stopped_for_good_by_offences_that_never_agree(turns: list[dict[str, JSON]]) -> None:
    board, refused_in_a_row, longest = a_board(), 0, 0

    for number in range(5 * ENOUGH):
        pass_time(board, 5 * number)
        refused = refusal(board, X, **{**NEXT, **turns[number % len(turns)]})
        refused_in_a_row = refused_in_a_row + 1 if refused else 0
        longest = max(longest, refused_in_a_row)

    assert longest == ENOUGH - 1


def test_a_burst_of_nonsense_is_not_believed_however_much_it_is() -> None:
    board = a_board()

    told = []
    for number in range(10 * ENOUGH):
        pass_time(board, 0.99 * ENOUGH_MS / 1000 * number / (10 * ENOUGH))
        told.append(refusal(board, X, TotalVol=9000.0 - number))

    assert set(told) == {"falling_total"}


@pytest.mark.parametrize(
    "last", [{"LastPrice": 31475.0}, {"LastPrice": 33400.0, "High": 33400.0}], ids=["step", "band"]
)
def test_what_is_believed_because_too_much_was_refused_is_refused_again_after_a_good_message(
    last: dict[str, JSON],
) -> None:
    board = a_board()
    for number in range(ENOUGH - 1):
        assert refusal(board, X, TotalVol=9000.0 - number) == "falling_total"
    pass_time(board, ENOUGH_MS / 1000)

    told = [refusal(board, X, **{**NEXT, **changes}) for changes in (last, {"LastPrice": 31450.0}, last)]

    assert told == [None, None, "off_tick" if last["LastPrice"] == 31475.0 else "off_band"]


def test_a_message_of_the_book_alone_says_nothing_about_prices_and_totals() -> None:
    board = a_board()

    for _ in range(AGREEING - 1):
        refusal(board, X, **NEXT, **TOO_HIGH)
        assert refusal(board, X_QUOTE) is None
    assert refusal(board, X, **NEXT, **TOO_HIGH) is None


@given(
    st.sampled_from([9000.0, 99_999_900.0]),
    st.sampled_from([31500.0, 33400.0, 31475.0, 1000.0, 31.5]),
    st.sampled_from(["10:42:17", "14:00:00", "23:59:59"]),
)
def test_whatever_a_symbol_says_it_is_taken_if_it_says_it_often_enough(total: float, price: float, time: str) -> None:
    board = a_board()

    said: dict[str, JSON] = {"TotalVol": total, "LastPrice": price, "Time": time}
    told = [refusal(board, X, **said) for _ in range(4 * AGREEING)]

    assert told[-1] is None
    assert ssi(board)["last"] == round(price)


def test_symbols_are_judged_each_by_itself() -> None:
    board = a_board()

    for number in range(3 * AGREEING):
        assert refusal(board, X, Symbol=f"S{number:02}", **NEXT, **TOO_HIGH) == "off_band"


def test_no_more_offenders_are_remembered_than_there_is_room_for(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(guard_file, "MAX_OFFENDERS", 3)
    board = a_board()

    for number in range(10):
        refusal(board, X, Symbol=f"S{number:02}", **NEXT, **TOO_HIGH)

    assert len(board._guard._offenders) == 3


# Times


def test_a_time_within_a_minute_ahead_is_believed() -> None:
    assert refusal(a_board(), X, Time="10:43:29", **NEXT) is None


def test_a_market_that_is_ahead_of_the_machine_is_followed_step_by_step() -> None:
    board = a_board()

    told = [refusal(board, F, Time=f"10:{43 + minute}:20") for minute in range(15)]

    assert told == [None] * 15


def test_where_many_symbols_agree_upon_a_time_the_machines_clock_is_wrong() -> None:
    board = a_board()

    told = [refusal(board, X, Symbol=f"S{number:02}", Time=f"13:00:{number:02}") for number in range(9)]

    assert told == ["future_time"] * (AGREEING - 1) + [None] * (9 - AGREEING + 1)
    assert board.oddities["new_clock"] == 1


def test_after_a_pause_the_time_that_has_passed_is_known_though_the_machines_clock_is_slow() -> None:
    board = a_board()

    board.set_time(at_ms(13, 0), now_ms=at_ms(9, 0))

    assert refusal(board, X, Time="13:00:00", **NEXT) is None


def test_a_simulated_market_has_a_clock_of_its_own() -> None:
    board = Board(simulated=True, now_ms=at_ms(3, 0))

    board.set_time(at_ms(3, 0), now_ms=at_ms(3, 0))

    assert refusal(board, X, TradingDate="20/11/2026") is None


def test_one_wrong_date_does_not_end_the_day() -> None:
    board = a_board()

    assert refusal(board, X, TradingDate="17/11/2026") == "future_time"
    assert refusal(board, X, TradingDate="17/11/2026", Time=None) == "future_time"
    assert board.day == DAY


# The quarantine


def offences(number: int, **changes: JSON) -> list[Offence]:
    board, found = a_board(), []
    for each in range(number):
        try:
            board.apply(a_tick(X, Symbol=f"{each:03}", **NEXT, **{**TOO_HIGH, **changes}))
        except Offence as offence:
            found.append(offence)
    return found


def test_the_newest_offences_are_kept_with_the_numbers_behind_them() -> None:
    quarantine = Quarantine()

    for at, offence in enumerate(offences(MAX_KEPT + 10)):
        quarantine.take(offence, now_ms=at)

    rows = quarantine.rows()
    assert len(rows) == MAX_KEPT
    assert rows[0] == {
        "read_at": MAX_KEPT + 9,
        "reason": "off_band",
        "type": "X",
        "key": f"{MAX_KEPT + 9:03}",
        "time": at_ms(10, 42, 17),
        "price": 33400,
        "ceiling": 33350,
        "floor": 29050,
    }


def test_the_log_tells_one_of_each_reason_a_minute() -> None:
    quarantine = Quarantine()
    told: Counter[str] = Counter()

    for second in range(120):
        for offence in (*offences(1), *offences(1, LastPrice=31475.0, High=0.0)):
            told[offence.reason] += quarantine.take(offence, now_ms=1000 * second)

    assert TOLD_AGAIN_MS == 60_000
    assert told == {"off_band": 2, "off_tick": 2}
