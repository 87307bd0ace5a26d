"""
How long a client sees nothing new when the ingest that leads dies, or freezes.

    python3 run.py bench takeover [--kills 20] [--freeze] [--full]

A real broker, a simulated exchange of 200 events a second, two ingests, a publisher, and a client of the whole market
at an interval of 100 ms. Again and again the leader is killed at some moment; when it has come back, and stands by with
a connection to the exchange, it is the other one's turn. About eight seconds a kill. With --full the board is that of a
day that is nearly over: a full tape for each of some 1,700 symbols, and the bars of the day. The last line is JSON.
"""

import argparse
import asyncio
import os
import random
import signal
import sys
import time
from asyncio.subprocess import DEVNULL, PIPE, STDOUT, Process
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory
from typing import NamedTuple

import httpx2
from pydantic import BaseModel, TypeAdapter
from websockets.asyncio.client import connect

from bench import full_board
from bench.figures import add_json, finish, machine, print_figures
from bench.progress import Progress
from local_stack.board_client import ClientTable, DataFrame, OtherFrame
from local_stack.engine import running_engine
from local_stack.leash import Leash
from local_stack.number import number
from local_stack.services import Services
from local_stack.supervisor import Supervisor
from local_stack.terminal import say

PREFIX = "bench"
EVENTS_PER_S = 200
#: A standby claims to have seen all only if it has read for a while: longer than clocks may differ.
WARM_S = 2.5
#: Kills fall anywhere between two heartbeats.
SPREAD_S = 1.0
#: Of the table.
TITLES = {
    "machine": ("machine", ""),
    "fault": ("what the leader suffers", ""),
    "rows": ("rows of the day so far", "{:,}"),
    "times": ("how often", "{:,}"),
    "lease_p50_s": ("until another leads, p50 s", "{:.2f}"),
    "lease_worst_s": ("at most, s", "{:.2f}"),
    "data_p50_s": ("until the client has newer data, p50 s", "{:.2f}"),
    "data_worst_s": ("and at most, s", "{:.2f}"),
    "seen_by_the_standby": ("times that the standby had seen all", "{:,}"),
    "statuses_that_said_false": ("statuses that said false", "{:,}"),
    "epochs": ("epochs at the client", "{:,}"),
    "snapshots": ("snapshots", "{:,}"),
    "gaps": ("gaps", "{:,}"),
    "totals_that_fell": ("totals that fell", "{:,}"),
}
#: For anything that is waited for.
DEADLINE_S = 30.0


class StatusFrame(BaseModel):
    """What the client is told of the road."""

    connected: bool


_FRAME: TypeAdapter[DataFrame | StatusFrame | OtherFrame] = TypeAdapter(DataFrame | StatusFrame | OtherFrame)


class Ingest:
    """One of the two: a process, and the next one when it has died."""

    def __init__(self, environment: Mapping[str, str]) -> None:
        self._environment = {**os.environ, **environment}
        self._lines: list[tuple[float, str]] = []  # (when it came, what it says), since `listen`
        self._news = asyncio.Event()

    async def start(self) -> None:
        """It does not outlive this process."""
        self._leash = Leash()
        self._process = await asyncio.create_subprocess_exec(
            *self._leash.command((sys.executable, "-m", "ingest_service")),
            stdin=DEVNULL,
            stdout=PIPE,
            stderr=STDOUT,
            env=self._environment,
            pass_fds=self._leash.pass_fds,
            start_new_session=True,
        )
        self._leash.handed_over()
        self._reading = asyncio.create_task(self._read(self._process), name="log of an ingest")

    def signal(self, which: signal.Signals) -> None:
        """Kill, stop, go on."""
        self._process.send_signal(which)

    async def end(self) -> None:
        """All of it is gone."""
        self._leash.cut()
        await self._process.wait()
        await self._reading

    def listen(self) -> None:
        """Forget what it has said."""
        self._lines.clear()

    async def said(self, text: str) -> tuple[float, str]:
        """The first line with this text, now or later, and when it came."""
        async with asyncio.timeout(DEADLINE_S):
            while (found := next((line for line in self._lines if text in line[1]), None)) is None:
                self._news.clear()
                await self._news.wait()
        return found

    async def _read(self, process: Process) -> None:
        assert process.stdout is not None  # noqa: S101 (it is a pipe)
        while line := await process.stdout.readline():
            self._lines.append((time.monotonic(), line.decode().rstrip()))
            self._news.set()


