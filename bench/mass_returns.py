"""
What many clients at once cost those who are there already.

    python3 run.py bench mass-returns

A real broker, a writer, a publisher. A client of its own asks every 25 ms and notes how long the answer takes: as long
as the event loop is busy with others. Meanwhile 300, then 1,000 clients of the whole market come back with `since`, and
all of them get a new epoch: the longest answer of each case. About half a minute. The last line is JSON.
"""

import asyncio
import json
import sys
from collections.abc import Coroutine
from contextlib import AsyncExitStack
from typing import Any, Self

from websockets.asyncio.client import connect

from bench import sockets
from bench.crowd import check_room
from bench.figures import json_option, machine, print_figures, report
from bench.market import Market
from bench.progress import Progress
from bench.slow_readers import stack
from tests.fakes.writer import DAY, Writer

NUMBERS = (300, 1000)
#: Clients with a large table, when a new epoch gives them all a snapshot.
WHOLE_MARKET = 1000
SETTLE_S = 6.0
#: Of the table.
TITLES = {
    "machine": ("machine", ""),
    "alone_ms": ("the longest answer if nobody comes, ms", "{:.1f}"),
    **{f"{number}_return_ms": (f"if {number:,} come back at once, ms", "{:.1f}") for number in NUMBERS},
    "served_ms": (f"when {WHOLE_MARKET:,} of the whole market have come, ms", "{:.1f}"),
    "new_epoch_ms": ("when a new day begins for all of them, ms", "{:.1f}"),
}


class Delays:
    """How long the publisher took to answer, as a process of its own sees it."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        self._process = process
        self.ms: list[float] = []
        self._reading = asyncio.create_task(self._read(), name="delays")

    @classmethod
    async def of(cls, url: str) -> Self:
        """Begin to ask."""
        module = ("-m", "bench.asking", url)
        return cls(await asyncio.create_subprocess_exec(sys.executable, *module, stdout=asyncio.subprocess.PIPE))

    async def _read(self) -> None:
        assert self._process.stdout is not None  # noqa: S101 (for the type checker)
        while line := await self._process.stdout.readline():
            self.ms.append(float(line))

    async def longest_ms(self, event: Coroutine[Any, Any, Any]) -> float:
        """While something happens, and for some seconds after."""
        self.ms.clear()
        await event
        await asyncio.sleep(SETTLE_S)
        return max(self.ms)

    async def end(self) -> None:
        """Ask no more."""
        self._process.terminate()
        await self._process.wait()
        await self._reading


async def position(url: str) -> str:
    """Where a client of the whole market stands now."""
    async with connect(url, proxy=None) as client:
        while True:
            message: dict[str, Any] = json.loads(await client.recv())
            if message["type"] == "snapshot" and "part" not in message:
                return str(message["position"])


async def new_epoch(writer: Writer, market: Market) -> None:
    """The next day begins."""
    await writer.publication.open_epoch(DAY)
    await writer.commit(market.all())


async def measure() -> dict[str, object]:
    """The figures. Raises CannotMeasure."""
    check_room(sum(NUMBERS) + WHOLE_MARKET)
    market, quiet = Market(), asyncio.Event()
    figures: dict[str, object] = {"machine": machine()}
    async with stack(market, quiet) as (publisher, writer), AsyncExitStack() as closing:
        delays = await Delays.of(publisher.websocket_url)
        closing.push_async_callback(delays.end)

        async def come(number: int, since: str) -> None:
            path = f"/ws/market?keys={market.board(0)}&since={since}"
            for reader in await asyncio.gather(*(sockets.connect(publisher.url, path) for _ in range(number))):
                closing.callback(reader.close)

        progress = Progress(3 + len(NUMBERS), SETTLE_S + 2)
        progress.turn("nobody comes")
        figures["alone_ms"] = await delays.longest_ms(asyncio.sleep(0))
        for number in NUMBERS:
            progress.turn(f"{number} clients come back at once")
            since = await position(f"{publisher.websocket_url}/ws/market?keys={market.board(0)}")
            figures[f"{number}_return_ms"] = await delays.longest_ms(come(number, since))
        progress.turn(f"{WHOLE_MARKET} clients of the whole market come")
        for _ in range(WHOLE_MARKET):
            closing.callback((await sockets.connect(publisher.url, "/ws/market?interval=5000")).close)
        quiet.set()
        figures["served_ms"] = await delays.longest_ms(asyncio.sleep(0))
        progress.turn("a new day begins for all of them")
        figures["new_epoch_ms"] = await delays.longest_ms(new_epoch(writer, market))
    return figures


def main() -> int:
    """Measure and print."""
    report(measure, json_option(__doc__), lambda figures: print_figures(figures, TITLES))
    return 0


if __name__ == "__main__":
    sys.exit(main())
