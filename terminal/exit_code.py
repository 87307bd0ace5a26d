"""How commands end, for scripts."""

from enum import IntEnum


class ExitCode(IntEnum):
    """Stable numbers; docs/terminal.md lists them."""

    DONE = 0
    NOT_FOUND = 1  # a key that was named is not there
    WRONG_ARGUMENT = 2  # or a channel, key or interval that the board refuses
    NO_BOARD = 3  # nobody answers at the address, or the board has nothing to show yet
    NO_ACCESS = 4  # no token, or not the right one
    OLD = 5  # what was shown is old: the road to the exchange is broken
    INTERRUPTED = 130
