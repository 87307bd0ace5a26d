"""Centrifugo with its Redis engine."""

import json
from collections.abc import Sequence
from pathlib import Path

from bench import installs
from bench.contestant import VAR, Contestant, Feeding, Place

VERSION = "v6.9.1"
MODULE = f"github.com/centrifugal/centrifugo/v6@{VERSION}"
#: The latest message is kept and comes first, as it does with the others.
CHANNEL = {
    "allow_subscribe_for_client": True,
    "allow_subscribe_for_anonymous": True,
    "history_size": 1,
    "history_ttl": "1h",
    "force_recovery": True,
    "force_recovery_mode": "cache",
}


def program() -> Path:
    """The server. Raises Unavailable."""
    return installs.go_program(VAR / f"centrifugo-{VERSION}", MODULE)


def centrifugo() -> Contestant:
    """Its unidirectional websocket, which is the cheapest for it. Raises Unavailable."""
    server = program()

    def command(place: Place) -> Sequence[str]:
        config = {
            "http_server": {"address": "127.0.0.1", "port": place.port},
            "log": {"level": "error"},
            "engine": {"type": "redis", "redis": {"address": [place.redis_url]}},
            "http_api": {"insecure": True},
            "health": {"enabled": True},
            "client": {"allow_anonymous_connect_without_token": True},
            "channel": {"without_namespace": CHANNEL},
            "uni_websocket": {"enabled": True, "compression": False},
        }
        file = place.folder / "centrifugo.json"
        file.write_text(json.dumps(config), "utf-8")
        return str(server), "--config", str(file)

    return Contestant(
        name="centrifugo",
        version=f"Centrifugo {VERSION}",
        command=command,
        ready="/health",
        feeding=Feeding.POSTS,
        path="/connection/uni_websocket",
        says=('{"subs":{"market":{"recover":true}}}',),
        post="/api/publish",
        post_body=lambda message: f'{{"channel":"market","data":{message}}}',
        post_headers={"Content-Type": "application/json"},
    )
