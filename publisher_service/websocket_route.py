"""One client's life: `/ws/{channel}` subscribes by its address alone, `/ws` takes subscriptions as messages."""

from fastapi import APIRouter, WebSocket

from publisher_service.core.requests import AddressQuery
from publisher_service.hub import Hub
from publisher_service.shared_frames import EXTENSION, SharedFramesProtocol

router = APIRouter()


@router.websocket("/ws")
async def multiplexed(websocket: WebSocket) -> None:
    """Several channels on one connection."""
    await _live(websocket, None)


@router.websocket("/ws/{channel}")
async def one_channel(websocket: WebSocket, channel: str) -> None:
    """One channel, subscribed by the address; more may follow as messages."""
    query = {name: websocket.query_params.get(name) for name in ("keys", "interval", "mode", "since")}
    await _live(websocket, AddressQuery(channel, **query))


async def _live(websocket: WebSocket, query: AddressQuery | None) -> None:
    hub: Hub = websocket.app.state.hub
    door: SharedFramesProtocol = websocket.scope["extensions"][EXTENSION]["door"]
    await websocket.accept()
    door.open(hub)
    hub.join(door)
    try:
        if query is not None:
            hub.subscribe_by_address(door, query)
        while (event := await websocket.receive())["type"] != "websocket.disconnect":
            hub.receive(door, event.get("text"))
    finally:
        hub.leave(door)
