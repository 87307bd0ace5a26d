"""The services of the board, started in the order in which they need each other, and where to find them."""

import asyncio
import os
import secrets
import sys
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import httpx2
from redis.exceptions import RedisError

from local_stack.engine import EngineError, broker_for, find_engine, free_port, is_up, last_line
from local_stack.supervisor import Program, Supervisor
from shared.channels import STORED, RedisNames
from shared.redis_client import check_redis_url, open_redis

HOST = "127.0.0.1"
#: A machine at its limit takes long for the imports alone.
READY_DEADLINE_S = 60.0


class CannotStart(Exception):  # noqa: N818 (the name says what it is)
    """Something that is needed is not there; the text says what and what to do."""

    def __init__(self, text: str, exit_code: int = 1) -> None:
        super().__init__(text)
        self.exit_code = exit_code


@dataclass(frozen=True, slots=True)
class Addresses:
    """Where the parts of a running stack are found. `redis_url` holds a password; never log it."""

    simulator: str
    ingests: list[str]  # of their metrics
    publishers: list[str]  # host:port
    redis_url: str
    redis_prefix: str


@asynccontextmanager
async def redis_given() -> AsyncIterator[tuple[str, str] | None]:
    """
    Address and prefix of the Redis named by REDIS_URL, None if there is none.

    Without REDIS_PREFIX the demo takes a prefix of its own, and leaves no key behind: invented prices must never
    meet real ones.
    """
    url, prefix = os.environ.get("REDIS_URL"), os.environ.get("REDIS_PREFIX")
    if url:
        try:
            check_redis_url(url)
        except ValueError as error:
            raise CannotStart(
                f"Wrong setting: REDIS_URL: {error}. Change it, or unset it, and start again.", 2
            ) from error
    if not url or prefix:
        yield (url, prefix) if url and prefix else None
        return
    prefix = f"banggia-demo-{secrets.token_hex(4)}"
    try:
        yield url, prefix
    finally:
        names = RedisNames(prefix)
        rows = [key for table in STORED for key in (names.rows(table), names.next_rows(table))]
        async with open_redis(url) as redis:
            with suppress(RedisError):  # it is gone, and so are the keys, or nobody can remove them now
                await redis.delete(names.head, names.schema, names.lease, *rows)


async def start_broker(supervisor: Supervisor) -> str:
    """An embedded broker's address. Raises CannotStart."""
    folder = supervisor.folder / "broker"
    folder.mkdir(exist_ok=True)
    try:
        engine = find_engine()
    except EngineError as error:
        raise CannotStart(str(error)) from error
    broker = broker_for(engine, folder)
    log = supervisor.start(Program("valkey", broker.command, broker.port))
    await wait_for("valkey", log, partial(asyncio.to_thread, is_up, broker))
    return broker.url


class Services:
    """Starts services of one stack, each under a supervisor. Methods that wait raise CannotStart."""

    def __init__(
        self, supervisor: Supervisor, prefix: str, http: httpx2.AsyncClient, board_port: int | None = None
    ) -> None:
        """`board_port` is that of a splitter before the publishers."""
        self._supervisor = supervisor
        self._prefix = prefix
        self._http = http
        self._board_port = board_port

    async def simulator(self, *options: str) -> str:
        """Start the exchange; its address, once it answers."""
        port = free_port()
        url = f"http://{HOST}:{port}"
        log = self._start("simulator", port, {}, "ssi_simulator", "--port", str(port), *options)
        await wait_for("simulator", log, partial(answers, self._http, f"{url}/control/ledger"))
        return url

    def ingest(self, name: str, redis_url: str, simulator: str) -> str:
        """Start an ingest; the address of its metrics."""
        port = free_port()
        environment = {
            "REDIS_URL": redis_url,
            "REDIS_PREFIX": self._prefix,
            "METRICS_PORT": str(port),
            "SSI_URL": simulator,
            "SSI_CONSUMER_ID": "demo",
            "SSI_CONSUMER_SECRET": "demo",
            "SIMULATED": "true",
            # What is set for the real exchange must not leak in here, nor our symbols into its cache.
            "SSI_API_URL": "",
            "SSI_STREAM_URL": "",
            "SSI_CHANNELS": "",
            "CACHE_DIR": str(self._supervisor.folder / f"{name}-cache"),
        }
        self._start(name, port, environment, "ingest_service")
        return f"http://{HOST}:{port}"

    async def publishers(self, redis_urls: Sequence[str]) -> list[str]:
        """Start a publisher for each address of Redis; where they are (host:port), once all are ready."""
        logs: list[tuple[str, Path, str]] = []
        for number, redis_url in enumerate(redis_urls, 1):
            port, name = free_port(), f"publisher-{number}"
            environment = {
                "REDIS_URL": redis_url,
                "REDIS_PREFIX": self._prefix,
                "HOST": HOST,
                # Behind the splitter all clients have one address, and it looks four times a second.
                "MAX_CONNECTIONS_PER_ADDRESS": "0",
                "HANDSHAKES_PER_ADDRESS_PER_S": "0",
                "DRAIN_NOTICE_S": "1",
                "DRAIN_S": "3",
            }
            command = (sys.executable, "-m", "publisher_service", "--port", str(port))
            log = self._supervisor.start(Program(name, command, port, environment, self._board_port))
            logs.append((name, log, f"{HOST}:{port}"))
        for name, log, at in logs:
            await wait_for(name, log, partial(answers, self._http, f"http://{at}/readyz"))
        return [at for _, _, at in logs]

    def _start(self, name: str, port: int, environment: dict[str, str], *command: str) -> Path:
        return self._supervisor.start(Program(name, (sys.executable, "-m", *command), port, environment))


async def start_services(
    supervisor: Supervisor, redis_url: str, prefix: str, http: httpx2.AsyncClient, *, publishers: int, board_port: int
) -> Addresses:
    """Simulator, ingest and publishers, ready. Raises CannotStart."""
    services = Services(supervisor, prefix, http, board_port)
    simulator = await services.simulator()
    ingest = services.ingest("ingest", redis_url, simulator)
    boards = await services.publishers([redis_url] * publishers)
    return Addresses(simulator, [ingest], boards, redis_url, prefix)


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
