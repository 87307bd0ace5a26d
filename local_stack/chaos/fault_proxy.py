"""
A TCP proxy in front of a Redis, with faults that can be switched on and off.

What it holds is bounded: some chunks for each direction of a connection, and what the sockets hold. Who reads slowly
slows down who writes.
"""

import asyncio
import socket
from asyncio import StreamReader, StreamWriter
from collections.abc import Callable
from types import TracebackType
from typing import Protocol, Self
from urllib.parse import urlsplit, urlunsplit

from local_stack.chaos.link import Link
from local_stack.chaos.redis_talk import Request, is_commit

HOST = "127.0.0.1"
#: Read at most this much before the other side has taken it.
CHUNK_BYTES = 16_384
#: So many of them may be on their way, each way: enough for all that comes within a delay.
MAX_CHUNKS = 16
#: Of each socket, so that a slow reader is felt soon: the system would take megabytes.
RECEIVE_BUFFER_BYTES = 65_536
CONNECT_DEADLINE_S = 10.0
#: A message of a subscription is a list that begins with this.
PUBLISHED = b"\r\nmessage\r\n"
#: How often a slow reader reads.
SIP_S = 0.1


class Observer(Protocol):
    """Who overhears all connections."""

    def sent(self, request: Request) -> None:
        """Told before the server has got the last byte of it."""

    def answered(self, request: Request, reply: object) -> None:
        """Told before the client has got the last byte of it; also of a reply that is lost."""


