"""An oracle's connection: it comes back after each loss, and reads at once, or only now and then."""

import asyncio
import random
import socket
import struct
import time
from contextlib import suppress
from urllib.parse import urlsplit

import orjson
from websockets.asyncio.client import connect
from websockets.exceptions import WebSocketException

from local_stack.chaos.oracle import Oracle
from shared.channels import Channel

OPEN_DEADLINE_S = 10.0
LONGEST_DELAY_S = 1.0
#: What a slow reader's socket takes, so that the publisher notices soon.
RECEIVE_BUFFER_BYTES = 16_384


class Follower:
    """Follows one address until cancelled. `pauses_s`: it stops reading for so long, after it has read for a while."""

    def __init__(
        self, url: str, oracle: Oracle, rng: random.Random, pauses_s: tuple[float, float] | None = None
    ) -> None:
        self.oracle = oracle
        self.transport: asyncio.BaseTransport | None = None  # of the open connection
        self._url = url
        self._rng = rng
        self._pauses_s = pauses_s
        self._pause_at_s = 0.0

    def reset(self) -> bool:
        """Drop the connection without a goodbye. False: there is none."""
        transport = self.transport
        if not isinstance(transport, asyncio.Transport) or transport.is_closing():
            return False
        own: socket.socket = transport.get_extra_info("socket")
        own.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        transport.abort()
        return True

    async def follow(self) -> None:
        """Ends by cancellation only."""
        while True:
            with suppress(OSError, EOFError, WebSocketException):
                await self.talk()
            await asyncio.sleep(self._rng.uniform(0, LONGEST_DELAY_S))

    async def talk(self) -> None:
        """One connection, to its end. Raises OSError, EOFError or WebSocketException."""
        async with connect(
            self._url, proxy=None, sock=await self.dial(), open_timeout=OPEN_DEADLINE_S, close_timeout=1
        ) as connection:
            try:
                for wish in self.opened(connection.transport):
                    await connection.send(orjson.dumps(wish).decode())
                async for message in connection:
                    missing = await self.take(message)
                    if missing is not None:
                        again = self.oracle.ask(missing, asyncio.get_running_loop().time())
                        await connection.send(orjson.dumps(again).decode())
            finally:
                self.closed()

    async def dial(self) -> socket.socket:
        """A connected socket. Raises OSError."""
        at = urlsplit(self._url)
        own = socket.socket()
        own.settimeout(0)
        if self._pauses_s is not None:
            own.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, RECEIVE_BUFFER_BYTES)
        try:
            async with asyncio.timeout(OPEN_DEADLINE_S):
                await asyncio.get_running_loop().sock_connect(own, (at.hostname, at.port))
        except BaseException:
            own.close()
            raise
        return own

    def opened(self, transport: asyncio.BaseTransport) -> list[dict[str, object]]:
        """A connection is open; what to ask for."""
        self.transport = transport
        now_s = asyncio.get_running_loop().time()
        self._pause_at_s = self._next_pause_s(now_s)
        return self.oracle.opened(now_s)

    def closed(self) -> None:
        """It has ended."""
        self.transport = None
        self.oracle.closed()

    async def take(self, message: str | bytes) -> Channel | None:
        """A message came; the channel of which something is missing."""
        loop = asyncio.get_running_loop()
        missing = self.oracle.take(message, loop.time(), time.time() * 1000)
        await asyncio.sleep(0)  # messages that wait come without a pause, and the proxies need their turn
        if self._pauses_s is not None and loop.time() > self._pause_at_s:
            await asyncio.sleep(self._rng.uniform(*self._pauses_s))
            self._pause_at_s = self._next_pause_s(loop.time())
        return missing

    def _next_pause_s(self, now_s: float) -> float:
        return now_s + self._rng.uniform(3, 10)
