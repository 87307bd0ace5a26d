"""Who is measured, and by which settings. Each is prepared, then known by its name."""

import subprocess
import sys
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path

from bench.contestant import Contestant, Feeding, Place, Unavailable

ROOT = Path(__file__).resolve().parents[1]
VAR = ROOT / "var" / "bench"

#: As users run it, but for limits on clients, who all come from one machine here, and for tiers of intervals: each
#: commit leaves at once, as each message of the others does.
PUBLISHER = {
    "HOST": "127.0.0.1",
    "INTERVALS_MS": "10,500",
    "LOG_LEVEL": "WARNING",
    "MAX_CONNECTIONS": "",
    "MAX_CONNECTIONS_PER_ADDRESS": "0",
    "HANDSHAKES_PER_ADDRESS_PER_S": "0",
    "HANDSHAKES_PER_S": "0",
    "DRAIN_NOTICE_S": "0",
    "DRAIN_S": "0",
    "JWT_SECRET": "",
    "JWT_PUBLIC_KEY_FILE": "",
    "MAX_CONNECTION_AGE_S": "",
}


def banggia(root: Path = ROOT) -> Contestant:
    """The publisher of a checkout, through the whole path."""

    def environment(place: Place) -> Mapping[str, str]:
        redis = {"REDIS_URL": place.redis_url, "REDIS_PREFIX": place.redis_prefix}
        return {**PUBLISHER, **redis, "PYTHONPATH": str(root)}

    return Contestant(
        name="banggia" if root == ROOT else f"banggia@{root}",
        version=_revision(root),
        command=lambda place: (sys.executable, "-m", "publisher_service", "--port", str(place.port)),
        environment=environment,
        folder=root,
        ready="/readyz",
        feeding=Feeding.COMMITS,
        path="/ws/market?keys=S0000&interval=10",
        first='"type":"snapshot"',
    )


def floor() -> Contestant:
    """A write() a client."""
    return _python_peer("floor", f"Python {sys.version.split()[0]}")


def _python_peer(name: str, told: str, python: Path | str = sys.executable) -> Contestant:
    return Contestant(
        name=name,
        version=told,
        command=lambda place: (str(python), "-m", f"bench.peers.{name}", str(place.port)),
        environment=_messages,
        folder=ROOT,
    )


def _messages(place: Place) -> Mapping[str, str]:
    return {"REDIS_URL": place.redis_url, "REDIS_CHANNEL": place.redis_channel, "PYTHONPATH": str(ROOT)}


def _revision(root: Path) -> str:
    """Which version of ours."""
    try:
        told = subprocess.run(
            ["git", "-C", str(root), "describe", "--always", "--dirty"],  # noqa: S607 (whichever git there is)
            capture_output=True, text=True, check=True,
        )  # fmt: skip
    except (OSError, subprocess.CalledProcessError):
        return "unknown"
    return told.stdout.strip()


ALL: dict[str, Callable[[], Contestant]] = {
    "floor": floor,
    "banggia": banggia,
}


def prepared(names: Iterable[str], publisher_roots: Iterable[Path]) -> tuple[list[Contestant], dict[str, str]]:
    """Those that can be measured here, and why the others cannot."""
    there: list[Contestant] = []
    missing: dict[str, str] = {}
    for name in names:
        try:
            there.append(ALL[name]())
        except Unavailable as reason:
            missing[name] = str(reason)
        if name == "banggia":
            there += [banggia(root.resolve()) for root in publisher_roots]
    return there, missing
