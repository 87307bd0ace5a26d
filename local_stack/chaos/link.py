"""A connection through a proxy."""

import asyncio
import socket
import struct
from asyncio import StreamWriter

from local_stack.chaos.redis_talk import RedisTalk


class Link:
    """Both ends of one connection."""

    def __init__(self, client: StreamWriter, task: asyncio.Task[None]) -> None:
        self.client = client
        self.server: StreamWriter | None = None
        self.task = task
        self.talk = RedisTalk()

    def close(self) -> None:
        """End both, without waiting for anybody."""
        self.client.close()
        if self.server is not None:
            self.server.transport.abort()

    def reset(self) -> None:
        """The same; the client gets an RST."""
        # With no time to linger, the system throws away what was not sent, and says so.
        self.client.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.client.transport.abort()
        self.close()
