"""
The demo: a simulated exchange, the ingest, publishers and a splitter in front of them, wired together.

Top to bottom is the start; leaving the blocks is the end, in reverse order.
"""

import asyncio
import os
import secrets
import socket
import sys
import webbrowser
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import httpx2

from local_stack.check import Addresses, Report, check, report_line
from local_stack.engine import EngineError, broker_for, find_engine, free_port, is_up, last_line
from local_stack.splitter import Backend, Splitter
from local_stack.supervisor import Program, Supervisor
from shared.channels import Channel, RedisNames
from shared.redis_client import open_redis

HOST = "127.0.0.1"
DEFAULT_PORT = 8000
#: Ports tried after the default one.
MORE_PORTS = 50
#: A machine at its limit takes long for the imports alone.
READY_DEADLINE_S = 60.0
#: Everything that a run leaves behind: logs, `stack.json`, caches.
VAR = Path("var").absolute()


class CannotStart(Exception):  # noqa: N818 (the name says what it is)
    """Something that is needed is not there; the text says what and what to do."""

    def __init__(self, text: str, exit_code: int = 1) -> None:
        super().__init__(text)
        self.exit_code = exit_code


@dataclass(frozen=True, slots=True)
class Options:
    """What the demo is asked for."""

    port: int | None  # None: the default one, or the next free
    publishers: int
    seconds: float | None  # None: until told to stop
    check: bool
    browser: bool


async def demo(options: Options) -> int:
    """Run it; the exit code. Raises CannotStart."""
    with listen(options.port) as listener:
        async with redis_given() as given, Supervisor(VAR, say) as supervisor:
            redis_url, prefix = given or (await start_broker(supervisor), "banggia")
            async with httpx2.AsyncClient(timeout=5, trust_env=False) as http:
                addresses = await start_services(supervisor, redis_url, prefix, options.publishers, http)
                ports = [int(publisher.rpartition(":")[2]) for publisher in addresses.publishers]
                async with Splitter([Backend(HOST, port) for port in ports]).serving(listener):
                    report = await show(listener.getsockname()[1], addresses, options, http)
    if report is None:
        return 0
    say(report_line(report))
    if not report.ok:
        sys.stderr.write(f"The check failed: {report.differences[0]}\n")
    return 0 if report.ok else 1


async def show(port: int, addresses: Addresses, options: Options, http: httpx2.AsyncClient) -> Report | None:
    """Let people and programs see it, until the time is over; the report if a check was asked for."""
    say(url_table(port, addresses))
    if options.browser and has_browser():
        await asyncio.to_thread(webbrowser.open, f"http://localhost:{port}/")
    if options.check:
        say(f"Checking for {options.seconds:g} seconds …")
        return await check(addresses, options.seconds or 0.0, http)
    if options.seconds is None:
        say("Ctrl-C stops it.")
        await asyncio.get_running_loop().create_future()  # until cancelled
    else:
        await asyncio.sleep(options.seconds)
    return None


def listen(port: int | None) -> socket.socket:
    """The board's socket, taken before anything is started. Raises CannotStart."""
    if port is not None:
        try:
            return socket.create_server((HOST, port))
        except OSError as error:
            raise CannotStart(
                f"Port {port} cannot be used: {error.strerror}. Stop what uses it, choose another --port, "
                "or leave --port out to get the next free one.",
                exit_code=2,
            ) from error
    for candidate in range(DEFAULT_PORT, DEFAULT_PORT + MORE_PORTS):
        try:
            listener = socket.create_server((HOST, candidate))
        except OSError:
            continue
        if candidate != DEFAULT_PORT:
            say(f"Port {DEFAULT_PORT} is taken; the board is on {candidate}.")
        return listener
    raise CannotStart(f"No port from {DEFAULT_PORT} to {candidate} is free. Choose one with --port.", exit_code=2)


@asynccontextmanager
async def redis_given() -> AsyncIterator[tuple[str, str] | None]:
    """
    Address and prefix of the Redis named by REDIS_URL, None if there is none.

    Without REDIS_PREFIX the demo takes a prefix of its own, and leaves no key behind: invented prices must never
    meet real ones.
    """
    url, prefix = os.environ.get("REDIS_URL"), os.environ.get("REDIS_PREFIX")
    if not url or prefix:
        yield (url, prefix) if url and prefix else None
        return
    prefix = f"banggia-demo-{secrets.token_hex(4)}"
    yield url, prefix
    names = RedisNames(prefix)
    rows = [key for channel in Channel for key in (names.rows(channel), names.next_rows(channel))]
    async with open_redis(url) as redis:
        await redis.delete(names.head, names.lease, *rows)


