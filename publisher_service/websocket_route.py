"""Where websockets go: `/ws/{channel}` subscribes by its address alone, `/ws` takes subscriptions as messages."""

from starlette.types import Receive, Scope, Send

from publisher_service.client import Door
from publisher_service.core.grant import Grant
from publisher_service.core.requests import AddressQuery, check_messages_address
from publisher_service.hub import Hub
from publisher_service.portable_door import PortableDoor
from publisher_service.shared_frames import door_of


async def websockets(scope: Scope, receive: Receive, send: Send) -> None:
    """
    The application of all websockets.

    It stands beside FastAPI's routes, not behind them, and returns when the hub has the connection. On a server that
    offers no door it stays for as long as the connection does. Raises InvalidRequest if it cannot be told on the
    connection, where nothing may be said before a token.
    """
    path, slash, channel = scope["path"].removeprefix("/").partition("/")
    if path != "ws" or (slash and not channel) or "/" in channel:
        await send({"type": "websocket.close"})
        return
    if not channel:
        check_messages_address(scope["query_string"])
    query = AddressQuery.of(channel, scope["query_string"]) if channel else None
    hub: Hub = scope["app"].state.hub
    grant: Grant | None = scope["state"]["grant"]
    door = door_of(scope)
    if door is not None:
        await send({"type": "websocket.accept"})
        _join(hub, door, grant, query)
        return
    portable = PortableDoor(receive, send)
    await portable.accept()
    _join(hub, portable, grant, query)
    await portable.live()


def _join(hub: Hub, door: Door, grant: Grant | None, query: AddressQuery | None) -> None:
    if grant is None:
        hub.expect(door)
    else:
        hub.join(door, grant, query)
