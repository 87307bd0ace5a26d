"""
A trading day from the evening before to its close, by real processes, with the market's clock at 300 times its speed.

Stretches without a change of phase are jumped over, but for noon, which lasts longer than any silence may at other
times. What clients are told is compared with the calendar.
"""

import asyncio
from bisect import bisect_left
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from datetime import date
from itertools import groupby
from pathlib import Path
from typing import Any, NamedTuple

import httpx2
import pytest

from ingest_service.core.calendar_rules import EXCHANGES
from ingest_service.core.feed_watch import DATA_SILENCE_S
from ingest_service.core.sessions import Calendar, Phase, midnight_ms
from publisher_service.announcer import STATUS_INTERVAL_S
from tests.eventually import eventually
from tests.fakes.exchange import RunningSimulator, running_simulator
from tests.fakes.services import RunningService, WebsocketClient, running_ingest, running_publisher, websocket_client

FRIDAY, MONDAY = date(2026, 1, 16), date(2026, 1, 19)
START = "14:42"
SPEED = 300
#: Of the services' machines. It must not matter.
ZONE = "America/New_York"
SOON_S = 20.0
#: A status waits for its second, and for the processes of a busy machine.
LATE_S = STATUS_INTERVAL_S + 1.0
#: The market goes on between two samples of its time.
SAMPLE_S = 0.05


def moment_ms(day: date, clock: str) -> int:
    """A moment in Vietnam, Unix ms."""
    hours, minutes, *seconds = map(int, clock.split(":"))
    return midnight_ms(day) + ((hours * 60 + minutes) * 60 + sum(seconds)) * 1000


class Told(NamedTuple):
    """A status, and what its client held when it came."""

    at_s: float
    message: dict[str, Any]
    epoch: str
    totals: dict[str, int | None]


@dataclass
class Day:
    """The processes, what the client was told, and what time it was in the market meanwhile."""

    simulator: RunningSimulator
    ingest: RunningService
    client: WebsocketClient
    told: list[Told] = field(default_factory=list)
    times: list[tuple[float, int]] = field(default_factory=list)  # of this process; of the market, Unix ms

    async def listen(self) -> None:
        """Note each status; a frame that does not continue what is held fails the test."""
        clock = asyncio.get_running_loop()
        while True:
            message = await self.client.next(within_s=60.0)
            if message["type"] == "status":
                table = self.client.table
                totals = {symbol: row["total_volume"] for symbol, row in table.rows.items()}
                self.told.append(Told(clock.time(), message, table.position.partition("-")[0], totals))

    async def look_at_the_clock(self) -> None:
        """Note the market's time, again and again."""
        clock = asyncio.get_running_loop()
        async with httpx2.AsyncClient(trust_env=False) as http:
            while True:
                market = (await http.get(f"{self.simulator.url}control")).json()["market"]
                self.times.append((clock.time(), moment_ms(date.fromisoformat(market["day"]), market["time"])))
                await asyncio.sleep(SAMPLE_S)

    async def until(self, day: date, clock: str) -> None:
        """The market has come to this time."""
        await eventually(lambda: self.times[-1][1] >= moment_ms(day, clock), within_s=SOON_S)

    async def until_all_are(self, phase: Phase) -> None:
        """The client knows that."""
        await eventually(lambda: self.phases() == dict.fromkeys(EXCHANGES, phase), within_s=SOON_S)

    def phases(self) -> dict[str, str]:
        """As the client was told last."""
        phases: dict[str, str] = self.told[-1].message["phases"]
        return phases

    def between(self, from_s: float, to_s: float) -> tuple[int, int]:
        """What time it was in the market between two moments of this process, at least and at most."""
        at = bisect_left(self.times, from_s, key=lambda sample: sample[0])
        end = bisect_left(self.times, to_s, key=lambda sample: sample[0])
        return self.times[max(at - 1, 0)][1], self.times[min(end, len(self.times) - 1)][1]


