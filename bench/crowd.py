"""Thousands of clients that cost next to nothing: `load/load.c`, a process for each core that they have."""

import asyncio
import hashlib
import json
import os
import resource
import shutil
import subprocess
from asyncio.subprocess import Process
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bench.child import child
from bench.cores import CannotMeasure
from bench.histogram import Histogram

SOURCE = Path(__file__).parent / "load" / "load.c"
#: Descriptors of a process that are no clients.
SPARE_DESCRIPTORS = 200
#: How long a crowd may take to be served; thousands at a server that takes 500 a second need a while.
OPEN_DEADLINE_S = 90
ANSWER_DEADLINE_S = 90.0


@dataclass(frozen=True, slots=True)
class Opened:
    """All clients are there, and each has had its first data."""

    seconds: float
    first: Histogram  # from the first packet of a client to its first data


@dataclass(frozen=True, slots=True)
class Window:
    """What all clients together got within a time."""

    seconds: float
    cpu_s: float  # of the clients
    frames: int  # of all kinds
    data: int  # frames with data
    bytes: int
    lost: int  # clients, since they came
    ages: Histogram  # of the data: since the moment when it was to be sent


def program(folder: Path) -> Path:
    """The compiled program, made when it is needed for the first time. Raises CannotMeasure."""
    source = SOURCE.read_bytes()
    binary = folder / f"load-{hashlib.sha256(source).hexdigest()[:12]}"
    if binary.exists():
        return binary
    compiler = shutil.which(os.environ.get("CC") or "cc")
    if compiler is None:
        raise CannotMeasure(
            "The clients are a small C program, and there is no C compiler. Install one "
            "(Debian, Ubuntu: gcc libc6-dev; Fedora: gcc; Alpine: gcc musl-dev), or name it in CC."
        )
    folder.mkdir(parents=True, exist_ok=True)
    aside = binary.with_suffix(f".{os.getpid()}")
    made = subprocess.run(
        [compiler, "-O2", "-Wall", "-o", str(aside), str(SOURCE)], capture_output=True, text=True, check=False
    )
    if made.returncode:
        raise CannotMeasure(f"The clients cannot be compiled by {compiler}:\n{made.stderr.strip()}")
    aside.replace(binary)
    return binary


def room() -> int:
    """How many connections one process may have here."""
    return resource.getrlimit(resource.RLIMIT_NOFILE)[1] - SPARE_DESCRIPTORS


def check_room(clients: int) -> None:
    """Raises CannotMeasure if a server could not hold so many."""
    if clients > room():
        raise CannotMeasure(
            f"{clients} clients need {clients + SPARE_DESCRIPTORS} descriptors in the server, and "
            f"{room() + SPARE_DESCRIPTORS} are allowed: raise the hard limit (ulimit -Hn), or take fewer clients."
        )


class Crowd:
    """Clients of one server."""

    def __init__(self, processes: Sequence[Process], clients: int) -> None:
        self._processes = processes
        self.clients = clients

    async def opened(self) -> Opened:
        """Wait until all are served. Raises CannotMeasure."""
        answers = await self._answers("open")
        first = Histogram()
        for answer in answers:
            first.add(answer["first_us"])
        return Opened(max(answer["seconds"] for answer in answers), first)

    async def begin_window(self, per_s: float = 0) -> None:
        """
        Count from now on.

        `per_s`: frames that are due for each client. Those that were merged into later ones count with the age that
        their data has when it comes, so that a stall does not hide.
        """
        await self._ask(f"window {round(1e6 / per_s) if per_s else 0}")

    async def window(self) -> Window:
        """What was counted since. Raises CannotMeasure."""
        await self._ask("report")
        answers, ages = await self._answers("window"), Histogram()
        for answer in answers:
            ages.add(answer["ages_us"])
        return Window(
            seconds=max(answer["seconds"] for answer in answers),
            cpu_s=sum(answer["cpu_s"] for answer in answers),
            frames=sum(answer["frames"] for answer in answers),
            data=sum(answer["data"] for answer in answers),
            bytes=sum(answer["bytes"] for answer in answers),
            lost=sum(answer["lost"] for answer in answers),
            ages=ages,
        )

    async def begin_wait(self, text: str) -> None:
        """From now on each client waits for a frame with this text."""
        await self._ask(f"await {text}")

    async def waited(self) -> Opened:
        """When all have had it, and how long each took. Raises CannotMeasure."""
        answers, waits = await self._answers("awaited"), Histogram()
        for answer in answers:
            waits.add(answer["waits_us"])
        return Opened(max(answer["seconds"] for answer in answers), waits)

    async def _ask(self, line: str) -> None:
        for process in self._processes:
            assert process.stdin is not None  # noqa: S101 (it is a pipe)
            process.stdin.write(f"{line}\n".encode())
            await process.stdin.drain()

    async def _answers(self, event: str) -> list[dict[str, Any]]:
        return list(await asyncio.gather(*(self._answer(process, event) for process in self._processes)))

    async def _answer(self, process: Process, event: str) -> dict[str, Any]:
        assert process.stdout is not None  # noqa: S101 (it is a pipe)
        try:
            async with asyncio.timeout(OPEN_DEADLINE_S + ANSWER_DEADLINE_S):
                line = await process.stdout.readline()
        except TimeoutError:
            raise CannotMeasure(f"the clients say nothing of what was asked ({event})") from None
        answer: dict[str, Any] = json.loads(line) if line else {"event": "failed", "reason": "the clients ended"}
        if answer["event"] != event:
            raise CannotMeasure(str(answer.get("reason", answer)))
        return answer


@asynccontextmanager
async def crowd(
    binary: Path, clients: int, cores: Sequence[int], log: Path, options: Mapping[str, str | Sequence[str]]
) -> AsyncIterator[Crowd]:
    """So many clients, on their way; `options` are those of the program, for each of its processes."""
    given: list[str] = []
    for name, value in options.items():
        for each in [value] if isinstance(value, str) else value:
            given += [f"--{name}", each]
    shares = min(len(cores), clients)
    async with AsyncExitStack() as closing:
        processes = []
        for share, core in enumerate(cores[:shares]):
            first, end = clients * share // shares, clients * (share + 1) // shares
            command = [
                str(binary), "--clients", str(end - first), "--first-client", str(first),
                "--deadline", str(OPEN_DEADLINE_S), *given,
            ]  # fmt: skip
            processes.append(await closing.enter_async_context(child(command, core, log, talks=True)))
        yield Crowd(processes, clients)
