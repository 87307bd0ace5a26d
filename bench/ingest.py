"""
What an ingest can take, and how long a message is on its way through it.

    python3 run.py bench ingest [--rate 3000 | --saturate] [--seconds 10] [--batch 4]

A feed rendered before it is sent, a real broker, and the real ingest, alone on a core. Times run from the moment when
a message was due to leave to that when its row, or a newer one, has come to a subscriber; of a commit in parts, with
the last part. The exit code is 1 unless every message was parsed and the tables are what the ledger says. The last line
is JSON.
"""

import argparse
import asyncio
import os
import re
import sys
import time
from asyncio.subprocess import PIPE, Process
from collections.abc import AsyncIterator, Awaitable, Iterable
from contextlib import asynccontextmanager
from importlib.metadata import version
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, NamedTuple, cast

import httpx2
import orjson
from redis.asyncio import Redis

from bench.figures import Figures, add_json, doubt_window, machine, print_figures, report
from bench.progress import Progress
from local_stack.engine import free_port
from local_stack.number import number
from local_stack.services import Services, start_broker, wait_for
from local_stack.supervisor import Supervisor
from local_stack.terminal import say
from shared.channels import Channel, RedisNames
from shared.redis_client import open_redis

PREFIX = "bench"
NAMES = RedisNames(PREFIX)
#: What `--saturate` renders for each second: more than is taken.
SATURATED_RATE = 30_000
TICKS_PER_S = os.sysconf("SC_CLK_TCK")
LOOK_S = 1.0
#: So long after a takeover a leader asks of each message whether it is late: that is no part of an ordinary day.
CATCHING_UP_S = 12.5
DEADLINE_S = 120.0

#: Of the table.
TITLES = {
    "machine": ("machine", ""),
    "versions": ("versions", ""),
    "offered_per_s": ("messages offered a second", "{:,}"),
    "taken_per_s": ("messages taken a second", "{:,}"),
    "messages_per_frame": ("messages in a frame", "{:,}"),
    "messages": ("messages sent", "{:,}"),
    "messages_parsed": ("messages parsed", "{:,}"),
    "cpu_us_per_message": ("µs CPU a message", "{:.1f}"),
    "cpu_share": ("core", "{:.1%}"),
    "commits_per_s": ("commits a second", "{:,.1f}"),
    "rows_per_commit": ("rows in a commit", "{:,.1f}"),
    "age_p50_ms": ("from due to published, p50 ms", "{:,.2f}"),
    "age_p99_ms": ("p99 ms", "{:,.2f}"),
    "age_p99.9_ms": ("p99.9 ms", "{:,.2f}"),
    "deepest_inbox": ("messages in the inbox, at most", "{:,}"),
    "times_inbox_full": ("times the inbox was full", "{:,}"),
    "messages_not_seen": ("messages that were not seen published", "{:,}"),
    "rows_that_differ": ("rows that differ from what was sent", "{:,}"),
}

Row = dict[str, Any]


class Ledger(NamedTuple):
    """What the feed has sent."""

    batch: int
    gap_s: float
    told: list[tuple[str, str, int]]  # channel, key, and how often this key was told of, in the order of sending
    totals: dict[str, dict[str, dict[str, float]]]


def core() -> int | None:
    """The core for the ingest alone; None on a machine with a single one."""
    cores = sorted(os.sched_getaffinity(0))
    return cores[0] if len(cores) > 1 else None


def told(channel: str, row: Row) -> int:
    """Which message of its key a row knows of last. `bench.feed` writes the number into these fields."""
    if channel == Channel.MARKET:
        return int(row["bids"][0][1]) if row["bids"] else 0
    return int(row["sell_value" if channel == Channel.FOREIGN else "total_volume"] or 0)


class Subscriber:
    """Keeps what is published, and when it came. Read after the run: reading would cost the feed's core."""

    def __init__(self, redis: Redis) -> None:
        self._redis = redis
        self.came: list[tuple[float, bytes]] = []

    async def follow(self, ready: asyncio.Event) -> None:
        """Until cancelled."""
        async with self._redis.pubsub() as pubsub:
            await pubsub.subscribe(NAMES.updates)
            async for message in pubsub.listen():
                if message["type"] == "message":
                    self.came.append((time.monotonic(), message["data"]))
                ready.set()

    def commits(self, since_s: float) -> list[tuple[float, dict[str, dict[str, Row]]]]:
        """When each commit was whole, and its rows."""
        commits: list[tuple[float, dict[str, dict[str, Row]]]] = []
        parts: list[dict[str, dict[str, Row]]] = []
        for came_s, data in self.came:
            envelope = orjson.loads(data)
            if envelope["type"] != "commit" or came_s < since_s:
                continue
            parts.append(envelope["channels"])
            if not envelope["more"]:
                commits += ((came_s, rows) for rows in parts)
                parts.clear()
        return commits


