"""One client's life: `/ws/{channel}` subscribes by its address alone, `/ws` takes subscriptions as messages."""

from starlette.datastructures import QueryParams
from starlette.types import Receive, Scope, Send
from starlette.websockets import WebSocket

from publisher_service.core.grant import Grant
from publisher_service.core.requests import AddressQuery
from publisher_service.hub import Hub
from publisher_service.shared_frames import EXTENSION, SharedFramesProtocol


async def websockets(scope: Scope, receive: Receive, send: Send) -> None:
    """
    The application of all websockets.

    It stands beside FastAPI's routes, not behind them: their layers would be kept for the length of each connection.
    """
    websocket = WebSocket(scope, receive, send)
    path, slash, channel = scope["path"].removeprefix("/").partition("/")
    if path != "ws" or (slash and not channel) or "/" in channel:
        await websocket.close()
        return
    query = None
    if channel:
        given = QueryParams(scope["query_string"])
        query = AddressQuery(channel, **{name: given.get(name) for name in ("keys", "interval", "mode", "since")})
    await _live(websocket, query)


async def _live(websocket: WebSocket, query: AddressQuery | None) -> None:
    hub: Hub = websocket.app.state.hub
    door: SharedFramesProtocol = websocket.scope["extensions"][EXTENSION]["door"]
    grant: Grant | None = websocket.state.grant
    await websocket.accept()
    try:
        if grant is not None:
            hub.join(door, grant)
        else:
            hub.expect(door)
        if query is not None:
            hub.subscribe_by_address(door, query)
        while (event := await websocket.receive())["type"] != "websocket.disconnect":
            hub.receive(door, event.get("text"))
    finally:
        hub.leave(door)
