"""What the parser makes of the feed's messages, and of anything else."""

import os
import time
from collections.abc import Iterator
from dataclasses import replace

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ingest_service.core.book import Book
from ingest_service.core.invalid_row import InvalidRow
from ingest_service.core.ticks import (
    BarTick,
    ForeignTick,
    IndexTick,
    OddLotTick,
    Prices,
    StatusTick,
    Tick,
    Trade,
    parse,
    usual_foreign_tick,
    usual_security_tick,
)
from shared.table import JSON
from tests.unit.ingest_service.core.a_feed import (
    DAY,
    FUTURE,
    FUTURE_X,
    MI,
    OL,
    UNTRADED,
    X_QUOTE,
    X_TRADE,
    B,
    F,
    R,
    X,
    a_security_tick,
    a_tick,
    argument,
    at_ms,
)


def test_json_in_json_becomes_a_tick() -> None:
    tick = a_security_tick(X)

    assert (tick.data_type, tick.key, tick.day, tick.time_ms) == ("X", "SSI", DAY, at_ms(10, 42, 17))
    assert (tick.exchange, tick.session, tick.status) == ("HOSE", "LO", "N")
    assert tick.prices == Prices(31200, 33350, 29050, 31300, 31650, 31150, 31416, 0)
    assert tick.trade == Trade(31500, 1200, 12345600, 387852650000, None)
    assert not tick.oddities


def test_hose_has_three_levels_and_empty_ones_are_left_out() -> None:
    tick = a_security_tick(X)

    assert tick.book == Book(
        bids=[[31450, 41200], [31400, 88500], [31350, 60300]], asks=[[31500, 12700], [31550, 95400], [31600, 130800]]
    )


def test_prices_in_vnd_are_integers() -> None:
    tick = a_security_tick(X, LastPrice=31499.999999)

    assert tick.trade is not None
    assert isinstance(tick.trade.last, int)
    assert tick.trade.last == 31500


def test_prices_of_index_futures_are_points_with_one_decimal() -> None:
    tick = a_security_tick(FUTURE_X, LastPrice=1894.2000000000003)

    assert tick.trade is not None
    assert tick.trade.last == 1894.2
    assert tick.book == Book(bids=[[1894.1, 31]], asks=[[1894.3, 8]])


def test_points_of_a_book_are_written_alike_whether_they_come_with_decimals_or_without() -> None:
    usual, careful = (
        a_security_tick(FUTURE_X, BidPrice1=1890, BidPrice2=0, BidVol2=5, **more) for more in ({}, {"BidVol10": None})
    )

    assert (usual.oddities, careful.oddities) == ([], ["null_number"])
    assert repr(usual.book) == repr(careful.book) == "Book(bids=[[1890.0, 31], [None, 5]], asks=[[1894.3, 8]])"


def test_the_average_of_index_futures_is_brought_from_vnd_a_contract_to_points() -> None:
    tick = a_security_tick(FUTURE_X)

    assert tick.prices is not None
    assert tick.prices.average == 1893.7


@pytest.mark.parametrize("template", [X, X_TRADE], ids=["usual", "by the careful road"])
def test_float_noise_is_rounded_away(template: dict[str, JSON]) -> None:
    share = a_security_tick(template, TotalVal=185028289999.99728, LastPrice=31499.99999999)
    future = a_security_tick({**template, "Symbol": FUTURE}, LastPrice=1894.1999999999998, AvgPrice=189370000.00000003)

    assert share.trade is not None
    assert (share.trade.last, share.trade.total_value) == (31500, 185028290000)
    assert future.trade is not None
    assert future.prices is not None
    assert (str(future.trade.last), str(future.prices.average)) == ("1894.2", "1893.7")


def test_content_may_be_an_object() -> None:
    tick = parse(orjson.dumps({"DataType": "X", "Content": X}))

    assert tick.key == "SSI"
    assert tick.oddities == ["content_object"]


def test_the_argument_may_be_an_object_already() -> None:
    assert parse({"DataType": "B", "Content": orjson.dumps(B).decode()}) == a_tick(B)


@pytest.mark.parametrize(
    ("outer", "inner"), [("datatype", "content"), ("Datatype", "Content"), ("DATATYPE", "CONTENT")]
)
def test_keys_around_the_content_come_in_any_case(outer: str, inner: str) -> None:
    tick = parse(orjson.dumps({outer: "B", inner: orjson.dumps(B).decode()}))

    assert tick.key == "SSI"


