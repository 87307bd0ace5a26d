"""The market's promises, seen only through its messages."""

from collections import defaultdict
from collections.abc import Iterable
from datetime import date
from typing import NamedTuple

import pytest

from ssi_simulator.core.exchange import Exchange
from ssi_simulator.core.messages import Content, Message
from ssi_simulator.core.prices import tick

PRICES = ("Open", "High", "Low", "Close", "LastPrice", "RefPrice", "EstMatchedPrice")
MONDAY, TUESDAY = date(2026, 11, 23), date(2026, 11, 24)


def at(clock: str) -> float:
    hours, minutes = clock.split(":")
    return int(hours) * 3600.0 + int(minutes) * 60.0


def a_day(exchange: Exchange, *, until: str = "15:05", events: int = 60) -> list[Message]:
    """All messages from the opening on, the clock going in steps of half a minute."""
    told: list[Message] = []
    while exchange.now_s < at(until):
        told += exchange.advance(max(exchange.now_s, at("08:30")) + 30, events)
    return told


def contents(messages: Iterable[Message], data_type: str) -> list[Content]:
    return [message.content for message in messages if message.data_type == data_type]


def number(content: Content, key: str) -> float:
    value = content[key]
    assert isinstance(value, (int, float)), f"{key} is {value!r}"
    return value


class Lived(NamedTuple):
    """A market that has lived through a day, and all it told; for reading only."""

    market: Exchange
    day: list[Message]


@pytest.fixture(scope="module")
def lived() -> Lived:
    exchange = Exchange(seed=3, day=MONDAY, stocks=120)
    return Lived(exchange, a_day(exchange))


@pytest.fixture(scope="module")
def market(lived: Lived) -> Exchange:
    return lived.market


@pytest.fixture(scope="module")
def day(lived: Lived) -> list[Message]:
    return lived.day


def test_the_same_seed_and_calls_give_the_same_messages() -> None:
    first, second = (Exchange(seed=5, day=MONDAY, stocks=40) for _ in range(2))

    told = [
        [*exchange.advance(at("09:30"), 10), *exchange.advance(at("09:31"), 500), *exchange.roll_day(TUESDAY)]
        for exchange in (first, second)
    ]

    assert told[0] == told[1]
    assert first.ledger() == second.ledger()


def test_another_seed_gives_another_market() -> None:
    first, second = (Exchange(seed=seed, day=MONDAY, stocks=40) for seed in (5, 6))

    assert first.advance(at("09:30"), 10) != second.advance(at("09:30"), 10)


def test_each_event_changes_one_symbol() -> None:
    exchange = Exchange(seed=5, day=MONDAY, stocks=40)
    exchange.advance(at("10:00"), 0)

    told = exchange.advance(at("10:00") + 0.5, 500)

    assert len(contents(told, "X")) == 500


def test_prices_stay_inside_the_band_and_on_the_tick(market: Exchange, day: list[Message]) -> None:
    kinds = {listing.symbol: listing for listing in market.listings}
    seen = 0

    for content in contents(day, "X"):
        listing = kinds[str(content["Symbol"])]
        scale = 10 if listing.kind == "future" else 1
        for price in (number(content, key) for key in content if key in PRICES or key.startswith(("BidPrice", "AskP"))):
            if price:
                assert number(content, "Floor") <= price <= number(content, "Ceiling")
                units = round(price * scale)
                assert units / scale == price
                assert units % tick(listing.exchange, listing.kind, units) == 0
                seen += 1

    assert seen > 100_000


def test_books_are_ordered_uncrossed_and_as_deep_as_the_exchange_shows(day: list[Message]) -> None:
    deepest: dict[str, int] = defaultdict(int)

    for content in contents(day, "X"):
        bids = [number(content, f"BidPrice{level}") for level in range(1, 11)]
        asks = [number(content, f"AskPrice{level}") for level in range(1, 11)]
        shown_bids, shown_asks = [price for price in bids if price], [price for price in asks if price]
        assert shown_bids == sorted(set(shown_bids), reverse=True) == bids[: len(shown_bids)]
        assert shown_asks == sorted(set(shown_asks)) == asks[: len(shown_asks)]
        assert not (shown_bids and shown_asks) or shown_bids[0] < shown_asks[0]
        exchange = str(content["Exchange"])
        deepest[exchange] = max(deepest[exchange], len(shown_bids), len(shown_asks))

    assert deepest == {"HOSE": 3, "HNX": 10, "UPCOM": 10, "DERIVATIVES": 10}


