"""The data of a measurement: a frame of about a kilobyte, sent at moments that are known before."""

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager

import orjson
from redis.asyncio import Redis

from bench.histogram import Histogram
from bench.market import Changes, Market
from shared.channels import Channel
from tests.fakes.writer import Writer

Send = Callable[[int], Awaitable[None]]  # the Unix ms when it was to be sent
#: An event loop wakes up to a millisecond late: the last one is slept through without it.
LOOP_LATE_S = 0.002
ACCEPTED_S = 10.0


def now_ms() -> int:
    """The clock that ages are measured by, Unix ms."""
    return time.time_ns() // 1_000_000


class Frames:
    """The same bytes for all, except for numbers: an update of one row, as the publisher makes it."""

    def __init__(self, market: Market) -> None:
        self.key = market.symbols[0]
        self._market = market
        self._rev = 1_000

    @property
    def size(self) -> int:
        """Bytes of a frame, about: payload and the four bytes before it."""
        return len(self.text(now_ms())) + 4

    def text(self, time_ms: int) -> str:
        """The frame's payload, for those who are handed it."""
        self._rev += 1
        rows = orjson.dumps(self._market.of([self.key])[Channel.MARKET]).decode()
        position = f"20261123-k3f9q2.{self._rev}.9f2c81d07e"
        return (
            f'{{"type":"update","channel":"market","from":{self._rev - 1},"rev":{self._rev},"position":"{position}",'
            f'"time":{time_ms},"data":{rows}}}'
        )


def commits(writer: Writer, changes: Callable[[], Changes]) -> Send:
    """By the real contract."""

    async def send(time_ms: int) -> None:
        await writer.publication.publish(changes(), time_ms)

    return send


def messages(redis: Redis, channel: str, text: Callable[[int], str]) -> Send:
    """By PUBLISH."""

    async def send(time_ms: int) -> None:
        await redis.publish(channel, text(time_ms))

    return send


@asynccontextmanager
async def posts(port: int, path: str, headers: Mapping[str, str], body: Callable[[int], str]) -> AsyncIterator[Send]:
    """
    By HTTP, on one connection, without waiting for answers: a busy server is not spared.

    The first one has been accepted when the block begins. Raises TimeoutError.
    """
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    head = "".join(f"{name}: {value}\r\n" for name, value in headers.items())

    async def send(time_ms: int) -> None:
        content = body(time_ms).encode()
        request = f"POST {path} HTTP/1.1\r\nHost: x\r\n{head}Content-Length: {len(content)}\r\n\r\n"
        writer.write(request.encode() + content)
        await writer.drain()

    async with asyncio.timeout(ACCEPTED_S):
        await send(now_ms())
        while not (await reader.read(65_536)).startswith(b"HTTP/1.1 2"):
            await asyncio.sleep(0.1)  # its own broker may be about to be connected
            await send(now_ms())

    async def discard() -> None:
        while await reader.read(65_536):
            pass

    discarding = asyncio.create_task(discard(), name="answers to posts")
    try:
        yield send
    finally:
        discarding.cancel()
        writer.transport.abort()


class Pace:
    """So many a second, at whole milliseconds: what a stall delays keeps the time at which it was due."""

    def __init__(self, send: Send, per_s: float) -> None:
        self._send = send
        self.per_s = per_s
        self._due_ms = 0
        self.sent = 0
        self.late = Histogram()  # how late they left, by our own fault or the broker's

    def begin_window(self) -> None:
        """Count from now on."""
        self.sent, self.late = 0, Histogram()

    async def lull(self) -> None:
        """Until just before a frame is due: what was sent before is there, unless the server is late."""
        wait_s = self._due_ms / 1000 - time.time() - 2 * LOOP_LATE_S
        await asyncio.sleep(wait_s if wait_s > 0 else wait_s + 1 / self.per_s)

    async def keep(self) -> None:
        """Until it is cancelled."""
        began_ms, number = now_ms() + 10, 0
        while True:
            self._due_ms = due_ms = began_ms + round(number * 1000 / self.per_s)
            number += 1
            await asyncio.sleep(max(0.0, due_ms / 1000 - time.time() - LOOP_LATE_S))
            time.sleep(max(0.0, due_ms / 1000 - time.time()))  # noqa: ASYNC251 (two milliseconds at most, see above)
            await self._send(due_ms)
            self.sent += 1
            self.late.add([(time.time_ns() // 1000 - due_ms * 1000, 1)])


@asynccontextmanager
async def pace(send: Send, per_s: float) -> AsyncIterator[Pace]:
    """It goes on for the length of the block; if it fails, the block does."""
    keeping = Pace(send, per_s)
    async with asyncio.TaskGroup() as group:
        task = group.create_task(keeping.keep(), name="feed")
        yield keeping
        task.cancel()
