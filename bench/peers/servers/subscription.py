"""
The messages of a Redis channel, read as cheaply as it goes: a message is the line that begins with a brace.

Standard library only: it runs in environments of others too.
"""

import asyncio
import os
import socket
from collections.abc import Callable
from urllib.parse import urlsplit

CONNECTED_S = 10.0


class Lines:
    """Messages out of bytes."""

    def __init__(self) -> None:
        self._rest = b""

    def take(self, data: bytes) -> list[bytes]:
        """Those that are complete."""
        *lines, self._rest = (self._rest + data).split(b"\r\n")
        return [line for line in lines if line[:1] == b"{"]


def subscribed() -> socket.socket:
    """A connection that has subscribed, by REDIS_URL and REDIS_CHANNEL."""
    address = urlsplit(os.environ["REDIS_URL"])
    connection = socket.create_connection((str(address.hostname), int(address.port or 6379)), timeout=CONNECTED_S)
    for words in (("AUTH", address.password or ""), ("SUBSCRIBE", os.environ["REDIS_CHANNEL"])):
        parts = "".join(f"${len(word)}\r\n{word}\r\n" for word in words)
        connection.sendall(f"*{len(words)}\r\n{parts}".encode())
    said = b""
    while b"\r\n:1\r\n" not in said:  # the number of subscriptions
        more = connection.recv(4096)
        if not more or said.startswith(b"-"):
            raise SystemExit(f"Redis refuses: {said[:100]!r}")
        said += more
    return connection


class Subscription(asyncio.Protocol):
    """The same for an event loop."""

    def __init__(self, take: Callable[[bytes], None]) -> None:
        self._take = take
        self._lines = Lines()

    def data_received(self, data: bytes) -> None:
        """Whatever has come."""
        for message in self._lines.take(data):
            self._take(message)

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: ARG002 (as the loop calls it)
        """There is nothing to measure any more."""
        raise SystemExit("Redis has closed the connection")


async def subscribe(take: Callable[[bytes], None]) -> None:
    """Hand over each message from now on."""
    connection = subscribed()
    connection.setblocking(False)  # noqa: FBT003 (as the socket module has it)
    await asyncio.get_running_loop().create_connection(lambda: Subscription(take), sock=connection)