def test_totals_are_the_sums_of_the_trades(day: list[Message]) -> None:
    volume: dict[str, float] = defaultdict(float)
    value: dict[str, float] = defaultdict(float)

    for content in contents(day, "X-TRADE"):
        symbol = str(content["Symbol"])
        vnd = 100_000 if content["Exchange"] == "DERIVATIVES" else 1
        volume[symbol] += number(content, "LastVol")
        value[symbol] += round(number(content, "LastPrice") * vnd) * number(content, "LastVol")
        assert number(content, "TotalVol") == volume[symbol]
        assert number(content, "TotalVal") == value[symbol]
        assert number(content, "AvgPrice") == round(value[symbol] / volume[symbol], 3)

    assert len(volume) > 100


def test_open_high_low_and_close_follow_the_trades(day: list[Message]) -> None:
    prices: dict[str, list[float]] = defaultdict(list)
    volume: dict[str, float] = defaultdict(float)

    for content in contents(day, "X"):
        symbol, last = str(content["Symbol"]), number(content, "LastPrice")
        if number(content, "TotalVol") > volume[symbol]:
            assert number(content, "LastVol") == number(content, "TotalVol") - volume[symbol]
            prices[symbol].append(last)
            volume[symbol] = number(content, "TotalVol")
        if seen := prices[symbol]:
            found = [content["Open"], content["High"], content["Low"], content["Close"]]
            assert found == [seen[0], max(seen), min(seen), seen[-1]]
            assert number(content, "Change") == last - number(content, "RefPrice")

    assert any(len(seen) > 100 for seen in prices.values())


def test_a_side_tells_which_best_price_of_the_book_before_was_hit(day: list[Message]) -> None:
    book: dict[str, Content] = {}
    sides = {"BU": 0, "SD": 0, None: 0}

    for message in day:
        content = message.content
        if message.data_type == "X-QUOTE":
            book[message.key] = content
        if message.data_type != "X-TRADE":
            continue
        side = content["Side"]
        if side == "BU":
            assert content["LastPrice"] == book[message.key]["AskPrice1"]
        elif side == "SD":
            assert content["LastPrice"] == book[message.key]["BidPrice1"]
        else:
            assert content["TradingSession"] in ("ATO", "ATC", "PLO")
        sides[None if side is None else str(side)] += 1

    assert min(sides.values()) > 50


def test_an_auction_shows_an_expected_price_and_trades_once_at_its_end(day: list[Message]) -> None:
    expected: dict[str, float] = {}
    trades: dict[tuple[str, str], list[Content]] = defaultdict(list)

    for content in contents(day, "X"):
        if content["TradingSession"] == "ATO" and number(content, "EstMatchedPrice"):
            expected[str(content["Symbol"])] = number(content, "EstMatchedPrice")
        if content["TradingSession"] == "LO" and content["Exchange"] != "DERIVATIVES":
            assert content["EstMatchedPrice"] == 0.0
    for content in contents(day, "X-TRADE"):
        if content["TradingSession"] in ("ATO", "ATC"):
            trades[str(content["Symbol"]), str(content["TradingSession"])].append(content)

    assert all(len(matches) == 1 for matches in trades.values())
    opened = {symbol: number(matches[0], "LastPrice") for (symbol, name), matches in trades.items() if name == "ATO"}
    assert len(opened) > 30
    assert opened.items() <= expected.items()
    assert {matches[0]["Time"] for (_, name), matches in trades.items() if name == "ATC"} == {"14:45:00"}


def test_nothing_happens_at_lunch_and_after_the_close(day: list[Message]) -> None:
    busy = {
        str(message.content["Time"])
        for message in day
        if "11:30:00" < str(message.content["Time"]) < "13:00:00" or str(message.content["Time"]) > "15:00:00"
    }

    assert busy == set()


def test_each_session_of_each_symbol_is_announced_once(market: Exchange, day: list[Message]) -> None:
    sessions: dict[str, list[str]] = defaultdict(list)
    for content in contents(day, "F"):
        sessions[str(content["Symbol"])].append(str(content["TradingSession"]))

    wanted = {
        "HOSE": ["ATO", "LO", "BREAK", "LO", "ATC", "PT", "C"],
        "HNX": ["LO", "BREAK", "LO", "ATC", "PLO", "C"],
        "UPCOM": ["LO", "BREAK", "LO", "C"],
        "DERIVATIVES": ["ATO", "LO", "BREAK", "LO", "ATC", "PT", "C"],
    }

    assert sessions == {listing.symbol: wanted[listing.exchange] for listing in market.listings}