@pytest.mark.parametrize("spelling", [str.lower, str.upper, str.title])
def test_keys_of_the_content_come_in_any_case(spelling: "type[str]") -> None:
    changed = {spelling(key): value for key, value in X.items()}

    tick = parse(argument("X", changed))

    usual = a_security_tick(X)
    assert tick.oddities == ["key_case"]
    assert (tick.key, tick.time_ms, getattr(tick, "trade", None), getattr(tick, "book", None)) == (
        usual.key,
        usual.time_ms,
        usual.trade,
        usual.book,
    )


def test_index_id_and_market_id_may_be_spelt_with_a_capital_d() -> None:
    renamed = {"IndexID": "VN30", "MarketID": "HOSE"} | {
        key: value for key, value in MI.items() if key not in ("IndexId", "MarketId", "Exchange")
    }

    tick = parse(argument("MI", renamed))

    assert (tick.key, tick.exchange, tick.oddities) == ("VN30", "HOSE", ["key_case"])


def test_a_misspelt_key_of_the_documents_is_read() -> None:
    book = {"AskPrie9" if key == "AskPrice9" else key: value for key, value in X_QUOTE.items()}

    tick = parse(argument("X-QUOTE", {**book, "AskPrie9": 31900.0, "AskVol9": 100.0}))

    assert getattr(tick, "book", None) == Book(bids=[[31500, 700]], asks=[[31550, 95400], [31900, 100]])


@pytest.mark.parametrize("data_type", ["Quote", "QUOTE", "quote"])
def test_the_old_name_of_a_quote_is_known(data_type: str) -> None:
    tick = parse(argument(data_type, X_QUOTE))

    assert (tick.data_type, tick.oddities) == ("X-QUOTE", ["old_type"])


def test_the_old_name_of_a_trade_is_known() -> None:
    assert parse(argument("Trade", X_TRADE)).data_type == "X-TRADE"


def test_an_unknown_type_is_refused_by_that_reason() -> None:
    with pytest.raises(InvalidRow, match="Z message dropped: its type is not known") as caught:
        parse(argument("Z", X))

    assert (caught.value.reason, caught.value.data_type) == ("unknown_type", "Z")


def test_a_type_that_is_nested_without_end_is_as_unknown_as_any() -> None:
    with pytest.raises(InvalidRow) as caught:
        parse('{"DataType":' + "[" * 1000 + "]" * 1000 + ',"Content":{}}')

    assert caught.value.reason == "unknown_type"


def test_nan_as_text_costs_its_field_only() -> None:
    tick = a_security_tick(X, AvgPrice="NaN", TotalVol="NaN")

    assert tick.prices == Prices(31200, 33350, 29050, 31300, 31650, 31150, None, 0)
    assert tick.trade == Trade(31500, 1200, None, 387852650000, None)
    assert tick.oddities == ["nan", "nan"]


def test_bare_nan_which_is_no_json_is_read_all_the_same() -> None:
    text = orjson.dumps(X).decode().replace("31416.2657141", "NaN").replace("387852650000.0", "-Infinity")

    tick = parse(orjson.dumps({"DataType": "X", "Content": text}))

    assert getattr(tick, "trade", None) == Trade(31500, 1200, 12345600, None, None)
    assert tick.oddities == ["bare_nan", "nan", "negative"]


def test_a_text_with_half_a_character_is_no_json_even_beside_a_bare_nan() -> None:
    text = orjson.dumps(X).decode().replace("31416.2657141", "NaN").replace('"LO"', '"\\ud800"')

    with pytest.raises(InvalidRow) as caught:
        parse(orjson.dumps({"DataType": "X", "Content": text}))

    assert caught.value.reason == "json"


@pytest.mark.parametrize(
    ("sent", "read", "oddities"),
    [
        ("140", 140, ["numeric_text"]),
        (" 140.0 ", 140, ["numeric_text"]),
        ("", None, ["empty_number"]),
        ("n/a", None, ["not_a_number"]),
        (None, None, ["null_number"]),
        (True, None, ["not_a_number"]),
        ([], None, ["not_a_number"]),
        (-5.0, None, ["negative"]),
        (1e300, None, ["out_of_range"]),
        ("Infinity", None, ["out_of_range"]),
        (140, 140, []),
    ],
)
def test_odd_numbers_are_read_or_left_out_and_named(sent: JSON, read: int | None, oddities: list[str]) -> None:
    tick = a_security_tick(X, TotalVol=sent)

    assert tick.trade == Trade(31500, 1200, read, 387852650000, None)
    assert tick.oddities == oddities


