"""The demo as a person starts it: it runs, it proves itself, it ends without a trace."""

import asyncio
import json
import os
import signal
import socket
import sys
from asyncio.subprocess import PIPE, Process
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import httpx2
import pytest
from redis import Redis

from tests.eventually import eventually

ROOT = Path(__file__).parents[3]


@asynccontextmanager
async def a_demo(folder: Path, *arguments: str, **environment: str) -> AsyncIterator[Process]:
    """The demo's process; killed at the end if it still runs. Its files are in the folder."""
    clean = {name: value for name, value in os.environ.items() if not name.startswith("REDIS_")}
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "local_stack", "--no-browser", *arguments),
        cwd=ROOT,
        env={**clean, "BANGGIA_VAR": str(folder), **environment},
        stdout=PIPE,
        stderr=PIPE,
    )
    try:
        yield process
    finally:
        if process.returncode is None:
            process.kill()
        await process.communicate()


async def until_ready(process: Process) -> str:
    """The board's address, once the demo shows it."""
    assert process.stdout is not None
    async with asyncio.timeout(60):
        while (line := (await process.stdout.readline()).decode()) != "":
            if line.startswith("  board "):
                return line.split()[1]
    raise AssertionError("the demo ended before it was ready")


@pytest.mark.embedded
async def test_what_clients_hold_is_what_the_market_did(tmp_path: Path) -> None:
    async with a_demo(tmp_path, "--seconds", "4", "--check") as process:
        said, complained = await process.communicate()

    report = json.loads(said.splitlines()[-1])
    assert (process.returncode, complained.decode()) == (0, "")
    assert (report["ok"], report["differences"]) == (True, [])
    for channel in ("market", "foreign", "index", "derivatives"):
        figures = report["channels"][channel]
        assert [name for name in ("messages_in", "commits", "frames_out") if figures[name] <= 0] == []


@pytest.mark.embedded
async def test_every_process_is_in_stack_json_and_stops_quietly_on_ctrl_c(tmp_path: Path) -> None:
    async with a_demo(tmp_path, "--publishers", "1") as process:
        board = await until_ready(process)
        async with httpx2.AsyncClient(trust_env=False) as http:
            ready = await http.get(f"{board}readyz")
        stack = json.loads((tmp_path / "stack.json").read_text())

        process.send_signal(signal.SIGINT)
        said, complained = await process.communicate()

    assert ready.status_code == 200
    assert [entry["name"] for entry in stack] == ["valkey", "simulator", "ingest", "publisher-1"]
    assert stack[-1]["board"] == int(board.rpartition(":")[2].strip("/")) != stack[-1]["port"]
    assert (process.returncode, complained.decode()) == (0, "")
    assert "Traceback" not in said.decode() + "".join(log.read_text() for log in (tmp_path / "log").iterdir())
    assert not any(is_alive(entry["pid"]) for entry in stack)


@pytest.mark.embedded
async def test_a_killed_demo_leaves_no_process(tmp_path: Path) -> None:
    async with a_demo(tmp_path) as process:
        await until_ready(process)
        stack = json.loads((tmp_path / "stack.json").read_text())

        process.kill()
        await process.wait()

        await eventually(lambda: not any(is_alive(entry["pid"]) for entry in stack))
    assert len(stack) == 5


async def test_a_port_that_was_asked_for_and_is_taken_is_an_error(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        async with a_demo(tmp_path, "--port", str(port)) as process:
            _, complained = await process.communicate()

    assert process.returncode == 2
    assert complained.decode().startswith(f"Port {port} cannot be used: Address already in use.")


async def test_a_redis_of_the_user_is_used_and_left_as_it_was(tmp_path: Path, redis_url: str) -> None:
    async with a_demo(tmp_path, "--publishers", "1", "--seconds", "1", REDIS_URL=redis_url) as process:
        await until_ready(process)
        stack = json.loads((tmp_path / "stack.json").read_text())
        with Redis.from_url(redis_url) as redis:
            during = list(redis.scan_iter("{banggia-demo-*}:*"))
            await process.communicate()
            after = list(redis.scan_iter("{banggia-demo-*}:*"))

    assert process.returncode == 0
    assert [entry["name"] for entry in stack] == ["simulator", "ingest", "publisher-1"]
    assert during != []
    assert after == []


@pytest.mark.embedded
async def test_two_demos_keep_their_files_apart(tmp_path: Path) -> None:
    async with a_demo(tmp_path, "--publishers", "1") as one:
        await until_ready(one)
        async with a_demo(tmp_path, "--publishers", "1") as other:
            port = (await until_ready(other)).rpartition(":")[2].strip("/")
            stacks = [tmp_path / "stack.json", tmp_path / f"demo-{port}" / "stack.json"]
            pids = [{entry["pid"] for entry in json.loads(stack.read_text())} for stack in stacks]

    assert [len(found) for found in pids] == [4, 4]
    assert pids[0].isdisjoint(pids[1])


def is_alive(pid: int) -> bool:
    """Whether a process runs; one that waits for its parent to notice its end does not."""
    try:
        os.kill(pid, 0)
        # Where there is no /proc (macOS), the first process takes note of ends at once.
        return not Path("/proc").exists() or Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except (ProcessLookupError, FileNotFoundError):
        return False
