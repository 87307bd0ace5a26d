"""Waiting for what happens elsewhere."""

import asyncio
from collections.abc import Callable


async def eventually(condition: Callable[[], bool], *, within_s: float = 10.0) -> None:
    """Return when the condition holds. Raises `TimeoutError` if that takes longer than `within_s`."""
    async with asyncio.timeout(within_s):
        while not condition():  # noqa: ASYNC110 (what is waited for is mostly on the other side of a socket)
            await asyncio.sleep(0.005)
