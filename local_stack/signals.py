"""Ctrl-C and the like: the work is cancelled and ends in order. A second signal ends the process at once."""

import asyncio
import signal
from collections.abc import Coroutine
from typing import TypeVar

T = TypeVar("T")


async def until_signal(work: Coroutine[object, object, T], *, interrupted: T) -> T:
    """What the work gives back, or `interrupted` if a signal came first."""
    loop = asyncio.get_running_loop()
    task = loop.create_task(work)
    signals = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)

    def stop() -> None:
        for each in signals:
            loop.remove_signal_handler(each)
            signal.signal(each, signal.SIG_DFL)  # the leashes end all other processes then
        task.cancel()

    for each in signals:
        loop.add_signal_handler(each, stop)
    try:
        return await task
    except asyncio.CancelledError:
        return interrupted
