"""Whom a fault hits; one that finds nothing to hit says so."""

import asyncio
import signal
import subprocess
import sys
from collections.abc import Callable
from datetime import date
from itertools import islice
from typing import Any, cast

import pytest
from redis.exceptions import ConnectionError as LostConnection

from local_stack.chaos import storm as storm_module
from local_stack.chaos.deck import cards
from local_stack.chaos.fault_proxy import FaultProxy
from local_stack.chaos.faults import FAULTS
from local_stack.chaos.follower import Follower
from local_stack.chaos.report import Blow
from local_stack.chaos.stack import Ingest, NotStruck, Publisher, Stack
from local_stack.chaos.storm import Storm
from tests.unit.local_stack.chaos.a_market import EPOCH, Market


class Supervisor:
    """Of processes that end as soon as they are signalled."""

    def __init__(self, **pids: int | None) -> None:
        self.pids = pids

    def pid(self, name: str) -> int | None:
        return self.pids.get(name)


class Redis:
    """Answers whoever kills subscriptions by a number; None: it is gone."""

    def __init__(self, killed: int | None) -> None:
        self.killed = killed

    async def client_kill_filter(self, **_: Any) -> int:
        if self.killed is None:
            raise LostConnection("gone")
        return self.killed

    async def flushall(self) -> None:
        await self.client_kill_filter()


class Client:
    """Was connected, or was not."""

    def __init__(self, *, connected: bool) -> None:
        self.connected = connected
        self.resets = 0

    def reset(self) -> bool:
        self.resets += 1
        return self.connected


class Board(Stack):
    """A stack of which nothing runs; its processes are noted instead of signalled."""

    def __init__(self, redis: Redis, *followers: Client, dead: tuple[str, ...] = ()) -> None:
        proxy = FaultProxy("127.0.0.1", 1)
        ingests, publishers = [Ingest("ingest-1", "", proxy)], [Publisher("publisher-1", "", proxy)]
        supervisor, clients = cast("Any", Supervisor()), cast("list[Follower]", followers)
        super().__init__(supervisor, cast("Any", redis), cast("Any", None), "", ingests, publishers, clients)
        object.__setattr__(self, "sent", [])
        object.__setattr__(self, "dead", dead)

    sent: list[tuple[str, signal.Signals]]
    dead: tuple[str, ...]

    def send(self, name: str, number: signal.Signals) -> int:
        if name in self.dead:
            return super().send(name, number)
        self.sent.append((name, number))
        return 1

    async def leader(self) -> Ingest:
        return self.ingests[0]

    async def standby(self) -> Ingest:
        return self.ingests[0]

    async def is_whole(self) -> bool:
        return True

    async def day(self) -> date:
        return date(2026, 11, 23)


@pytest.mark.parametrize(
    ("fault", "sent"),
    [
        ("leader killed", [("ingest-1", signal.SIGKILL)]),
        ("leader stopped", [("ingest-1", signal.SIGTERM)]),
        ("valkey and leader killed", [("valkey", signal.SIGKILL), ("ingest-1", signal.SIGKILL)]),
    ],
)
async def test_processes_are_ended_by_their_signal(fault: str, sent: list[tuple[str, signal.Signals]]) -> None:
    board = Board(Redis(1))

    async with FAULTS[fault].strike(board, 0):
        pass

    assert board.sent == sent


@pytest.mark.parametrize("still_known", [False, True])
def test_a_signal_to_a_process_that_is_gone_is_no_fault(*, still_known: bool) -> None:
    gone = subprocess.Popen([sys.executable, "-c", ""])
    gone.wait()
    board = Board(Redis(1), dead=("valkey",))
    cast("Any", board.supervisor).pids["valkey"] = gone.pid if still_known else None

    with pytest.raises(NotStruck, match="valkey does not run"):
        board.send("valkey", signal.SIGKILL)


@pytest.mark.parametrize(
    ("fault", "board"),
    [
        ("valkey killed", lambda: Board(Redis(1), dead=("valkey",))),
        ("valkey frozen", lambda: Board(Redis(1), dead=("valkey",))),
        ("valkey and leader killed", lambda: Board(Redis(1), dead=("ingest-1",))),
        ("simulator killed", lambda: Board(Redis(1), dead=("simulator",))),
        ("valkey flushed", lambda: Board(Redis(None))),
        ("subscriptions killed", lambda: Board(Redis(None))),
        ("subscriptions killed", lambda: Board(Redis(0))),
        ("ingest link reset", lambda: Board(Redis(1))),
        ("publisher link dropped", lambda: Board(Redis(1))),
        ("clients reset", lambda: Board(Redis(1), Client(connected=False))),
    ],
)
async def test_a_fault_that_finds_nothing_to_hit_says_so(fault: str, board: Callable[[], Board]) -> None:
    with pytest.raises(NotStruck):
        async with FAULTS[fault].strike(board(), 0):
            pass


async def test_all_clients_are_reset_and_one_of_them_suffices() -> None:
    clients = [Client(connected=True), Client(connected=False), Client(connected=True)]

    async with FAULTS["clients reset"].strike(Board(Redis(1), *clients), 0):
        pass

    assert [client.resets for client in clients] == [1, 1, 1]


async def test_a_storm_notes_what_was_not_struck(monkeypatch: pytest.MonkeyPatch) -> None:
    (blow,) = await a_storm("valkey flushed", Board(Redis(None)), Market(), monkeypatch)
    (other,) = await a_storm("valkey flushed", Board(Redis(1)), Market(), monkeypatch)

    assert (blow.not_struck, blow.trouble) == ("ConnectionError gone", None)
    assert (other.not_struck, other.trouble) == (None, None)


async def test_another_market_excuses_falling_totals_of_the_day(monkeypatch: pytest.MonkeyPatch) -> None:
    killed, flushed = Market(), Market()

    await a_storm("simulator killed", Board(Redis(1), dead=("simulator",)), killed, monkeypatch)
    await a_storm("valkey flushed", Board(Redis(1)), flushed, monkeypatch)

    assert killed.weather.mixed_days == {"20261123"}
    assert flushed.weather.mixed_days == set()


async def a_storm(fault: str, board: Board, market: Market, monkeypatch: pytest.MonkeyPatch) -> list[Blow]:
    """One blow, upon a client that has data of a later time than the blow's."""
    monkeypatch.setattr(storm_module, "CALM_S", 0.0)
    market.commit(1, {"SSI": {"last": 1}})
    market.connect()
    market.frame({"type": "snapshot", "epoch": EPOCH, "rev": 1, "data": {"SSI": {"last": 1}}, "id": 1, "time": 2**60})
    storm = Storm(board, [market.oracle], market.ledger, market.weather, lambda _: None)
    async with asyncio.timeout(10):
        return await storm.run(islice(cards([fault], seed=1), 1), asyncio.get_running_loop().time() + 5, 0)
