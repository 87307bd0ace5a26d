"""A process of a measurement: bound to a core, on a leash, with a log of its own."""

import asyncio
import os
from asyncio.subprocess import DEVNULL, PIPE, STDOUT, Process
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from pathlib import Path

from bench.cores import on
from local_stack.leash import Leash


@asynccontextmanager
async def child(
    command: Sequence[str],
    core: int,
    log: Path,
    *,
    environment: Mapping[str, str] | None = None,
    folder: Path | None = None,
    talks: bool = False,
) -> AsyncIterator[Process]:
    """It lives for the length of the block, and is killed then. `talks`: its output is for us, and we write to it."""
    with Leash() as leash, log.open("wb") as output:
        with on(core):
            process = await asyncio.create_subprocess_exec(
                *leash.command(command),
                stdin=PIPE if talks else DEVNULL,
                stdout=PIPE if talks else output,
                stderr=output if talks else STDOUT,
                env={**os.environ, **(environment or {})},
                cwd=folder,
                pass_fds=leash.pass_fds,
                start_new_session=True,
                limit=1_000_000,
            )
        leash.handed_over()
        try:
            yield process
        finally:
            leash.cut()
            await process.wait()