def test_after_the_close_hnx_trades_at_the_closing_price(day: list[Message]) -> None:
    closes: dict[str, float] = {}
    matches = 0

    for content in contents(day, "X-TRADE"):
        symbol, last = str(content["Symbol"]), number(content, "LastPrice")
        if content["TradingSession"] == "PLO":
            assert content["Exchange"] == "HNX"
            assert last == closes[symbol]
            matches += 1
        closes[symbol] = last

    assert matches > 10


def test_an_index_is_made_of_its_components(market: Exchange) -> None:
    last = {message.key: message.content for message in market.snapshot("X")}
    listed = {listing.symbol: listing.listed_shares for listing in market.listings}
    sent = {message.key: message.content for message in market.snapshot("MI")}

    for index in market.indices:
        now = sum(
            listed[symbol] * (number(last[symbol], "LastPrice") or number(last[symbol], "RefPrice"))
            for symbol in index.symbols
        )
        before = sum(listed[symbol] * number(last[symbol], "RefPrice") for symbol in index.symbols)
        content = sent[index.id]
        assert number(content, "IndexValue") == pytest.approx(index.base * now / before, abs=0.011)
        assert content["TotalQtty"] == sum(number(last[symbol], "TotalVol") for symbol in index.symbols)
        assert content["TotalValue"] == sum(number(last[symbol], "TotalVal") for symbol in index.symbols)

    assert len(sent) == len(market.indices) > 10


def test_breadth_counts_the_components(market: Exchange) -> None:
    last = {message.key: message.content for message in market.snapshot("X")}
    (vnindex,) = (index for index in market.indices if index.id == "VNINDEX")
    content = next(message.content for message in market.snapshot("MI") if message.key == "VNINDEX")

    traded = [last[symbol] for symbol in vnindex.symbols if last[symbol]["LastPrice"]]

    assert content["Advances"] == sum(number(x, "LastPrice") > number(x, "RefPrice") for x in traded)
    assert content["Declines"] == sum(number(x, "LastPrice") < number(x, "RefPrice") for x in traded)
    assert content["NoChanges"] == sum(x["LastPrice"] == x["RefPrice"] for x in traded)
    assert content["Ceilings"] == sum(x["LastPrice"] == x["Ceiling"] for x in traded)
    assert content["Floors"] == sum(x["LastPrice"] == x["Floor"] for x in traded)


def test_an_index_expects_a_value_only_while_its_exchange_holds_an_auction(day: list[Message]) -> None:
    for content in contents(day, "MI"):
        assert ("IndexValEst" in content) == (content["TradingSession"] in ("ATO", "ATC"))


def test_an_index_is_told_of_at_most_once_a_second_of_market_time() -> None:
    exchange = Exchange(seed=3, day=MONDAY, stocks=60)
    exchange.advance(at("10:00"), 0)

    told = [message for step in range(1, 41) for message in exchange.advance(at("10:00") + step * 0.1, 50)]

    assert len([message for message in told if message.data_type == "MI" and message.key == "VNINDEX"]) == 4


def test_foreign_flow_only_grows_and_keeps_to_the_room(day: list[Message]) -> None:
    before: dict[str, Content] = {}

    for content in contents(day, "R"):
        symbol = str(content["Symbol"])
        assert 0 <= number(content, "CurrentRoom") <= number(content, "TotalRoom")
        if symbol in before:
            bought = number(content, "BuyVol") - number(before[symbol], "BuyVol")
            sold = number(content, "SellVol") - number(before[symbol], "SellVol")
            assert bought >= 0
            assert sold >= 0
            assert number(content, "CurrentRoom") - number(before[symbol], "CurrentRoom") == sold - bought
        before[symbol] = content

    assert len(before) > 50


def test_some_prices_reach_the_ends_of_their_band_and_some_symbols_never_trade() -> None:
    exchange = Exchange(seed=1, day=MONDAY)
    exchange.advance(at("11:00"), 0)

    last = [message.content for message in exchange.snapshot("X")]

    assert sum(x["LastPrice"] == x["Ceiling"] for x in last) > 3
    assert sum(x["LastPrice"] == x["Floor"] for x in last) > 3
    assert sum(x["LastPrice"] == 0 for x in last) > 300


def test_futures_stay_near_their_index(day: list[Message]) -> None:
    vn30 = 0.0
    distances = []

    for message in day:
        if message.key == "VN30" and message.data_type == "MI":
            vn30 = number(message.content, "IndexValue")
        elif message.key == "41I1GC000" and message.data_type == "X-TRADE":
            distances.append(abs(number(message.content, "LastPrice") / vn30 - 1))

    assert max(distances) < 0.02


