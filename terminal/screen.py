"""A terminal that a program has to itself for a while, and gets back as it was."""

import asyncio
import os
import re
import signal
import sys
import termios
import tty
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager

#: The alternate screen, no cursor, no wrapping; and back.
ENTER = "\x1b[?1049h\x1b[?25l\x1b[?7l\x1b[2J"
LEAVE = "\x1b[?7h\x1b[?25h\x1b[?1049l"
#: What keys send, and what they are called here.
KEYS = {
    "\x1b[A": "up", "\x1b[B": "down", "\x1bOA": "up", "\x1bOB": "down", "\x1b[5~": "page_up", "\x1b[6~": "page_down",
    "\x1b[H": "home", "\x1b[F": "end", "k": "up", "j": "down", " ": "page_down", "\x03": "q", "Q": "q",
}  # fmt: skip
#: One key of several that were pressed since the last look.
KEY = re.compile(r"\x1b\[[0-9;]*[A-Za-z~]|\x1bO[A-Za-z]|.", re.DOTALL)


class Screen:
    """Draws lines, only those that are other than before."""

    def __init__(self, colours: bool) -> None:  # noqa: FBT001 (there is one way to read it)
        self._colours = colours
        self._drawn: list[str] = []

    @property
    def size(self) -> tuple[int, int]:
        """Columns and lines."""
        size = os.get_terminal_size(sys.stdout.fileno())
        return max(1, size.columns), max(1, size.lines)

    def forget(self) -> None:
        """Draw all of it the next time: the terminal has another size."""
        self._drawn = []
        sys.stdout.write("\x1b[2J")

    def draw(self, lines: Sequence[str], without_colours: Callable[[str], str]) -> None:
        """The whole picture."""
        wanted = list(lines) if self._colours else [without_colours(line) for line in lines]
        drawn = self._drawn if len(self._drawn) == len(wanted) else [""] * len(wanted)
        for number, (line, old) in enumerate(zip(wanted, drawn, strict=True), 1):
            if line != old:
                # Erased before, not after: behind a line that fills it the cursor still stands on the last column.
                sys.stdout.write(f"\x1b[{number};1H\x1b[K{line}")
        sys.stdout.flush()
        self._drawn = wanted


@contextmanager
def screen(pressed: Callable[[str], None], resized: Callable[[], None]) -> Iterator[Screen]:
    """For the length of the block, whatever ends it. Signals that end programs are told as the key q."""
    loop = asyncio.get_running_loop()
    keyboard = sys.stdin.fileno()
    before = termios.tcgetattr(keyboard)
    shown = Screen(colours=not os.environ.get("NO_COLOR"))

    def read() -> None:
        text = os.read(keyboard, 64).decode("utf-8", "replace")
        if not text:  # the terminal is gone
            loop.remove_reader(keyboard)
            pressed("q")
        for key in KEY.findall(text):
            pressed(KEYS.get(key, key))

    def resize() -> None:
        shown.forget()
        resized()

    tty.setcbreak(keyboard)
    loop.add_reader(keyboard, read)
    loop.add_signal_handler(signal.SIGWINCH, resize)
    for ending in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        loop.add_signal_handler(ending, pressed, "q")
    sys.stdout.write(ENTER)
    try:
        yield shown
    finally:
        sys.stdout.write(LEAVE)
        sys.stdout.flush()
        loop.remove_reader(keyboard)
        termios.tcsetattr(keyboard, termios.TCSADRAIN, before)
