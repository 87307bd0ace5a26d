"""Servers in Python: `servers/`."""

import sys
from collections.abc import Mapping
from importlib.metadata import version
from pathlib import Path

from bench import installs
from bench.contestant import ROOT, VAR, Contestant, Place

LOCK = Path(__file__).parent / "requirements.lock"


def floor() -> Contestant:
    """A bare `write()` a client."""
    return _peer("floor", f"Python {sys.version.split()[0]}")


def queue() -> Contestant:
    """A queue, a task and a `send_text` a client."""
    return _peer("queue", f"FastAPI {version('fastapi')}, uvicorn {version('uvicorn')}")


def broadcast() -> Contestant:
    """Of the package websockets."""
    return _peer("broadcast", f"websockets {version('websockets')}")


def picows() -> Contestant:
    """In an environment of its own. Raises Unavailable."""
    python = installs.environment_of(VAR / "python", LOCK)
    pinned = next(line.split()[0] for line in LOCK.read_text("ascii").splitlines() if line.startswith("picows=="))
    return _peer("picows", pinned.replace("==", " "), str(python))


def messages(place: Place) -> Mapping[str, str]:
    """How a server learns where its messages are."""
    return {"REDIS_URL": place.redis_url, "REDIS_CHANNEL": place.redis_channel, "PYTHONPATH": str(ROOT)}


def _peer(name: str, told: str, python: str = sys.executable) -> Contestant:
    return Contestant(
        name=name,
        version=told,
        command=lambda place: (python, "-m", f"bench.peers.servers.{name}", str(place.port)),
        environment=messages,
        folder=ROOT,
    )
