"""Rows that say when they were to be committed, so that whoever sees them late knows how late, whoever is at fault."""

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from itertools import count

from bench.market import Market
from shared.channels import Channel, Stored
from shared.table import Row
from tests.fakes.writer import Writer

#: A field of each row: the Unix ms at which it was to be committed. The least of a frame is the change that waited.
DUE = "due"
#: From one row to the next. It has no divisor in common with the number of symbols.
STRIDE = 617


class DueRows:
    """So many commits a second of so many rows; each row has its turn, so none changes twice within a window."""

    def __init__(self, market: Market, *, commits_per_s: float, rows: int) -> None:
        self.commits = 0
        self._every = {symbol: dict(row or {}) for symbol, row in market.all()[Channel.MARKET].items()}
        self._symbols = market.symbols
        self._commits_per_s = commits_per_s
        self._rows = rows

    def all(self) -> dict[Stored, dict[str, Row | None]]:
        """Every row, due now."""
        now_ms = time.time_ns() // 1_000_000
        return {Channel.MARKET: {symbol: {DUE: now_ms, **row} for symbol, row in self._every.items()}}

    def changes(self, number: int, due_ms: int) -> dict[Stored, dict[str, Row | None]]:
        """The rows of a commit: those of a board have their turns evenly spread over time."""
        turns = range(number * self._rows, (number + 1) * self._rows)
        symbols = [self._symbols[turn * STRIDE % len(self._symbols)] for turn in turns]
        rows: dict[str, Row | None] = {
            symbol: {DUE: due_ms, **self._every[symbol], "total_volume": number * 100} for symbol in symbols
        }
        return {Channel.MARKET: rows}

    async def commit(self, writer: Writer) -> None:
        """At the moments that are known before; never returns. What a stall delays keeps its moment."""
        begin_ms = time.time_ns() // 1_000_000 + 50
        for number in count():
            due_ms = begin_ms + round(number * 1000 / self._commits_per_s)
            await asyncio.sleep(max(0.0, due_ms / 1000 - time.time()))
            await writer.commit(self.changes(number, due_ms))
            self.commits += 1


@asynccontextmanager
async def committing(rows: DueRows, writer: Writer) -> AsyncIterator[None]:
    """For the length of the block, which fails if the commits do."""
    async with asyncio.TaskGroup() as group:
        task = group.create_task(rows.commit(writer), name="rows")
        yield
        task.cancel()
