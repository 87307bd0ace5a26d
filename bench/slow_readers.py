"""
What clients that never read cost: memory of the publisher, and the others' age of data.

    python3 run.py bench slow-readers

A real broker, a real publisher, a writer of 100 rows eight times a second over 1,600 symbols. 900 clients watch boards
of 30 symbols (and ten of them the whole market); again and again 100 more come, ask for the whole market, and never
read; one of them goes on sending pings. About three minutes. The last line is JSON.
"""

import asyncio
import os
import socket
import sys
from array import array
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from statistics import median, quantiles
from tempfile import TemporaryDirectory

from bench import sockets
from bench.figures import json_option, machine, print_figures, report
from bench.market import Market
from bench.progress import Progress
from bench.sockets import Reader
from local_stack.engine import running_engine
from tests.fakes.services import RunningPublisher, running_publisher
from tests.fakes.writer import Writer, writing

READERS = 900
OF_THE_WHOLE_MARKET = 10
STALLED = 100
#: Boards that differ: 900 people do not all watch the same.
BOARDS = 30
#: With and without stalled clients in turn, so often.
ROUNDS = 3
PHASE_S = 8.0
#: Longer than the interval of the boards: each commit leaves at once, and an age is nothing but delay.
COMMIT_S = 0.125
#: One stalled client after the other, so that each joins at a revision of its own.
JOIN_S = 0.13
PREFIX = "bench"
#: Of the table.
TITLES = {
    "machine": ("machine", ""),
    "resident_kb": ("memory before, and with those of each round, kB", "{:,}"),
    "kb_per_stalled_client": ("kB a client that never reads", "{:,.1f}"),
    "kb_per_further_stalled_client": ("kB a further one, more than ever there were", "{:,.1f}"),
    "kernel_kb_per_stalled_client": ("kB in the kernel for each", "{:,.1f}"),
    "p99_ms_without": ("the others' age of data without them, p99 ms", "{:.1f}"),
    "p99_ms_with": ("and with them, p99 ms", "{:.1f}"),
    "p99_ratio": ("times as old with them", "{:.3f}"),
}
PAGE_BYTES = os.sysconf("SC_PAGE_SIZE")
SETTINGS = {
    "MAX_CONNECTIONS_PER_ADDRESS": "0",
    "HANDSHAKES_PER_ADDRESS_PER_S": "0",
    "HANDSHAKES_PER_S": "0",
    # Nobody is to be closed while the measurement lasts.
    "SLOW_CLIENT_S": "600",
    "PING_INTERVAL_S": "300",
    "PING_TIMEOUT_S": "300",
    "DRAIN_S": "0",
}


def resident_kb(pid: int) -> float:
    """The resident memory of a process."""
    return int(Path(f"/proc/{pid}/statm").read_text("ascii").split()[1]) * PAGE_BYTES / 1000


async def settled(pid: int) -> None:
    """Return when memory is what these readers need: for half a minute or so the heap grows without anybody new."""
    for _ in range(10):
        before_kb = resident_kb(pid)
        await asyncio.sleep(4)
        if resident_kb(pid) - before_kb < 200:
            break


def kernel_kb(port: int) -> list[float]:
    """What the kernel holds for each connection of a port, sent to nobody yet."""
    lines = Path("/proc/net/tcp").read_text("ascii").splitlines()[1:]
    fields = [line.split() for line in lines]
    return [int(each[4].partition(":")[0], 16) / 1000 for each in fields if int(each[1].partition(":")[2], 16) == port]


class Stalled:
    """Clients that never read; the first one goes on sending pings."""

    def __init__(self) -> None:
        self._sockets: list[socket.socket] = []
        self._flood: asyncio.Task[None] | None = None

    async def come(self, url: str, number: int) -> None:
        """So many more, each at a moment of its own."""
        for _ in range(number):
            self._sockets.append(sockets.stalled(url, "/ws/market"))
            await asyncio.sleep(JOIN_S)
        if self._flood is None:
            self._flood = asyncio.create_task(self._ping(), name="pings")

    async def _ping(self) -> None:
        while True:
            self._sockets[0].send(sockets.PING)
            await asyncio.sleep(0.025)  # just below what is closed as abuse

    async def go(self) -> None:
        """All of them."""
        if self._flood is not None:
            self._flood.cancel()
            self._flood = None
        for each in self._sockets:
            each.close()
        self._sockets.clear()


