#!/usr/bin/env python3
"""The image's entry point: commands of run.py (see MODULES), each with its own options."""

import os
import sys

MODULES = {
    "simulate": "ssi_simulator",
    "ingest": "ingest_service",
    "publish": "publisher_service",
    "record": "ingest_service.record",
    "replay": "ingest_service.replay",
}


def main(arguments: list[str]) -> int:
    """Become the command, so that signals and the exit code are its own. Exit code 2 if it is not known."""
    command, *options = arguments or [""]
    if command not in MODULES:
        sys.stderr.write(f"The commands of this image are {', '.join(MODULES)}; --help after one tells its options.\n")
        return 2
    os.chdir(os.path.dirname(os.path.abspath(__file__)))  # noqa: PTH100, PTH120 (pathlib takes longer than the rest)
    return os.execv(sys.executable, [sys.executable, "-m", MODULES[command], *options])  # noqa: S606 (no shell is wanted)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
