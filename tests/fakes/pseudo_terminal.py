"""A terminal of a given size with a program in it: what stands on its screen, and the keys that are pressed."""

import asyncio
import fcntl
import os
import pty
import re
import struct
import sys
import termios
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

from tests.fakes.services import ROOT

#: What programs of ours say to a terminal: a control sequence, or text.
SEQUENCE = re.compile(r"\x1b\[(\??)([0-9;]*)([A-Za-z])|([^\x1b]+)")


class PseudoTerminal:
    """The screen follows what the program writes; sequences that ours do not use are an error."""

    def __init__(self, columns: int, lines: int) -> None:
        self.master, self.slave = pty.openpty()
        self.modes: dict[str, bool] = {}  # private modes: 1049 the alternate screen, 25 the cursor
        self.raw = ""
        self._unread = ""
        self._cells: list[list[str]] = []
        self._at = (0, 0)
        self.resize(columns, lines)
        self._attributes = termios.tcgetattr(self.slave)

    def resize(self, columns: int, lines: int) -> None:
        """The program in it is told by SIGWINCH."""
        self._cells = [[" "] * columns for _ in range(lines)]
        fcntl.ioctl(self.slave, termios.TIOCSWINSZ, struct.pack("HHHH", lines, columns, 0, 0))

    @property
    def lines(self) -> list[str]:
        """What stands there."""
        return ["".join(line).rstrip() for line in self._cells]

    @property
    def text(self) -> str:
        """The same as one text."""
        return "\n".join(self.lines)

    @property
    def is_as_before(self) -> bool:
        """Echo and line mode are what they were, and the screen and the cursor are back."""
        is_back = not self.modes.get("1049", False) and self.modes.get("25", True)
        return is_back and termios.tcgetattr(self.slave) == self._attributes

    def press(self, keys: str) -> None:
        """On its keyboard."""
        os.write(self.master, keys.encode())

    def read(self) -> None:
        """Take what was written."""
        text = os.read(self.master, 65_536).decode("utf-8", "replace")
        self.raw += text
        self._unread += text
        at = 0
        for found in SEQUENCE.finditer(self._unread):
            if found.start() != at:
                break
            self._obey(*found.groups())
            at = found.end()
        self._unread = self._unread[at:]

    def _obey(self, private: str, numbers: str, what: str, text: str | None) -> None:
        if text is not None:
            for char in text:
                self._put(char)
        elif private:
            self.modes[numbers] = what == "h"
        elif what == "H":
            line, column = (int(number) for number in (numbers or "1;1").split(";"))
            self._at = (line - 1, column - 1)
        elif what == "K":
            line, column = self._at
            self._cells[line][column:] = [" "] * (len(self._cells[line]) - column)
        elif what == "J":
            self._cells = [[" "] * len(line) for line in self._cells]
        else:
            assert what == "m", f"a sequence that is not known here: {private}{numbers}{what}"

    def _put(self, char: str) -> None:
        line, column = self._at
        if char in "\r\n":
            self._at = (line, 0) if char == "\r" else (min(line + 1, len(self._cells) - 1), column)
        elif line < len(self._cells) and column < len(self._cells[line]):
            self._cells[line][column] = char
            self._at = (line, min(column + 1, len(self._cells[line]) - 1))  # no wrapping: it stays on the last one


class Shown:
    """A program that runs in one."""

    def __init__(self, terminal: PseudoTerminal, process: asyncio.subprocess.Process) -> None:
        self.terminal = terminal
        self.process = process

    async def until(self, condition: Callable[[str], bool], within_s: float = 15.0) -> str:
        """The screen's text as soon as it is so."""
        try:
            async with asyncio.timeout(within_s):
                while not condition(self.terminal.text):  # noqa: ASYNC110 (it is another process that writes)
                    await asyncio.sleep(0.02)
        except TimeoutError:
            raise AssertionError(f"not within {within_s} s; the screen is:\n{self.terminal.text}") from None
        return self.terminal.text

    async def ended(self, within_s: float = 10.0) -> int:
        """The exit code."""
        return await asyncio.wait_for(self.process.wait(), within_s)


@asynccontextmanager
async def in_terminal(columns: int, lines: int, *command: str, **variables: str) -> AsyncIterator[Shown]:
    """A module of ours, for the length of the block."""
    terminal = PseudoTerminal(columns, lines)
    loop = asyncio.get_running_loop()
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-c",
        # The terminal is to be the one that controls it, so that signals of its size arrive.
        "import fcntl,os,sys,termios;os.setsid();fcntl.ioctl(0,termios.TIOCSCTTY,0);"
        "os.execv(sys.executable,[sys.executable,'-m',*sys.argv[1:]])",
        *command,
        stdin=terminal.slave, stdout=terminal.slave, stderr=terminal.slave,
        cwd=ROOT, env=os.environ | {"TERM": "xterm-256color", "LANG": "C.UTF-8"} | variables,
    )  # fmt: skip
    loop.add_reader(terminal.master, terminal.read)
    try:
        yield Shown(terminal, process)
    finally:
        loop.remove_reader(terminal.master)
        if process.returncode is None:
            process.kill()
            await process.wait()
        os.close(terminal.master)
        os.close(terminal.slave)
