"""A server in this process whose websockets send back what they hear, through their doors."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import uvicorn
from starlette.datastructures import State
from starlette.types import Receive, Scope, Send

from publisher_service.bounded_http import BoundedHttpProtocol
from publisher_service.client import Door
from publisher_service.core.frames import text_frame
from publisher_service.metrics import Metrics
from publisher_service.shared_frames import SharedFramesProtocol, door_of
from tests.eventually import eventually

MAX_BYTES = 65_536


class EchoSite:
    """An application and the owner of its doors. Texts come back as text, binary messages as the text `binary`."""

    def __init__(self) -> None:
        self.state = State({"metrics": Metrics()})
        self.port = 0
        self.server: uvicorn.Server
        self.doors: list[SharedFramesProtocol] = []
        self.heard: list[str | None] = []
        self.left: list[Door] = []
        self.events: list[str] = []  # paused, drained
        self.scopes: list[Scope] = []
        self.early: asyncio.Event | None = None  # until then nobody is let in
        self.refuses: dict[str, Any] | None = None  # what is sent instead of an accept
        self.returns = True  # as applications should
        self.subprotocol: str | None = None

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """ASGI."""
        self.scopes.append(scope)
        assert (await receive())["type"] == "websocket.connect"
        if self.early is not None:
            await self.early.wait()
        if self.refuses is not None:
            await send(self.refuses)
            return
        if scope["path"] == "/fails":
            raise ValueError("on purpose")
        if scope["path"] == "/silent":
            return
        await send({"type": "websocket.accept", "subprotocol": self.subprotocol})
        door = door_of(scope)
        assert door is not None
        if scope["path"] != "/unowned":
            door.open(self)
        self.doors.append(door)

    def receive(self, door: Door, text: str | None) -> None:
        """Send it back."""
        self.heard.append(text)
        if text == "fail":
            raise ValueError("on purpose")
        if text == "close":
            door.close(4000, "as you said")
        elif door.ready:
            door.write(text_frame(b"binary" if text is None else text.encode()))

    def paused(self, door: Door) -> None:
        """Note it."""
        assert not door.ready
        assert door.paused_since_s is not None
        self.events.append("paused")

    def drained(self, door: Door) -> None:
        """Note it."""
        assert door.ready
        self.events.append("drained")

    def leave(self, door: Door) -> None:
        """Note it."""
        assert not door.ready
        self.left.append(door)

    def closed(self, code: int) -> float:
        """How many were closed with this code, as it is counted."""
        name = "publisher_closed_total"
        return self.state.metrics.registry.get_sample_value(name, {"code": str(code)}) or 0.0

    @property
    def connections(self) -> int:
        """As uvicorn counts them."""
        return len(self.server.server_state.connections)


@asynccontextmanager
async def echo_site(
    http: type[asyncio.Protocol] | str = BoundedHttpProtocol, **options: Any
) -> AsyncIterator[EchoSite]:
    """Served by our class, behind the given class for HTTP."""
    site = EchoSite()
    settings = {"ws_max_size": MAX_BYTES, "ws_ping_interval": None, "ws_per_message_deflate": True}
    config = uvicorn.Config(
        site, port=0, http=http, ws=SharedFramesProtocol, lifespan="off", log_config=None, interface="asgi3",
        timeout_graceful_shutdown=1, **(settings | options),
    )  # fmt: skip
    site.server = uvicorn.Server(config)
    serving = asyncio.create_task(site.server.serve())
    await eventually(lambda: site.server.started)
    site.port = site.server.servers[0].sockets[0].getsockname()[1]
    try:
        yield site
    finally:
        site.server.should_exit = True
        await serving