class IngestProcess:
    """The ingest as the machine and its own metrics see it."""

    def __init__(self, pid: int, url: str, http: httpx2.AsyncClient) -> None:
        self.pid = pid
        self._url = url
        self._http = http
        self.deepest_inbox = 0

    @property
    def cpu_s(self) -> float:
        """Time on the processor so far."""
        fields = Path(f"/proc/{self.pid}/stat").read_text("ascii").rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / TICKS_PER_S

    async def metric(self, name: str) -> float:
        """The sum of a metric over its labels."""
        text = (await self._http.get(f"{self._url}/metrics")).text
        return sum(float(value) for value in re.findall(rf"^{name}(?:{{.*}})? (\S+)$", text, re.MULTILINE))

    async def watch(self) -> None:
        """Look into the inbox now and then."""
        while True:
            self.deepest_inbox = max(self.deepest_inbox, int(await self.metric("ingest_inbox_messages")))
            await asyncio.sleep(LOOK_S)


@asynccontextmanager
async def feeding(port: int, ledger: Path, *options: str) -> AsyncIterator[Process]:
    """The feed, rendered and ready."""
    command = ("-m", "bench.feed", "--port", str(port), "--ledger", str(ledger), *options)
    process = await asyncio.create_subprocess_exec(sys.executable, *command, stdin=PIPE, stdout=PIPE)
    try:
        await line(process)
        yield process
    finally:
        if process.returncode is None:
            process.kill()
        await process.wait()


async def line(process: Process) -> dict[str, float]:
    """What the feed says next."""
    assert process.stdout is not None  # noqa: S101 (it is a pipe)
    async with asyncio.timeout(DEADLINE_S):
        said: dict[str, float] = orjson.loads(await process.stdout.readline())
        return said


class Stack(NamedTuple):
    """What runs."""

    feed: Process
    folder: Path
    supervisor: Supervisor
    ingest_url: str
    http: httpx2.AsyncClient
    redis: Redis
    reading: Redis  # for the subscription


async def measure(rate: int, seconds: float, batch: int, profiler: str = "") -> Figures:
    """The figures."""
    alone = core()
    if alone is not None:
        os.sched_setaffinity(0, os.sched_getaffinity(0) - {alone})  # and so all that is started here
    progress = Progress(4, alike=False)
    progress.turn("the feed is rendered")
    with TemporaryDirectory(prefix="banggia-bench-") as name:
        folder, port = Path(name), free_port()
        options = ["--messages", str(round((rate or SATURATED_RATE) * seconds)), "--batch", str(batch)]
        async with (
            feeding(port, folder / "ledger.json", *options, "--rate", str(rate)) as feed,
            httpx2.AsyncClient(timeout=30, trust_env=False) as http,
            Supervisor(folder, say) as supervisor,
        ):
            redis_url = await start_broker(supervisor)
            services = Services(supervisor, PREFIX, http)
            ingest_url = services.ingest("ingest", redis_url, f"http://127.0.0.1:{port}")
            async with open_redis(redis_url) as redis, open_redis(redis_url) as reading:
                stack = Stack(feed, folder, supervisor, ingest_url, http, redis, reading)
                return await _run(stack, alone, profiler, progress)


