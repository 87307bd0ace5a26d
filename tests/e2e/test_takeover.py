"""Two ingests: when the one that leads dies or freezes, the other goes on, and clients notice no more than a pause."""

import asyncio
import signal
import time
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from pathlib import Path
from typing import NamedTuple

import pytest

from ingest_service.app import FIRST_TOTALS_MS
from ingest_service.core.backlog import MARGIN_MS
from tests.fakes.exchange import RunningSimulator, running_simulator
from tests.fakes.services import RunningService, WebsocketClient, running_ingest, running_publisher, websocket_client

#: A lease, a standby's look, and the load of the rows take two seconds; the rest is for a slow machine.
TAKEN_OVER_S = 6.0


class Pair(NamedTuple):
    """The leader, the standby, and a client that has prices."""

    simulator: RunningSimulator
    leader: RunningService
    standby: RunningService
    client: WebsocketClient

    async def connections(self) -> int:
        """How many the exchange has."""
        return len((await self.simulator.ledger())["connections"])


@pytest.fixture
async def pair(
    redis_url: str, redis_prefix: str, tmp_path: Path, request: pytest.FixtureRequest
) -> AsyncIterator[Pair]:
    """Prices move. The parameter is STANDBY."""
    standby_is = getattr(request, "param", "warm")
    async with AsyncExitStack() as stack:
        simulator = await stack.enter_async_context(running_simulator(rate=200, seed=11))
        ingests = [
            await stack.enter_async_context(
                running_ingest(redis_url, redis_prefix, simulator.url, tmp_path / name, STANDBY=standby_is)
            )
            for name in ("first", "second")
        ]
        publisher = await stack.enter_async_context(running_publisher(redis_url, redis_prefix))
        client = await stack.enter_async_context(websocket_client(publisher.websocket_url + "/ws/market?interval=100"))
        await client.status(connected=True, within_s=20)
        await client.next("update")
        leads = [" leading" in ingest.log for ingest in ingests]
        assert sorted(leads) == [False, True]
        leader = ingests[leads.index(True)]
        standby = ingests[leads.index(False)]
        await standby.line("standing by")
        if standby_is == "warm":
            await standby.line("exchange link is up")
        yield Pair(simulator, leader, standby, client)


async def goes_on(client: WebsocketClient, within_s: float) -> None:
    """Statuses come and go; data comes from a writer that lives."""
    async with asyncio.timeout(within_s):
        while True:
            before = len(client.messages)
            update = await client.next("update")
            if update["data"] and time.time() * 1000 - update["time"] < 1000 and len(client.messages) > before:
                return


def totals(client: WebsocketClient) -> dict[str, int]:
    return {symbol: row["total_volume"] or 0 for symbol, row in client.table.rows.items()}


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGSTOP], ids=["killed", "frozen"])
async def test_the_standby_takes_over_with_the_same_history_and_totals_that_never_fall(
    pair: Pair, number: signal.Signals
) -> None:
    epoch, before = pair.client.messages[-1]["position"].split(".")[0], totals(pair.client)

    pair.leader.process.send_signal(number)
    began_s = time.monotonic()
    await pair.standby.line(r"publication: leading")
    took_s = time.monotonic() - began_s
    await goes_on(pair.client, within_s=20)
    await pair.client.next("update")

    after = totals(pair.client)
    assert await pair.connections() == (2 if number == signal.SIGSTOP else 1)
    assert took_s < TAKEN_OVER_S
    assert pair.client.messages[-1]["position"].split(".")[0] == epoch
    snapshots = [message for message in pair.client.messages if message["type"] == "snapshot"]
    assert [message.get("part", 1) for message in snapshots].count(1) == 1
    assert all(after[symbol] >= total for symbol, total in before.items())


async def test_a_leader_that_was_frozen_wakes_as_a_standby_and_has_written_nothing_more(pair: Pair) -> None:
    pair.leader.process.send_signal(signal.SIGSTOP)
    await pair.standby.line(r"publication: leading")
    await goes_on(pair.client, within_s=20)

    pair.leader.process.send_signal(signal.SIGCONT)
    await pair.leader.line("another ingest has taken over, standing by")
    await goes_on(pair.client, within_s=10)

    # Every update continued the one before (the client checks it), under one history: nobody else wrote into it.
    assert len({message["position"].split(".")[0] for message in pair.client.messages if "position" in message}) == 1
    assert "all rows written" not in pair.leader.log.partition("another ingest has taken over")[2]


def unseen(client: WebsocketClient) -> dict[str, int]:
    return {symbol: row["unseen_volume"] for symbol, row in client.table.rows.items()}


async def test_a_warm_standby_has_seen_what_was_traded_while_nobody_led(pair: Pair) -> None:
    # It may claim what it has read for a while; the leader's own first totals, unseen, have come by then.
    connected_ms = time.time() * 1000
    while (await pair.client.next("update"))["time"] < connected_ms + FIRST_TOTALS_MS + 2 * MARGIN_MS:
        pass
    counted = unseen(pair.client)

    pair.leader.kill()
    await pair.standby.line("board is taken over .*watched=True")
    await goes_on(pair.client, within_s=20)
    for _ in range(10):
        await pair.client.next("update")

    after = unseen(pair.client)
    assert {symbol: after[symbol] for symbol in counted} == counted
    for symbol, row in pair.client.table.rows.items():
        sides = sum(row[f"{side}_volume"] for side in ("active_buy", "active_sell", "neutral", "unseen"))
        assert sides == (row["total_volume"] or 0), symbol


@pytest.mark.parametrize("pair", ["cold"], indirect=True)
async def test_a_cold_standby_has_no_connection_until_it_leads(pair: Pair) -> None:
    before = await pair.connections()

    pair.leader.kill()
    await pair.standby.line("exchange link is up")
    await goes_on(pair.client, within_s=20)

    assert before == 1
    assert await pair.connections() == 1
    assert "watched=True" not in pair.standby.log