def test_volumes_of_the_book_may_be_text() -> None:
    tick = a_security_tick(X_QUOTE, BidVol1="700", AskVol1=None)

    assert tick.book == Book(bids=[[31500, 700]], asks=[])
    assert tick.oddities == ["numeric_text", "null_number"]


def test_missing_fields_are_not_told_rather_than_zero() -> None:
    tick = parse(argument("X", {"Symbol": "SSI", "TradingDate": "16/11/2026", "Time": "10:42:17"}))

    assert getattr(tick, "trade", None) == Trade(None, None, None, None, None)
    assert getattr(tick, "book", "") is None
    assert not tick.oddities


def test_trading_time_stands_in_for_a_missing_time() -> None:
    old = {"TradingTime": "10:42:17"} | {key: value for key, value in B.items() if key != "Time"}

    tick = parse(argument("B", old))

    assert (tick.time_ms, tick.oddities) == (at_ms(10, 42, 17), ["old_name"])


def test_time_is_preferred_when_both_are_there() -> None:
    assert a_tick(B, TradingTime="00:00:00").time_ms == at_ms(10, 42, 17)


@pytest.mark.parametrize(
    ("time_text", "oddity"), [(None, "missing_time"), ("", "missing_time"), ("25:00:00", "bad_time"), ("x", "bad_time")]
)
def test_a_message_without_a_usable_time_is_kept(time_text: str | None, oddity: str) -> None:
    tick = a_tick(X, Time=time_text)

    assert (tick.day, tick.time_ms, tick.oddities) == (DAY, None, [oddity])


@pytest.mark.parametrize(
    ("day_text", "oddity"),
    [
        (None, "missing_day"),
        ("31/02/2026", "bad_day"),
        ("2026-11-16", "bad_day"),
        ("16/11/9026", "bad_day"),
        ("1/1/99999999999", "bad_day"),
    ],
)
def test_a_message_without_a_usable_day_is_kept(day_text: str | None, oddity: str) -> None:
    tick = a_tick(X, TradingDate=day_text)

    assert (tick.day, tick.time_ms, tick.oddities) == (None, None, [oddity])


def test_foreign_fields_under_their_documented_names_give_the_same_non_zero_totals() -> None:
    documented = {
        f"F{key}" if key in ("BuyVol", "SellVol", "BuyVal", "SellVal") else key: value for key, value in R.items()
    }

    usual, old = a_tick(R), parse(argument("R", documented))

    assert isinstance(usual, ForeignTick)
    assert isinstance(old, ForeignTick)
    assert (usual.buy_volume, usual.sell_volume, usual.buy_value, usual.sell_value) == (
        *(845300, 1204600),
        *(26626950000, 37944900000),
    )
    assert (old.buy_volume, old.sell_volume, old.buy_value, old.sell_value) == (
        *(845300, 1204600),
        *(26626950000, 37944900000),
    )
    assert (usual.oddities, old.oddities) == ([], ["old_name"])


def test_the_short_foreign_names_win_over_the_documented_ones() -> None:
    tick = a_tick(R, FBuyVol=0.0)

    assert isinstance(tick, ForeignTick)
    assert tick.buy_volume == 845300


def test_the_extremes_of_a_trade_message_have_names_of_their_own() -> None:
    tick = a_security_tick(X_TRADE)

    assert tick.prices is not None
    assert (tick.prices.high, tick.prices.low, tick.prices.open) == (31650, 31150, None)
    assert not tick.oddities


@pytest.mark.parametrize(("sent", "side"), [("BU", "buy"), ("SD", "sell"), (None, None), ("", None), ("??", None)])
def test_the_side_is_known_or_none(sent: str | None, side: str | None) -> None:
    tick = a_security_tick(X_TRADE, Side=sent)

    assert tick.trade is not None
    assert tick.trade.side == side


def test_before_the_first_trade_only_zeros_are_told() -> None:
    tick = a_security_tick(X, **UNTRADED)

    assert tick.trade == Trade(0, 0, 0, 0, None)
    assert tick.prices == Prices(31200, 33350, 29050, 0, 0, 0, None, 0)


