"""The two services as processes, as users run them, on free ports."""

import asyncio
import contextlib
import json
import os
import re
import signal
import sys
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import httpx2
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed

from tests.fakes.table_client import TableClient

ROOT = Path(__file__).parents[2]
READY_S = 20.0


class RunningService:
    """A process of ours, its log kept line by line."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        self.process = process
        self.lines: list[str] = []
        self._reading = asyncio.create_task(self._read(), name="log of a service")

    @property
    def pid(self) -> int:
        """The process."""
        return self.process.pid

    @property
    def log(self) -> str:
        """What it has logged so far."""
        return "\n".join(self.lines)

    async def line(self, pattern: str, within_s: float = READY_S) -> re.Match[str]:
        """The first line that matches, now or later."""
        async with asyncio.timeout(within_s):
            at = 0
            while True:
                for line in self.lines[at:]:
                    if found := re.search(pattern, line):
                        return found
                at = len(self.lines)
                assert not self._reading.done(), f"ended without {pattern}:\n{self.log}"
                await asyncio.sleep(0.01)

    async def ended(self, within_s: float = 10.0) -> int:
        """The exit code."""
        return await asyncio.wait_for(self.process.wait(), within_s)

    def kill(self) -> None:
        """End it without a chance to say goodbye."""
        self.process.send_signal(signal.SIGKILL)

    async def _read(self) -> None:
        assert self.process.stdout is not None
        while line := await self.process.stdout.readline():
            self.lines.append(line.decode().rstrip())


class RunningPublisher(RunningService):
    """One replica."""

    url = ""  # http://127.0.0.1:PORT

    @property
    def websocket_url(self) -> str:
        """Where websockets begin."""
        return "ws" + self.url.removeprefix("http")

    async def get(self, path: str, headers: dict[str, str] | None = None, method: str = "GET") -> httpx2.Response:
        """An HTTP answer."""
        async with httpx2.AsyncClient(trust_env=False, timeout=10) as http:
            return await http.request(method, self.url + path, headers=headers)

    async def has_clients(self, number: int, within_s: float = 20.0) -> None:
        """Return when it counts so many connections."""
        async with asyncio.timeout(within_s):
            while await self.metric("publisher_clients") != number:  # noqa: ASYNC110 (it is another process)
                await asyncio.sleep(0.02)

    async def metric(self, series: str) -> float:
        """The value of a series as it stands in /metrics, labels included; 0 if it is not there."""
        for line in (await self.get("/metrics")).text.splitlines():
            if line.startswith(series + " "):
                return float(line.rpartition(" ")[2])
        return 0.0


@asynccontextmanager
async def running(service: type[RunningService], module: str, *arguments: str, **variables: str) -> AsyncIterator[Any]:
    """A module of ours as a process, for the length of the block; it must end by itself when told to."""
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", module, *arguments,
        cwd=ROOT,
        env=os.environ | {"PYTHONPATH": str(ROOT), "PYTHONUNBUFFERED": "1", "PYTHONFAULTHANDLER": "1"} | variables,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
        limit=1_000_000,
    )  # fmt: skip
    started = service(process)
    try:
        yield started
    finally:
        with contextlib.suppress(ProcessLookupError):
            process.send_signal(signal.SIGCONT)
            process.terminate()
        try:
            await asyncio.wait_for(process.wait(), 10)
        except TimeoutError:
            process.send_signal(signal.SIGABRT)
            await process.wait()
            await started._reading
            raise AssertionError(f"{module} did not end within 10 s of SIGTERM:\n{started.log}") from None
        await started._reading


@asynccontextmanager
async def running_publisher(redis_url: str, prefix: str, **variables: str) -> AsyncIterator[RunningPublisher]:
    """A publisher that listens (it may not be ready yet)."""
    async with running(
        RunningPublisher, "publisher_service", "--port", "0", REDIS_URL=redis_url, REDIS_PREFIX=prefix, **variables
    ) as publisher:
        publisher.url = (await publisher.line(r"publisher listens url=(\S+)"))[1]
        yield publisher


@asynccontextmanager
async def portable_publisher(redis_url: str, prefix: str, **variables: str) -> AsyncIterator[RunningPublisher]:
    """The same application on a server that offers no door: uvicorn with a websocket class of its own."""
    async with running(
        RunningPublisher, "uvicorn", "--factory", "publisher_service.app:from_environment", "--port", "0",
        "--ws", "websockets-sansio", "--ws-max-size", "65536", "--timeout-graceful-shutdown", "2",
        REDIS_URL=redis_url, REDIS_PREFIX=prefix, **variables,
    ) as publisher:  # fmt: skip
        publisher.url = (await publisher.line(r"Uvicorn running on (\S+)"))[1]
        yield publisher


#: Both ways to serve the application.
PATHS = {"own server": running_publisher, "another server": portable_publisher}


@asynccontextmanager
async def running_ingest(
    redis_url: str, prefix: str, ssi_url: str, cache_dir: Path, **variables: str
) -> AsyncIterator[RunningService]:
    """An ingest; it may be a standby."""
    settings = {
        "REDIS_URL": redis_url,
        "REDIS_PREFIX": prefix,
        "SSI_URL": ssi_url,
        "SSI_CONSUMER_ID": "demo",
        "SSI_CONSUMER_SECRET": "demo",
        "SIMULATED": "true",  # a market of other hours than ours
        "CACHE_DIR": str(cache_dir),
    }
    async with running(RunningService, "ingest_service", **(settings | variables)) as ingest:
        yield ingest


class WebsocketClient:
    """A connection with one table, by the client's rule, and all messages in the order they came."""

    def __init__(self, socket: ClientConnection) -> None:
        self.socket = socket
        self.messages: list[dict[str, Any]] = []
        self.table = TableClient()
        self._loop = asyncio.get_running_loop()

    async def next(self, *kinds: str, within_s: float = 10.0) -> dict[str, Any]:
        """The next message of the types named, or of any."""
        async with asyncio.timeout(within_s):
            while True:
                message: dict[str, Any] = json.loads(await self.socket.recv())
                self.messages.append(message)
                self.table.take(message)
                if not kinds or message["type"] in kinds:
                    return message

    async def until_closed(self) -> int | None:
        """Read to the end; the server's close code."""
        try:
            while True:
                await self.next()
        except ConnectionClosed as closed:
            return closed.rcvd.code if closed.rcvd else None

    async def status(self, *, connected: bool, within_s: float) -> float:
        """Wait for a status; how long it took, in seconds."""
        began_s = self._loop.time()
        async with asyncio.timeout(within_s):
            while (await self.next("status", within_s=within_s))["connected"] is not connected:
                pass
        return self._loop.time() - began_s


@asynccontextmanager
async def websocket_client(url: str) -> AsyncGenerator[WebsocketClient, None]:
    """A client with the defaults of the `websockets` package."""
    async with connect(url, proxy=None) as socket:
        yield WebsocketClient(socket)
