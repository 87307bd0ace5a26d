"""The garbage collector's turn."""

import asyncio
import gc

#: What has come since is looked at in 5 to 20 ms; within a commit a tenth of the time went into it.
COLLECT_S = 10.0


async def collect_garbage() -> None:
    """
    Look for cycles once in ten seconds, instead of whenever some thousand objects are new. Never returns.

    Messages, rows and commits are in no cycles: what is replaced is freed at once. A large commit is made of many new
    objects, and to look at them stops the loop for milliseconds. What has lasted so long is not looked at again.
    """
    gc.disable()
    try:
        while True:
            await asyncio.sleep(COLLECT_S)
            gc.collect()
            gc.freeze()
    finally:
        gc.enable()
