#!/usr/bin/env python3
"""
The health check of a container: does a GET of the address given answer 200?

Runs every few seconds in each container, so it imports little: start it with `python -I -S`.
"""

import sys
from http.client import HTTPConnection, HTTPException
from urllib.parse import urlsplit

DEADLINE_S = 2.0


def fault(url: str) -> str | None:
    """Why the address is not well, in one line; None if it is."""
    try:
        parts = urlsplit(url)
        connection = HTTPConnection(parts.hostname or "", parts.port or 80, timeout=DEADLINE_S)
        connection.request("GET", (parts.path or "/") + (f"?{parts.query}" if parts.query else ""))
        status = connection.getresponse().status
    except (OSError, ValueError, HTTPException) as error:
        return str(error) or type(error).__name__
    return None if status == 200 else f"answers {status}"


def main(arguments: list[str]) -> int:
    """The exit code: 0 if well, 1 if not."""
    if len(arguments) != 1:
        sys.stderr.write("usage: health.py URL\n")
        return 1
    if (problem := fault(arguments[0])) is not None:
        sys.stderr.write(f"{arguments[0]}: {problem}\n")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
