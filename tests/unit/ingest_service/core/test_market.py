"""Prices, book and volumes of one instrument."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.channels import Channel
from shared.table import JSON, Row
from tests.unit.ingest_service.core.a_feed import (
    FUTURE,
    FUTURE_X,
    UNTRADED,
    X_QUOTE,
    X_TRADE,
    CheckedBoard,
    F,
    X,
    at_ms,
)

BID, BETWEEN, ASK = 31450.0, 31500.0, 31550.0
FIRST = {**X, "TotalVol": 1000.0, "TotalVal": 31500000.0}


def a_watched_board() -> CheckedBoard:
    """It holds SSI's book and a total of 1,000 shares, none of them seen."""
    checked = CheckedBoard()
    checked.tell(FIRST)
    return checked


def ssi(checked: CheckedBoard) -> Row:
    return checked.row(Channel.MARKET, "SSI")


def volumes(row: Row) -> dict[str, JSON]:
    return {
        name: row[f"{name}_volume"]
        for name in ("active_buy", "active_sell", "neutral", "unseen")
        if row[f"{name}_volume"]
    }


def test_a_message_becomes_a_row() -> None:
    row = CheckedBoard().tell(X)

    assert row == {
        "exchange": "HOSE",
        "reference": 31200,
        "ceiling": 33350,
        "floor": 29050,
        "open": 31300,
        "high": 31650,
        "low": 31150,
        "last": 31500,
        "last_volume": 1200,
        "change": 300,
        "change_pct": 0.96,
        "average": 31416,
        "total_volume": 12345600,
        "total_value": 387852650000,
        "bids": [[31450, 41200], [31400, 88500], [31350, 60300]],
        "asks": [[31500, 12700], [31550, 95400], [31600, 130800]],
        "expected_price": None,
        "session": "LO",
        "status": "N",
        "time": at_ms(10, 42, 17),
        "active_buy_volume": 0,
        "active_sell_volume": 0,
        "neutral_volume": 0,
        "unseen_volume": 12345600,
        "ato_volumes": {"active_buy": 0, "active_sell": 0, "neutral": 0},
        "continuous_volumes": {"active_buy": 0, "active_sell": 0, "neutral": 0},
        "atc_volumes": {"active_buy": 0, "active_sell": 0, "neutral": 0},
        "other_volumes": {"active_buy": 0, "active_sell": 0, "neutral": 0},
        "active_buy_value": 0,
        "active_sell_value": 0,
        "neutral_value": 0,
        "unseen_value": 387852650000,
        "ato_value": 0,
        "continuous_value": 0,
        "atc_value": 0,
        "other_value": 0,
        "trades": 0,
        "active_buy_trades": 0,
        "active_sell_trades": 0,
        "neutral_trades": 0,
        "ato_trades": 0,
        "continuous_trades": 0,
        "atc_trades": 0,
        "other_trades": 0,
        "minute_start": None,
        "minute_open": None,
        "minute_high": None,
        "minute_low": None,
    }


def test_before_the_first_trade_there_is_no_fall_of_a_hundred_per_cent() -> None:
    row = CheckedBoard().tell(X, **UNTRADED, TradingSession="C")

    assert row["reference"] == 31200
    assert row["total_volume"] == 0
    for field in ("last", "last_volume", "change", "change_pct", "average", "open", "high", "low"):
        assert row[field] is None, field


def test_a_last_price_of_yesterday_is_no_trade() -> None:
    row = CheckedBoard().tell(X, **{**UNTRADED, "LastPrice": 31200.0})

    assert row["last"] is None


@pytest.mark.parametrize("field", ["LastPrice", "Open", "High", "Low", "AvgPrice", "RefPrice", "Ceiling", "Floor"])
def test_a_price_of_nothing_takes_no_price_away_once_something_was_traded(field: str) -> None:
    checked = CheckedBoard()
    row = checked.tell(X)

    assert checked.tell(X, **{field: 0.0}) == row


def test_the_change_of_a_future_is_exact_in_ticks() -> None:
    row = CheckedBoard().tell(FUTURE_X, Change=3.7000000000000455)

    assert (row["last"], row["change"], row["change_pct"], row["average"]) == (1894.2, 3.7, 0.2, 1893.7)
    assert row["exchange"] == "DERIVATIVES"


