"""
What it costs a publisher to follow the market: its time on the processor, as a share of a core.

    python3 run.py bench reader [--rows 3000] [--seconds 8]

A real broker, a writer that changes so many rows of 1,600 a second, and a publisher alone on a core, without clients.
The rows come in 20, 100 and 400 commits a second; almost all fields of each differ. What the publisher takes when
nothing changes is told, and left in. The last line is JSON.
"""

import argparse
import asyncio
import os
import sys
import time
from itertools import count
from pathlib import Path
from tempfile import TemporaryDirectory

from bench.figures import Figures, add_json, doubt_window, machine, print_table, report
from bench.market import Market
from bench.progress import Progress
from bench.usage import used_s
from local_stack.engine import running_engine
from local_stack.number import number
from tests.fakes.services import running_publisher
from tests.fakes.writer import Writer, writing

PREFIX = "bench"
COMMITS_PER_S = (20, 100, 400)


async def change(writer: Writer, market: Market, rows: int, commits_per_s: int) -> None:
    """So many rows a second in so many commits, until cancelled."""
    began_s = time.monotonic()
    for done in count(1):
        await writer.commit(market.next(rows // commits_per_s))
        await asyncio.sleep(max(0.0, began_s + done / commits_per_s - time.monotonic()))


async def share(pid: int, seconds: float) -> float:
    """What it takes of a core in the next seconds."""
    before_s, began_s = used_s(pid), time.monotonic()
    await asyncio.sleep(seconds)
    return (used_s(pid) - before_s) / (time.monotonic() - began_s)


async def measure(rows: int, seconds: float) -> Figures:
    """The figures."""
    cores = sorted(os.sched_getaffinity(0))
    if len(cores) > 1:
        os.sched_setaffinity(0, cores[1:])  # and so all that is started here
    market = Market()
    figures: Figures = {"machine": machine()}
    with TemporaryDirectory(prefix="banggia-bench-") as name, running_engine(Path(name)) as broker:
        async with (
            writing(broker.url, PREFIX) as writer,
            running_publisher(broker.url, PREFIX, DRAIN_S="0") as publisher,
        ):
            if len(cores) > 1:
                os.sched_setaffinity(publisher.pid, cores[:1])
            await writer.commit(market.all())
            progress = Progress(1 + len(COMMITS_PER_S), seconds + 2)
            progress.turn("nothing changes")
            await asyncio.sleep(2)
            figures["share_if_nothing_changes"] = round(await share(publisher.pid, seconds), 4)
            for commits_per_s in COMMITS_PER_S:
                progress.turn(f"{rows} rows a second change, in {commits_per_s} commits")
                changing = asyncio.create_task(change(writer, market, rows, commits_per_s), name="writer")
                rev = writer.publication.history.rev
                figures[f"share_at_{commits_per_s}"] = round(await share(publisher.pid, seconds), 4)
                made = (writer.publication.history.rev - rev) / seconds
                figures[f"commits_per_s_at_{commits_per_s}"] = round(made, 1)
                changing.cancel()
                await asyncio.wait([changing])
                await asyncio.sleep(1)
    return figures


def show(figures: Figures) -> None:
    """The table."""
    print(figures["machine"])
    rows = [("nothing changes", "0", f"{figures['share_if_nothing_changes']:.1%}")]
    rows += [
        (f"{asked} asked for", f"{figures[f'commits_per_s_at_{asked}']:,}", f"{figures[f'share_at_{asked}']:.1%}")
        for asked in COMMITS_PER_S
    ]
    print_table(("", "commits a second", "core"), rows)


def main() -> int:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument(
        "--rows", type=number(int, 400, 100_000), default=3000, help="changed rows a second, 400 to 100,000 (3,000)"
    )
    parser.add_argument("--seconds", type=number(float, 1, 60), default=8.0, help="how long each (8)")
    add_json(parser)
    chosen = parser.parse_args()
    doubt_window(chosen.seconds)
    report(lambda: measure(int(chosen.rows), float(chosen.seconds)), chosen.json, show)
    return 0


if __name__ == "__main__":
    sys.exit(main())
