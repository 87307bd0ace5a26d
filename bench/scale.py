"""
What more replicas cost: the same clients on one, two and four publishers, two without clients, and none at all.

A writer of 400 rows a second in 50 commits, a broker, clients on boards of 30 symbols with windows of 500 ms, spread
evenly. On a machine with few cores the replicas share them: what is measured is what things cost (time on a core,
bytes), not how much goes through. Of one run: time of all replicas and of the broker, bytes that the broker sent. From
all runs together: what a commit costs a replica, clients or not, and, by least squares, what the flush of a view and a
delivered frame cost. About a minute.
"""

import argparse
import asyncio
import gc
import sys
from argparse import RawDescriptionHelpFormatter
from collections.abc import Sequence
from contextlib import AsyncExitStack
from dataclasses import asdict, dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import uvloop
from redis.asyncio import Redis

from bench.due_rows import DueRows, committing
from bench.figures import Figures, add_json, doubt_window, finish, machine
from bench.latency import COMMITS_PER_S, PREFIX, ROWS, UNBOUNDED, WARM_S, WINDOW_MS
from bench.market import Market
from bench.progress import Progress
from bench.readers import BOARDS, reading
from bench.usage import used_s
from local_stack.engine import running_engine
from local_stack.number import number
from local_stack.terminal import say
from shared.redis_client import open_redis
from tests.fakes.services import running_publisher
from tests.fakes.writer import writing

#: How many replicas, and whether they have clients.
CASES = ((0, False), (2, False), (1, True), (2, True), (4, True))


@dataclass(frozen=True, slots=True)
class Run:
    """What was used within a window."""

    replicas: int
    clients: int
    seconds: float
    commits: int
    frames: int  # delivered
    replicas_cpu_s: float  # of all of them
    broker_cpu_s: float
    broker_bytes: int  # sent by the broker, to everybody
    age_p99_ms: float | None  # of the oldest change in a frame


@dataclass(frozen=True, slots=True)
class Costs:
    """What follows from several runs. Time on a core."""

    commit_us: float  # of a replica, for a commit, heartbeats included
    flush_us: float  # of a replica, for each view at the end of its window
    frame_us: float  # of a replica, for each frame that it delivers
    broker_commit_us: float  # of the broker, for a commit that nobody listens to
    broker_copy_us: float  # of the broker, more for each replica and commit
    broker_copy_bytes: float  # sent by the broker for each replica and commit


def costs(runs: Sequence[Run]) -> Costs:
    """From all cases."""
    idle, busy = ([run for run in runs if run.replicas and bool(run.clients) == served] for served in (False, True))
    commit_s = sum(run.replicas_cpu_s for run in idle) / sum(run.commits * run.replicas for run in idle)
    frame_s, flush_s = two_slopes(
        [
            (
                run.frames,
                run.replicas * BOARDS * run.seconds * 1000 / WINDOW_MS,
                run.replicas_cpu_s - run.commits * run.replicas * commit_s,
            )
            for run in busy
        ]
    )
    base_s, copy_s = line([(run.replicas, run.broker_cpu_s / run.commits) for run in runs])
    _, copy_bytes = line([(run.replicas, run.broker_bytes / run.commits) for run in runs])
    return Costs(commit_s * 1e6, flush_s * 1e6, frame_s * 1e6, base_s * 1e6, copy_s * 1e6, copy_bytes)


def two_slopes(points: Sequence[tuple[float, float, float]]) -> tuple[float, float]:
    """The a and b for which a·x + b·y comes closest to z, over all (x, y, z)."""
    xx, xy, yy = (sum(p[i] * p[j] for p in points) for i, j in ((0, 0), (0, 1), (1, 1)))
    xz, yz = (sum(p[i] * p[2] for p in points) for i in (0, 1))
    determinant = xx * yy - xy * xy
    return (xz * yy - yz * xy) / determinant, (yz * xx - xz * xy) / determinant


def line(points: Sequence[tuple[float, float]]) -> tuple[float, float]:
    """The a and b for which a + b·x comes closest to y, over all (x, y)."""
    x_mean, y_mean = (sum(p[i] for p in points) / len(points) for i in (0, 1))
    slope = sum((x - x_mean) * (y - y_mean) for x, y in points) / sum((x - x_mean) ** 2 for x, _ in points)
    return y_mean - slope * x_mean, slope


async def broker_used(redis: Redis) -> tuple[float, int]:
    """Time on a core and bytes sent, so far."""
    told: dict[str, Any] = {**await redis.info("cpu"), **await redis.info("stats")}
    return float(told["used_cpu_user"]) + float(told["used_cpu_sys"]), int(told["total_net_output_bytes"])


