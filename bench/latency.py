"""
How long a change is on its way.

`edge`: a quiet market, and one client that watches all of it: each change leaves at once. From the moment at which the
simulator sends a message to the moment at which the client has the change: simulator, ingest, Redis and publisher are
processes as users run them. About a minute.

`crowd`: many clients, on boards of 30 symbols, with windows of 500 ms; a writer of 400 rows a second in place of the
ingest. The age of the oldest change in each frame, counted from the moment at which it was to be committed: the window
itself is part of it. The publisher has a core for itself. About half a minute.
"""

import argparse
import asyncio
import gc
import sys
import time
from argparse import RawDescriptionHelpFormatter
from array import array
from collections.abc import Sequence
from contextlib import AsyncExitStack
from pathlib import Path
from tempfile import TemporaryDirectory
from urllib.parse import urlsplit

import httpx2
import orjson
import uvloop
from websockets.asyncio.client import connect

from bench.cores import keep_apart
from bench.crowd import check_room
from bench.due_rows import DueRows, committing
from bench.figures import Figures, add_json, doubt_window, finish, machine
from bench.market import Market
from bench.progress import Progress
from bench.readers import below, reading
from bench.tap import Tap, tapping
from bench.usage import used_s
from local_stack.engine import running_engine
from local_stack.number import number
from local_stack.services import Services
from local_stack.supervisor import Supervisor
from local_stack.terminal import say
from tests.fakes.services import running_publisher
from tests.fakes.writer import writing

PREFIX = "bench"
#: Further apart than the shortest window, so that no change waits for one.
CHANGES_PER_S, EDGE_WINDOW_MS = 8, 100
WINDOW_MS = 500
COMMITS_PER_S, ROWS = 50.0, 8
WARM_S = 3.0
DEFAULT_S = {"edge": 50.0, "crowd": 5.0}
UNBOUNDED = {
    "MAX_CONNECTIONS_PER_ADDRESS": "0",
    "HANDSHAKES_PER_ADDRESS_PER_S": "0",
    "HANDSHAKES_PER_S": "0",
    # The readers answer no pings.
    "PING_INTERVAL_S": "300",
    "PING_TIMEOUT_S": "300",
    "DRAIN_NOTICE_S": "0",
    "DRAIN_S": "0",
}


async def edge(seconds: float) -> Figures:
    """The leading edge to a single client."""
    Progress(1, WARM_S + seconds + 5).turn("edge: one client of a quiet market")
    with TemporaryDirectory(prefix="banggia-bench-") as name, running_engine(Path(name)) as broker:
        async with (
            Supervisor(Path(name), say) as supervisor,
            httpx2.AsyncClient(timeout=5, trust_env=False) as http,
        ):
            services = Services(supervisor, PREFIX, http)
            simulator = await services.simulator("--rate", str(CHANGES_PER_S), "--seed", "1")
            async with tapping(urlsplit(simulator).port or 80) as (tap, port):
                services.ingest("ingest", broker.url, f"http://127.0.0.1:{port}")
                publisher = (await services.publishers([broker.url]))[0]
                ages_ms = await _watch(f"ws://{publisher}/ws/market?interval={EDGE_WINDOW_MS}", tap, seconds)
    if not ages_ms:
        raise RuntimeError("no change has reached the client")
    return {"changes_per_s": CHANGES_PER_S, "changes": len(ages_ms), "age_ms": below(ages_ms)}


async def _watch(url: str, tap: Tap, seconds: float) -> "array[float]":
    """How old each change was when it came."""
    ages_ms = array("d")
    async with connect(url, proxy=None, compression=None) as client:
        begin_s = time.perf_counter() + WARM_S
        while (left_s := begin_s + seconds - time.perf_counter()) > 0:
            try:
                async with asyncio.timeout(left_s):
                    text = await client.recv()
            except TimeoutError:
                break
            now_s = time.perf_counter()
            message = orjson.loads(text)
            if message["type"] != "update":
                continue
            for symbol in message["data"]:
                told_s = tap.told_s.pop(symbol, None)
                if told_s is not None and now_s > begin_s:
                    ages_ms.append((now_s - told_s) * 1000)
    return ages_ms


