"""Servers in Node: `node/`."""

import json
import shutil
import subprocess
from dataclasses import replace
from pathlib import Path

from bench import installs
from bench.contestant import VAR, Contestant
from bench.peers.python import messages

SOURCES = Path(__file__).parent / "node"


def ws() -> Contestant:
    """Node's usual one. Raises Unavailable."""
    return _peer("ws", "ws")


def socketio() -> Contestant:
    """Its packets stand in text frames: `40` joins, `42[…]` is an event. Raises Unavailable."""
    peer = _peer("socketio", "socket.io")
    return replace(peer, path="/socket.io/?EIO=4&transport=websocket", says=("40",))


def _peer(name: str, package: str) -> Contestant:
    folder = installs.modules(VAR / "node", SOURCES / "package.json")
    for source in SOURCES.glob("*.js"):
        shutil.copy(source, folder)  # a module is looked for beside who imports it
    pinned = json.loads((SOURCES / "package.json").read_text("utf-8"))["dependencies"][package]
    told = subprocess.run(["node", "--version"], capture_output=True, text=True, check=True).stdout.strip()  # noqa: S607 (whichever Node there is)
    return Contestant(
        name=name,
        version=f"{package} {pinned}, Node {told}",
        command=lambda place: ("node", f"{name}.js", str(place.port)),
        environment=lambda place: {**messages(place), "NODE_ENV": "production"},
        folder=folder,
    )