class Client:
    """Holds the market by the client's rule, and notes what it should never see."""

    def __init__(self) -> None:
        self.table = ClientTable()
        self.connected = False
        self.told_false = self.snapshots = self.gaps = self.falls = 0
        self.epochs: set[str] = set()
        self._came_s: dict[int, float] = {}  # `time` of a data frame → when the first one of it came
        self._news = asyncio.Event()

    async def follow(self, url: str) -> None:
        """One connection; its end is an error."""
        async with connect(url, proxy=None) as socket:
            async for message in socket:
                self._take(_FRAME.validate_json(message), time.monotonic())
                self._news.set()
        raise ConnectionError("the publisher closed the connection")

    async def is_connected(self) -> None:
        """Wait until the road is said to be sound, and prices move on it."""
        now_ms = time.time() * 1000
        await self.newer_than(now_ms)
        async with asyncio.timeout(DEADLINE_S):
            while not self.connected:
                self._news.clear()
                await self._news.wait()

    async def newer_than(self, time_ms: float) -> float:
        """When the first frame came whose data is newer."""
        async with asyncio.timeout(DEADLINE_S):
            while (came_s := min((at for each, at in self._came_s.items() if each > time_ms), default=None)) is None:
                self._news.clear()
                await self._news.wait()
        self._came_s.clear()
        return came_s

    def _take(self, frame: DataFrame | StatusFrame | OtherFrame, now_s: float) -> None:
        if isinstance(frame, StatusFrame):
            self.connected = frame.connected
            self.told_false += not frame.connected
        if not isinstance(frame, DataFrame):
            return
        if frame.data:
            self._came_s.setdefault(frame.time, now_s)
        self.snapshots += frame.type == "snapshot" and frame.part == 1
        self.epochs.add(frame.position.partition(".")[0])
        self.falls += sum(self._falls(key, row) for key, row in frame.data.items() if row is not None)
        self.gaps += not self.table.take(frame)

    def _falls(self, symbol: str, row: Mapping[str, object]) -> bool:
        before, after = self.table.rows.get(symbol, {}).get("total_volume"), row["total_volume"]
        return isinstance(before, int) and not (isinstance(after, int) and after >= before)


class Takeover(NamedTuple):
    """One round. Times in seconds, since the leader was hit."""

    lease_s: float  # until the other one leads
    data_s: float  # until the client has data that was read afterwards
    watched: bool  # the standby has seen all that was traded meanwhile
    told_false: int  # statuses that said that the road is not sound


@asynccontextmanager
async def stack(*, full: bool) -> AsyncIterator[tuple[Ingest, Ingest, str, int]]:
    """The leader, a warm standby, where the client connects, and how many rows the board had before."""
    with TemporaryDirectory(prefix="banggia-bench-") as name, running_engine(Path(name)) as broker:
        folder = Path(name)
        async with (
            Supervisor(folder, say) as supervisor,
            httpx2.AsyncClient(timeout=5, trust_env=False) as http,
        ):
            services = Services(supervisor, PREFIX, http)
            day = full_board.trading_day()
            options = "--rate", str(EVENTS_PER_S), "--seed", "1", "--day", day.isoformat()
            simulator = await services.simulator(*options)
            rows = await full_board.publish(broker.url, PREFIX, simulator, day) if full else 0
            ingests = [Ingest(environment(broker.url, simulator, folder / f"cache-{each}")) for each in "12"]
            try:
                for ingest, word in zip(ingests, ("publication: leading", "standing by"), strict=True):
                    await ingest.start()
                    await ingest.said(word)
                    await ingest.said("exchange link is up")
                publisher = (await services.publishers([broker.url]))[0]
                yield ingests[0], ingests[1], f"ws://{publisher}/ws/market?interval=100", rows
            finally:
                for ingest in ingests:
                    await ingest.end()


