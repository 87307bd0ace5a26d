"""
A client in a process of its own that asks every 25 ms whether the publisher is there.

    python -m bench.asking WEBSOCKET_URL

It prints how long each answer took, in ms: as long as the publisher's event loop is busy with others.
"""

import asyncio
import gc
import sys
import time

from websockets.asyncio.client import connect

#: Below what is closed as abuse.
ASK_S = 0.025


async def ask(url: str) -> None:
    """Go on until the connection ends."""
    async with connect(url + "/ws", proxy=None) as client:
        while True:
            asked_s = time.perf_counter()
            await (await client.ping())
            print(round((time.perf_counter() - asked_s) * 1000, 1), flush=True)
            await asyncio.sleep(ASK_S)


if __name__ == "__main__":
    gc.disable()  # its pauses would be measured as delays
    asyncio.run(ask(sys.argv[1]))
