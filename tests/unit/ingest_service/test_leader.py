"""What a leader makes of ticks soon after a takeover, and when it commits."""

import asyncio
from contextlib import suppress
from datetime import date
from itertools import pairwise
from typing import cast

import pytest

from ingest_service.core.board import Board
from ingest_service.core.feed_watch import FeedWatch
from ingest_service.core.guard import AGREEING, Offence
from ingest_service.core.history import Changes
from ingest_service.core.quarantine import Quarantine
from ingest_service.core.sessions import Calendar
from ingest_service.core.symbols import Listing
from ingest_service.leader import CATCH_UP_S, COMMIT_GAP_S, Leader
from ingest_service.metrics import Metrics
from ingest_service.publication import Publication
from shared.channels import Channel
from tests.eventually import eventually
from tests.unit.ingest_service.core.a_feed import X_QUOTE, X_TRADE, X, a_tick


class Desk:
    """A leader whose board holds a total of 1,500 of the second 10:00:05; nothing is published."""

    def __init__(self, *, simulated: bool = False) -> None:
        self.now_s = 100.0
        self.board = Board(simulated=simulated)
        self.board.apply(a_tick(X, TotalVol=1500, Time="10:00:05"))
        watch = FeedWatch(self.now_s, 0, Calendar(), ())
        nobody = cast("Publication", None)
        self.leader = Leader(self.board, watch, nobody, Metrics(), Quarantine(), now_s=lambda: self.now_s)

    def total_after_older_ones(self, number: int = AGREEING) -> object:
        for _ in range(number):
            with suppress(Offence):
                self.leader.take(a_tick(X, TotalVol=900, Time="10:00:01"), read_at_ms=1)
        row = self.board.take_changes()[Channel.MARKET]["SSI"]
        return row and row["total_volume"]


def test_a_late_tick_takes_nothing_back() -> None:
    assert Desk().total_after_older_ones() == 1500


def test_the_last_trade_that_is_told_after_the_book_of_now_is_not_late() -> None:
    desk = Desk()
    desk.leader.take(a_tick(X_QUOTE, Symbol="VNM", Time="10:00:05"), read_at_ms=1)

    desk.leader.take(a_tick(X_TRADE, Symbol="VNM", Time="09:15:01", TotalVol=700.0), read_at_ms=1)

    row = desk.board.take_changes()[Channel.MARKET]["VNM"]
    assert row is not None
    assert row["total_volume"] == 700


def test_later_on_a_lower_total_is_a_correction_whatever_its_time() -> None:
    desk = Desk()
    desk.now_s += CATCH_UP_S

    assert desk.total_after_older_ones() == 900


@pytest.mark.parametrize("simulated", [True, False])
def test_what_a_new_link_tells_is_not_late_but_only_a_simulated_market_begins_its_day_once_more(
    *, simulated: bool
) -> None:
    desk = Desk(simulated=simulated)
    desk.leader.link_lost()

    assert desk.total_after_older_ones(1) == (900 if simulated else 1500)


class Notes:
    """Takes commits, and notes when they came."""

    day = date(2026, 11, 16)

    def __init__(self) -> None:
        self.came_s: list[float] = []
        self.total: object = None

    async def publish(self, changes: Changes, _: int) -> None:
        self.came_s.append(asyncio.get_running_loop().time())
        row = changes.get(Channel.MARKET, {}).get("SSI")
        self.total = row["total_volume"] if row else self.total

    async def beat(self) -> None:
        await asyncio.Event().wait()


async def test_commits_of_a_busy_feed_keep_a_distance_and_lose_nothing() -> None:
    notes, board = Notes(), Board()
    watch = FeedWatch(100.0, 0, Calendar(), ())
    leader = Leader(board, watch, cast("Publication", notes), Metrics(), Quarantine(), now_s=lambda: 200.0)
    leading = asyncio.create_task(leader.run())

    for total in range(1, 300):
        leader.take(a_tick(X, TotalVol=total), read_at_ms=total)
        await asyncio.sleep(0)
    await eventually(lambda: notes.total == 299)
    leading.cancel()
    await asyncio.wait([leading])

    # The first one is of the beginning: it waits for nobody.
    steps_s = [later - earlier for earlier, later in pairwise(notes.came_s[1:])]
    assert all(step_s > COMMIT_GAP_S / 2 for step_s in steps_s)


class Lists:
    """Takes commits, and notes in which of them there are movers, and for which markets."""

    day = date(2026, 11, 16)

    def __init__(self) -> None:
        self.told: list[set[str]] = []

    async def publish(self, changes: Changes, _: int) -> None:
        self.told.append(set(changes.get(Channel.MOVERS, ())))

    async def beat(self) -> None:
        await asyncio.Event().wait()


async def test_lists_that_take_more_than_one_turn_are_finished_though_nothing_more_comes() -> None:
    lists, board = Lists(), Board()
    exchanges = {"HOSE": 300, "HNX": 300, "UPCOM": 300}
    for first, (exchange, count) in zip("ABC", exchanges.items(), strict=True):
        for number in range(count):
            board.apply(a_tick(X, Symbol=f"{first}{number}", Exchange=exchange, MarketId=exchange))
    board.set_symbols(Listing(f"{first}{number}", kind="ST") for first in "ABC" for number in range(300))
    watch = FeedWatch(100.0, 0, Calendar(), ())
    leader = Leader(board, watch, cast("Publication", lists), Metrics(), Quarantine(), now_s=lambda: 200.0)

    leading = asyncio.create_task(leader.run())
    await eventually(lambda: set().union(*lists.told) == set(exchanges))
    leading.cancel()
    await asyncio.wait([leading])

    assert all(len(markets) <= 1 for markets in lists.told)
