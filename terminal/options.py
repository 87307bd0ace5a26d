"""Options that the commands share."""

import argparse
from collections.abc import Sequence

from terminal.address import DEFAULT_URL

WHERE = f"""\
The board is that of --url, or of BANGGIA_URL; else the demo that runs in this checkout, else {DEFAULT_URL}. A board
that wants a token finds it in BANGGIA_TOKEN. Exit codes and examples: docs/terminal.md."""


def parser_of(command: str, description: str, example: str) -> argparse.ArgumentParser:
    """A command line with --url and --json."""
    parser = argparse.ArgumentParser(
        prog=f"run.py {command}",
        description=f"{description}\n\n{WHERE}",
        epilog=f"For example, {example}",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--url", help="the board's address, ws://localhost:8000 or http://…")
    parser.add_argument("--json", action="store_true", help="JSON for programs")
    return parser


def add_keys(parser: argparse.ArgumentParser, default: Sequence[str] | None = None) -> None:
    """--keys and --fields."""
    shown = f" (default: {','.join(default)})" if default else " (default: all)"
    parser.add_argument("--keys", type=names, default=default, help=f"symbols and groups: SSI,@VN30{shown}")


def names(text: str) -> list[str]:
    """A list by commas. Raises what argparse tells."""
    found = [name.strip() for name in text.split(",") if name.strip()]
    if not found:
        raise argparse.ArgumentTypeError("names, parted by commas")
    return found


def seconds(text: str) -> float:
    """More than none. Raises what argparse tells."""
    try:
        value = float(text)
    except ValueError:
        value = 0.0
    if not value > 0:
        raise argparse.ArgumentTypeError(f"{text} is no number of seconds above 0")
    return value
