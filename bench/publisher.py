"""The publisher of this checkout, or of another one, through the whole path: rows, commits, tables, views, frames."""

import subprocess
import sys
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from random import Random

from bench.contestant import ROOT, Contestant, Feeding, Place
from bench.market import Market

#: As users run it, but for limits on clients, who all come from one machine here, and for tiers of intervals: each
#: commit leaves at once, as each message of the others does.
SETTINGS = {
    "HOST": "127.0.0.1",
    "INTERVALS_MS": "10,500",
    "LOG_LEVEL": "WARNING",
    "MAX_CONNECTIONS_PER_ADDRESS": "0",
    "HANDSHAKES_PER_ADDRESS_PER_S": "0",
    "HANDSHAKES_PER_S": "0",
    # Whatever is set for the real board.
    **dict.fromkeys(("MAX_CONNECTIONS", "MAX_CONNECTION_AGE_S", "JWT_SECRET", "JWT_PUBLIC_KEY_FILE"), ""),
}
SHORTEST_MS = 10
#: Of a watch list, and of a commit.
SYMBOLS, CHANGED = 30, 100


def banggia(root: Path = ROOT) -> Contestant:
    """The clients of it watch one row."""

    def environment(place: Place) -> Mapping[str, str]:
        redis = {"REDIS_URL": place.redis_url, "REDIS_PREFIX": place.redis_prefix}
        return {**SETTINGS, **redis, "PYTHONPATH": str(root)}

    return Contestant(
        name="banggia" if root == ROOT else f"banggia@{root}",
        version=_revision(root),
        command=lambda place: (sys.executable, "-m", "publisher_service", "--port", str(place.port)),
        environment=environment,
        folder=root,
        ready="/readyz",
        feeding=Feeding.COMMITS,
        path=f"/ws/market?keys=S0000&interval={SHORTEST_MS}",
        first='"type":"snapshot"',
    )


def watch_lists(contestant: Contestant, market: Market, lists: int) -> Contestant:
    """The same with so many lists of thirty symbols, and a commit of a hundred rows; the clients take one each."""
    pick = Random(1)  # noqa: S311 (no secret)
    paths = tuple(
        f"/ws/market?keys={','.join(pick.sample(market.symbols, SYMBOLS))}&interval={SHORTEST_MS}" for _ in range(lists)
    )
    told = "one list" if lists == 1 else f"{lists:,} lists"
    return replace(contestant, name=f"{contestant.name}, {told}", rows=CHANGED, paths=paths)


def _revision(root: Path) -> str:
    """Which version it is."""
    try:
        told = subprocess.run(
            ["git", "-C", str(root), "describe", "--always", "--dirty"],  # noqa: S607 (whichever git there is)
            capture_output=True,
            text=True,
            check=True,
        )
    except (OSError, subprocess.CalledProcessError):
        return "unknown"
    return told.stdout.strip()
