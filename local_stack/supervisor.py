"""
Keeps processes running: each with a log of its own, started again when it dies, stopped in reverse order at the end.

`stack.json` tells who runs where, and is rewritten with each start. None outlives this process (`leash.py`).
"""

import asyncio
import json
import os
import signal
from asyncio.subprocess import DEVNULL, STDOUT, Process
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import Self

from local_stack.leash import Leash

#: A process that dies at once would be started at once for ever: each time waits twice as long, up to the longest.
FIRST_DELAY_S = 0.2
LONGEST_DELAY_S = 5.0
#: Who ran this long has not died of its start: the delay begins anew.
SETTLED_S = 10.0
#: Publishers take leave of their clients; nobody needs longer.
STOP_DEADLINE_S = 10.0


@dataclass(frozen=True, slots=True)
class Program:
    """What to run, and where it listens."""

    name: str
    command: tuple[str, ...]
    port: int
    environment: Mapping[str, str] = field(default_factory=dict)  # on top of this process's own
    board_port: int | None = None  # of a publisher: where its clients come in, if others stand behind that port as well


class Supervisor:
    """
    Programs that run for the length of the block. Their logs and `stack.json` are in `folder`.

    `report` is called with a line for people when a process dies.
    """

    def __init__(self, folder: Path, report: Callable[[str], None]) -> None:
        self.folder = folder
        self._stack_file = folder / "stack.json"
        self._log_folder = folder / "log"
        self._report = report
        self._children: list[_Child] = []

    async def __aenter__(self) -> Self:
        self._log_folder.mkdir(parents=True, exist_ok=True)
        self._write_stack()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.stop()
        self._stack_file.unlink(missing_ok=True)

    async def stop(self) -> None:
        """Stop all programs, the last one first."""
        while self._children:
            await self._children.pop().stop()

    def start(self, program: Program) -> Path:
        """Start a program and keep it running; its log file."""
        log = self._log_folder / f"{program.name}.log"
        log.write_bytes(b"")  # of this run only
        self._children.append(_Child(program, log, self._write_stack, self._report))
        return log

    def pid(self, name: str) -> int | None:
        """The process that runs a program now; None while it waits to be started again."""
        return next(child.running_pid for child in self._children if child.program.name == name)

    def _write_stack(self) -> None:
        stack = []
        for child in self._children:
            program = child.program
            entry = {"name": program.name, "pid": child.pid, "port": program.port, "log": str(child.log)}
            stack.append(entry if program.board_port is None else entry | {"board": program.board_port})
        aside = self._stack_file.with_suffix(".new")
        aside.write_text(json.dumps(stack, indent=1) + "\n", "utf-8")
        aside.replace(self._stack_file)


class _Child:
    """One program and the process that runs it now."""

    def __init__(self, program: Program, log: Path, started: Callable[[], None], report: Callable[[str], None]) -> None:
        self.program = program
        self.log = log
        self.pid: int | None = None  # of the process that ran last
        self.running_pid: int | None = None
        self._started = started
        self._report = report
        self._task = asyncio.create_task(self._keep_running(), name=f"keep {program.name} running")

    async def stop(self) -> None:
        """Ask it to end; after the deadline it is killed."""
        self._task.cancel()
        await asyncio.wait([self._task])
        if not self._task.cancelled():
            self._task.result()  # a bug of ours must not stay unheard

    async def _keep_running(self) -> None:
        delay_s = FIRST_DELAY_S
        loop = asyncio.get_running_loop()
        while True:
            started_s = loop.time()
            ending = await self._run()
            if loop.time() - started_s > SETTLED_S:
                delay_s = FIRST_DELAY_S
            self._report(f"{self.program.name} {ending}; it starts again in {delay_s:.1f} s. Its log: {self.log}")
            await asyncio.sleep(delay_s)
            delay_s = min(2 * delay_s, LONGEST_DELAY_S)

    async def _run(self) -> str:
        """Run it once; how it ended."""
        with Leash() as leash, self.log.open("ab") as output:
            process = await asyncio.create_subprocess_exec(
                *leash.command(self.program.command),
                stdin=DEVNULL,
                stdout=output,
                stderr=STDOUT,
                env={**os.environ, **self.program.environment},
                pass_fds=leash.pass_fds,
                start_new_session=True,  # Ctrl-C is for us; we stop the others in order
            )
            leash.handed_over()
            self.pid = self.running_pid = process.pid
            self._started()
            try:
                code = await process.wait()
            finally:
                if process.returncode is None:
                    await self._end(process, leash)
                self.running_pid = None
        return f"was killed by {signal.Signals(-code).name}" if code < 0 else f"ended with exit code {code}"

    async def _end(self, process: Process, leash: Leash) -> None:
        process.terminate()
        try:
            async with asyncio.timeout(STOP_DEADLINE_S):
                await process.wait()
        except TimeoutError:
            self._report(
                f"{self.program.name} did not stop within {STOP_DEADLINE_S:g} s and is killed. Its log: {self.log}"
            )
            leash.cut()
            await process.wait()
