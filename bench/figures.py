"""What a measurement found: a table for people, and the same as one line of JSON."""

import asyncio
import gc
import json
import os
import platform
from collections.abc import Callable, Coroutine

import uvloop

Figures = dict[str, object]


def machine() -> str:
    """Where it was measured."""
    return f"{os.cpu_count()} x {platform.machine()}, Python {platform.python_version()}"


def report(measure: Callable[[], Coroutine[object, object, Figures]]) -> None:
    """Measure, on uvloop, and print."""
    gc.disable()  # its pauses would be measured as delays
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        figures = runner.run(measure())
    for name, value in figures.items():
        print(f"{name:32} {value}")
    print(json.dumps(figures))
