"""The splitter with real sockets: who gets a connection, and what happens to it."""

import asyncio
import socket
from asyncio import StreamReader, StreamWriter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

from local_stack.splitter import Backend, Splitter
from tests.eventually import eventually


class FakePublisher:
    """Answers `/readyz`; to other connections it says its name, then repeats what it hears."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.ready = True
        self.reading = asyncio.Event()
        self.reading.set()
        self.heard = 0
        self.port = 0
        self._writers: set[StreamWriter] = set()
        self._server: asyncio.Server | None = None

    async def listen(self) -> None:
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", self.port)
        self.port = self._server.sockets[0].getsockname()[1]

    async def die(self) -> None:
        """As a killed process does: the port refuses, the connections are reset."""
        assert self._server is not None
        self._server.close()
        for writer in self._writers:
            writer.transport.abort()
        await self._server.wait_closed()

    async def _serve(self, reader: StreamReader, writer: StreamWriter) -> None:
        self._writers.add(writer)
        try:
            first = await reader.readline()
            if first.startswith(b"GET /readyz "):
                writer.write(b"HTTP/1.1 200 OK\r\n\r\n" if self.ready else b"HTTP/1.1 503 Draining\r\n\r\n")
                return
            writer.write(self.name.encode() + b"\n")
            await self.reading.wait()
            while data := await reader.read(65_536):
                self.heard += len(data)
                writer.write(data)
                await writer.drain()
            writer.write(b"end")
            await writer.drain()
        except ConnectionError:
            pass
        finally:
            self._writers.discard(writer)
            writer.close()


@asynccontextmanager
async def split(*publishers: FakePublisher) -> AsyncIterator[tuple[Splitter, int]]:
    """A splitter in front of them, and its port."""
    for publisher in publishers:
        await publisher.listen()
    splitter = Splitter([Backend("127.0.0.1", publisher.port) for publisher in publishers])
    listener = socket.create_server(("127.0.0.1", 0))
    try:
        async with splitter.serving(listener):
            await eventually(lambda: all(b.ready for b in splitter.backends))
            yield splitter, listener.getsockname()[1]
    finally:
        for publisher in publishers:
            await publisher.die()


async def enter(port: int) -> tuple[str, StreamReader, StreamWriter]:
    """A connection, and the name of who serves it."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(b"hello\n")
    name = (await reader.readline()).decode().strip()
    return name, reader, writer


async def flood(writer: StreamWriter, size_bytes: int) -> None:
    for _ in range(size_bytes // 65_536):
        writer.write(b"x" * 65_536)
        await writer.drain()


async def test_connections_go_to_the_publisher_with_the_fewest() -> None:
    async with split(FakePublisher("a"), FakePublisher("b"), FakePublisher("c")) as (splitter, port):
        clients = [await enter(port) for _ in range(9)]
        names = sorted(name for name, _, _ in clients)

        for leaving in [writer for name, _, writer in clients if name == "b"][:2]:
            leaving.close()
        await eventually(lambda: len(splitter.backends[1].links) == 1)
        next_two = [(await enter(port)) for _ in range(2)]

        assert names == ["a"] * 3 + ["b"] * 3 + ["c"] * 3
        assert [name for name, _, _ in next_two] == ["b", "b"]
        for _, _, writer in [*clients, *next_two]:
            writer.close()


async def test_a_publisher_that_dies_loses_its_connections_and_gets_no_new_ones() -> None:
    dying, living = FakePublisher("dying"), FakePublisher("living")
    async with split(dying, living) as (splitter, port):
        clients = [await enter(port) for _ in range(4)]

        await dying.die()
        ended = [await reader.read() for name, reader, _ in clients if name == "dying"]
        later = [await enter(port) for _ in range(3)]

        assert ended == [b"", b""]
        assert [name for name, _, _ in later] == ["living"] * 3
        assert len(splitter.backends[1].links) == 5
        for _, _, writer in [*clients, *later]:
            writer.close()
        await dying.listen()


async def test_a_publisher_that_comes_back_gets_connections_again() -> None:
    returning, other = FakePublisher("returning"), FakePublisher("other")
    async with split(returning, other) as (splitter, port):
        await returning.die()
        await eventually(lambda: not splitter.backends[0].ready)
        _, _, first = await enter(port)

        await returning.listen()
        await eventually(lambda: splitter.backends[0].ready)
        name, _, second = await enter(port)

        assert name == "returning"
        first.close()
        second.close()


async def test_a_publisher_that_drains_keeps_its_connections_and_gets_no_new_ones() -> None:
    draining, other = FakePublisher("draining"), FakePublisher("other")
    async with split(draining, other) as (splitter, port):
        clients = [await enter(port) for _ in range(2)]
        draining.ready = False
        await eventually(lambda: not splitter.backends[0].ready)

        later = [await enter(port) for _ in range(3)]
        _, reader, writer = next(client for client in clients if client[0] == "draining")
        writer.write(b"still here")
        echo = await reader.readexactly(10)

        assert [name for name, _, _ in later] == ["other"] * 3
        assert echo == b"still here"
        for _, _, writer in [*clients, *later]:
            writer.close()


async def test_an_end_of_one_direction_leaves_the_other_open() -> None:
    async with split(FakePublisher("a")) as (_, port):
        _, reader, writer = await enter(port)

        writer.write(b"last words")
        writer.write_eof()
        answer = await reader.read()

        assert answer == b"last wordsend"
        writer.close()


async def test_who_reads_nothing_is_waited_for_without_hoarding() -> None:
    publisher = FakePublisher("a")
    publisher.reading.clear()
    async with split(publisher) as (splitter, port):
        _, _, writer = await enter(port)

        with pytest.raises(TimeoutError):
            await asyncio.wait_for(flood(writer, 256 << 20), timeout=1)
        (link,) = splitter.backends[0].links
        held_bytes = link.publisher.transport.get_write_buffer_size()
        publisher.reading.set()
        await eventually(lambda: publisher.heard > 0)

        assert held_bytes <= 3 * 65_536
        writer.transport.abort()


async def test_without_a_ready_publisher_a_client_gets_503() -> None:
    publisher = FakePublisher("a")
    async with split(publisher) as (splitter, port):
        publisher.ready = False
        await eventually(lambda: not splitter.backends[0].ready)

        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(b"GET / HTTP/1.1\r\nHost: here\r\n\r\n")
        head = await reader.readuntil(b"\r\n\r\n")
        body = await reader.read()

        assert head.startswith(b"HTTP/1.1 503 ")
        assert f"Content-Length: {len(body)}".encode() in head
        writer.close()
