"""Which board is meant, when nobody says it."""

import json
import os
from pathlib import Path

#: Where the demo's board is, if it runs elsewhere than here.
DEFAULT_URL = "ws://localhost:8000"


def board_url(given: str | None) -> str:
    """What was given; else BANGGIA_URL; else the demo that runs in this checkout; else the usual one."""
    return given or os.environ.get("BANGGIA_URL") or running_demo() or DEFAULT_URL


def access_token() -> str | None:
    """BANGGIA_TOKEN. Not an option: whoever may list processes would read it."""
    return os.environ.get("BANGGIA_TOKEN") or None


def running_demo() -> str | None:
    """The board of var/stack.json, behind which a publisher may die; a demo takes the file away when it ends."""
    try:
        stack = json.loads((Path(os.environ.get("BANGGIA_VAR") or "var") / "stack.json").read_text("utf-8"))
        ports = [int(entry.get("board") or entry["port"]) for entry in stack if entry["name"].startswith("publisher")]
    except (OSError, ValueError, LookupError, TypeError, AttributeError):
        return None
    return f"ws://127.0.0.1:{ports[0]}" if ports else None
