"""
What stands between the exchange and the ingest and notes when the exchange told of a symbol.

It hands everything on as it is; what that costs (some 0.1 ms) counts as ours.
"""

import asyncio
import re
import time
from asyncio import StreamReader, StreamWriter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress

#: In JSON in JSON in JSON: a full message of an instrument.
_TOLD = re.compile(rb'RType\\+":\\+"X\\+",.{0,400}?Symbol\\+":\\+"([^"\\]+)')
CHUNK_BYTES = 262_144


def symbols_in(data: bytes) -> list[str]:
    """Of which instruments a piece of the stream tells."""
    return [symbol.decode() for symbol in _TOLD.findall(data)]


class Tap:
    """`told_s`: symbol → when the exchange told of it last, on the clock of `time.perf_counter`."""

    def __init__(self, port: int) -> None:
        self.told_s: dict[str, float] = {}
        self._port = port  # of the exchange

    async def serve(self, reader: StreamReader, writer: StreamWriter) -> None:
        """One connection of the ingest."""
        with suppress(OSError):
            upstream, out = await asyncio.open_connection("127.0.0.1", self._port)
            async with asyncio.TaskGroup() as group:
                group.create_task(_hand_on(reader, out), name="to the exchange")
                group.create_task(self._listen(upstream, writer), name="to the ingest")

    async def _listen(self, reader: StreamReader, writer: StreamWriter) -> None:
        with suppress(OSError):
            while data := await reader.read(CHUNK_BYTES):
                now_s = time.perf_counter()
                writer.write(data)
                for symbol in symbols_in(data):
                    self.told_s[symbol] = now_s
                await writer.drain()
        writer.close()


async def _hand_on(reader: StreamReader, writer: StreamWriter) -> None:
    with suppress(OSError):
        while data := await reader.read(CHUNK_BYTES):
            writer.write(data)
            await writer.drain()
    writer.close()


@asynccontextmanager
async def tapping(port: int) -> AsyncIterator[tuple[Tap, int]]:
    """A tap on the exchange at this port, and the port at which it stands."""
    tap = Tap(port)
    server = await asyncio.start_server(tap.serve, "127.0.0.1", 0)
    try:
        yield tap, server.sockets[0].getsockname()[1]
    finally:
        server.close()