@pytest.mark.parametrize("name", ["DER", "DERIVATIVES", "der"])
def test_both_names_of_the_derivatives_market_are_one(name: str) -> None:
    assert a_tick(FUTURE_X, Exchange=name, MarketId=name).exchange == "DERIVATIVES"


def test_an_unknown_exchange_is_left_out_and_counted() -> None:
    tick = a_tick(X, Exchange="MOON", MarketId="HOSE")

    assert (tick.exchange, tick.oddities) == ("HOSE", ["unknown_exchange"])


@pytest.mark.parametrize(
    ("sent", "read"), [("Break", "BREAK"), ("CLOSE", "C"), ("HALT", "H"), ("P7", "P7"), ("", None)]
)
def test_session_codes_have_one_spelling(sent: str, read: str | None) -> None:
    assert a_tick(X, TradingSession=sent).session == read


@pytest.mark.parametrize("word", ["Normal", "Active", "N"])
def test_the_words_for_a_normal_future_are_one_code(word: str) -> None:
    assert a_security_tick(FUTURE_X, TradingStatus=word).status == "N"


def test_an_auction_order_at_whatever_price_has_a_null_price() -> None:
    tick = a_security_tick(X_QUOTE, BidPrice1=0.0, BidVol1=5000.0, BidPrice2=31500.0, BidVol2=100.0)

    assert tick.book is not None
    assert tick.book.sides[0] == [[None, 5000], [31500, 100]]


@pytest.mark.parametrize("symbol", ["CFPT2601", "E1VFVN30", "FUEVFVND", "VHM12101", "41I1GC000", "A32"])
def test_symbols_are_of_any_length(symbol: str) -> None:
    assert a_tick(X, Symbol=symbol).key == symbol


@pytest.mark.parametrize("symbol", [None, "", " ", 7, "_total", "@VN30", "SSI#1", "A,B", "A\nB", "X" * 40])
def test_what_can_be_no_symbol_is_refused(symbol: JSON) -> None:
    with pytest.raises(InvalidRow) as caught:
        a_tick(X, Symbol=symbol)

    assert (caught.value.reason, caught.value.data_type, caught.value.field) == ("no_key", "X", "Symbol")


def test_an_index_tells_its_value_and_breadth() -> None:
    tick = a_tick(MI, IndexValue=1890.4400000000001)

    assert isinstance(tick, IndexTick)
    assert (tick.key, tick.name, tick.value, tick.reference, tick.expected) == ("VN30", "VN30", 1890.44, 1885.1, None)
    assert (tick.advances, tick.unchanged, tick.declines, tick.ceilings, tick.floors) == (17, 5, 8, 2, 1)
    assert not tick.oddities


def test_documented_names_of_an_index_are_read() -> None:
    old = {{"Ceilings": "Ceiling", "Floors": "Floor"}.get(key, key): value for key, value in MI.items()}

    tick = parse(argument("MI", old))

    assert isinstance(tick, IndexTick)
    assert (tick.ceilings, tick.floors) == (2, 1)


def test_an_index_may_leave_session_and_market_open() -> None:
    tick = a_tick(MI, TradingSession=None, MarketId=None, IndexType=None)

    assert (tick.session, tick.exchange) == (None, "HOSE")


def test_status_bars_and_odd_lots_are_told_apart() -> None:
    assert isinstance(a_tick(F), StatusTick)
    assert isinstance(a_tick(B), BarTick)
    assert isinstance(a_tick(OL), OddLotTick)


@pytest.mark.parametrize("text", ["", "{", "[]", "1", "null", '"x"', "[" * 100_000])
def test_what_is_no_json_object_is_refused(text: str) -> None:
    with pytest.raises(InvalidRow) as caught:
        parse(text)

    assert caught.value.reason == "json"


@pytest.mark.parametrize("content", [None, 1, []])
def test_a_message_without_content_is_refused(content: JSON) -> None:
    with pytest.raises(InvalidRow) as caught:
        parse({"DataType": "X", "Content": content})

    assert caught.value.reason == "no_content"


