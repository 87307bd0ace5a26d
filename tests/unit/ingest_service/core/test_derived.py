"""Movers, breadth and sectors: what an independent look at all rows finds, and never much of it in one turn."""

from collections import Counter
from collections.abc import Iterable
from contextlib import suppress
from datetime import date
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ingest_service.core.board import Board
from ingest_service.core.derived import SYMBOLS_A_TURN
from ingest_service.core.guard import Offence
from ingest_service.core.movers import TOP
from ingest_service.core.symbols import Listing
from ingest_service.core.ticks import SecurityTick, Tick
from shared.channels import Channel, Internal, Stored
from shared.table import JSON
from tests.unit.ingest_service.core.a_feed import DAY, UNTRADED, X_TRADE, CheckedBoard, R, X, a_tick, at_ms

SHARES = {
    "HOSE": [f"A{letter}{other}" for letter in "ABCDE" for other in "ABCDE"],
    "HNX": [f"H{letter}A" for letter in "ABCDE"],
    "UPCOM": [f"U{letter}A" for letter in "ABC"],
}
WARRANT, ETF = "CAAA2601", "FUEVFVND"
EXCHANGE_OF = {symbol: exchange for exchange, symbols in SHARES.items() for symbol in symbols} | {
    WARRANT: "HOSE",
    ETF: "HOSE",
}
COMPONENTS = {
    "VN30": SHARES["HOSE"][:8],
    "HNX30": SHARES["HNX"][:3],
    "VNFIN": SHARES["HOSE"][::2],
    "VNREAL": ["AAB", "NEW"],
}
REFERENCE = 10_000.0
LISTS = ("gainers", "losers", "by_value", "by_volume", "foreign_bought", "foreign_sold")
OF_ALL_ROWS = (Channel.MOVERS, Channel.BREADTH, Channel.SECTORS, Channel.FLOW)


def price_tick(symbol: str, second: int, price: int, volume: int) -> Tick:
    """The last price and the totals of a symbol; 0 and 0: not traded yet. The band is 9,300 to 10,700."""
    return a_tick(
        X,
        Symbol=symbol,
        Time=f"10:{second // 60:02}:{second % 60:02}",
        Exchange=EXCHANGE_OF[symbol],
        MarketId=EXCHANGE_OF[symbol],
        RefPrice=REFERENCE,
        Ceiling=10_700.0,
        Floor=9_300.0,
        Open=float(price),
        High=float(price),
        Low=float(price),
        LastPrice=float(price),
        TotalVol=float(volume),
        TotalVal=float(volume * price),
    )


def foreign_tick(symbol: str, second: int, net_value: int) -> Tick:
    changes: dict[str, JSON] = {"BuyVal": float(max(net_value, 0)), "SellVal": float(max(-net_value, 0))}
    return a_tick(R, Symbol=symbol, Time=f"10:{second // 60:02}:{second % 60:02}", **changes)


_SYMBOLS = st.sampled_from(sorted(EXCHANGE_OF))
_TICKS = st.lists(
    st.builds(
        price_tick,
        _SYMBOLS,
        st.integers(0, 5),
        st.sampled_from([9_300, 9_400, 9_900, 10_000, 10_100, 10_600, 10_700]),
        st.integers(1, 5).map(lambda lots: 100 * lots),
    )
    | st.builds(price_tick, _SYMBOLS, st.integers(0, 5), st.just(0), st.just(0))
    | st.builds(foreign_tick, _SYMBOLS, st.integers(0, 5), st.integers(-3, 3).map(lambda net: net * 1_000_000)),
    min_size=1,
    max_size=80,
)


