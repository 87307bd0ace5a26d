"""The ground that all contestants of one invocation stand on: one broker, one market, the same cores."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from urllib.parse import urlsplit

import httpx2

from bench import supply, usage
from bench.child import child
from bench.contestant import VAR, Contestant, Feeding, Place
from bench.cores import CannotMeasure, Cores, on, shared_out
from bench.crowd import Crowd, crowd, program
from bench.market import Changes, Market
from bench.supply import Frames, Send
from local_stack.engine import Broker, EngineError, free_port, last_line, running_engine
from shared.redis_client import open_redis
from tests.fakes.writer import Writer, writing

PREFIX = "bench"
CHANNEL = "bench:frames"
READY_S = 30.0


@dataclass(frozen=True, slots=True)
class Server:
    """A contestant at work."""

    contestant: Contestant
    place: Place
    group: int  # of its processes

    def cpu_s(self) -> float:
        """What it has used so far."""
        return usage.cpu_s(self.group)

    def memory(self) -> usage.Memory:
        """What it holds now."""
        return usage.memory(self.group)


@dataclass(frozen=True, slots=True)
class Served:
    """A contestant, what feeds it, and its clients, all of whom have had their first data."""

    server: Server
    send: Send
    clients: Crowd


@dataclass(frozen=True)
class Ground:
    """Starts contestants, feeds them, and lets clients come."""

    cores: Cores
    folder: Path
    broker: Broker
    writer: Writer
    market: Market
    frames: Frames
    binary: Path  # of the clients

    @asynccontextmanager
    async def serving(self, contestant: Contestant) -> AsyncIterator[Server]:
        """It is ready when the block begins. Raises CannotMeasure."""
        address = urlsplit(self.broker.url)
        folder = self.folder / contestant.name.partition("@")[0]
        folder.mkdir(exist_ok=True)
        place = Place(
            port=free_port(),
            folder=folder,
            redis_host="127.0.0.1",
            redis_port=self.broker.port,
            redis_password=address.password or "",
            redis_prefix=PREFIX,
            redis_channel=CHANNEL,
        )
        log = folder / "log"
        command, environment = contestant.command(place), contestant.environment(place)
        async with child(command, self.cores.server, log, environment=environment, folder=contestant.folder) as process:
            try:
                async with asyncio.timeout(READY_S):
                    while not await _is_ready(place.port, contestant.ready):
                        if process.returncode is not None:
                            raise CannotMeasure(f"{contestant.name} ended at once: {last_line(log)}")
                        await asyncio.sleep(0.05)
            except TimeoutError:
                raise CannotMeasure(f"{contestant.name} is not ready after {READY_S:g} s: {last_line(log)}") from None
            yield Server(contestant, place, process.pid)

    @asynccontextmanager
    async def feeding(self, server: Server) -> AsyncIterator[Send]:
        """What sends it one frame; the first has been sent when the block begins."""
        contestant = server.contestant
        async with open_redis(self.broker.url) as redis:
            match contestant.feeding:
                case Feeding.COMMITS:
                    send = supply.commits(self.writer, partial(self._changes, contestant.rows))
                    await send(supply.now_ms())
                    yield send
                case Feeding.MESSAGES:
                    send = supply.messages(redis, CHANNEL, self.frames.text)
                    await send(supply.now_ms())
                    yield send
                case Feeding.POSTS:
                    body = contestant.post_body
                    async with supply.posts(
                        server.place.port, contestant.post, contestant.post_headers,
                        lambda time_ms: body(self.frames.text(time_ms)),
                    ) as send:  # fmt: skip
                        yield send

    @asynccontextmanager
    async def clients(self, server: Server, number: int, *, concurrent: int = 256) -> AsyncIterator[Crowd]:
        """So many, on their way; at most `concurrent` of them have had nothing yet."""
        contestant = server.contestant
        options: dict[str, str | Sequence[str]] = {
            "port": str(server.place.port),
            "path": contestant.path,
            "say": contestant.says,
            "first": contestant.first,
            "concurrent": str(max(1, concurrent // len(self.cores.load))),
        }
        if contestant.paths:
            file = self.folder / "paths"
            file.write_text("".join(f"{path}\n" for path in contestant.paths), "ascii")
            options["paths"] = str(file)
        log = server.place.folder / "clients.log"
        async with crowd(self.binary, number, self.cores.load, log, options) as there:
            yield there

    @asynccontextmanager
    async def served(self, contestant: Contestant, number: int, *, concurrent: int = 256) -> AsyncIterator["Served"]:
        """It is ready, fed and watched by so many when the block begins. Raises CannotMeasure."""
        async with (
            self.serving(contestant) as server,
            self.feeding(server) as send,
            self.clients(server, number, concurrent=concurrent) as there,
        ):
            await there.opened()
            yield Served(server, send, there)

    async def broker_version(self) -> str:
        """What it calls itself."""
        async with open_redis(self.broker.url) as redis:
            told = await redis.info("server")
        name = str(told.get("server_name", "redis"))
        return f"{name} {told.get(f'{name}_version', told['redis_version'])}"

    def _changes(self, rows: int) -> Changes:
        return self.market.of([self.frames.key]) if rows == 1 else self.market.next(rows)


@asynccontextmanager
async def ground() -> AsyncIterator[Ground]:
    """For one invocation. Raises CannotMeasure."""
    cores, binary = shared_out(), program(VAR)
    with TemporaryDirectory(prefix="banggia-bench-") as name, on(cores.broker):
        folder, market = Path(name), Market()
        try:
            with running_engine(folder) as broker:
                async with writing(broker.url, PREFIX) as writer:
                    await writer.commit(market.all())
                    yield Ground(cores, folder, broker, writer, market, Frames(market), binary)
        except EngineError as error:
            raise CannotMeasure(str(error)) from error


async def _is_ready(port: int, path: str) -> bool:
    if path:
        async with httpx2.AsyncClient(trust_env=False, timeout=2) as http:
            try:
                return (await http.get(f"http://127.0.0.1:{port}{path}")).status_code == 200
            except httpx2.HTTPError:
                return False
    try:
        _, writer = await asyncio.open_connection("127.0.0.1", port)
    except OSError:
        return False
    writer.close()
    return True
