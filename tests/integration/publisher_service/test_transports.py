"""What the two event loops promise about the sockets of their transports."""

import asyncio
import os
import socket
import ssl
import struct
from collections.abc import Callable
from pathlib import Path
from typing import cast

import pytest
import uvloop

from publisher_service.transports import descriptor_of, tell_of_every_byte
from tests.fakes.certificate import self_signed

DEADLINE_S = 10.0
LOOPS: dict[str, Callable[[], asyncio.AbstractEventLoop]] = {
    "asyncio": asyncio.new_event_loop,
    "uvloop": uvloop.new_event_loop,
}


class Connection(asyncio.Protocol):
    """A server's connection, which looks at its descriptor when it is made, and when it is lost."""

    def __init__(self) -> None:
        self.made, self.lost = asyncio.Event(), asyncio.Event()
        self.descriptor: int | None = None
        self.socket_at_first = self.socket_at_last = 0

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast("asyncio.Transport", transport)
        self.transport.set_write_buffer_limits(high=0)
        self.descriptor = descriptor_of(self.transport)
        self.socket_at_first = self.whose()
        self.made.set()

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: ARG002 (as asyncio has it)
        self.socket_at_last = self.whose()
        self.lost.set()

    def whose(self) -> int:
        """Which socket has this number now."""
        return 0 if self.descriptor is None else os.fstat(self.descriptor).st_ino


async def _end(how: str, connection: Connection, peer: socket.socket) -> None:
    match how:
        case "the server closes":
            connection.transport.close()
        case "the server aborts":
            connection.transport.abort()
        case "the server aborts what it could not write":
            connection.transport.write(bytes(16_000_000))
            connection.transport.abort()
        case "the peer closes":
            peer.close()
        case "the peer resets":
            peer.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            peer.close()
        case "a write fails":
            peer.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            connection.transport.pause_reading()
            peer.close()
            while not connection.transport.is_closing():
                connection.transport.write(b"to nobody")
                await asyncio.sleep(0)


@pytest.mark.parametrize("loop", LOOPS)
@pytest.mark.parametrize(
    "how",
    [
        "the server closes",
        "the server aborts",
        "the server aborts what it could not write",
        "the peer closes",
        "the peer resets",
        "a write fails",
    ],
)
def test_a_descriptor_is_the_connection_s_until_it_is_told_to_be_lost(loop: str, how: str) -> None:
    async def run() -> None:
        connection = Connection()
        server = await asyncio.get_running_loop().create_server(lambda: connection, "127.0.0.1", 0)
        with socket.create_connection(server.sockets[0].getsockname()) as peer:
            async with asyncio.timeout(DEADLINE_S):
                await connection.made.wait()
                await _end(how, connection, peer)
                await connection.lost.wait()
        server.close()
        assert connection.socket_at_first == connection.socket_at_last != 0

    with asyncio.Runner(loop_factory=LOOPS[loop]) as runner:
        runner.run(run())


@pytest.mark.parametrize("loop", LOOPS)
def test_what_is_written_to_the_descriptor_comes_after_what_the_transport_has_written(loop: str) -> None:
    async def run() -> bytes:
        connection = Connection()
        server = await asyncio.get_running_loop().create_server(lambda: connection, "127.0.0.1", 0)
        async with asyncio.timeout(DEADLINE_S):
            reader, writer = await asyncio.open_connection(*server.sockets[0].getsockname())
            await connection.made.wait()
            assert connection.descriptor is not None
            for number in range(0, 100, 2):
                connection.transport.write(b"%02d" % number)
                os.write(connection.descriptor, b"%02d" % (number + 1))
            connection.transport.close()
            received = await reader.read()
            writer.close()
        server.close()
        return received

    with asyncio.Runner(loop_factory=LOOPS[loop]) as runner:
        assert runner.run(run()) == b"".join(b"%02d" % number for number in range(100))


class Successor(asyncio.Protocol):
    """Takes a transport over."""

    def __init__(self) -> None:
        self.paused_since_s: float | None = None
        self.resumed = asyncio.Event()

    def pause_writing(self) -> None:
        self.paused_since_s = asyncio.get_running_loop().time()

    def resume_writing(self) -> None:
        self.paused_since_s = None
        self.resumed.set()


@pytest.mark.parametrize("loop", LOOPS)
@pytest.mark.parametrize("size", [1, 1_000_000], ids=["not told before", "told before"])
@pytest.mark.parametrize("order", ["after", "before"])
def test_who_takes_over_a_transport_is_told_of_what_waits_in_it(loop: str, size: int, order: str) -> None:
    """As uvicorn's classes call it: after the transport knows its new protocol, or before."""

    async def run() -> None:
        connection, successor = Connection(), Successor()
        server = await asyncio.get_running_loop().create_server(lambda: connection, "127.0.0.1", 0)
        async with asyncio.timeout(DEADLINE_S):
            reader, writer = await asyncio.open_connection(*server.sockets[0].getsockname(), limit=1024)
            await connection.made.wait()
            transport = connection.transport
            transport.set_write_buffer_limits()  # as HTTP has it
            while not transport.get_write_buffer_size():
                transport.write(bytes(100_000))
            transport.write(bytes(size))
            if order == "before":
                tell_of_every_byte(transport, successor)
            transport.set_protocol(successor)
            if order == "after":
                tell_of_every_byte(transport, successor)
            assert successor.paused_since_s is not None
            reading = asyncio.create_task(reader.read())
            await successor.resumed.wait()
            assert not transport.get_write_buffer_size()
            transport.abort()
            reading.cancel()
            writer.close()
        server.close()

    with asyncio.Runner(loop_factory=LOOPS[loop]) as runner:
        runner.run(run())


@pytest.mark.parametrize("loop", LOOPS)
def test_a_connection_by_tls_has_no_descriptor_to_write_to(loop: str, tmp_path: Path) -> None:
    certificate = self_signed(tmp_path)

    async def run() -> None:
        connection, context = Connection(), ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(certificate)
        server = await asyncio.get_running_loop().create_server(lambda: connection, "127.0.0.1", 0, ssl=context)
        async with asyncio.timeout(DEADLINE_S):
            trusting = ssl.create_default_context(cafile=certificate)
            _, writer = await asyncio.open_connection(*server.sockets[0].getsockname(), ssl=trusting)
            await connection.made.wait()
            writer.close()
        server.close()
        assert connection.descriptor is None

    with asyncio.Runner(loop_factory=LOOPS[loop]) as runner:
        runner.run(run())
