"""A standby that has read the same feed ends with the rows of a leader that never died."""

import random
from contextlib import suppress

import pytest

from ingest_service.core.board import Board
from ingest_service.core.guard import AGREEING, Offence
from ingest_service.core.symbols import Listing
from ingest_service.core.ticks import Tick
from shared.channels import Channel, Internal
from shared.table import JSON
from tests.unit.ingest_service.core.a_feed import DAY, MI, OL, CheckedBoard, R, X, a_tick, at_ms

SYMBOLS = ["SSI", "VNM"]


def a_feed_of_trades(seed: int, length: int) -> list[Tick]:
    """Trades, books, foreign trades and an index, several in a second; each total only rises."""
    dice = random.Random(seed)
    totals = dict.fromkeys(SYMBOLS, 1000)
    bought = dict.fromkeys(SYMBOLS, 500)
    value = 1250.0
    ticks = []
    for number in range(length):
        second = number // 4
        time = f"10:{second // 60:02}:{second % 60:02}"
        symbol = dice.choice(SYMBOLS)
        match dice.randrange(4):
            case 0 | 1:
                totals[symbol] += dice.choice([0, 0, 100, 300])
                price = 31000 + 50 * dice.randrange(20)
                book: dict[str, JSON] = {"BidPrice1": price - 50, "AskPrice1": price + 50 * dice.randrange(2)}
                changes: dict[str, JSON] = {"TotalVol": totals[symbol], "LastPrice": price, **book}
                ticks.append(a_tick(X, Symbol=symbol, Time=time, **changes))
            case 2:
                bought[symbol] += dice.choice([0, 700])
                ticks.append(a_tick(R, Symbol=symbol, Time=time, BuyVol=bought[symbol]))
            case _:
                value = round(value + dice.uniform(-1, 1), 2)
                ticks.append(a_tick(MI, Time=time, IndexValue=value))
    return ticks


@pytest.mark.parametrize("seed", range(40))
def test_it_ends_with_the_same_rows_wherever_the_leader_stopped_and_its_backlog_begins(seed: int) -> None:
    dice = random.Random(seed)
    ticks = a_feed_of_trades(seed, 240)
    stopped_at = dice.randrange(40, 200)
    backlog_from = stopped_at - dice.randrange(30)
    leader, immortal = CheckedBoard(), Board()
    for tick in ticks[:stopped_at]:
        leader.board.apply(tick)
        leader.take()
    for tick in ticks:
        immortal.apply(tick)
    successor = CheckedBoard()
    successor.tables = {table: dict(rows) for table, rows in leader.tables.items()}

    successor.board.load(DAY, leader.tables, watched=True)
    for tick in ticks[backlog_from:]:
        successor.board.catch_up(tick)
    successor.take()

    kept = immortal.take_changes()
    for table in (Channel.MARKET, Channel.FOREIGN, Channel.INDEX, Internal.WINDOWS):
        assert successor.tables[table] == kept[table], table


def test_a_standby_that_reads_more_slowly_than_the_leader_did_takes_nothing_back() -> None:
    leader, successor = CheckedBoard(), CheckedBoard()
    early = [a_tick(X, TotalVol=1000, Time="10:00:00"), a_tick(R, BuyVol=10, Time="10:00:00")]
    late = [a_tick(X, TotalVol=5000, Time="10:00:00"), a_tick(R, BuyVol=90, Time="10:00:00")]
    for tick in early + late:
        leader.board.apply(tick)
    leader.take()

    successor.board.load(DAY, leader.tables, watched=True)
    for tick in early:
        successor.board.catch_up(tick)
    successor.take()

    assert successor.last_changes == {}


def test_odd_lots_that_the_leader_has_published_are_taken_back_by_nobody_and_accused_by_nobody() -> None:
    leader, successor = CheckedBoard(), CheckedBoard()
    ticks = [a_tick(OL, TotalVol=1000 + number, Time=f"10:00:0{number}") for number in range(2 * AGREEING - 1)]
    for tick in ticks:
        leader.board.apply(tick)
    leader.take()

    successor.board.load(DAY, leader.tables, watched=True)
    for tick in ticks:
        successor.board.catch_up(tick)
    successor.take()

    assert successor.last_changes == {}
    assert not successor.board.oddities.total()


def test_what_is_traded_since_counts_as_unseen_if_the_standby_has_not_watched() -> None:
    leader, successor = CheckedBoard(), CheckedBoard()
    leader.tell(X, TotalVol=1000)
    unseen = leader.row(Channel.MARKET, "SSI")["unseen_volume"]

    successor.board.load(DAY, leader.tables)
    successor.board.catch_up(a_tick(X, TotalVol=1700, Time="10:59:59"))
    successor.take()

    assert successor.row(Channel.MARKET, "SSI")["unseen_volume"] == unseen + 700  # type: ignore[operator]  # a row's field


