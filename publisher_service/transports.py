"""What a door has to know of its transport, so that nothing is written past what still waits in it."""

import asyncio
import os
from typing import Protocol

from uvicorn.protocols.utils import is_ssl


class Pausable(Protocol):
    """A protocol that counts as paused while something waits in its transport."""

    paused_since_s: float | None

    def pause_writing(self) -> None:
        """Something waits."""


def tell_of_every_byte(transport: asyncio.Transport, protocol: Pausable) -> None:
    """
    From now on the protocol is told as soon as anything waits in the transport, also of what waits there already.

    A transport that has told the protocol before, of HTTP answers that are not read, does not tell the next one. That
    of TLS takes a limit of 0 for one that is always reached.
    """
    transport.set_write_buffer_limits(high=1 if is_ssl(transport) else 0)
    if protocol.paused_since_s is None and transport.get_write_buffer_size():
        protocol.pause_writing()


def descriptor_of(transport: asyncio.Transport) -> int | None:
    """
    The descriptor of a transport's socket; None if the socket gets something else than what is written, or is no file.

    A transport closes its socket after it has called `connection_lost`, not before: until then the number is its own.
    """
    if is_ssl(transport) or os.name != "posix":
        return None
    descriptor: int = transport.get_extra_info("socket").fileno()
    return descriptor if descriptor >= 0 else None