def test_an_unchanged_future_has_a_change_without_sign() -> None:
    row = CheckedBoard().tell(FUTURE_X, LastPrice=1890.5)

    assert (str(row["change"]), str(row["change_pct"])) == ("0.0", "0.0")


def test_a_quote_that_repeats_the_last_trade_is_no_trade() -> None:
    checked = a_watched_board()

    for level in range(5):
        checked.tell(FIRST, BidVol1=41200.0 + level)

    assert volumes(ssi(checked)) == {"unseen": 1000}


def test_trades_are_counted_by_the_rise_of_the_total_and_not_by_messages() -> None:
    checked = a_watched_board()

    # Three matches folded into one message: the last one was of 100.
    row = checked.tell(FIRST, TotalVol=1900.0, LastVol=100.0)

    assert volumes(row) == {"unseen": 1000, "active_buy": 900}


@pytest.mark.parametrize("template", [X, X_TRADE], ids=["usual", "by the careful road"])
def test_values_are_vnd_so_price_times_volume_is_the_rise_of_the_total_value(template: dict[str, JSON]) -> None:
    checked = CheckedBoard()
    checked.tell(template, **UNTRADED)
    value = 0

    for total, price in ((100, 31500.0), (300, 31450.0), (1000, 31500.0)):
        held = ssi(checked)["total_volume"]
        assert isinstance(held, int)
        value += (total - held) * int(price)
        checked.tell(template, LastPrice=price, TotalVol=float(total), TotalVal=float(value), Side=None)

    row, tape = ssi(checked), checked.tables[Channel.TRADES].values()
    assert row["total_value"] == row["continuous_value"] == 100 * 31500 + 200 * 31450 + 700 * 31500
    assert [match["value"] for match in tape] == [100 * 31500, 200 * 31450, 700 * 31500]


@pytest.mark.parametrize(
    ("price", "side"),
    [
        (ASK, "active_buy"),
        (ASK + 50, "active_buy"),
        (BID, "active_sell"),
        (BID - 50, "active_sell"),
        (BETWEEN, "neutral"),
    ],
)
def test_the_side_is_told_by_the_book(price: float, side: str) -> None:
    checked = a_watched_board()
    checked.tell(X_QUOTE, BidPrice1=BID, AskPrice1=ASK)

    row = checked.tell(FIRST, TotalVol=1500.0, LastPrice=price)

    assert volumes(row) == {"unseen": 1000, side: 500}


def test_the_side_is_told_by_the_book_before_the_message_not_by_the_one_in_it() -> None:
    checked = a_watched_board()

    # The buyer took the whole level: what was the ask is the bid now.
    row = checked.tell(FIRST, TotalVol=1500.0, LastPrice=ASK, BidPrice1=ASK, AskPrice1=ASK + 50)

    assert volumes(row) == {"unseen": 1000, "active_buy": 500}


def test_a_quote_message_moves_the_book_that_the_next_trade_is_held_against() -> None:
    checked = a_watched_board()

    checked.tell(X_QUOTE, BidPrice1=31500.0, AskPrice1=31550.0)
    row = checked.tell(FIRST, TotalVol=1500.0, LastPrice=31500.0)

    assert volumes(row) == {"unseen": 1000, "active_sell": 500}


@pytest.mark.parametrize(("sent", "side"), [("BU", "active_buy"), ("SD", "active_sell")])
def test_the_feeds_own_side_wins_over_the_book(sent: str, side: str) -> None:
    checked = a_watched_board()

    row = checked.tell(X_TRADE, TotalVol=1500.0, LastPrice=31450.0 if sent == "BU" else 31500.0, Side=sent)

    assert volumes(row) == {"unseen": 1000, side: 500}


def test_without_a_book_a_trade_is_neutral() -> None:
    checked = CheckedBoard()
    checked.tell(X_TRADE, TotalVol=1000.0)

    row = checked.tell(X_TRADE, TotalVol=1500.0, Side=None)

    assert volumes(row) == {"unseen": 1000, "neutral": 500}


