"""Node, as the tests of the client in TypeScript need it, and that client as a program."""

import asyncio
import json
import os
import shutil
import subprocess
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from functools import cache
from pathlib import Path
from typing import Any

import pytest

TYPESCRIPT = Path(__file__).parents[2] / "clients" / "typescript"
OLDEST = 20
#: Until then Node has a WebSocket only when it is told to.
HAS_WEBSOCKET = 22


@cache
def major() -> int:
    """Of the version of Node that is here; 0: none."""
    if shutil.which("node") is None:
        return 0
    told = subprocess.run(["node", "--version"], capture_output=True, text=True, check=True).stdout
    return int(told.removeprefix("v").partition(".")[0])


def require() -> None:
    """Raises pytest.UsageError."""
    if major() < OLDEST or shutil.which("npm") is None:
        raise pytest.UsageError(
            f"--clients needs Node {OLDEST} or newer with npm, and here is {f'Node {major()}' if major() else 'none'}"
        )


def run(*command: str, cwd: Path = TYPESCRIPT) -> None:
    """A command that must succeed."""
    done = subprocess.run(command, cwd=cwd, capture_output=True, text=True, timeout=150, check=False)
    assert done.returncode == 0, f"{' '.join(command)}:\n{done.stdout[-8000:]}\n{done.stderr[-2000:]}"


class LiveClient:
    """A client in a process of its own."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        self._process = process
        self.now: dict[str, Any] = {}  # what it told last

    @property
    def changes(self) -> list[dict[str, Any]]:
        """What its tables took in."""
        return list(self.now["changes"])

    def table(self, channel: str) -> dict[str, Any]:
        """One of its tables."""
        return dict(self.now["tables"][channel])

    def order(self, name: str, **argument: Any) -> None:
        """Have it do something."""
        assert self._process.stdin is not None
        self._process.stdin.write(json.dumps({name: argument}).encode() + b"\n")

    async def until(self, condition: Callable[[], bool], within_s: float = 20.0) -> None:
        """Listen to it until this holds. Raises TimeoutError, or AssertionError if it ends."""
        assert self._process.stdout is not None
        try:
            async with asyncio.timeout(within_s):
                while not self.now or not condition():
                    line = await self._process.stdout.readline()
                    assert line, "the client has ended"
                    self.now = json.loads(line)
        except TimeoutError:
            raise AssertionError(f"it never came to that; now: {json.dumps(self.now)[:4000]}") from None

    async def follows(self, channel: str, **options: Any) -> None:
        """Open a table; return when it is live."""
        self.order("table", channel=channel, **options)
        await self.until(lambda: channel in self.now["tables"] and self.table(channel)["state"] == "live")

    async def ends(self) -> int | None:
        """Close it. Nothing must keep it from ending; its exit code."""
        assert self._process.stdin is not None
        self.order("close")
        self._process.stdin.close()
        await asyncio.wait_for(self._process.communicate(), 10)
        return self._process.returncode


async def started(program: Path, *arguments: str) -> asyncio.subprocess.Process:
    """A program with a WebSocket."""
    options = ["--experimental-websocket", "--no-warnings"] if major() < HAS_WEBSOCKET else []
    return await asyncio.create_subprocess_exec(
        "node", *options, str(program), *arguments,
        stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE, limit=4_000_000,
        env={name: value for name, value in os.environ.items() if not name.lower().endswith("_proxy")},
    )  # fmt: skip


@asynccontextmanager
async def live_client(address: str, *arguments: str) -> AsyncIterator[LiveClient]:
    """A client of this address; it must end by itself when it is closed."""
    process = await started(TYPESCRIPT / "tests" / "live.js", address, *arguments)
    try:
        yield (client := LiveClient(process))
        assert await client.ends() == 0
    finally:
        if process.returncode is None:
            process.kill()
            await process.communicate()