def test_a_market_opened_in_mid_morning_has_a_past() -> None:
    exchange = Exchange(seed=2, day=MONDAY, stocks=200)

    told = exchange.advance(at("10:00"), 0)

    times = [str(message.content["Time"]) for message in told]
    assert times == sorted(times)
    assert {"ATO", "LO"} <= {str(content["TradingSession"]) for content in contents(told, "X-TRADE")}
    ssi = next(message.content for message in exchange.snapshot("X") if message.key == "SSI")
    assert number(ssi, "TotalVol") > 10_000


def test_the_ledger_says_what_a_client_has_read() -> None:
    exchange = Exchange(seed=2, day=MONDAY, stocks=60)
    opening = [message for data_type in ("X", "R", "MI") for message in exchange.snapshot(data_type)]

    told = opening + a_day(exchange, until="10:00")

    last = {message.key: message.content for message in told if message.data_type == "X"}
    flow = {message.key: message.content for message in told if message.data_type == "R"}
    trades = [message.key for message in told if message.data_type == "X-TRADE"]
    ledger = exchange.ledger()
    assert ledger["symbols"].keys() == last.keys()
    for symbol, totals in ledger["symbols"].items():
        assert totals["last"] == last[symbol]["LastPrice"]
        assert totals["total_volume"] == last[symbol]["TotalVol"]
        assert totals["total_value"] == last[symbol]["TotalVal"]
        assert totals["trades"] == trades.count(symbol)
        if symbol in flow:
            assert totals["foreign_buy_volume"] == flow[symbol]["BuyVol"]
            assert totals["foreign_sell_volume"] == flow[symbol]["SellVol"]
    values = {message.key: message.content["IndexValue"] for message in told if message.data_type == "MI"}
    assert {key: totals["value"] for key, totals in ledger["indices"].items()} == values


def test_a_snapshot_repeats_the_last_message_of_each_key(market: Exchange, day: list[Message]) -> None:
    for data_type in ("X", "X-QUOTE", "X-TRADE", "B", "MI", "OL"):
        last = {message.key: message for message in day if message.data_type == data_type}

        assert last.items() <= {message.key: message for message in market.snapshot(data_type)}.items()


def test_the_clock_never_runs_back() -> None:
    exchange = Exchange(seed=2, day=MONDAY, stocks=30)
    exchange.advance(at("10:00"), 0)

    told = exchange.advance(at("09:00"), 5)

    assert exchange.now_s == at("10:00")
    assert {message.content["Time"] for message in told if message.data_type == "X"} == {"10:00:00"}


def test_a_new_day_starts_from_the_closes_with_everything_at_zero() -> None:
    exchange = Exchange(seed=4, day=MONDAY, stocks=120)
    a_day(exchange)
    closes = {message.key: message.content for message in exchange.snapshot("X")}
    values = {message.key: message.content["IndexValue"] for message in exchange.snapshot("MI")}

    told = exchange.roll_day(TUESDAY)

    assert exchange.day == TUESDAY
    assert {message.content["TradingDate"] for message in told} == {"24/11/2026"}
    for content in contents(told, "X"):
        before = closes[str(content["Symbol"])]
        assert (content["TotalVol"], content["AvgPrice"], content["TradingSession"]) == (0.0, "NaN", "C")
        if content["Exchange"] != "UPCOM":
            assert content["RefPrice"] == (before["LastPrice"] or before["RefPrice"])
        elif before["TotalVol"]:
            assert abs(number(content, "RefPrice") - number(before, "AvgPrice")) <= 50
    assert {content["IndexId"]: content["PriorIndexValue"] for content in contents(told, "MI")} == values
    assert all(content["BuyVol"] == 0 for content in contents(told, "R"))


def test_an_expired_future_is_gone_the_next_day_and_another_is_there() -> None:
    exchange = Exchange(seed=4, day=date(2026, 11, 19), stocks=30)

    told = exchange.roll_day(date(2026, 11, 20))

    futures = [message.key for message in told if message.data_type == "X" and message.key.startswith("41")]
    assert futures == ["41I1GC000", "41I1H1000", "41I1H3000", "41I1H6000"]
    for data_type in ("F", "X", "X-QUOTE"):
        assert "41I1GB000" not in {message.key for message in exchange.snapshot(data_type)}


def test_a_day_cannot_come_twice() -> None:
    exchange = Exchange(seed=4, day=MONDAY, stocks=30)

    with pytest.raises(ValueError, match="name a later day"):
        exchange.roll_day(MONDAY)
