"""The services of the board, started in the order in which they need each other, and where to find them."""

import asyncio
import os
import secrets
import sys
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import httpx2
from redis.exceptions import RedisError

from local_stack.engine import EngineError, broker_for, find_engine, free_port, is_up, last_line
from local_stack.supervisor import Program, Supervisor
from shared.channels import Channel, RedisNames
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
    ingest: str  # of its metrics
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
        rows = [key for channel in Channel for key in (names.rows(channel), names.next_rows(channel))]
        async with open_redis(url) as redis:
            with suppress(RedisError):  # it is gone, and so are the keys, or nobody can remove them now
                await redis.delete(names.head, names.lease, *rows)


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
        # Behind the splitter all clients have one address, and it looks four times a second.
        "MAX_CONNECTIONS_PER_ADDRESS": "0",
        "HANDSHAKES_PER_ADDRESS_PER_S": "0",
        "DRAIN_NOTICE_S": "1",
        "DRAIN_S": "3",
        "METRICS_PORT": str(metrics),
        "SSI_URL": addresses.simulator,
        "SSI_CONSUMER_ID": "demo",
        "SSI_CONSUMER_SECRET": "demo",
        "SIMULATED": "true",
        # What is set for the real exchange must not leak in here, nor our symbols into its cache.
        "SSI_API_URL": "",
        "SSI_STREAM_URL": "",
        "SSI_CHANNELS": "",
        "CACHE_DIR": str(supervisor.folder / "demo-cache"),
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
