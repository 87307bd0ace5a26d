"""Processes are kept running, told of, and never outlive who started them."""

import json
import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import TypedDict

from local_stack.supervisor import Program, Supervisor
from tests.eventually import eventually

# Says that it runs, and waits for the end.
PATIENT = "import time; print('running', flush=True); time.sleep(300)"


class Entry(TypedDict):
    """One process in stack.json."""

    name: str
    pid: int | None
    port: int
    log: str


async def test_the_stack_file_names_every_process(tmp_path: Path) -> None:
    async with Supervisor(tmp_path, _no_report) as supervisor:
        supervisor.start(_program("first", PATIENT, port=1234))
        supervisor.start(_program("second", PATIENT, port=0))
        await eventually(lambda: [_runs(entry["pid"]) for entry in _stack(tmp_path)] == [True, True])

        stack = _stack(tmp_path)

    assert [(entry["name"], entry["port"]) for entry in stack] == [("first", 1234), ("second", 0)]
    assert all(Path(entry["log"]).name == f"{entry['name']}.log" for entry in stack)


async def test_the_pid_told_is_that_of_the_program_itself(tmp_path: Path) -> None:
    async with Supervisor(tmp_path, _no_report) as supervisor:
        log = supervisor.start(_program("echo", "import os, time; print(os.getpid(), flush=True); time.sleep(300)"))
        await eventually(lambda: log.read_text().strip() != "")

        assert int(log.read_text()) == _stack(tmp_path)[0]["pid"]


async def test_a_killed_process_starts_again_under_another_pid(tmp_path: Path) -> None:
    reports: list[str] = []
    async with Supervisor(tmp_path, reports.append) as supervisor:
        log = supervisor.start(_program("worker", PATIENT))
        await eventually(lambda: log.read_text().count("running") == 1)
        killed = _pid(tmp_path, "worker")

        os.kill(killed, signal.SIGKILL)
        await eventually(lambda: log.read_text().count("running") == 2)

        assert _runs(_pid(tmp_path, "worker"))
        assert _pid(tmp_path, "worker") != killed
    assert len(reports) == 1
    assert "worker was killed by SIGKILL" in reports[0]
    assert str(log) in reports[0]


async def test_while_a_process_waits_to_start_again_there_is_none(tmp_path: Path) -> None:
    during: list[int | None] = []
    async with Supervisor(tmp_path, lambda _: during.append(supervisor.pid("worker"))) as supervisor:
        supervisor.start(_program("worker", PATIENT))
        await eventually(lambda: supervisor.pid("worker") is not None)
        killed = supervisor.pid("worker")
        assert killed is not None

        os.kill(killed, signal.SIGKILL)
        await eventually(lambda: supervisor.pid("worker") not in (killed, None))

        assert supervisor.pid("worker") == _pid(tmp_path, "worker")
    assert during == [None]


async def test_the_exit_code_of_a_dead_process_is_told(tmp_path: Path) -> None:
    reports: list[str] = []
    async with Supervisor(tmp_path, reports.append) as supervisor:
        supervisor.start(_program("failing", "raise SystemExit(3)"))
        await eventually(lambda: len(reports) >= 2)

    assert all("failing ended with exit code 3" in report for report in reports)


async def test_each_start_in_vain_waits_longer_than_the_one_before(tmp_path: Path) -> None:
    reports: list[str] = []
    async with Supervisor(tmp_path, reports.append) as supervisor:
        supervisor.start(_program("failing", "raise SystemExit(1)"))
        await eventually(lambda: len(reports) >= 3)

    assert "in 0.2 s" in reports[0]
    assert "in 0.4 s" in reports[1]
    assert "in 0.8 s" in reports[2]


async def test_a_program_that_does_not_exist_is_told_in_its_log(tmp_path: Path) -> None:
    reports: list[str] = []
    async with Supervisor(tmp_path, reports.append) as supervisor:
        log = supervisor.start(Program("missing", (str(tmp_path / "no-such-program"),), port=0))
        await eventually(lambda: reports != [])

    assert "No such file or directory" in log.read_text()


