"""Where streams of events begin: `/sse/{channel}`, the same subscription as by `/ws/{channel}`, over plain HTTP."""

import random
from dataclasses import replace
from typing import Final

from starlette.types import Receive, Scope, Send

from publisher_service.core import events
from publisher_service.core.grant import Grant
from publisher_service.core.position import InvalidPosition, Position
from publisher_service.core.requests import AddressQuery
from publisher_service.event_door import carrier_of
from publisher_service.faults import fault
from publisher_service.hub import Hub
from publisher_service.metrics import Metrics
from publisher_service.portable_door import PortableEventDoor

FOLDER: Final = "/sse/"
HEADERS: Final = [
    (b"content-type", b"text/event-stream"),
    (b"cache-control", b"no-store"),
    (b"connection", b"close"),  # the stream ends with it
    (b"x-accel-buffering", b"no"),  # to nginx and its kin: hand on what comes
]
#: How long browsers wait after a connection that was lost: each another time, since many are lost together.
RETRY_MS = (1000, 4000)


async def event_streams(scope: Scope, receive: Receive, send: Send) -> None:
    """
    The application of all streams.

    What is wrong with the address is an HTTP answer: after a stream that ends, a browser would come again and again. It
    returns when the hub has the connection; on a server that hands none over it stays for as long as that does. Raises
    InvalidRequest.
    """
    if scope["method"] != "GET":
        await fault(405, "wrong_method", "streams are read by GET", {"Allow": "GET"})(scope, receive, send)
        return
    query = AddressQuery.of(scope["path"].removeprefix(FOLDER), scope["query_string"])
    last_id = next((value for name, value in scope["headers"] if name == b"last-event-id"), b"").decode("latin-1")
    if last_id:
        query = replace(query, since=_position(last_id, scope["app"].state.metrics))
    hub: Hub = scope["app"].state.hub
    grant: Grant = scope["state"]["grant"]
    hub.check(grant, query)
    patience = events.patience(random.randrange(*RETRY_MS))  # noqa: S311 (no secret)
    carrier = carrier_of(scope)
    if carrier is None:
        portable = PortableEventDoor(receive, send, HEADERS, patience)
        await portable.accept()
        hub.join(portable, grant, query)
        await portable.live()
    elif (door := await carrier.become_events(HEADERS, send)) is not None:
        door.write(patience)
        hub.join(door, grant, query)


def _position(last_id: str, metrics: Metrics) -> str | None:
    """
    What a browser comes back with; None: it is answered by a snapshot.

    So is what is no position of ours (another application's at this address, a proxy's): after a refusal the browser
    would not come again, and its page cannot correct what it says.
    """
    if last_id == events.NOWHERE:
        return None
    try:
        return str(Position.parse(last_id))
    except InvalidPosition:
        metrics.invalid_messages.labels("invalid_position").inc()
        return None