async def write(writer: Writer, market: Market, quiet: asyncio.Event) -> None:
    """Go on until it is to be quiet."""
    loop = asyncio.get_running_loop()
    at_s = loop.time()
    while not quiet.is_set():
        await writer.commit(market.next())
        at_s = max(at_s + COMMIT_S, loop.time())
        await asyncio.sleep(at_s - loop.time())


@asynccontextmanager
async def stack(market: Market, quiet: asyncio.Event) -> AsyncIterator[tuple[RunningPublisher, Writer]]:
    """A broker, a writer at work, and a publisher that has loaded what it wrote."""
    with TemporaryDirectory(prefix="banggia-bench-") as folder, running_engine(Path(folder)) as broker:
        async with writing(broker.url, PREFIX) as writer:
            await writer.commit(market.all())
            async with running_publisher(broker.url, PREFIX, **SETTINGS) as publisher:
                await publisher.line("rows loaded")
                writing_on = asyncio.create_task(write(writer, market, quiet), name="writer")
                yield publisher, writer
                writing_on.cancel()


async def readers(publisher: RunningPublisher, market: Market, ages_ms: "array[float]") -> list[Reader]:
    """All who read; the ages are of those who watch boards."""
    paths = [f"/ws/market?interval=100&keys={market.board(n % BOARDS)}" for n in range(READERS - OF_THE_WHOLE_MARKET)]
    there = [await sockets.connect(publisher.url, path, ages_ms) for path in paths]
    whole = "/ws/market?interval=1000&mode=fields"
    return there + [await sockets.connect(publisher.url, whole) for _ in range(OF_THE_WHOLE_MARKET)]


async def p99_ms(ages_ms: "array[float]") -> float:
    """Of the ages in the next seconds."""
    del ages_ms[:]
    await asyncio.sleep(PHASE_S)
    return quantiles(ages_ms, n=100)[98]


async def measure() -> dict[str, object]:
    """The figures."""
    market, ages_ms, stalled = Market(), array("d"), Stalled()
    async with stack(market, asyncio.Event()) as (publisher, _):
        port = sockets.address(publisher.url)[1]
        there = await readers(publisher, market, ages_ms)
        progress = Progress(2 + ROUNDS, alike=False)
        progress.turn("those who read have come; memory settles (40 s at most)")
        await settled(publisher.pid)
        memory_kb, without_ms, with_ms, in_kernel_kb = [resident_kb(publisher.pid)], [], [], [0.0]
        for _ in range(ROUNDS):
            progress.turn(f"{PHASE_S:g} s without clients that never read, and as long with {STALLED} of them")
            without_ms.append(await p99_ms(ages_ms))
            await stalled.come(publisher.url, STALLED)
            await publisher.has_clients(READERS + STALLED)
            with_ms.append(await p99_ms(ages_ms))
            memory_kb.append(resident_kb(publisher.pid))
            in_kernel_kb = sorted(kernel_kb(port))[-STALLED:]
            await stalled.go()
            await publisher.has_clients(READERS)
        progress.turn("more of them than ever")
        # Those who came again found the memory of those who were there before: more than ever show the true growth.
        await stalled.come(publisher.url, STALLED)
        await asyncio.sleep(3)
        first_kb = resident_kb(publisher.pid)
        await stalled.come(publisher.url, STALLED)
        await asyncio.sleep(3)
        second_kb = resident_kb(publisher.pid)
        assert not any(reader.lost for reader in there), "readers were closed"  # noqa: S101 (figures would mean nothing)
        await stalled.go()
        for reader in there:
            reader.close()
    return {
        "machine": machine(),
        "resident_kb": [round(kb) for kb in memory_kb],
        "kb_per_stalled_client": round((memory_kb[1] - memory_kb[0]) / STALLED, 1),
        "kb_per_further_stalled_client": round((second_kb - first_kb) / STALLED, 1),
        "kernel_kb_per_stalled_client": round(median(in_kernel_kb), 1),
        "p99_ms_without": [round(ms, 1) for ms in without_ms],
        "p99_ms_with": [round(ms, 1) for ms in with_ms],
        "p99_ratio": round(median(with_ms) / median(without_ms), 3),
    }


def main() -> int:
    """Measure and print."""
    report(measure, json_option(__doc__), lambda figures: print_figures(figures, TITLES))
    return 0


if __name__ == "__main__":
    sys.exit(main())
