"""How many files and sockets this process may have open."""

import sys
from contextlib import suppress

if sys.platform != "win32":
    import resource

#: macOS calls its limit unlimited, and refuses to set it so.
MOST = 1_048_576
#: Windows has no such limit; this many sockets are more than one process can serve.
WITHOUT_LIMIT = 65_536


def raise_descriptor_limit() -> int:
    """Raise the soft limit to the hard one, and return it. The usual soft limit, 1,024, is far below what is served."""
    if sys.platform == "win32":
        return WITHOUT_LIMIT
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = hard if 0 <= hard < MOST else MOST
    # Some systems have a lower limit of their own; what was allowed before still is.
    with suppress(OSError, ValueError):
        resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))
    return descriptor_limit()


def descriptor_limit() -> int:
    """The soft limit as it is now."""
    if sys.platform == "win32":
        return WITHOUT_LIMIT
    soft, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    return soft if 0 <= soft < MOST else MOST
