"""The simulator of SSI FastConnect as a process, for tests that need a whole exchange."""

import asyncio
import contextlib
import re
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import httpx2

ROOT = Path(__file__).parents[2]
READY_S = 30.0


class RunningSimulator:
    """A simulator that listens at `url` (with a slash at the end)."""

    def __init__(self, url: str, process: asyncio.subprocess.Process) -> None:
        self.url = url
        self.websocket_url = "ws" + url.removeprefix("http")
        self.process = process

    async def control(self, word: str, **order: object) -> dict[str, Any]:
        """
        One order: `pause`, `resume`, `rate`, `clock`, `day`, `faults`; fails if it is refused.

        Any by JSON: its answers differ, and a test knows what it asked for.
        """
        return await self._call("POST", word, order)

    async def fault(self, name: str, **limits: float) -> dict[str, Any]:
        """Order a fault: `value`, `count`, `seconds`."""
        return await self._call("POST", "faults", {"name": name, **limits})

    async def clear_faults(self) -> None:
        """Take back all faults."""
        await self._call("DELETE", "faults")

    async def ledger(self) -> dict[str, Any]:
        """What truly happened: counts, totals by symbol and index, the market, the connections."""
        return await self._call("GET", "ledger")

    async def _call(self, method: str, word: str, order: dict[str, object] | None = None) -> dict[str, Any]:
        async with httpx2.AsyncClient(trust_env=False, timeout=READY_S) as http:
            answer = await http.request(method, f"{self.url}control/{word}", json=order)
        document: dict[str, Any] = answer.json()
        assert answer.status_code == 200, document
        return document


@asynccontextmanager
async def running_simulator(**options: object) -> AsyncIterator[RunningSimulator]:
    """
    Run the simulator for the length of the block, on a free port.

    Options are those of the command line: `rate=50, seed=7, stocks=40, no_control=True, fault=["drop", "burst=5"]`.
    A small market (40 stocks) unless said otherwise.
    """
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "ssi_simulator",
        *_arguments({"port": 0, "stocks": 40, **options}),
        cwd=ROOT,
        stdout=asyncio.subprocess.PIPE,
    )
    try:
        assert process.stdout is not None
        line = (await asyncio.wait_for(process.stdout.readline(), READY_S)).decode()
        url = re.search(r"http://\S+", line)
        assert url is not None, f"the simulator did not say where it listens, but: {line!r}"
        yield RunningSimulator(url[0], process)
    finally:
        with contextlib.suppress(ProcessLookupError):
            process.terminate()
        try:
            await asyncio.wait_for(process.wait(), 5)
        except TimeoutError:
            process.kill()
            await process.wait()
            raise


def _arguments(options: dict[str, object]) -> list[str]:
    arguments = []
    for name, value in options.items():
        flag = f"--{name.replace('_', '-')}"
        if value is True:
            arguments.append(flag)
        elif value is not False:
            arguments += [part for one in (value if isinstance(value, list) else [value]) for part in (flag, str(one))]
    return arguments