def rising(ticks: Iterable[Tick]) -> list[Tick]:
    """The same in the order of their times, but each total of a symbol is above the one before."""
    volumes = Counter[str]()
    told: list[Tick] = []
    for tick in sorted(ticks, key=lambda tick: tick.time_ms or 0):
        if isinstance(tick, SecurityTick):
            assert tick.time_ms is not None
            assert tick.trade is not None
            volumes[tick.key] += tick.trade.total_volume or 100
            price = int(tick.trade.last or REFERENCE)
            told.append(price_tick(tick.key, (tick.time_ms - at_ms(10, 0)) // 1000, price, volumes[tick.key]))
        else:
            told.append(tick)
    return told


def a_board_with_lists() -> CheckedBoard:
    checked = CheckedBoard()
    kinds = {WARRANT: "CW", ETF: "EF"}
    checked.board.set_symbols(
        Listing(symbol, exchange, kind=kinds.get(symbol, "ST")) for symbol, exchange in EXCHANGE_OF.items()
    )
    checked.board.set_components(COMPONENTS)
    checked.take()
    return checked


def tell(checked: CheckedBoard, ticks: Iterable[Tick]) -> None:
    for tick in ticks:
        with suppress(Offence):  # totals that fall
            checked.board.apply(tick)
        checked.take()


def told_in_all_turns(checked: CheckedBoard, ticks: Iterable[Tick]) -> set[tuple[Stored, str]]:
    """Which rows change by these ticks, and by what follows from them."""
    told: set[tuple[Stored, str]] = set()
    for tick in ticks:
        checked.board.apply(tick)
    while not told or checked.board.unfinished:
        checked.take()
        told |= {(channel, key) for channel, rows in checked.last_changes.items() for key in rows}
    return told


def rows_of(checked: CheckedBoard, channel: Stored, symbols: Iterable[str]) -> dict[str, dict[str, Any]]:
    """Those of these symbols that a reader holds."""
    return {symbol: checked.tables[channel][symbol] for symbol in symbols if symbol in checked.tables[channel]}


def symbols_in(checked: CheckedBoard, which: str, market: str = "HOSE") -> list[str]:
    """The symbols of one list."""
    row: dict[str, Any] = checked.tables[Channel.MOVERS][market]
    return [line["symbol"] for line in row[which]]


def expected_lists(checked: CheckedBoard, symbols: list[str]) -> dict[str, list[str]]:
    """The symbols of each list, from all rows."""
    market = rows_of(checked, Channel.MARKET, symbols)
    foreign = rows_of(checked, Channel.FOREIGN, symbols)
    traded = {symbol: row for symbol, row in market.items() if row["last"] is not None}

    def first(rows: dict[str, dict[str, Any]], *fields: str, sign: int = -1) -> list[str]:
        def rank(symbol: str) -> tuple[float | str, ...]:
            leading, *others = (rows[symbol][field] for field in fields)
            return sign * leading, *(-value for value in others), symbol

        return sorted(rows, key=rank)[:TOP]

    return {
        "gainers": first({s: r for s, r in traded.items() if r["change_pct"] > 0}, "change_pct", "total_value"),
        "losers": first({s: r for s, r in traded.items() if r["change_pct"] < 0}, "change_pct", "total_value", sign=1),
        "by_value": first(traded, "total_value", "total_volume"),
        "by_volume": first(traded, "total_volume", "total_value"),
        "foreign_bought": first({s: r for s, r in foreign.items() if r["net_value"] > 0}, "net_value"),
        "foreign_sold": first({s: r for s, r in foreign.items() if r["net_value"] < 0}, "net_value", sign=1),
    }


@given(_TICKS)
def test_movers_are_the_first_of_all_shares_of_their_market_with_the_values_of_their_rows(ticks: list[Tick]) -> None:
    checked = a_board_with_lists()
    tell(checked, ticks)
    checked.settle(at_ms(10, 1))

    for name, symbols in (*SHARES.items(), ("VN30", COMPONENTS["VN30"])):
        row: dict[str, Any] = checked.tables[Channel.MOVERS][name]
        assert {which: [line["symbol"] for line in row[which]] for which in LISTS} == expected_lists(checked, symbols)
        for which in LISTS:
            table = checked.tables[Channel.FOREIGN if which.startswith("foreign") else Channel.MARKET]
            assert all(
                line.items() <= {**table[line["symbol"]], "symbol": line["symbol"]}.items() for line in row[which]
            )


@given(_TICKS)
def test_breadth_counts_each_symbol_once(ticks: list[Tick]) -> None:
    checked = a_board_with_lists()
    tell(checked, ticks)
    checked.settle(at_ms(10, 1))

    for name, symbols in (*SHARES.items(), ("VN30", COMPONENTS["VN30"]), ("HNX30", COMPONENTS["HNX30"])):
        rows = rows_of(checked, Channel.MARKET, symbols).values()
        prices = [row["last"] for row in rows]
        assert checked.row(Channel.BREADTH, name) == {
            "symbols": len(prices),
            "advances": sum(price is not None and price > REFERENCE for price in prices),
            "unchanged": prices.count(REFERENCE),
            "declines": sum(price is not None and price < REFERENCE for price in prices),
            "ceilings": prices.count(10_700),
            "floors": prices.count(9_300),
            "untraded": prices.count(None),
        }


@given(_TICKS)
def test_a_sector_is_the_sum_of_its_shares_and_their_mean_change_by_value(ticks: list[Tick]) -> None:
    checked = a_board_with_lists()
    tell(checked, ticks)
    checked.settle(at_ms(10, 1))

    for name in ("VNFIN", "VNREAL"):
        rows = rows_of(checked, Channel.MARKET, COMPONENTS[name])
        foreign = rows_of(checked, Channel.FOREIGN, rows)
        traded = [row for row in rows.values() if row["total_value"]]
        value = sum(row["total_value"] for row in traded)
        sector = checked.row(Channel.SECTORS, name)
        assert (sector["symbols"], sector["untraded"]) == (len(rows), len(rows) - len(traded))
        assert sector["total_value"] == value
        assert sector["total_volume"] == sum(row["total_volume"] for row in traded)
        assert sector["foreign_net_value"] == sum(row["net_value"] for row in foreign.values())
        mean = sum(row["total_value"] * row["change_pct"] for row in traded) / value if value else None
        assert sector["change_pct"] == (None if mean is None else pytest.approx(mean, abs=0.0051))


def test_an_index_and_a_sector_have_no_row_before_their_components_are_known() -> None:
    checked = CheckedBoard()

    checked.tell(X)

    assert set(checked.tables[Channel.MOVERS]) == set(checked.tables[Channel.BREADTH]) == {"HOSE"}
    assert not checked.tables[Channel.SECTORS]


def test_a_share_without_a_reference_price_has_no_change_and_is_in_no_count_but_among_the_most_traded() -> None:
    checked = a_board_with_lists()
    unknown: dict[str, JSON] = {"RefPrice": 0.0, "Ceiling": 0.0, "Floor": 0.0}

    checked.tell(X, Symbol="AAA", **unknown)
    checked.settle(at_ms(10, 43))

    row = checked.row(Channel.MARKET, "AAA")
    breadth = checked.row(Channel.BREADTH, "HOSE")
    assert (row["last"], row["reference"], row["change"], row["change_pct"]) == (31500, None, None, None)
    assert (breadth["symbols"], breadth["untraded"]) == (0, 0)
    assert {which: symbols_in(checked, which) for which in LISTS[:4]} == {
        "gainers": [],
        "losers": [],
        "by_value": ["AAA"],
        "by_volume": ["AAA"],
    }


def test_a_share_that_leaves_an_index_leaves_its_movers_and_its_breadth() -> None:
    checked = a_board_with_lists()
    tell(checked, [price_tick("AAA", 1, 10_100, 100), price_tick("AAB", 1, 10_200, 200)])

    checked.board.set_components({"VN30": ["AAB", "AAC"]})
    checked.settle(at_ms(10, 0, 2))

    assert symbols_in(checked, "gainers", "VN30") == ["AAB"]
    assert checked.row(Channel.BREADTH, "VN30")["symbols"] == 1
    assert symbols_in(checked, "gainers") == ["AAB", "AAA"]


def test_a_list_is_made_anew_at_most_once_a_second_of_the_markets_time() -> None:
    checked = a_board_with_lists()
    told_in_all_turns(checked, [price_tick("AAA", 1, 10_100, 100)])

    within = told_in_all_turns(checked, [price_tick("AAB", 1, 10_200, 200)])
    before = symbols_in(checked, "by_value")
    later = told_in_all_turns(checked, [price_tick("AAC", 2, 10_200, 300)])

    assert not {channel for channel, _ in within} & set(OF_ALL_ROWS)
    assert before == ["AAA"]
    assert (Channel.MOVERS, "HOSE") in later
    assert symbols_in(checked, "by_value") == ["AAC", "AAB", "AAA"]


def test_messages_that_overtake_each_other_by_a_second_are_no_new_seconds() -> None:
    checked = a_board_with_lists()
    told_in_all_turns(checked, [price_tick("AAA", 11, 10_100, 100)])

    told = [
        told_in_all_turns(checked, [price_tick("AAB", 9 + 2 * (number % 2), 10_100 + 100 * (number % 2), 100 + number)])
        for number in range(6)
    ]

    assert not {channel for changed in told for channel, _ in changed} & set(OF_ALL_ROWS)


def test_the_last_changes_of_a_market_that_falls_silent_are_in_the_lists_a_second_later() -> None:
    checked = a_board_with_lists()
    tell(checked, [price_tick("AAA", 1, 10_100, 100), price_tick("AAB", 1, 10_200, 200)])

    checked.settle(at_ms(10, 0, 2))

    assert symbols_in(checked, "gainers") == ["AAB", "AAA"]


def test_lists_that_did_not_change_are_not_told() -> None:
    checked = a_board_with_lists()
    told_in_all_turns(checked, [price_tick("AAA", 1, 10_100, 100), price_tick("HAA", 1, 10_100, 100)])
    checked.settle(at_ms(10, 0, 2))

    told = told_in_all_turns(checked, [price_tick("HAA", 3, 10_200, 200)])

    assert told & {(Channel.MOVERS, name) for name in (*SHARES, "VN30")} == {(Channel.MOVERS, "HNX")}
    assert not {channel for channel, _ in told} & {Channel.BREADTH, Channel.SECTORS}


def test_one_turn_does_a_part_of_a_busy_seconds_work_and_the_next_ones_do_the_rest() -> None:
    checked = CheckedBoard()
    symbols = [f"{one}{two}{three}" for one in "ABCDEFGH" for two in "ABCDEFGHIJ" for three in "ABCDEFGHIJ"]
    for total in (0, 100):
        for symbol in symbols:
            checked.board.apply(a_tick(X_TRADE, Symbol=symbol, Time="10:00:00", TotalVol=float(total)))

    turns = [checked.board.take_changes()]
    while checked.board.unfinished:
        turns.append(checked.board.take_changes())

    flows = [list(changes.get(Channel.FLOW, ())) for changes in turns]
    assert max(map(len, flows)) <= SYMBOLS_A_TURN // 4
    assert sorted(symbol for turn in flows for symbol in turn) == symbols
    assert sum("HOSE" in changes.get(Channel.MOVERS, ()) for changes in turns) == 1


def test_a_new_day_begins_with_no_movers_of_yesterday() -> None:
    checked = a_board_with_lists()
    tell(checked, [price_tick("AAA", 1, 10_100, 100), price_tick("HAA", 1, 10_100, 100), foreign_tick("HAA", 1, 5)])
    checked.settle(at_ms(10, 0, 2))

    checked.tables = {table: {} for table in checked.tables}
    tuesday_ms = at_ms(10, 43, day=date(2026, 11, 17))
    checked.board.set_time(at_ms(15, 0), now_ms=tuesday_ms)
    checked.board.apply(a_tick(X, Symbol="AAA", TradingDate="17/11/2026", **UNTRADED))
    checked.settle(tuesday_ms)

    assert not any(symbols_in(checked, which, market) for which in LISTS for market in ("HOSE", "HNX"))
    assert checked.row(Channel.BREADTH, "HOSE")["untraded"] == 1


@given(_TICKS, st.data())
def test_whoever_takes_over_ends_with_the_lists_of_a_leader_that_never_died(
    told: list[Tick], data: st.DataObject
) -> None:
    ticks = rising(told)
    stopped_at = data.draw(st.integers(0, len(ticks)))
    backlog_from = data.draw(st.integers(0, stopped_at))
    leader, immortal, successor = a_board_with_lists(), a_board_with_lists(), CheckedBoard()
    tell(leader, ticks[:stopped_at])
    tell(immortal, ticks)
    successor.tables = {table: dict(rows) for table, rows in leader.tables.items()}

    successor.board.load(DAY if stopped_at else None, leader.tables, watched=True)
    for tick in ticks[backlog_from:]:
        if stopped_at:
            successor.board.catch_up(tick)
        else:
            successor.board.apply(tick)
        successor.take()

    for checked in (immortal, successor):
        checked.settle(at_ms(10, 1))
    for table in (*OF_ALL_ROWS, Internal.FLOW_WINDOWS):
        assert successor.tables[table] == immortal.tables[table], table


def test_a_board_that_nobody_tells_anything_has_nothing_to_do() -> None:
    board = Board()
    board.set_time(at_ms(10, 0), now_ms=at_ms(10, 0))
    while board.unfinished:
        board.take_changes()

    board.take_changes()

    assert not board.unfinished
