"""
A leash: whoever starts a process holds one end of a pipe, and when that end goes, so does the process with all of its
group, even if the holder was killed without a chance to clean up.

The started interpreter forks. The fork becomes a guard, a tiny shell that waits for the pipe's end; the original turns
into the wanted command. So the process id is the command's own, its exit code too, and no moment is without a guard.
"""

import os
import sys
from collections.abc import Sequence
from types import TracebackType
from typing import Self

# The guard leaves the group that it will kill, and holds nothing open but the pipe.
_START = """
import os, sys
pipe, command, group = int(sys.argv[1]), sys.argv[2:], os.getpid()
if os.fork():
    os.close(pipe)
    try:
        os.execvp(command[0], command)
    except OSError as error:
        sys.exit("cannot start " + command[0] + ": " + error.strerror)
os.setsid()
os.dup2(pipe, 0)
os.close(pipe)
for stream in (1, 2):
    os.dup2(os.open(os.devnull, os.O_WRONLY), stream)
os.execv("/bin/sh", ["sh", "-c", 'read nothing; kill -s KILL -- "-$0"', str(group)])
"""


class Leash:
    """
    Start `command(…)` with `pass_fds=leash.pass_fds, start_new_session=True`, then say `handed_over()`.

    `cut()`, or the end of this process, kills whatever is left of the group.
    """

    def __init__(self) -> None:
        # Neither end is inherited by other processes that happen to start meanwhile.
        self._guard_end, self._own_end = os.pipe()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.cut()

    @property
    def pass_fds(self) -> tuple[int]:
        """The guard's end, for the process to inherit."""
        return (self._guard_end,)

    def command(self, command: Sequence[str]) -> list[str]:
        """The command, on this leash. `-I -S`: nothing but the standard library, so the guard is there within 20 ms."""
        return [sys.executable, "-I", "-S", "-c", _START, str(self._guard_end), *command]

    def handed_over(self) -> None:
        """The process has started and holds its end."""
        if self._guard_end >= 0:
            os.close(self._guard_end)
            self._guard_end = -1

    def cut(self) -> None:
        """Kill what is left of the process and its children. May be said twice."""
        self.handed_over()
        if self._own_end >= 0:
            os.close(self._own_end)
            self._own_end = -1
