"""What a measurement found: a table for people, and the same as one line of JSON."""

import argparse
import asyncio
import gc
import json
import os
import platform
import sys
from collections.abc import Callable, Coroutine, Mapping, Sequence
from pathlib import Path
from statistics import median

import uvloop

from local_stack.terminal import say

#: A window below this is told to be doubtful.
SHORT_S = 2.0

Figures = dict[str, object]


def machine() -> str:
    """Where it was measured. The interpreter is named by its place: how it was compiled is worth a tenth."""
    return (
        f"{os.cpu_count()} x {_model()} ({platform.machine()}), {platform.system()} {platform.release()}, "
        f"Python {platform.python_version()} of {sys.base_prefix}"
    )


def _model() -> str:
    """The processor's name, where the system tells it."""
    try:
        lines = Path("/proc/cpuinfo").read_text("utf-8").splitlines()
    except OSError:
        return platform.processor() or "processor"
    return next((line.partition(":")[2].strip() for line in lines if line.startswith("model name")), "processor")


def spread(runs: Sequence[float], digits: int = 2) -> Figures:
    """One figure of several runs: each of them, the one in the middle, the least and the most."""
    return {
        "runs": [round(run, digits) for run in runs],
        "median": round(median(runs), digits),
        "min": round(min(runs), digits),
        "max": round(max(runs), digits),
    }


def told(runs: Sequence[float], digits: int = 2) -> str:
    """The same for a table's cell."""
    return f"{median(runs):,.{digits}f} ({min(runs):,.{digits}f}–{max(runs):,.{digits}f})"  # noqa: RUF001 (a range)


def print_table(titles: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
    """The first column to the left, the others to the right."""
    widths = [max(len(row[column]) for row in [titles, *rows]) for column in range(len(titles))]
    for row in [titles, *rows]:
        cells = [cell.rjust(width) for cell, width in zip(row[1:], widths[1:], strict=True)]
        print("  ".join([row[0].ljust(widths[0]), *cells]), flush=True)


#: A name for people, with its unit, and the format of the value.
Title = tuple[str, str]


def print_figures(figures: Figures, titles: Mapping[str, Title]) -> None:
    """A line for each; of several values all."""
    told = {}
    for name, (title, form) in titles.items():
        value = figures[name]
        values = value if isinstance(value, list) else [value]
        told[title] = ", ".join(each if isinstance(each, str) else form.format(each) for each in values)
    width = max(map(len, told))
    for title, text in told.items():
        print(f"{title:<{width}}  {text}", flush=True)


def doubt_window(seconds: float) -> None:
    """Say so if figures of so short a time mean little."""
    if seconds < SHORT_S:
        say(f"{seconds:g} s are short: in so little time a single pause decides. Take {SHORT_S:g} s or more.")


def add_json(parser: argparse.ArgumentParser) -> None:
    """The option that all measurements have."""
    parser.add_argument(
        "--json", type=_to_be_written, metavar="FILE", help="write the last line, the figures, to a file as well"
    )


def _to_be_written(name: str) -> Path:
    """Known before a quarter of an hour is spent on measuring."""
    file = Path(name)
    if file.is_dir() or not os.access(file.resolve().parent, os.W_OK):
        raise argparse.ArgumentTypeError(f"{name} cannot be written; name a file in a folder that is there")
    return file


def finish(figures: Figures, file: Path | None) -> None:
    """The last line."""
    line = json.dumps(figures)
    print(line, flush=True)
    if file is not None:
        file.write_text(line + "\n", "utf-8")


def json_option(description: str | None) -> Path | None:
    """The command line of a measurement that has no other option."""
    parser = argparse.ArgumentParser(description=description, formatter_class=argparse.RawDescriptionHelpFormatter)
    add_json(parser)
    file: Path | None = parser.parse_args().json
    return file


def report(
    measure: Callable[[], Coroutine[object, object, Figures]],
    file: Path | None,
    show: Callable[[Figures], None],
) -> None:
    """Measure, on uvloop, and print: a table for people, and the last line."""
    gc.disable()  # its pauses would be measured as delays
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        figures = runner.run(measure())
    show(figures)
    finish(figures, file)