async def crowd(clients: int, seconds: float, runs: int) -> Figures:
    """Data age with many clients. Raises CannotMeasure."""
    check_room(clients)
    progress = Progress(1 + runs, alike=False)
    progress.turn(f"crowd: {clients} clients come")
    rows, found = DueRows(Market(), commits_per_s=COMMITS_PER_S, rows=ROWS), list[Figures]()
    async with AsyncExitStack() as closing:
        folder = closing.enter_context(TemporaryDirectory(prefix="banggia-bench-"))
        broker = closing.enter_context(running_engine(Path(folder)))
        writer = await closing.enter_async_context(writing(broker.url, PREFIX))
        await writer.commit(rows.all())
        publisher = await closing.enter_async_context(running_publisher(broker.url, PREFIX, **UNBOUNDED))
        await publisher.line("rows loaded")
        apart = keep_apart(publisher.pid)
        await closing.enter_async_context(committing(rows, writer))
        readers = await closing.enter_async_context(reading(publisher.url, clients, WINDOW_MS))
        await asyncio.sleep(WARM_S)
        for run in range(runs):
            progress.turn(f"crowd: run {run + 1} of {runs} ({seconds:g} s)")
            await readers.seen()
            before_s, commits = used_s(publisher.pid), rows.commits
            await asyncio.sleep(seconds)
            seen = await readers.seen()
            found.append(
                {
                    "age_ms": seen["ages_ms"],
                    "frames_per_s": round(seen["frames"] / seen["seconds"]),
                    "bytes_per_client_and_s": round(seen["bytes"] / seen["seconds"] / clients),
                    "publisher_core": round((used_s(publisher.pid) - before_s) / seen["seconds"], 3),
                    "clients_core": round(seen["cpu_s"] / seen["seconds"], 3),
                    "commits_per_s": round((rows.commits - commits) / seen["seconds"], 1),
                    "lost": seen["lost"],
                }
            )
    return {"clients": clients, "window_ms": WINDOW_MS, "publisher_has_a_core": apart, "runs": found}


def tell(figures: Figures) -> None:
    """For people: the ages."""
    say(f"{'':24} {'p50 ms':>9} {'p99 ms':>9} {'p99.9 ms':>9} {'longest':>9}")
    for name, found in figures.items():
        runs = found.get("runs", [found]) if isinstance(found, dict) else []
        for run in runs:
            say(f"{name:24} " + " ".join(f"{age:>9.2f}" for age in run["age_ms"].values()))


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=RawDescriptionHelpFormatter)
    parser.add_argument("--only", choices=("edge", "crowd"), help="one of the two")
    parser.add_argument("--clients", type=number(int, 1, 15_000), default=8000, help="of the crowd (default: 8000)")
    parser.add_argument("--seconds", type=number(float, 1, 600), help="of a measurement (default: edge 50, crowd 5)")
    parser.add_argument("--runs", type=number(int, 1, 50), default=3, help="of the crowd, one after the other (3)")
    add_json(parser)
    chosen = parser.parse_args(arguments)
    doubt_window(chosen.seconds or DEFAULT_S["crowd"])
    figures: Figures = {"machine": machine()}
    gc.disable()  # its pauses would be measured as delays
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        if chosen.only != "crowd":
            figures["edge"] = runner.run(edge(chosen.seconds or DEFAULT_S["edge"]))
        if chosen.only != "edge":
            figures["crowd"] = runner.run(
                crowd(int(chosen.clients), chosen.seconds or DEFAULT_S["crowd"], int(chosen.runs))
            )
    tell(figures)
    finish(figures, chosen.json)
    return 0


if __name__ == "__main__":
    sys.exit(main())
