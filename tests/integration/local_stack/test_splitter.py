"""One port in front of several publishers: connections are shared out, and follow who is ready."""

import asyncio
import socket
from asyncio import StreamReader, StreamWriter
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager

from local_stack.splitter import CHUNK_BYTES, Backend, Splitter
from tests.eventually import eventually

HOST = "127.0.0.1"


async def test_connections_are_shared_out_evenly() -> None:
    async with a_splitter(2) as (port, publishers), AsyncExitStack() as clients:
        for _ in range(6):
            client = await clients.enter_async_context(a_client(port))
            await client.ask("who")

        assert [len(publisher.connections) for publisher in publishers] == [3, 3]


async def test_a_new_connection_goes_where_others_have_left() -> None:
    async with a_splitter(2) as (port, publishers), a_client(port) as first, a_client(port) as second:
        await first.ask("who")
        await second.ask("who")
        left = publishers[1]
        leaver = second if left.connections else first

        leaver.writer.close()
        await eventually(lambda: not left.connections)
        async with a_client(port) as third:
            await third.ask("who")

            assert [len(publisher.connections) for publisher in publishers] == [1, 1]


async def test_clients_of_a_dead_publisher_are_closed_and_find_the_other() -> None:
    async with a_splitter(2) as (port, (dying, living)), a_client(port) as first, a_client(port) as second:
        answers = {await first.ask("who"): first, await second.ask("who"): second}

        await dying.die()

        async with asyncio.timeout(5):
            assert await answers[dying.name].reader.read() == b""
        assert await answers[living.name].ask("who") == living.name
        for _ in range(3):
            async with a_client(port) as late:
                assert await late.ask("who") == living.name


async def test_clients_of_a_publisher_that_refuses_to_answer_are_closed_though_its_end_went_unheard() -> None:
    async with a_splitter(1) as (port, (publisher,)), a_client(port) as client:
        await client.ask("who")

        publisher.stop_listening()  # the process is gone, its connections are not yet known to be

        async with asyncio.timeout(5):
            assert await client.end() == b""


async def test_who_is_not_ready_keeps_its_clients_and_gets_no_new_ones() -> None:
    async with a_splitter(2) as (port, (draining, other)), a_client(port) as first, a_client(port) as second:
        answers = {await first.ask("who"): first, await second.ask("who"): second}

        asked = draining.questions
        draining.ready = False
        await eventually(lambda: draining.questions >= asked + 2)
        async with a_client(port) as third, a_client(port) as fourth:
            assert [await third.ask("who"), await fourth.ask("who")] == [other.name, other.name]

        assert await answers[draining.name].ask("who") == draining.name


async def test_a_publisher_that_comes_back_gets_connections_again() -> None:
    async with a_splitter(2) as (port, (returning, other)):
        asked = returning.questions
        returning.ready = False
        await eventually(lambda: returning.questions >= asked + 2)
        async with a_client(port) as first:
            assert await first.ask("who") == other.name

            asked = returning.questions
            returning.ready = True
            await eventually(lambda: returning.questions >= asked + 2)
            async with a_client(port) as second:
                assert await second.ask("who") == returning.name


async def test_who_has_said_all_may_still_hear_the_answer() -> None:
    async with a_splitter(1) as (port, _), a_client(port) as client:
        client.writer.write(b"count\nabc")
        client.writer.write_eof()

        async with asyncio.timeout(5):
            assert await client.reader.read() == b"3\n"


async def test_large_data_arrives_whole_in_both_directions() -> None:
    data = bytes(range(256)) * 8192  # 2 MiB
    async with a_splitter(1) as (port, _), a_client(port) as client:

        async def send() -> None:
            client.writer.write(b"echo\n" + data)
            await client.writer.drain()
            client.writer.write_eof()

        async with asyncio.timeout(20), asyncio.TaskGroup() as group:
            received = group.create_task(client.reader.read())
            group.create_task(send())

        assert received.result() == data


async def test_a_client_that_does_not_read_holds_up_its_publisher_not_our_memory() -> None:
    async with a_splitter(1) as (port, (publisher,)):
        # Small buffers of the system, so that what we hold would show.
        silent = socket.socket()
        silent.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        silent.setblocking(False)  # noqa: FBT003 (the socket module's own)
        with silent:
            loop = asyncio.get_running_loop()
            await loop.sock_connect(silent, (HOST, port))
            await loop.sock_sendall(silent, b"flood\n")
            await eventually(lambda: publisher.flooded > 0)

            written = -1
            while written != publisher.flooded:
                written = publisher.flooded
                await asyncio.sleep(0.3)  # stillness is what is waited for; were it taken, this is many megabytes

            # The kernel's own buffers on loopback take a few megabytes; ours are two chunks.
            assert written < 32 * 1024 * 1024
            assert publisher.waiting


