"""Each case on both event loops: transports differ in when they write, and in how they end."""

import asyncio
import sys
from collections.abc import Callable, Mapping


def pytest_asyncio_loop_factories() -> Mapping[str, Callable[[], asyncio.AbstractEventLoop]]:
    """What publishers run on, and what they run on where that is not to be had."""
    if sys.platform == "win32":
        return {"asyncio": asyncio.new_event_loop}
    import uvloop  # noqa: PLC0415 (there is none on Windows)

    return {"uvloop": uvloop.new_event_loop, "asyncio": asyncio.SelectorEventLoop}