@pytest.fixture
async def day(redis_url: str, redis_prefix: str, tmp_path: Path) -> AsyncIterator[Day]:
    """The last half hour of a Friday; a client that asks for the market each five seconds."""
    async with AsyncExitStack() as stack:
        simulator = await stack.enter_async_context(
            running_simulator(rate=100, seed=5, stocks=120, day=FRIDAY, clock=START)
        )
        ingest = await stack.enter_async_context(
            running_ingest(redis_url, redis_prefix, simulator.url, tmp_path, TZ=ZONE)
        )
        publisher = await stack.enter_async_context(running_publisher(redis_url, redis_prefix, TZ=ZONE))
        client = await stack.enter_async_context(websocket_client(publisher.websocket_url + "/ws/market?interval=5000"))
        started = Day(simulator, ingest, client)
        async with asyncio.TaskGroup() as group:
            tasks = [group.create_task(work) for work in (started.listen(), started.look_at_the_clock())]
            await eventually(lambda: bool(started.told), within_s=SOON_S)
            await eventually(lambda: started.phases().get("HOSE") == "atc", within_s=SOON_S)
            await eventually(lambda: started.told[-1].message["connected"], within_s=SOON_S)
            started.told[:-1] = []
            yield started
            for task in tasks:
                task.cancel()


async def a_day_passes(day: Day) -> None:
    """From Friday, 14:42, to Monday, 15:05."""
    clock = day.simulator.control
    await clock("clock", speed=SPEED)
    await day.until_all_are("closed")
    await clock("day", day=MONDAY.isoformat(), time="07:55")
    await day.until(MONDAY, "08:02")
    await clock("clock", time="08:43")
    await day.until_all_are("continuous")
    await clock("clock", time="11:28")
    await day.until_all_are("break")
    await clock("clock", speed=1)
    await asyncio.sleep(DATA_SILENCE_S + 3)  # noon: nothing comes, and nothing is to happen
    await clock("clock", time="12:58", speed=SPEED)
    await day.until_all_are("continuous")
    await clock("clock", time="14:28")
    await day.until_all_are("closed")
    await clock("pause")


async def test_a_day_passes_through_all_phases_and_is_told_as_the_calendar_has_it(day: Day) -> None:
    friday = day.told[-1].epoch

    await a_day_passes(day)

    calendar = Calendar()
    for exchange in EXCHANGES:
        # All phases in their order, each once: Friday's end, and Monday.
        told = [phase for phase, _ in groupby(status.message["phases"][exchange] for status in day.told)]
        began_ms = calendar.phase(exchange, moment_ms(FRIDAY, START))[1] - midnight_ms(FRIDAY)
        of_friday = [phase for start_ms, phase in calendar.hours(exchange, FRIDAY) if start_ms >= began_ms]
        assert told == [*of_friday, *(phase for _, phase in calendar.hours(exchange, MONDAY)[1:])], exchange
        # None before its time, and none later than a status may be.
        for status in day.told[1:]:
            from_ms, to_ms = day.between(status.at_s - LATE_S, status.at_s)
            right = {calendar.phase(exchange, at_ms)[0] for at_ms in range(from_ms, to_ms + 1000, 1000)}
            assert status.message["phases"][exchange] in right, (exchange, status.message, from_ms, to_ms)
    # No silence was an outage, neither at night nor at noon, and the link was never given up.
    assert [status.message["reason"] for status in day.told if not status.message["connected"]] == []
    assert "exchange link lost" not in day.ingest.log
    # Monday begins with its first row: until then Friday is shown, closed. There is no other epoch.
    epochs = [epoch for epoch, _ in groupby(status.epoch for status in day.told)]
    assert epochs == [friday, f"{MONDAY:%Y%m%d}"] == [f"{FRIDAY:%Y%m%d}", f"{MONDAY:%Y%m%d}"]
    at_night = [status.message["phases"] for status in day.told if status.epoch == friday]
    assert at_night[-1] == dict.fromkeys(EXCHANGES, "closed")
    # At the close everything left before its five seconds were over, and before the close was told.
    ledger = await day.simulator.ledger()
    traded = {symbol: totals["total_volume"] for symbol, totals in ledger["symbols"].items()}
    assert {symbol: total or 0 for symbol, total in day.told[-1].totals.items()} == traded
    assert any(traded.values())
