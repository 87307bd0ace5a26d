"""
What the server says, as types: for the document that describes the protocol. The messages themselves are written by
`core/frames` and the hub; tests compare.
"""

from typing import Annotated, Literal, NotRequired

from pydantic import Field
from typing_extensions import TypedDict  # pydantic reads no other before Python 3.12

from publisher_service.core.requests import RequestId
from shared.channels import Channel

Id = Annotated[RequestId, Field(description="that of the request which is answered, if it had one")]
Epoch = Annotated[str, Field(description="names a history; revisions compare only within one")]
Rev = Annotated[int, Field(description="where the message brings you, with its last part")]
Opaque = Annotated[str, Field(description="for `since`, or Last-Event-ID; opaque")]
UnixMs = Annotated[int, Field(description="Unix ms")]
DataTime = Annotated[int, Field(description="the ingest's clock when the newest data in it was read, Unix ms")]
Part = Annotated[int, Field(ge=1, description="of a message in several parts: which one")]
Parts = Annotated[int, Field(ge=2, description="and of how many")]


class Status(TypedDict):
    """The road from the exchange to you. The first message of every connection, and whenever it changes."""

    type: Literal["status"]
    protocol: Literal[1]
    connected: Annotated[bool, Field(description="all of the road is sound; while false, the table is old")]
    feed: Literal["live", "quiet", "stale", "down"]
    ingest: Literal["live", "silent"]
    broker: Literal["live", "down"]
    phases: Annotated[dict[str, str], Field(description="exchange → phase of its day")]
    changed_at: UnixMs
    reason: Annotated[str | None, Field(description="a sentence for people")]
    simulated: Annotated[bool, Field(description="the exchange is a simulator: the prices are invented")]
    replay_time: Annotated[int | None, Field(description="a recording is played: its time, Unix ms")]
    heartbeat_ms: Annotated[int, Field(description="hear nothing for three times as long: reconnect")]
    intervals: Annotated[list[int], Field(description="the tiers that intervals are rounded up to, ms")]


class Snapshot(TypedDict):
    """All selected rows. The first part replaces the table, the others merge."""

    type: Literal["snapshot"]
    id: NotRequired[Id]
    channel: Channel
    epoch: Epoch
    rev: Rev
    position: Opaque
    time: DataTime
    interval: Annotated[int, Field(description="the interval granted, ms; 0: none")]
    part: NotRequired[Part]
    parts: NotRequired[Parts]
    data: Annotated[dict[str, dict[str, object]], Field(description="key → row")]


_From = TypedDict("_From", {"from": Annotated[int, Field(description="all that changed after this revision is in it")]})


class Update(_From):
    """What changed after `from`, up to `rev`, merged."""

    type: Literal["update"]
    id: NotRequired[Id]
    channel: Channel
    rev: Rev
    position: Opaque
    time: DataTime
    part: NotRequired[Part]
    parts: NotRequired[Parts]
    data: Annotated[
        dict[str, dict[str, object] | None],
        Field(description="key → row, or in mode fields what changed of it; null: the row is gone"),
    ]


class Heartbeat(TypedDict):
    """Somebody is there. To clients that get no data."""

    type: Literal["heartbeat"]
    time: UnixMs


class Goodbye(TypedDict):
    """You are let go: come back with your position."""

    type: Literal["goodbye"]
    reconnect_after_ms: Annotated[int, Field(ge=0)]


class Unsubscribed(TypedDict):
    """A subscription has ended, as you asked."""

    type: Literal["unsubscribed"]
    id: NotRequired[Id]
    channel: Channel


class Pong(TypedDict):
    """The answer to a ping."""

    type: Literal["pong"]
    id: NotRequired[Id]
    time: UnixMs


class Authenticated(TypedDict):
    """The token counts from now on."""

    type: Literal["authenticated"]
    id: NotRequired[Id]


class Error(TypedDict):
    """A request cannot be carried out. The connection lives on."""

    type: Literal["error"]
    id: NotRequired[Id]
    code: Annotated[str, Field(description="for programs; docs/protocol.md lists them")]
    message: Annotated[str, Field(description="for people")]


class Closed(TypedDict):
    """The last event of a stream: what a websocket says by its close code."""

    type: Literal["closed"]
    code: Annotated[int, Field(description="that of a websocket in this case")]
    reason: str


#: Over websockets.
TO_WEBSOCKETS = (Status, Snapshot, Update, Heartbeat, Goodbye, Unsubscribed, Pong, Authenticated, Error)
#: As server-sent events.
TO_STREAMS = (Status, Snapshot, Update, Heartbeat, Goodbye, Error, Closed)