async def measure(replicas: int, clients: int, seconds: float) -> Run:
    """So many replicas with their share of the clients."""
    rows = DueRows(Market(), commits_per_s=COMMITS_PER_S, rows=ROWS)
    async with AsyncExitStack() as closing:
        folder = closing.enter_context(TemporaryDirectory(prefix="banggia-bench-"))
        broker = closing.enter_context(running_engine(Path(folder)))
        redis = await closing.enter_async_context(open_redis(broker.url))
        writer = await closing.enter_async_context(writing(broker.url, PREFIX))
        await writer.commit(rows.all())
        publishers = [
            await closing.enter_async_context(running_publisher(broker.url, PREFIX, **UNBOUNDED))
            for _ in range(replicas)
        ]
        for publisher in publishers:
            await publisher.line("rows loaded")
        await closing.enter_async_context(committing(rows, writer))
        readers = [
            await closing.enter_async_context(reading(publisher.url, clients // replicas, WINDOW_MS))
            for publisher in (publishers if clients else [])
        ]
        await asyncio.sleep(WARM_S)
        for each in readers:
            await each.seen()
        commits, cpu_s = rows.commits, sum(used_s(publisher.pid) for publisher in publishers)
        broker_s, broker_bytes = await broker_used(redis)
        await asyncio.sleep(seconds)
        now_s, now_bytes = await broker_used(redis)
        cpu_s = sum(used_s(publisher.pid) for publisher in publishers) - cpu_s
        commits = rows.commits - commits
        seen = [await each.seen() for each in readers]
    ages_ms = [each["ages_ms"]["99"] for each in seen if each["ages_ms"]]
    return Run(
        replicas=replicas,
        clients=clients // replicas * replicas if clients else 0,
        seconds=seconds,
        commits=commits,
        frames=sum(each["frames"] for each in seen),
        replicas_cpu_s=round(cpu_s, 2),
        broker_cpu_s=round(now_s - broker_s, 3),
        broker_bytes=now_bytes - broker_bytes,
        age_p99_ms=max(ages_ms, default=None),
    )


def tell(runs: Sequence[Run], found: Costs) -> None:
    """For people."""
    titles = ("replicas", "clients", "frames/s", "CPU of all", "µs a frame", "broker CPU", "out B/commit")
    say(" ".join(f"{title:>12}" for title in titles))
    for run in runs:
        cells = (
            f"{run.replicas}",
            f"{run.clients}",
            f"{run.frames / run.seconds:,.0f}",
            f"{run.replicas_cpu_s / run.seconds:.1%}",
            f"{run.replicas_cpu_s / run.frames * 1e6:.1f}" if run.frames else "-",
            f"{run.broker_cpu_s / run.seconds:.2%}",
            f"{run.broker_bytes / run.commits:,.0f}",
        )
        say(" ".join(f"{cell:>12}" for cell in cells))
    say(
        f"a replica: {found.commit_us:.0f} µs a commit, {found.flush_us:.0f} µs a flush of a view, "
        f"{found.frame_us:.1f} µs a delivered frame"
    )
    say(
        f"the broker: {found.broker_commit_us:.0f} µs a commit, and for each replica {found.broker_copy_us:.1f} µs and "
        f"{found.broker_copy_bytes:,.0f} bytes more"
    )


async def measure_all(clients: int, seconds: float, runs: int) -> list[Run]:
    """All cases in turn, so often."""
    progress, done = Progress(runs * len(CASES), WARM_S + seconds + 2), list[Run]()
    for _ in range(runs):
        for replicas, served in CASES:
            progress.turn(f"publishers: {replicas}, clients: {clients if served else 0}")
            done.append(await measure(replicas, clients if served else 0, seconds))
    return done


def main(arguments: list[str] | None = None) -> int:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=RawDescriptionHelpFormatter)
    parser.add_argument("--clients", type=number(int, 4, 15_000), default=2000, help="of all replicas (default: 2000)")
    parser.add_argument("--seconds", type=number(float, 1, 600), default=5.0, help="of a measurement (default: 5)")
    parser.add_argument("--runs", type=number(int, 1, 50), default=1, help="how often all are measured (1)")
    add_json(parser)
    chosen = parser.parse_args(arguments)
    doubt_window(chosen.seconds)
    gc.disable()  # its pauses would be measured as delays
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runs = runner.run(measure_all(int(chosen.clients), chosen.seconds, int(chosen.runs)))
    found = costs(runs)
    tell(runs, found)
    figures: Figures = {
        "machine": machine(),
        "commits_per_s": COMMITS_PER_S,
        "rows_per_commit": ROWS,
        "window_ms": WINDOW_MS,
        "runs": [asdict(run) for run in runs],
        "costs": {name: round(value, 2) for name, value in asdict(found).items()},
    }
    finish(figures, chosen.json)
    return 0


if __name__ == "__main__":
    sys.exit(main())
