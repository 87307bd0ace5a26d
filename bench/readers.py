"""
Many clients of one board after another, in a process of their own.

    python -m bench.readers URL CLIENTS INTERVAL_MS

It opens them all and says so; then each line on its standard input is answered by what all of them together were sent
since the last one, as a line of JSON. An age is that of the oldest change in a frame: now, less the moment at which it
was to be committed.
"""

import asyncio
import gc
import json
import re
import sys
import time
from array import array
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import TypedDict, cast

import uvloop

from bench.due_rows import DUE
from bench.market import Market
from bench.sockets import address, handshake
from shared.descriptors import raise_descriptor_limit

BOARDS, BOARD_ROWS = 50, 30
CONCURRENT = 100
OPEN_S, ANSWER_S = 120.0, 20.0
_UPDATE, _DUE = b'"type":"update"', re.compile(f'"{DUE}":(\\d{{13}})'.encode())


class Seen(TypedDict):
    """What all clients together were sent."""

    seconds: float
    cpu_s: float  # of the clients
    frames: int  # updates
    bytes: int  # of all kinds
    lost: int  # clients, since they came
    ages_ms: dict[str, float]  # "50", "99", "99.9", "100": per cent of the frames with rows → not older than


def below(ages_ms: "array[float]", per_cents: tuple[float, ...] = (50, 99, 99.9, 100)) -> dict[str, float]:
    """So many per cent are not older; empty if there are none."""
    ordered = sorted(ages_ms)
    last = len(ordered) - 1
    return {f"{each:g}": round(ordered[round(last * each / 100)], 2) for each in per_cents} if ordered else {}


class Tally:
    """What was counted since the last question."""

    def __init__(self) -> None:
        self.lost = 0
        self.start_over()

    def start_over(self) -> None:
        """From now on."""
        self.frames = self.bytes = 0
        self.ages_ms = array("d")
        self.began_s, self.began_cpu_s = time.perf_counter(), time.process_time()

    def seen(self) -> Seen:
        """Until now."""
        return {
            "seconds": time.perf_counter() - self.began_s,
            "cpu_s": time.process_time() - self.began_cpu_s,
            "frames": self.frames,
            "bytes": self.bytes,
            "lost": self.lost,
            "ages_ms": below(self.ages_ms),
        }


class Reader(asyncio.Protocol):
    """One client."""

    def __init__(self, path: str, tally: Tally, opened: "asyncio.Future[None]") -> None:
        self._path = path
        self._tally = tally
        self._opened = opened

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Shake hands."""
        cast("asyncio.Transport", transport).write(handshake(self._path))  # uvloop's is none by type

    def data_received(self, data: bytes) -> None:
        """A frame mostly, or the rest of one."""
        tally = self._tally
        tally.bytes += len(data)
        if not self._opened.done() and b'"type":"snapshot"' in data:
            self._opened.set_result(None)
        if (updates := data.count(_UPDATE)) == 0:
            return
        tally.frames += updates
        if due_ms := _DUE.findall(data):
            tally.ages_ms.append(time.time() * 1000 - int(min(due_ms)))

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: ARG002 (as the loop calls it)
        """By whomever."""
        self._tally.lost += 1


async def serve(url: str, clients: int, interval_ms: int) -> None:
    """Until the input ends."""
    loop, market, tally = asyncio.get_running_loop(), Market(), Tally()
    places, began_s = asyncio.Semaphore(CONCURRENT), time.perf_counter()

    async def come(number: int) -> None:
        board = market.board(number % BOARDS, BOARD_ROWS)
        path, opened = f"/ws/market?interval={interval_ms}&keys={board}", loop.create_future()
        async with places:
            await loop.create_connection(lambda: Reader(path, tally, opened), *address(url))
            await opened

    async with asyncio.timeout(OPEN_S):
        await asyncio.gather(*(come(number) for number in range(clients)))
    print(json.dumps({"opened_s": time.perf_counter() - began_s}), flush=True)
    while await loop.run_in_executor(None, sys.stdin.readline):
        print(json.dumps(tally.seen()), flush=True)
        tally.start_over()


class Readers:
    """That process, as others see it."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        self._process = process

    async def seen(self) -> Seen:
        """Since it was asked last. Raises ChildProcessError if the process has ended."""
        assert self._process.stdin is not None  # noqa: S101 (for the type checker)
        self._process.stdin.write(b"\n")
        await self._process.stdin.drain()
        return cast("Seen", await self.line(ANSWER_S))

    async def line(self, within_s: float) -> object:
        """What it says next."""
        assert self._process.stdout is not None  # noqa: S101 (for the type checker)
        async with asyncio.timeout(within_s):
            line = await self._process.stdout.readline()
        if not line:
            raise ChildProcessError("the clients have ended; what they said stands above")
        said: object = json.loads(line)
        return said


@asynccontextmanager
async def reading(url: str, clients: int, interval_ms: int) -> AsyncIterator[Readers]:
    """Clients that all have had their first data, for the length of the block."""
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "bench.readers", url, str(clients), str(interval_ms)),
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
    )
    try:
        readers = Readers(process)
        await readers.line(OPEN_S + ANSWER_S)
        yield readers
    finally:
        if process.stdin is not None:
            process.stdin.close()
        try:
            async with asyncio.timeout(ANSWER_S):
                await process.wait()
        except TimeoutError:
            process.kill()
            await process.wait()


if __name__ == "__main__":
    raise_descriptor_limit()
    gc.disable()  # its pauses would be measured as delays
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(serve(sys.argv[1], int(sys.argv[2]), int(sys.argv[3])))