async def start_broker(supervisor: Supervisor) -> str:
    """An embedded broker's address. Raises CannotStart."""
    folder = VAR / "broker"
    folder.mkdir(parents=True, exist_ok=True)
    try:
        engine = find_engine()
    except EngineError as error:
        raise CannotStart(str(error)) from error
    broker = broker_for(engine, folder)
    log = supervisor.start(Program("valkey", broker.command, broker.port))
    await wait_for("valkey", log, partial(asyncio.to_thread, is_up, broker))
    return broker.url


async def start_services(
    supervisor: Supervisor, redis_url: str, prefix: str, publishers: int, http: httpx2.AsyncClient
) -> Addresses:
    """Simulator, ingest and publishers, ready. Raises CannotStart."""
    simulator, metrics, *boards = (free_port() for _ in range(2 + publishers))
    addresses = Addresses(
        simulator=f"http://{HOST}:{simulator}",
        ingest=f"http://{HOST}:{metrics}",
        publishers=[f"{HOST}:{board}" for board in boards],
        redis_url=redis_url,
        redis_prefix=prefix,
    )
    environment = {
        "REDIS_URL": redis_url,
        "REDIS_PREFIX": prefix,
        "HOST": HOST,
        "METRICS_PORT": str(metrics),
        "SSI_URL": addresses.simulator,
        "SSI_CONSUMER_ID": "demo",
        "SSI_CONSUMER_SECRET": "demo",
        # What is set for the real exchange must not leak in here, nor our symbols into its cache.
        "SSI_API_URL": "",
        "SSI_STREAM_URL": "",
        "SSI_CHANNELS": "",
        "CACHE_DIR": str(VAR / "demo-cache"),
    }

    def start(name: str, port: int, *command: str) -> Path:
        return supervisor.start(Program(name, (sys.executable, "-m", *command), port, environment))

    log = start("simulator", simulator, "ssi_simulator", "--port", str(simulator))
    await wait_for("simulator", log, partial(answers, http, f"{addresses.simulator}/control/ledger"))
    start("ingest", metrics, "ingest_service")
    logs = {
        f"publisher-{number}": start(f"publisher-{number}", port, "publisher_service", "--port", str(port))
        for number, port in enumerate(boards, 1)
    }
    for (name, log), publisher in zip(logs.items(), addresses.publishers, strict=True):
        await wait_for(name, log, partial(answers, http, f"http://{publisher}/readyz"))
    return addresses


async def wait_for(name: str, log: Path, is_ready: Callable[[], Awaitable[bool]]) -> None:
    """Until it is ready. Raises CannotStart after the deadline."""
    try:
        async with asyncio.timeout(READY_DEADLINE_S):
            while not await is_ready():  # noqa: ASYNC110 (another process cannot set an event)
                await asyncio.sleep(0.05)
    except TimeoutError:
        raise CannotStart(
            f"{name} is not ready after {READY_DEADLINE_S:g} s. Its log, {log}, ends with: {last_line(log)}"
        ) from None


async def answers(http: httpx2.AsyncClient, url: str) -> bool:
    """Whether a GET is answered with 200."""
    try:
        return (await http.get(url)).status_code == 200
    except httpx2.HTTPError:
        return False


def has_browser() -> bool:
    """Whether a window can be opened: a text browser would take the terminal."""
    if not sys.stdout.isatty() or os.environ.get("SSH_CONNECTION"):
        return False
    return sys.platform == "darwin" or bool(os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY"))


def url_table(port: int, addresses: Addresses) -> str:
    """Where everything is, for people."""
    lines = [
        ("board", f"http://localhost:{port}/"),
        ("websocket", f"ws://localhost:{port}/ws/market"),
        ("snapshot", f"http://localhost:{port}/api/channels/market"),
        *((f"publisher {number}", f"http://{at}/") for number, at in enumerate(addresses.publishers, 1)),
        ("simulator", f"{addresses.simulator}/control"),
        ("ingest metrics", f"{addresses.ingest}/metrics"),
        ("logs", str(VAR / "log")),
    ]
    return "\n".join(["", *(f"  {name:<15} {where}" for name, where in lines), ""])


def say(line: str) -> None:
    """A line for people, at once."""
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()
