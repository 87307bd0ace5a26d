"""The demo loses its processes one by one, and its board becomes whole again."""

import asyncio
import json
import os
import signal
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import TypedDict

import httpx2

from local_stack.engine import free_port
from tests.eventually import eventually
from tests.fakes.services import websocket_client

ROOT = Path(__file__).parents[2]
#: The imports of five processes on a machine that runs other tests as well.
UP_S = 60.0


async def test_clients_are_served_on_through_one_port_whichever_process_dies(tmp_path: Path) -> None:
    async with a_demo(tmp_path, "--check", "--seconds", "15") as demo:
        await demo.is_up()
        before = demo.pids()

        for name in ("publisher-1", "ingest", "valkey"):
            os.kill(before[name], signal.SIGKILL)
        await eventually(lambda: all(demo.pids()[name] != before[name] for name in ("publisher-1", "ingest", "valkey")))
        async with websocket_client(f"ws://127.0.0.1:{demo.port}/ws/index") as client:
            await client.next("snapshot", within_s=20)
        code = await demo.ended(within_s=60)

    report = json.loads(demo.output.splitlines()[-1])
    assert (code, report["ok"], report["differences"]) == (0, True, []), demo.output
    for channel, figures in report["channels"].items():
        assert figures["messages_in"] > 0, channel
        assert figures["commits"] > 0, channel
        assert figures["frames_out"] > 0, channel
        assert 0 <= figures["merge_ratio"] < 1, channel
        assert 0 <= figures["data_age_p50_ms"] <= figures["data_age_p99_ms"], channel
    for name in ("publisher-1", "ingest", "valkey"):
        assert f"{name} was killed by SIGKILL; it starts again" in demo.output


class Entry(TypedDict):
    """One process in stack.json."""

    name: str
    pid: int
    port: int
    log: str


class RunningDemo:
    """The demo's process, and what it tells."""

    def __init__(self, process: asyncio.subprocess.Process, port: int, folder: Path) -> None:
        self.process = process
        self.port = port
        self.stack_file = folder / "stack.json"
        self.output = ""  # stdout and stderr
        self._reading = asyncio.create_task(self._read(), name="output of the demo")

    async def is_up(self) -> None:
        """Wait until it shows its addresses."""
        await eventually(lambda: "  board  " in self.output or self._reading.done(), within_s=UP_S)
        assert not self._reading.done(), self.output
        async with httpx2.AsyncClient(trust_env=False, timeout=10) as http:
            assert (await http.get(f"http://127.0.0.1:{self.port}/")).status_code == 200

    def pids(self) -> dict[str, int]:
        """Name → process id, of all that it has started."""
        stack: list[Entry] = json.loads(self.stack_file.read_text())
        return {entry["name"]: entry["pid"] for entry in stack}

    async def ended(self, within_s: float) -> int:
        """The exit code."""
        async with asyncio.timeout(within_s):
            await self._reading
            return await self.process.wait()

    async def _read(self) -> None:
        assert self.process.stdout is not None
        while data := await self.process.stdout.read(65_536):
            self.output += data.decode()


@asynccontextmanager
async def a_demo(folder: Path, *arguments: str) -> AsyncIterator[RunningDemo]:
    """`demo --no-browser` on a free port, its files in the folder given."""
    port = free_port()
    environment = {name: value for name, value in os.environ.items() if not name.startswith("REDIS_")}
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "local_stack", "--no-browser", "--port", str(port), *arguments,
        cwd=ROOT,
        env=environment | {"BANGGIA_VAR": str(folder), "PYTHONPATH": str(ROOT), "PYTHONUNBUFFERED": "1"},
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )  # fmt: skip
    demo = RunningDemo(process, port, folder)
    try:
        yield demo
    finally:
        with suppress(ProcessLookupError):
            process.kill()
        await process.wait()
        await demo._reading