@pytest.mark.parametrize(
    ("session", "side", "phase"),
    [
        ("ATO", "neutral", "ato"),
        ("ATC", "neutral", "atc"),
        ("LO", "active_buy", "continuous"),
        ("PLO", "active_buy", "other"),
        ("PT", "neutral", "other"),
    ],
)
def test_volumes_are_kept_by_phase_and_auctions_and_what_is_put_through_are_neutral(
    session: str, side: str, phase: str
) -> None:
    checked = a_watched_board()

    row = checked.tell(FIRST, TotalVol=1500.0, TradingSession=session)

    told = row[f"{phase}_volumes"]
    assert isinstance(told, dict)
    assert told == {"active_buy": 0, "active_sell": 0, "neutral": 0} | {side: 500}


@pytest.mark.parametrize("first", ["X", "X-TRADE"])
def test_a_trade_that_comes_by_two_channels_counts_once(first: str) -> None:
    checked = a_watched_board()
    both: list[tuple[dict[str, JSON], dict[str, JSON]]] = [
        (FIRST, {"TotalVol": 1500.0}),
        (X_TRADE, {"TotalVol": 1500.0, "Side": "SD"}),
    ]

    for template, changes in both if first == "X" else reversed(both):
        checked.tell(template, **changes)

    # The first to come tells the side: the full message by the book, the other by itself.
    assert volumes(ssi(checked)) == {"unseen": 1000, "active_buy" if first == "X" else "active_sell": 500}


def test_a_total_that_falls_within_the_day_is_a_correction_and_never_a_negative_trade() -> None:
    checked = a_watched_board()
    checked.tell(FIRST, TotalVol=1500.0)

    row = checked.insist(FIRST, TotalVol=1200.0)

    assert volumes(row) == {"unseen": 1200}
    assert checked.board.oddities == {"volume_correction": 1}


def test_after_a_correction_trades_are_counted_again() -> None:
    checked = a_watched_board()
    checked.insist(FIRST, TotalVol=400.0)

    row = checked.tell(FIRST, TotalVol=700.0)

    assert volumes(row) == {"unseen": 400, "active_buy": 300}


def test_what_was_traded_while_nobody_looked_is_unseen_whatever_side_the_message_names() -> None:
    checked = a_watched_board()
    checked.tell(FIRST, TotalVol=1500.0)

    checked.board.link_restored()
    row = checked.tell(X_TRADE, TotalVol=9000.0, Side="BU")

    assert volumes(row) == {"unseen": 8500, "active_buy": 500}


def test_once_the_total_was_told_anew_trades_have_sides_again() -> None:
    checked = a_watched_board()
    checked.board.link_restored()
    checked.tell(X_QUOTE)  # tells no total

    checked.tell(X_TRADE, TotalVol=9000.0)
    row = checked.tell(X_TRADE, TotalVol=9100.0, Side="BU")

    assert volumes(row) == {"unseen": 9000, "active_buy": 100}


def test_an_equal_message_is_no_change() -> None:
    checked = a_watched_board()

    checked.tell(FIRST)

    assert not checked.last_changes


def test_a_row_that_was_handed_out_stays_as_it_was() -> None:
    checked = a_watched_board()
    before = checked.row(Channel.MARKET, "SSI")
    copy = {**before}

    checked.tell(FIRST, TotalVol=1500.0, LastPrice=31450.0, BidVol1=1.0)

    assert before == copy


@pytest.mark.parametrize("session", ["LO", "BREAK", "PT", "PLO", "C"])
def test_the_expected_price_is_shown_in_auctions_and_at_no_other_time(session: str) -> None:
    checked = CheckedBoard()

    auction = checked.tell(X, **UNTRADED, TradingSession="ATO", EstMatchedPrice=31300.0)
    after = checked.tell(F, TradingSession=session)
    of_a_future = checked.tell(FUTURE_X, EstMatchedPrice=1894.2, TradingSession=session)

    assert auction["expected_price"] == 31300
    assert (after["expected_price"], of_a_future["expected_price"]) == (None, None)


def test_a_trade_of_an_earlier_session_that_is_told_after_the_book_of_now_leaves_the_session_as_it_is() -> None:
    checked = CheckedBoard()
    checked.tell(X_QUOTE, TradingSession="LO", Time="09:16:00")
    checked.tell(X_TRADE, TradingSession="ATO", Time="09:15:00", TotalVol=500.0)

    row = checked.tell(X_TRADE, TradingSession="ATO", Time="09:15:00", TotalVol=700.0, Side=None)

    assert (row["session"], row["time"]) == ("LO", at_ms(9, 16))
    assert (row["ato_trades"], row["neutral_volume"], row["minute_start"]) == (1, 200, at_ms(9, 15))