@pytest.mark.parametrize("seed", range(20))
def test_ticks_that_arrive_late_after_the_takeover_take_nothing_back(seed: int) -> None:
    dice = random.Random(seed)
    ticks = a_feed_of_trades(seed, 240)
    stopped_at = dice.randrange(60, 200)
    leader, immortal, successor = CheckedBoard(), Board(), CheckedBoard()
    for tick in ticks[:stopped_at]:
        leader.board.apply(tick)
        leader.take()
    for tick in ticks:
        immortal.apply(tick)
    successor.tables = {table: dict(rows) for table, rows in leader.tables.items()}
    totals = dict.fromkeys(SYMBOLS, 0)

    successor.board.load(DAY, leader.tables, watched=True)
    for tick in ticks[stopped_at - 40 :]:  # the link lags: nothing of it was read before
        successor.board.catch_up(tick)
        successor.take()
        for symbol, row in successor.tables[Channel.MARKET].items():
            assert isinstance(row["total_volume"], int)
            assert row["total_volume"] >= totals[symbol]
            totals[symbol] = row["total_volume"]

    kept = immortal.take_changes()
    for table in (Channel.MARKET, Channel.FOREIGN, Channel.INDEX, Internal.WINDOWS):
        assert successor.tables[table] == kept[table], table


def test_a_trade_is_news_even_if_a_quote_of_a_later_second_has_overtaken_it() -> None:
    leader, successor = CheckedBoard(), CheckedBoard()
    leader.tell(X, TotalVol=1000, Time="10:00:02")

    successor.board.load(DAY, leader.tables, watched=True)
    successor.board.catch_up(a_tick(X, TotalVol=1500, Time="10:00:01"))
    successor.take()

    assert successor.row(Channel.MARKET, "SSI")["total_volume"] == 1500


def test_a_lower_total_of_a_later_second_is_a_correction() -> None:
    leader, successor = CheckedBoard(), CheckedBoard()
    leader.tell(X, TotalVol=1500, Time="10:00:01")

    successor.board.load(DAY, leader.tables, watched=True)
    for second in range(2, 2 + AGREEING):
        with suppress(Offence):
            successor.board.catch_up(a_tick(X, TotalVol=900, Time=f"10:00:0{second}"))
    successor.board.catch_up(a_tick(X, TotalVol=950, Time="10:00:09"))
    successor.take()

    row = successor.row(Channel.MARKET, "SSI")
    assert (row["total_volume"], row["unseen_volume"]) == (950, 900)


def test_what_the_feed_said_of_the_phases_is_known_to_the_next_leader() -> None:
    leader, successor = CheckedBoard(), CheckedBoard()
    leader.board.set_time(at_ms(10, 5), now_ms=at_ms(10, 5))
    leader.tell(MI, TradingSession="C", Time="10:05:00")
    leader.board.set_time(at_ms(10, 6), now_ms=at_ms(10, 6))
    leader.take()

    successor.tables = {table: dict(rows) for table, rows in leader.tables.items()}
    successor.board.load(DAY, leader.tables)
    successor.board.set_time(at_ms(10, 7), now_ms=at_ms(10, 7))
    successor.take()

    assert leader.tables[Channel.STATUS]["HOSE"]["phase"] == "closed"
    assert successor.tables[Channel.STATUS]["HOSE"]["phase"] == "closed"


def test_names_and_groups_outlast_a_takeover_before_the_first_price() -> None:
    leader, successor = CheckedBoard(), CheckedBoard()
    leader.board.set_symbols([Listing("SSI", name_en="First", market="HOSE"), Listing("VNM", market="HOSE")])
    leader.take()

    successor.tables = {table: dict(rows) for table, rows in leader.tables.items()}
    successor.board.load(None, leader.tables)
    successor.tell(X)

    assert successor.row(Channel.SYMBOLS, "SSI")["name_en"] == "First"
    assert successor.row(Channel.GROUPS, "HOSE")["keys"] == ["SSI", "VNM"]


def test_a_tick_of_the_next_day_is_news_however_small_its_totals() -> None:
    leader, successor = CheckedBoard(), CheckedBoard()
    leader.tell(X, TotalVol=1000)

    successor.board.load(DAY, leader.tables, watched=True)
    successor.board.catch_up(a_tick(X, TotalVol=100, TradingDate="24/11/2026", Time="09:00:00"))

    assert successor.board.day is not None
    assert successor.board.day > DAY
