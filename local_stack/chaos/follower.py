"""An oracle's connection: it comes back after each loss, and reads at once, or only now and then."""

import asyncio
import random
import socket
import struct
import time
from contextlib import suppress
from urllib.parse import urlsplit

import orjson
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import WebSocketException

from local_stack.chaos.oracle import Oracle

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
        self._url = url
        self._rng = rng
        self._pauses_s = pauses_s
        self._connection: ClientConnection | None = None

    def reset(self) -> bool:
        """Drop the connection without a goodbye. False: there is none."""
        if self._connection is None or self._connection.transport.is_closing():
            return False
        own: socket.socket = self._connection.transport.get_extra_info("socket")
        own.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self._connection.transport.abort()
        return True

    async def follow(self) -> None:
        """Ends by cancellation only."""
        while True:
            with suppress(OSError, WebSocketException):
                async with connect(
                    self._url, proxy=None, sock=await self._dial(), open_timeout=OPEN_DEADLINE_S, close_timeout=1
                ) as connection:
                    self._connection = connection
                    try:
                        await self._talk(connection)
                    finally:
                        self._connection = None
                        self.oracle.closed()
            await asyncio.sleep(self._rng.uniform(0, LONGEST_DELAY_S))

    async def _dial(self) -> socket.socket:
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

    async def _talk(self, connection: ClientConnection) -> None:
        loop = asyncio.get_running_loop()
        for wish in self.oracle.opened(loop.time()):
            await connection.send(orjson.dumps(wish).decode())
        pause_at_s = self._next_pause_s(loop.time())
        async for message in connection:
            missing = self.oracle.take(message, loop.time(), time.time() * 1000)
            if missing is not None:
                await connection.send(orjson.dumps(self.oracle.ask(missing, loop.time())).decode())
            await asyncio.sleep(0)  # messages that wait come without a pause, and the proxies need their turn
            if self._pauses_s is not None and loop.time() > pause_at_s:
                await asyncio.sleep(self._rng.uniform(*self._pauses_s))
                pause_at_s = self._next_pause_s(loop.time())

    def _next_pause_s(self, now_s: float) -> float:
        return now_s + self._rng.uniform(3, 10)