def test_where_trades_are_told_apart_from_books_the_first_one_has_the_opening_price() -> None:
    from_the_beginning, from_the_middle = CheckedBoard(), CheckedBoard()
    from_the_beginning.tell(X_TRADE, LastPrice=0.0, LastVol=0.0, TotalVol=0.0, TotalVal=0.0)
    from_the_middle.tell(X_TRADE, TotalVol=500.0)

    for number, price in enumerate((31300.0, 31500.0), start=1):
        for checked in (from_the_beginning, from_the_middle):
            checked.tell(X_TRADE, LastPrice=price, TotalVol=1000.0 * number)

    assert from_the_beginning.row(Channel.MARKET, "SSI")["open"] == 31300
    assert from_the_middle.row(Channel.MARKET, "SSI")["open"] is None


def test_a_status_message_changes_session_and_status_only() -> None:
    checked = a_watched_board()
    before = checked.row(Channel.MARKET, "SSI")

    row = checked.tell(F, TradingSession="BREAK", TradingStatus="H", Time="11:30:00")

    assert row == {**before, "session": "BREAK", "status": "H", "time": at_ms(11, 30)}


def test_a_message_with_holes_keeps_what_was_known() -> None:
    checked = CheckedBoard()
    before = checked.tell(X)

    row = checked.tell(
        {"RType": "X", "Symbol": "SSI", "TradingDate": "16/11/2026", "Time": "10:42:17"},
        RefPrice=None,
        LastPrice="NaN",
        TotalVol="",
    )

    assert row == before
    assert checked.board.oddities == {"null_number": 1, "nan": 1, "empty_number": 1}


def test_futures_and_warrants_and_etfs_have_rows_like_any_share() -> None:
    checked = CheckedBoard()

    for symbol in ("CFPT2601", "FUEVFVND", "VHM12101"):
        assert checked.tell(X, Symbol=symbol)["last"] == 31500
    checked.tell(FUTURE_X)

    assert set(checked.tables[Channel.MARKET]) == {"CFPT2601", "FUEVFVND", "VHM12101", FUTURE}


_messages = st.tuples(
    st.sampled_from([X, X_TRADE, X_QUOTE]),
    st.fixed_dictionaries(
        {
            "TotalVol": st.integers(0, 5000).map(float) | st.sampled_from(["NaN", None, "700"]),
            "TotalVal": st.integers(0, 10**9).map(float) | st.sampled_from(["NaN", None]),
            "LastPrice": st.sampled_from([0.0, 31400.0, BID, 31475.0, ASK, 31600.0]),
            "TradingSession": st.sampled_from(["ATO", "LO", "ATC", "PLO", "C", "BREAK", None]),
            "Side": st.sampled_from(["BU", "SD", None]),
            "BidPrice1": st.sampled_from([BID, 31500.0, 0.0]),
        }
    ),
)


@given(st.lists(st.none() | _messages, max_size=30))
def test_every_share_of_the_total_is_bought_sold_neutral_or_unseen(
    steps: list[tuple[dict[str, JSON], dict[str, JSON]] | None],
) -> None:
    checked = CheckedBoard()

    for step in steps:
        if step is None:
            checked.board.link_restored()
        else:
            checked.insist(step[0], **step[1])  # which checks the sums


@given(st.lists(st.integers(1, 900), min_size=1, max_size=20), st.data())
def test_the_sum_of_all_trades_is_the_rise_of_the_total(sizes: list[int], data: st.DataObject) -> None:
    checked = a_watched_board()
    total = 1000

    for size in sizes:
        total += size
        for _ in range(data.draw(st.integers(1, 3))):  # repeats
            checked.tell(data.draw(st.sampled_from([FIRST, X_TRADE])), TotalVol=float(total))

    row = ssi(checked)
    seen = [row[f"{side}_volume"] for side in ("active_buy", "active_sell", "neutral")]
    assert sum(volume for volume in seen if isinstance(volume, int)) == sum(sizes)
    assert row["unseen_volume"] == 1000
