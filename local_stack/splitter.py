"""
A small connection splitter: one port in front of several publishers. For development; a real balancer does this in
production.

It works on connections and knows nothing of what they carry, but for the questions it asks itself (`GET /readyz`). A
new connection goes to the ready publisher with the fewest. One that is not ready gets no new ones and keeps those it
has; one that is gone loses them, so that its clients come back and reach another.
"""

import asyncio
import socket
from asyncio import StreamReader, StreamWriter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from typing import NamedTuple

#: How often publishers are asked, and how long they may think. A change shows within a second.
PROBE_INTERVAL_S = 0.25
PROBE_DEADLINE_S = 1.0
#: While nobody is ready, a new connection waits this long before it is refused.
PATIENCE_S = 2.0
#: Read at most this much before the other side has taken it: what a connection can hold in memory, twice.
CHUNK_BYTES = 65_536

_NOBODY = (
    b"HTTP/1.1 503 Service Unavailable\r\nRetry-After: 1\r\nContent-Type: text/plain\r\nContent-Length: 27\r\n"
    b"Connection: close\r\n\r\nNo publisher is ready yet.\n"
)


class Link(NamedTuple):
    """Both ends of one client's connection."""

    client: StreamWriter
    publisher: StreamWriter

    def abort(self) -> None:
        """Drop it, without waiting for anybody."""
        self.client.transport.abort()
        self.publisher.transport.abort()


@dataclass(eq=False, slots=True)
class Backend:
    """A publisher: whether it wants connections, and those it has."""

    host: str
    port: int
    ready: bool = False
    served: int = 0  # connections so far; decides between equals
    links: set[Link] = field(default_factory=set)

    def abort(self) -> None:
        """It is gone: its clients learn it now, not when they next speak."""
        self.ready = False
        for link in self.links:
            link.abort()


class Splitter:
    """Passes connections on, while `serving`."""

    def __init__(self, backends: list[Backend]) -> None:
        self.backends = backends

    @asynccontextmanager
    async def serving(self, listener: socket.socket) -> AsyncIterator[None]:
        """For the length of the block; afterwards the socket and all connections are closed."""
        async with asyncio.TaskGroup() as group:
            tasks = {group.create_task(self._watch(backend)) for backend in self.backends}

            def accept(reader: StreamReader, writer: StreamWriter) -> None:
                task = group.create_task(self._serve(reader, writer))
                tasks.add(task)
                task.add_done_callback(tasks.discard)

            server = await asyncio.start_server(accept, sock=listener, limit=CHUNK_BYTES, backlog=1024)
            try:
                yield
            finally:
                server.close()
                for task in tasks:
                    task.cancel()

    async def _watch(self, backend: Backend) -> None:
        while True:
            try:
                backend.ready = await _is_ready(backend)
            except ConnectionRefusedError:
                backend.abort()
            except OSError:  # it is slow or frozen, not gone (TimeoutError is one, too)
                backend.ready = False
            await asyncio.sleep(PROBE_INTERVAL_S)

    async def _serve(self, reader: StreamReader, writer: StreamWriter) -> None:
        """One client, from its first byte to the last of both directions."""
        try:
            chosen = await self._connect()
            if chosen is None:
                await _refuse(reader, writer)
                return
            backend, backend_reader, backend_writer = chosen
            link = Link(writer, backend_writer)
            backend.links.add(link)
            try:
                async with asyncio.TaskGroup() as directions:
                    directions.create_task(_pump(reader, backend_writer))
                    directions.create_task(_pump(backend_reader, writer))
            finally:
                backend.links.discard(link)
                link.abort()
        except* OSError:
            pass  # one side is gone without a goodbye, and so the other is
        finally:
            writer.transport.abort()

    async def _connect(self) -> tuple[Backend, StreamReader, StreamWriter] | None:
        """The ready publisher with the fewest connections; None if there is none for too long."""
        loop = asyncio.get_running_loop()
        deadline_s = loop.time() + PATIENCE_S
        while loop.time() < deadline_s:
            ready = [backend for backend in self.backends if backend.ready]
            if not ready:
                await asyncio.sleep(0.05)
                continue
            backend = min(ready, key=lambda each: (len(each.links), each.served))
            backend.served += 1
            try:
                async with asyncio.timeout(PROBE_DEADLINE_S):
                    return backend, *await asyncio.open_connection(backend.host, backend.port, limit=CHUNK_BYTES)
            except OSError:
                backend.ready = False  # until the next probe
        return None


async def _pump(source: StreamReader, target: StreamWriter) -> None:
    """All bytes of one direction, then its end: the other direction may go on."""
    while data := await source.read(CHUNK_BYTES):
        target.write(data)
        await target.drain()  # who reads slowly slows down only who writes to it
    if target.can_write_eof():
        target.write_eof()


async def _refuse(reader: StreamReader, writer: StreamWriter) -> None:
    writer.write(_NOBODY)
    writer.write_eof()
    # Closing with unread bytes would reset the connection, and with it the answer.
    with suppress(TimeoutError):
        async with asyncio.timeout(PROBE_DEADLINE_S):
            while await reader.read(CHUNK_BYTES):
                pass


async def _is_ready(backend: Backend) -> bool:
    """Raises OSError if it does not answer in time."""
    async with asyncio.timeout(PROBE_DEADLINE_S):
        reader, writer = await asyncio.open_connection(backend.host, backend.port)
        try:
            request = f"GET /readyz HTTP/1.1\r\nHost: {backend.host}\r\nConnection: close\r\n\r\n"
            writer.write(request.encode())
            status = await reader.readline()
            return status.split(b" ", 2)[1:2] == [b"200"]
        finally:
            writer.transport.abort()
