"""Tasks that cannot die silently."""

import asyncio
import logging
import signal
from collections.abc import AsyncIterator, Coroutine
from contextlib import asynccontextmanager

log = logging.getLogger(__name__)


def first_of(error: BaseException) -> BaseException:
    """What went wrong, out of the groups in which tasks hand it on."""
    while isinstance(error, BaseExceptionGroup):
        error = error.exceptions[0]
    return error


@asynccontextmanager
async def running(coroutine: Coroutine[object, object, None], *, name: str) -> AsyncIterator[None]:
    """
    Run a task for the length of the block.

    If it fails, so does the block, and the process is told to stop (SIGTERM: the server's own way out, which takes
    leave of its clients first). A supervisor starts a new one.
    """
    async with asyncio.TaskGroup() as group:
        task = group.create_task(coroutine, name=name)
        task.add_done_callback(stop_if_failed)
        yield
        task.cancel()


def stop_if_failed(task: asyncio.Task[None]) -> None:
    """A callback for tasks that are done: one that failed is told, and stops the process."""
    if not task.cancelled() and (error := task.exception()) is not None:
        log.error("a task failed, the process stops", extra={"task": task.get_name()}, exc_info=error)
        signal.raise_signal(signal.SIGTERM)
