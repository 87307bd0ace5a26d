"""A broker of a test's own, as a process or, with `--redis=container`, as a container."""

import asyncio
import os
import signal
import subprocess
from abc import ABC, abstractmethod
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from redis.asyncio import Redis

from local_stack.engine import Broker, Engine, broker_for, free_port
from shared.redis_client import open_redis

IMAGE = "redis:8"
UP_S = 20.0


class PrivateBroker(ABC):
    """A real server that a test may kill, freeze and start again on the same port."""

    url: str

    async def start(self) -> None:
        """Start it, empty unless told otherwise; returns when it answers."""
        await asyncio.to_thread(self._start)
        async with asyncio.timeout(UP_S), open_redis(self.url) as redis:
            while not await _answers(redis):  # noqa: ASYNC110 (what is waited for is another process)
                await asyncio.sleep(0.01)

    @abstractmethod
    def _start(self) -> None: ...

    @abstractmethod
    def signal(self, number: signal.Signals) -> None:
        """Freeze (SIGSTOP), go on (SIGCONT), die (SIGKILL)."""

    @abstractmethod
    def end(self) -> None:
        """Whatever state it is in."""


class BrokerProcess(PrivateBroker):
    """The server of the test environment. `options` are those of its next start, and prevail."""

    def __init__(self, broker: Broker, *options: str) -> None:
        self.url = broker.url
        self.port = broker.port
        self.options = options
        self._command = broker.command
        self._process: subprocess.Popen[bytes] | None = None

    def _start(self) -> None:
        self._process = subprocess.Popen(
            [*self._command, *self.options], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        )

    def signal(self, number: signal.Signals) -> None:
        assert self._process is not None
        os.kill(self._process.pid, number)
        if number is signal.SIGKILL:
            self._process.wait(10)
            self._process = None

    def end(self) -> None:
        if self._process is not None:
            self.signal(signal.SIGKILL)


class BrokerContainer(PrivateBroker):
    """The official image, without anything kept on disk."""

    def __init__(self) -> None:
        # Takes half a second to import, and only who needs it should wait.
        import docker  # noqa: PLC0415

        self._docker: Any = docker.from_env()  # Any: the package has no types
        self._port = free_port()  # chosen by us, so that it stays the same over a restart
        self._container: Any = None
        self.url = f"redis://127.0.0.1:{self._port}/0"

    def _start(self) -> None:
        if self._container is None:
            self._container = self._docker.containers.run(
                IMAGE, ["--save", ""], ports={"6379/tcp": ("127.0.0.1", self._port)}, detach=True
            )
        else:
            self._container.start()

    def signal(self, number: signal.Signals) -> None:
        match number:
            case signal.SIGSTOP:
                self._container.pause()
            case signal.SIGCONT:
                self._container.unpause()
            case signal.SIGKILL:
                self._container.kill()
                self._container.wait()
            case _:
                raise ValueError(number)

    def end(self) -> None:
        if self._container is not None:
            self._container.remove(force=True, v=True)
        self._docker.close()


async def _answers(redis: Redis) -> bool:
    try:
        return bool(await redis.ping())
    except Exception:  # noqa: BLE001 (it is asked until it does)
        return False


def brokers_alike(engine: Engine, folder: Path) -> tuple[BrokerProcess, BrokerProcess]:
    """Two that share a password, so that one can follow the other, and one address may lead to either."""
    for name in ("one", "other"):
        (folder / name).mkdir()
    one, other = (broker_for(engine, folder / name) for name in ("one", "other"))
    password = urlsplit(one.url).password or ""
    other = Broker(other.command, other.port, one.url.replace(str(one.port), str(other.port)))
    # A replica that asks for everything gets it now.
    options = ("--requirepass", password, "--masterauth", password, "--repl-diskless-sync-delay", "0")
    return BrokerProcess(one, *options), BrokerProcess(other, *options)


async def follow(replica: BrokerProcess, primary: BrokerProcess) -> None:
    """Make a replica of it; returns when it has what the primary has."""
    async with asyncio.timeout(UP_S), open_redis(replica.url) as redis, open_redis(primary.url) as source:
        await redis.config_set("masterauth", urlsplit(primary.url).password or "")
        await redis.replicaof("127.0.0.1", primary.port)
        while (await redis.info("replication"))["master_link_status"] != "up":  # noqa: ASYNC110 (it is another's work)
            await asyncio.sleep(0.01)
        await source.wait(1, 0)


async def fall_behind(replica: BrokerProcess, primary: BrokerProcess) -> None:
    """From now on the replica gets nothing."""
    async with open_redis(replica.url) as redis, open_redis(primary.url) as source:
        await redis.config_set("masterauth", "not this one")
        assert await source.client_kill_filter(_type="replica") == 1


async def promote(replica: BrokerProcess) -> None:
    """Make a primary of it."""
    async with open_redis(replica.url) as redis:
        await redis.replicaof("NO", "ONE")