async def test_children_that_a_process_leaves_behind_go_with_it(tmp_path: Path) -> None:
    leaving = "import subprocess; print(subprocess.Popen(['sleep', '300']).pid, flush=True)"
    reports: list[str] = []
    async with Supervisor(tmp_path, reports.append) as supervisor:
        log = supervisor.start(_program("parent", leaving))
        await eventually(lambda: reports != [])
        child = int(log.read_text().split()[0])

        await eventually(lambda: not _runs(child))


async def test_processes_are_stopped_in_reverse_order_and_the_stack_file_goes(tmp_path: Path) -> None:
    farewells = tmp_path / "farewells"
    async with Supervisor(tmp_path, _no_report) as supervisor:
        logs = [
            supervisor.start(_program(name, _polite(farewells, name))) for name in ("broker", "ingest", "publisher")
        ]
        await eventually(lambda: all("running" in log.read_text() for log in logs))
        pids = [_pid(tmp_path, name) for name in ("broker", "ingest", "publisher")]

    assert farewells.read_text().split() == ["publisher", "ingest", "broker"]
    assert not any(_runs(pid) for pid in pids)
    assert not (tmp_path / "stack.json").exists()


async def test_a_log_holds_one_run_of_the_stack(tmp_path: Path) -> None:
    earlier = tmp_path / "log" / "worker.log"
    earlier.parent.mkdir()
    earlier.write_text("of yesterday\n")

    async with Supervisor(tmp_path, _no_report) as supervisor:
        log = supervisor.start(_program("worker", PATIENT))
        await eventually(lambda: "running" in log.read_text())

    assert log == earlier
    assert log.read_text() == "running\n"


async def test_a_killed_supervisor_leaves_no_process_nor_their_children(tmp_path: Path) -> None:
    supervising = (
        "import asyncio, sys\n"
        "from pathlib import Path\n"
        "from local_stack.supervisor import Program, Supervisor\n"
        "async def main():\n"
        "    async with Supervisor(Path(sys.argv[1]), print) as supervisor:\n"
        "        supervisor.start(Program('parent', (sys.executable, '-c', sys.argv[2]), 0))\n"
        "        await asyncio.sleep(300)\n"
        "asyncio.run(main())\n"
    )
    # Deaf to every polite word, and with a child of its own.
    stubborn = (
        "import os, signal, time\n"
        "signal.signal(signal.SIGTERM, signal.SIG_IGN)\n"
        "signal.signal(signal.SIGHUP, signal.SIG_IGN)\n"
        "child = os.fork()\n"
        "if child: print(os.getpid(), child, flush=True)\n"
        "time.sleep(300)\n"
    )
    log = tmp_path / "log" / "parent.log"
    supervisor = subprocess.Popen([sys.executable, "-c", supervising, str(tmp_path), stubborn])  # noqa: ASYNC220 (does not wait)
    with supervisor:
        await eventually(lambda: log.exists() and len(log.read_text().split()) == 2)
        pids = [int(pid) for pid in log.read_text().split()]
        assert all(_runs(pid) for pid in pids)

        supervisor.kill()

    await eventually(lambda: not any(_runs(pid) for pid in pids))


def _program(name: str, code: str, port: int = 0) -> Program:
    return Program(name, (sys.executable, "-c", code), port)


def _polite(farewells: Path, name: str) -> str:
    """A program that leaves its name when it is asked to end."""
    return (
        "import signal, sys, time\n"
        "def leave(*_):\n"
        f"    with open({str(farewells)!r}, 'a') as file:\n"
        f"        file.write({name!r} + '\\n')\n"
        "    sys.exit(0)\n"
        "signal.signal(signal.SIGTERM, leave)\n"
        "print('running', flush=True)\n"
        "time.sleep(300)\n"
    )


def _stack(folder: Path) -> list[Entry]:
    stack: list[Entry] = json.loads((folder / "stack.json").read_text())
    return stack


def _pid(folder: Path, name: str) -> int:
    pid = next(entry["pid"] for entry in _stack(folder) if entry["name"] == name)
    assert pid is not None
    return pid


def _runs(pid: int | None) -> bool:
    """Whether there is such a process, and it is not just waiting to be buried."""
    if pid is None:
        return False
    answer = subprocess.run(["ps", "-o", "stat=", "-p", str(pid)], capture_output=True, text=True, check=False)
    return answer.stdout.strip()[:1] not in ("", "Z")


def _no_report(line: str) -> None:
    raise AssertionError(f"nothing was to be reported: {line}")