async def _run(stack: Stack, alone: int | None, profiler: str, progress: Progress) -> Figures:
    feed, folder, supervisor, ingest_url, http, redis, reading = stack
    progress.turn(f"the ingest starts, and catches up ({CATCHING_UP_S:g} s)")
    ledger = Ledger(**orjson.loads((folder / "ledger.json").read_bytes()))
    subscriber, subscribed = Subscriber(reading), asyncio.Event()
    following = asyncio.create_task(subscriber.follow(subscribed), name="subscriber")
    await subscribed.wait()

    async def has_snapshot() -> bool:
        return bool(await redis.hlen(NAMES.rows(Channel.FOREIGN)) > len(ledger.totals["foreign"]))  # and their sum

    await wait_for("ingest", folder / "log" / "ingest.log", has_snapshot)
    pid = supervisor.pid("ingest")
    assert pid is not None  # noqa: S101 (it has just answered)
    ingest = IngestProcess(pid, ingest_url, http)
    if alone is not None:
        os.sched_setaffinity(pid, {alone})
    await asyncio.sleep(CATCHING_UP_S)
    progress.turn(f"{len(ledger.told):,} messages are sent")
    before, cpu_s = await ingest.metric("ingest_messages_total"), ingest.cpu_s
    watching = asyncio.create_task(ingest.watch(), name="watch")
    assert feed.stdin is not None  # noqa: S101 (it is a pipe)
    feed.stdin.write(b"go\n")
    if profiler:
        await asyncio.create_subprocess_shell(profiler.replace("PID", str(pid)))
    began_s = (await line(feed))["began_s"]
    await line(feed)
    wanted = before + len(ledger.told)

    async def all_parsed() -> bool:
        return await ingest.metric("ingest_messages_total") >= wanted

    await wait_for("ingest", folder / "log" / "ingest.log", all_parsed)
    await asyncio.sleep(0.5)  # for what is on its way to Redis
    used_s, parsed = ingest.cpu_s - cpu_s, await ingest.metric("ingest_messages_total") - before
    for task in (watching, following):
        task.cancel()
    await asyncio.wait([watching, following])
    progress.turn("what was published is compared with what was sent")
    commits = subscriber.commits(began_s)
    ages_ms = ages(commits, ledger, began_s)
    took_s = commits[-1][0] - began_s
    rows = sum(len(table) for _, channels in commits for table in channels.values())
    return {
        "machine": machine(),
        "versions": ", ".join(f"{each} {version(each)}" for each in ("orjson", "redis", "websockets", "uvloop")),
        "offered_per_s": round(ledger.batch / ledger.gap_s) if ledger.gap_s else "as taken",
        "taken_per_s": round(len(ledger.told) / took_s),
        "messages_per_frame": ledger.batch,
        "messages": len(ledger.told),
        "messages_parsed": round(parsed),
        "cpu_us_per_message": round(1e6 * used_s / len(ledger.told), 1),
        "cpu_share": round(used_s / took_s, 3),
        "commits_per_s": round(len(commits) / took_s, 1),
        "rows_per_commit": round(rows / len(commits), 1),
        **{f"age_p{share:g}_ms": percentile(ages_ms, share) for share in (50, 99, 99.9)},
        "deepest_inbox": ingest.deepest_inbox,
        "times_inbox_full": round(await ingest.metric("ingest_inbox_full_total")),
        "messages_not_seen": len(ledger.told) - len(ages_ms),
        "rows_that_differ": await differences(redis, ledger),
    }


def ages(commits: Iterable[tuple[float, dict[str, dict[str, Row]]]], ledger: Ledger, began_s: float) -> list[float]:
    """Of each message, from when it was due to when its row was published, in ms."""
    due: dict[tuple[str, str], list[tuple[int, float]]] = {}
    for place, (channel, key, ordinal) in enumerate(ledger.told):
        due.setdefault((channel, key), []).append((ordinal, began_s + place // ledger.batch * ledger.gap_s))
    for waiting in due.values():
        waiting.reverse()
    found = []
    for came_s, channels in commits:
        for channel, rows in channels.items():
            for key, row in rows.items():
                waiting = due.get((channel, key), [])
                while waiting and waiting[-1][0] <= told(channel, row):
                    found.append(1000 * (came_s - waiting.pop()[1]))
    return sorted(found)


def percentile(ascending: list[float], share: float) -> float:
    """The value that so many per cent do not exceed."""
    return round(ascending[min(len(ascending) - 1, int(len(ascending) * share / 100))], 2)


async def differences(redis: Redis, ledger: Ledger) -> int:
    """Rows in Redis that are not what the feed has told."""
    wrong = 0
    for channel, rows in ledger.totals.items():
        stored = await cast("Awaitable[dict[bytes, bytes]]", redis.hgetall(NAMES.rows(Channel(channel))))
        for key, expected in rows.items():
            row = orjson.loads(stored[key.encode()].partition(b" ")[2])
            row["told"] = told(channel, row)
            wrong += any(row[field] != value for field, value in expected.items())
    return wrong


def main() -> int:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    how = parser.add_mutually_exclusive_group()
    how.add_argument("--rate", type=number(int, 1, 100_000), default=3000, help="messages a second (3,000)")
    how.add_argument("--saturate", action="store_true", help="send as fast as the ingest reads")
    parser.add_argument("--seconds", type=number(float, 0.1, 60), default=10.0, help="how long (10)")
    parser.add_argument("--batch", type=number(int, 1, 1000), default=4, help="messages a frame (4)")
    parser.add_argument("--profiler", default="", help="a command to start beside it; PID stands for the ingest's")
    add_json(parser)
    chosen = parser.parse_args()
    rate = 0 if chosen.saturate else int(chosen.rate)
    figures: Figures = {}

    async def keep() -> Figures:
        figures.update(await measure(rate, float(chosen.seconds), int(chosen.batch), chosen.profiler))
        return figures

    doubt_window(chosen.seconds)
    report(keep, chosen.json, lambda found: print_figures(found, TITLES))
    return 0 if figures["messages"] == figures["messages_parsed"] and not figures["rows_that_differ"] else 1


if __name__ == "__main__":
    sys.exit(main())