async def test_while_nobody_is_ready_the_answer_is_503() -> None:
    async with a_splitter(1, ready=False) as (port, _), a_client(port) as client:
        client.writer.write(b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n")

        async with asyncio.timeout(10):
            status = await client.reader.readline()

        assert status.startswith(b"HTTP/1.1 503 ")


async def test_a_connection_waits_for_the_first_publisher_to_be_ready() -> None:
    async with a_splitter(1, ready=False) as (port, (publisher,)), a_client(port) as client:
        async with asyncio.TaskGroup() as group:
            answer = group.create_task(client.ask("who"))
            await eventually(lambda: publisher.questions >= 1)
            publisher.ready = True

        assert answer.result() == publisher.name


class FakePublisher:
    """Answers `GET /readyz`; else obeys a first line: `who`, `count`, `echo` or `flood`."""

    def __init__(self, name: str, *, ready: bool) -> None:
        self.name = name
        self.ready = ready
        self.questions = 0  # how often it was asked whether it is ready
        self.connections: set[StreamWriter] = set()
        self.flooded = 0  # bytes written by `flood`
        self.waiting = False  # `flood` waits for the reader
        self.port = 0
        self._server: asyncio.Server | None = None

    async def start(self) -> None:
        self._server = await asyncio.start_server(self._serve, HOST, 0)
        self.port = self._server.sockets[0].getsockname()[1]

    def stop_listening(self) -> None:
        assert self._server is not None
        self._server.close()

    async def die(self) -> None:
        """As a killed process: nobody listens, and all connections break."""
        self.stop_listening()
        for writer in list(self.connections):
            writer.transport.abort()

    async def _serve(self, reader: StreamReader, writer: StreamWriter) -> None:
        self.connections.add(writer)
        try:
            await self._obey(reader, writer)
        except ConnectionError:
            pass  # a test has cut it
        finally:
            self.connections.discard(writer)
            writer.transport.abort()

    async def _obey(self, reader: StreamReader, writer: StreamWriter) -> None:
        while line := await reader.readline():
            match line.split():
                case [b"GET", *_]:
                    self.connections.discard(writer)  # a question, no client
                    self.questions += 1
                    writer.write(b"HTTP/1.1 200 OK\r\n\r\n" if self.ready else b"HTTP/1.1 503 Busy\r\n\r\n")
                    writer.close()
                    return
                case [b"who"]:
                    writer.write(self.name.encode() + b"\n")
                case [b"count"]:
                    writer.write(b"%d\n" % len(await reader.read()))
                    await writer.drain()
                    writer.close()
                    await writer.wait_closed()
                    return
                case [b"echo"]:
                    while data := await reader.read(CHUNK_BYTES):
                        writer.write(data)
                        await writer.drain()
                    writer.close()
                    await writer.wait_closed()
                    return
                case [b"flood"]:
                    while True:
                        writer.write(bytes(CHUNK_BYTES))
                        self.flooded += CHUNK_BYTES
                        self.waiting = True
                        await writer.drain()
                        self.waiting = False


class Client:
    """One connection through the splitter."""

    def __init__(self, reader: StreamReader, writer: StreamWriter) -> None:
        self.reader = reader
        self.writer = writer

    async def ask(self, word: str) -> str:
        """The answer, one line."""
        self.writer.write(word.encode() + b"\n")
        async with asyncio.timeout(5):
            return (await self.reader.readline()).decode().strip()

    async def end(self) -> bytes:
        """What comes until the connection ends, in whichever way."""
        try:
            return await self.reader.read()
        except ConnectionError:
            return b""


@asynccontextmanager
async def a_client(port: int) -> AsyncIterator[Client]:
    reader, writer = await asyncio.open_connection(HOST, port)
    try:
        yield Client(reader, writer)
    finally:
        writer.transport.abort()


@asynccontextmanager
async def a_splitter(count: int, *, ready: bool = True) -> AsyncIterator[tuple[int, list[FakePublisher]]]:
    """A splitter that knows its publishers: its port, and they."""
    publishers = [FakePublisher(f"publisher-{number}", ready=ready) for number in range(1, count + 1)]
    for publisher in publishers:
        await publisher.start()
    backends = [Backend(HOST, publisher.port) for publisher in publishers]
    with socket.create_server((HOST, 0)) as listener:
        async with Splitter(backends).serving(listener):
            await eventually(lambda: all(backend.ready is ready for backend in backends))
            await eventually(lambda: all(publisher.questions > 0 for publisher in publishers))
            yield listener.getsockname()[1], publishers
    for publisher in publishers:
        await publisher.die()