def environment(redis_url: str, simulator: str, cache: Path) -> dict[str, str]:
    """The settings of an ingest."""
    return {
        "PYTHONUNBUFFERED": "1",
        "REDIS_URL": redis_url,
        "REDIS_PREFIX": PREFIX,
        "SSI_URL": simulator,
        "SSI_CONSUMER_ID": "demo",
        "SSI_CONSUMER_SECRET": "demo",
        "SIMULATED": "true",
        "CACHE_DIR": str(cache),
        # Whatever is set for the real exchange.
        **dict.fromkeys(("SSI_API_URL", "SSI_STREAM_URL", "SSI_CHANNELS", "STANDBY", "METRICS_PORT"), ""),
    }


async def take_over(leader: Ingest, standby: Ingest, client: Client, *, freeze: bool) -> Takeover:
    """Hit the leader, see the other one take its place, and bring the first one back as the standby."""
    await client.is_connected()
    await asyncio.sleep(WARM_S + random.uniform(0, SPREAD_S))  # noqa: S311 (no secret)
    told_false = client.told_false
    leader.listen()
    standby.listen()
    hit_s, hit_ms = time.monotonic(), time.time() * 1000
    leader.signal(signal.SIGSTOP if freeze else signal.SIGKILL)
    leads_s, _ = await standby.said("publication: leading")
    came_s = await client.newer_than(hit_ms)
    _, taken_over = await standby.said("board is taken over")
    await client.is_connected()
    if freeze:
        leader.signal(signal.SIGCONT)
    else:
        await leader.end()
        await leader.start()
        await leader.said("exchange link is up")
    await leader.said("another ingest leads, standing by")
    return Takeover(leads_s - hit_s, came_s - hit_s, "watched=True" in taken_over, client.told_false - told_false)


async def measure(kills: int, *, freeze: bool, full: bool) -> dict[str, object]:
    """The figures."""
    client, rounds = Client(), list[Takeover]()
    async with stack(full=full) as (first, second, url, rows), asyncio.TaskGroup() as group:
        following = group.create_task(client.follow(url), name="client")
        progress = Progress(kills, 8.0)
        say(f"{'':>5} {'leads after':>12} {'data after':>12}  seen  statuses that said false")
        for turn in range(kills):
            progress.turn(f"the leading ingest is {'frozen' if freeze else 'killed'}")
            leader, standby = (second, first) if turn % 2 else (first, second)
            rounds.append(took := await take_over(leader, standby, client, freeze=freeze))
            seen = "all" if took.watched else "no"
            say(f"{len(rounds):>5} {took.lease_s:>10.2f} s {took.data_s:>10.2f} s {seen:>5} {took.told_false:>3}")
        following.cancel()
    leases_s, datas_s = [each.lease_s for each in rounds], [each.data_s for each in rounds]
    return {
        "machine": machine(),
        "fault": "freeze" if freeze else "kill",
        "rows": rows,
        "times": kills,
        "lease_p50_s": round(median(leases_s), 2),
        "lease_worst_s": round(max(leases_s), 2),
        "data_p50_s": round(median(datas_s), 2),
        "data_worst_s": round(max(datas_s), 2),
        "seen_by_the_standby": sum(each.watched for each in rounds),
        "statuses_that_said_false": sum(each.told_false for each in rounds),
        "epochs": len(client.epochs),
        "snapshots": client.snapshots,
        "gaps": client.gaps,
        "totals_that_fell": client.falls,
    }


def main() -> int:
    """Measure and print. Exit code 1: the client saw what it never should."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--kills", type=number(int, 1, 1000), default=20, help="how often")
    parser.add_argument("--freeze", action="store_true", help="stop the leader (SIGSTOP) instead of killing it")
    parser.add_argument("--full", action="store_true", help="with the board of a day that is nearly over")
    add_json(parser)
    chosen = parser.parse_args()
    figures = asyncio.run(measure(int(chosen.kills), freeze=chosen.freeze, full=chosen.full))
    print_figures(figures, TITLES)
    finish(figures, chosen.json)
    expected = {"epochs": 1, "snapshots": 1, "gaps": 0, "totals_that_fell": 0}
    return 0 if figures.items() >= expected.items() else 1


if __name__ == "__main__":
    sys.exit(main())
