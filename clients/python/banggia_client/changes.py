"""Where a loop over a table stands."""

import asyncio

from .core.change import Change


class Changes:
    """
    The changes since the last turn of a loop, merged by key: nothing queues up, however slow the loop is.

    What it holds is bounded by the keys of the table.
    """

    def __init__(self, first: Change | None) -> None:
        self._waiting = first
        self._wake = asyncio.Event()
        self._is_over = False
        self._error: Exception | None = None

    def put(self, change: Change) -> None:
        """For the next turn."""
        self._waiting = change if self._waiting is None else self._waiting.then(change)
        self._wake.set()

    def end(self, error: Exception | None = None) -> None:
        """There will be no more: the loop ends after what waits, or with this error."""
        self._is_over, self._error = True, error
        self._wake.set()

    def __aiter__(self) -> "Changes":
        return self

    async def __anext__(self) -> Change:
        while self._waiting is None:
            if self._error is not None:
                raise self._error
            if self._is_over:
                raise StopAsyncIteration
            self._wake.clear()
            await self._wake.wait()
        change, self._waiting = self._waiting, None
        return change