@pytest.mark.parametrize(
    "content",
    [X, FUTURE_X, {**X, "Side": "BU"}, {**X, "BidVol2": 0.0}, {**X, "BidVol1": 0.4}, {**X, "LastPrice": 31500},
     {**X, "More": "odd"}, dict(reversed(X.items())), R, {**R, "BuyVol": 845300}],
)  # fmt: skip
def test_a_full_message_with_nothing_odd_about_it_takes_the_straight_road(content: dict[str, JSON]) -> None:
    tick = usual_tick(content)

    careful = parse(
        orjson.dumps({"datatype": content["RType"], "Content": content})
    )  # reason enough for the other road
    assert careful.oddities == ["key_case", "content_object"]
    assert tick == replace(careful, oddities=[])


@pytest.mark.parametrize("odd", [None, "NaN", "31500", True, -1.0, -0.3, 1e16, 2**53, [], {}])
@pytest.mark.parametrize(
    ("usual", "name"),
    [(X, "LastPrice"), (X, "TotalVal"), (X, "BidPrice1"), (X, "BidVol10"), (R, "TotalRoom"), (R, "SellVal")],
)
def test_a_message_with_an_odd_number_is_read_with_care(usual: dict[str, JSON], name: str, odd: JSON) -> None:
    assert usual_tick({**usual, name: odd}) is None


@pytest.mark.parametrize(
    ("usual", "name", "odd"),
    [(X, "Time", None), (X, "Time", "25:00:00"), (X, "Exchange", "MOON"), (X, "Exchange", []), (X, "Side", 1),
     (X, "Side", "x" * 17), (X, "Symbol", "@SSI"), (R, "Time", "25:00:00"), (R, "tradingsession", "LO")],
)  # fmt: skip
def test_a_message_with_an_odd_text_is_read_with_care(usual: dict[str, JSON], name: str, odd: JSON) -> None:
    assert usual_tick({**usual, name: odd}) is None


@pytest.mark.parametrize(
    ("usual", "name"),
    [(X, "Symbol"), (X, "Time"), (X, "MarketId"), (X, "Side"), (X, "AvgPrice"), (X, "TotalVal"), (X, "AskVol10"),
     (R, "Symbol"), (R, "Exchange"), (R, "BuyVal")],
)  # fmt: skip
def test_a_message_without_one_of_its_fields_is_read_with_care(usual: dict[str, JSON], name: str) -> None:
    assert usual_tick({key: value for key, value in usual.items() if key != name}) is None


def usual_tick(content: dict[str, JSON]) -> Tick | None:
    """What the straight road makes of it."""
    road = usual_foreign_tick if content["RType"] == "R" else usual_security_tick
    return road(orjson.dumps(content).decode())


@pytest.fixture
def _time_zones() -> Iterator[None]:
    before = os.environ.get("TZ")
    yield
    if before is None:
        os.environ.pop("TZ", None)
    else:
        os.environ["TZ"] = before
    time.tzset()


@pytest.mark.usefixtures("_time_zones")
@pytest.mark.skipif(not hasattr(time, "tzset"), reason="this system cannot change its time zone while running")
def test_times_are_the_same_in_whatever_zone_the_machine_stands() -> None:
    times = set()
    for zone in ("UTC", "Asia/Ho_Chi_Minh", "America/New_York", "Pacific/Auckland"):
        os.environ["TZ"] = zone
        time.tzset()
        times.add(a_tick(X).time_ms)

    assert times == {1_794_800_537_000}  # 2026-11-16T03:42:17Z


_json = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=10), inner, max_size=3),
    max_leaves=6,
)
_templates = st.sampled_from([X, X_QUOTE, X_TRADE, FUTURE_X, R, MI, F, B, OL])


@given(st.text() | st.binary() | st.dictionaries(st.text(max_size=10), _json, max_size=4))
def test_garbage_is_refused_and_nothing_else_happens(garbage: str | bytes | dict[str, object]) -> None:
    with pytest.raises(InvalidRow):
        parse(garbage)


@given(_templates, st.data())
def test_any_value_in_any_field_gives_a_tick_or_a_refusal(template: dict[str, JSON], data: st.DataObject) -> None:
    fields = st.dictionaries(st.sampled_from(sorted(template)), _json | st.sampled_from(["NaN", "1e999", "-1"]))
    content = {**template, **data.draw(fields)}

    outcome: str
    try:
        outcome = parse({"DataType": str(template["RType"]), "Content": dict(content)}).data_type
    except InvalidRow as refused:
        outcome = refused.reason

    assert outcome in (template["RType"], "no_key")
