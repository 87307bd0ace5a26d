"""The supervisor with real processes: started again when they die, stopped in order, gone with it in any case."""

import asyncio
import json
import os
import signal
import sys
from pathlib import Path

from local_stack.supervisor import Program, Supervisor
from tests.eventually import eventually

#: Writes its process id into the file named; on SIGTERM writes its name there and ends.
_SERVICE = """
import os, signal, sys
name, file = sys.argv[1:3]
def stop(number, frame):
    with open(file, "a") as log:
        log.write(name + " stopped\\n")
    sys.exit(0)
signal.signal(signal.SIGTERM, stop)
with open(file, "a") as log:
    log.write(f"{os.getpid()}\\n")
print(name, "runs", flush=True)
while True:
    signal.pause()
"""


def a_service(name: str, file: Path) -> Program:
    return Program(name, (sys.executable, "-c", _SERVICE, name, str(file)), port=4000)


async def test_stack_json_tells_the_pid_of_the_process_itself(tmp_path: Path) -> None:
    file = tmp_path / "events"
    async with Supervisor(tmp_path, report=_ignore) as supervisor:
        log = supervisor.start(a_service("ingest", file))
        await eventually(lambda: words(file) != [])

        stack = json.loads((tmp_path / "stack.json").read_text())

        assert stack == [{"name": "ingest", "pid": int(words(file)[0]), "port": 4000, "log": str(log)}]
        await eventually(lambda: log.read_text() == "ingest runs\n")
    assert not (tmp_path / "stack.json").exists()


async def test_a_killed_process_is_started_again_and_told(tmp_path: Path) -> None:
    file, reports = tmp_path / "events", list[str]()
    async with Supervisor(tmp_path, report=reports.append) as supervisor:
        supervisor.start(a_service("ingest", file))
        await eventually(lambda: len(words(file)) == 1)

        os.kill(int(words(file)[0]), signal.SIGKILL)
        await eventually(lambda: len(words(file)) == 2)

        stack = json.loads((tmp_path / "stack.json").read_text())
        assert stack[0]["pid"] == int(words(file)[1])
    assert len(reports) == 1
    assert reports[0].startswith("ingest was killed by SIGKILL; it starts again in 0.2 s.")


async def test_a_process_that_dies_at_once_is_started_ever_later(tmp_path: Path) -> None:
    reports = list[str]()
    async with Supervisor(tmp_path, report=reports.append) as supervisor:
        supervisor.start(Program("broken", (sys.executable, "-S", "-c", "raise SystemExit(3)"), port=0))
        await eventually(lambda: len(reports) == 3)

    delays = [report.partition(" again in ")[2].split()[0] for report in reports]
    assert delays == ["0.2", "0.4", "0.8"]
    assert "ended with exit code 3" in reports[0]


async def test_a_command_that_does_not_exist_is_told_in_its_log(tmp_path: Path) -> None:
    reports = list[str]()
    async with Supervisor(tmp_path, report=reports.append) as supervisor:
        log = supervisor.start(Program("missing", (str(tmp_path / "no-such-program"),), port=0))
        await eventually(lambda: reports != [])

    assert "No such file or directory" in log.read_text()


async def test_programs_are_stopped_in_reverse_order(tmp_path: Path) -> None:
    file = tmp_path / "events"
    async with Supervisor(tmp_path, report=_ignore) as supervisor:
        for name in ("broker", "ingest", "publisher"):
            supervisor.start(a_service(name, file))
        await eventually(lambda: len(words(file)) == 3)

    assert words(file)[3:] == ["publisher stopped", "ingest stopped", "broker stopped"]


async def test_children_of_a_stopped_process_go_with_it(tmp_path: Path) -> None:
    program = "import subprocess; print(subprocess.Popen(['sleep', '300']).pid, flush=True)"
    reports = list[str]()
    async with Supervisor(tmp_path, report=reports.append) as supervisor:
        log = supervisor.start(Program("parent", (sys.executable, "-c", program), port=0))
        await eventually(lambda: reports != [])
        grandchild = int(log.read_text().split()[0])

        await eventually(lambda: not is_alive(grandchild))


async def test_a_killed_supervisor_leaves_nothing(tmp_path: Path) -> None:
    file = tmp_path / "events"
    program = (
        "import asyncio, sys\n"
        "from pathlib import Path\n"
        "from local_stack.supervisor import Program, Supervisor\n"
        "async def main():\n"
        "    async with Supervisor(Path(sys.argv[1]), print) as supervisor:\n"
        "        for name in ('one', 'two'):\n"
        "            command = (sys.executable, '-c', sys.argv[2], name, sys.argv[3])\n"
        "            supervisor.start(Program(name, command, 0))\n"
        "        await asyncio.sleep(300)\n"
        "asyncio.run(main())\n"
    )
    supervisor = await asyncio.create_subprocess_exec(
        sys.executable, "-c", program, str(tmp_path), _SERVICE, str(file), stdout=asyncio.subprocess.DEVNULL
    )
    await eventually(lambda: len(words(file)) == 2)
    pids = [int(word) for word in words(file)]

    supervisor.kill()
    await supervisor.wait()

    await eventually(lambda: not any(is_alive(pid) for pid in pids))


def words(file: Path) -> list[str]:
    """The whole lines that the services wrote."""
    return file.read_text().splitlines() if file.exists() else []


def is_alive(pid: int) -> bool:
    """Whether a process runs; one that waits for its parent to notice its end does not."""
    try:
        os.kill(pid, 0)
        # Where there is no /proc (macOS), the first process takes note of ends at once.
        return not Path("/proc").exists() or Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except (ProcessLookupError, FileNotFoundError):
        return False


def _ignore(line: str) -> None:
    """Nobody listens."""
