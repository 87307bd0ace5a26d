"""Where a running stack keeps logs, caches and `stack.json`."""

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from local_stack.terminal import say


@contextmanager
def claimed_folder(default: str, other: str) -> Iterator[Path]:
    """
    The folder named by BANGGIA_VAR, or the default; for the length of the block nobody else has it.

    If another stack runs there, a folder of its own inside, with the other name.
    """
    wanted = folder = Path(os.environ.get("BANGGIA_VAR") or default).absolute()
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / "stack.lock").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            folder = wanted / other
            folder.mkdir(exist_ok=True)
            say(f"Another stack keeps its files in {wanted}; those of this one are in {folder}.")
        yield folder
