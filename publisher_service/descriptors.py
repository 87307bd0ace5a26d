"""Where a finished frame goes when there is nothing to do for it but the kernel's write."""

import asyncio
import os

from uvicorn.protocols.utils import is_ssl


def descriptor_of(transport: asyncio.Transport) -> int | None:
    """
    The descriptor of a transport's socket; None if the socket gets something else than what is written, or is no file.

    A transport closes its socket after it has called `connection_lost`, not before: until then the number is its own.
    """
    if is_ssl(transport) or os.name != "posix":
        return None
    descriptor: int = transport.get_extra_info("socket").fileno()
    return descriptor if descriptor >= 0 else None