class FaultProxy:
    """
    Passes connections on to `host:port` for the length of the block; `port` is its own.

    The faults are those of all connections, also of new ones, until `heal`.
    """

    def __init__(self, host: str, port: int, observer: Observer | None = None) -> None:
        self.port = 0
        self.connections = 0  # so many are open now
        self.lost_replies = 0
        self.delay_s = 0.0  # each way
        self._target = (host, port)
        self._observer = observer
        self._links: set[Link] = set()
        self._tasks = asyncio.TaskGroup()
        self._server: asyncio.Server | None = None
        self._cut: Callable[[Link], None] | None = None  # what happens to each connection; None: nothing
        self._flowing = asyncio.Event()  # clear: a black hole
        self._flowing.set()
        self._bytes_per_s = {"client": 0, "server": 0}  # read from that side; 0: as fast as it comes
        self._losing = False
        self._audible = asyncio.Event()  # clear: subscribers hear nothing
        self._audible.set()

    async def __aenter__(self) -> Self:
        await self._tasks.__aenter__()
        listener = socket.create_server((HOST, 0))
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, RECEIVE_BUFFER_BYTES)  # connections inherit it
        self.port = listener.getsockname()[1]
        self._server = await asyncio.start_server(self._accept, sock=listener, limit=CHUNK_BYTES, backlog=1024)
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._server is not None:
            self._server.close()
        for link in list(self._links):
            link.task.cancel()
        await self._tasks.__aexit__(kind, error, trace)

    def through(self, url: str) -> str:
        """The same URL (password, database), by way of this proxy."""
        parts = urlsplit(url)
        user, at, _ = parts.netloc.rpartition("@")
        return urlunsplit(parts._replace(netloc=f"{user}{at}{HOST}:{self.port}"))

    def drop(self) -> None:
        """Close all connections, and each new one at once."""
        self._cut_all(Link.close)

    def reset(self) -> None:
        """The same with RST."""
        self._cut_all(Link.reset)

    def cut(self) -> None:
        """Reset the connections of now, once; new ones are welcome."""
        for link in list(self._links):
            link.reset()

    def black_hole(self) -> None:
        """Take connections and forward nothing, either way. What is on its way waits, unread."""
        self._flowing.clear()

    def deafen(self) -> None:
        """Subscriptions are confirmed, and whatever is published waits; everything else is answered."""
        self._audible.clear()

    def lead_to(self, host: str, port: int) -> None:
        """From now on new connections go there, as if the address had moved; those of now are reset."""
        self._target = (host, port)
        self.cut()

    def read_slowly(self, side: str, bytes_per_s: int) -> None:
        """Read so little from that side, "client" or "server"."""
        self._bytes_per_s[side] = bytes_per_s

    def lose_next_commit_reply(self) -> None:
        """The next commit that is done is not answered: the connection is reset instead. `lost_replies` counts."""
        self._losing = True

    def heal(self) -> None:
        """No fault is in force any more. What waited in a black hole goes on."""
        self._cut = None
        self.delay_s = 0.0
        self._bytes_per_s = dict.fromkeys(self._bytes_per_s, 0)
        self._losing = False
        self._flowing.set()
        self._audible.set()

    def _cut_all(self, cut: Callable[[Link], None]) -> None:
        self._cut = cut
        for link in list(self._links):
            cut(link)

    def _accept(self, reader: StreamReader, writer: StreamWriter) -> None:
        self._tasks.create_task(self._serve(reader, writer), name="connection through a fault proxy")

    async def _serve(self, reader: StreamReader, writer: StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None  # noqa: S101 (a coroutine runs in a task)
        link = Link(writer, task)
        self._links.add(link)
        self.connections += 1
        try:
            if self._cut is not None:
                self._cut(link)
                return
            await self._flowing.wait()
            async with asyncio.timeout(CONNECT_DEADLINE_S):
                server_reader, server = await self._connect()
            link.server = server
            requests, replies = _Lag(MAX_CHUNKS), _Lag(MAX_CHUNKS)
            async with asyncio.TaskGroup() as directions:
                directions.create_task(self._read(reader, "client", requests))
                directions.create_task(self._requests(requests, server, link))
                directions.create_task(self._read(server_reader, "server", replies))
                directions.create_task(self._replies(replies, writer, link))
        except* OSError:
            pass  # one side is gone without a goodbye, and so the other is
        finally:
            self.connections -= 1
            self._links.discard(link)
            link.close()

    async def _connect(self) -> tuple[StreamReader, StreamWriter]:
        server = socket.socket()
        server.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, RECEIVE_BUFFER_BYTES)
        server.settimeout(0)
        try:
            await asyncio.get_running_loop().sock_connect(server, self._target)
            return await asyncio.open_connection(sock=server, limit=CHUNK_BYTES)
        except BaseException:
            server.close()
            raise

    async def _requests(self, source: "_Lag", server: StreamWriter, link: Link) -> None:
        while data := await self._due(source):
            for request in link.talk.sent(data):
                if self._observer is not None:
                    self._observer.sent(request)
            await _write(server, data)
        _end(server)

    async def _replies(self, source: "_Lag", client: StreamWriter, link: Link) -> None:
        subscribed = False
        while data := await self._due(source):
            if subscribed or PUBLISHED in data:  # the first message may come together with the confirmation
                await self._audible.wait()
            for request, reply in link.talk.answered(data):
                subscribed = subscribed or request[0].upper() == b"SUBSCRIBE"
                if self._observer is not None:
                    self._observer.answered(request, reply)
                if self._losing and reply == b"done" and is_commit(request):
                    self._losing = False
                    self.lost_replies += 1
                    link.reset()
                    return
            await _write(client, data)
        _end(client)

    async def _read(self, reader: StreamReader, side: str, target: "_Lag") -> None:
        """Everything from one side, to its end."""
        loop, data = asyncio.get_running_loop(), b"?"
        while data:
            slowly = self._bytes_per_s[side]
            data = await reader.read(max(1, int(slowly * SIP_S)) if slowly else CHUNK_BYTES)
            await target.put((loop.time() + self.delay_s, data))
            if slowly:
                await asyncio.sleep(SIP_S)

    async def _due(self, source: "_Lag") -> bytes:
        """The next bytes, once they may be passed on; none at the end."""
        due_s, data = await source.get()
        await asyncio.sleep(max(0.0, due_s - asyncio.get_running_loop().time()))
        await self._flowing.wait()
        return data


#: When bytes may be passed on, and the bytes. None are the end.
_Lag = asyncio.Queue[tuple[float, bytes]]


async def _write(writer: StreamWriter, data: bytes) -> None:
    writer.write(data)
    await writer.drain()  # who reads slowly slows down who writes to it


def _end(writer: StreamWriter) -> None:
    """No more bytes this way; the other way may go on."""
    if writer.can_write_eof():
        writer.write_eof()
