"""
ASP.NET SignalR 2 as SSI speaks it: addresses and frames. Text goes in, events come out, nobody waits.

One conversation: negotiate (HTTP), connect (websocket), the server's init frame, start (HTTP), one hub invocation that
subscribes, then frames of broadcasts with keepalives between them.
"""

from collections.abc import Mapping
from typing import NamedTuple
from urllib.parse import quote, urlencode

import orjson
from pydantic import BaseModel, ConfigDict, Field, ValidationError

HUB = "FcMarketDataV2Hub"
CLIENT_PROTOCOL = "1.5"


class Init(NamedTuple):
    """The connection is ready for invocations (`S`: 1)."""


class Keepalive(NamedTuple):
    """An empty frame: the server lives, there is no news."""


class Broadcast(NamedTuple):
    """One market message."""

    argument: str  # JSON text of {"DataType", "Content"}


class HubError(NamedTuple):
    """The server's complaint in words, for example about a quota."""

    text: str


class Result(NamedTuple):
    """The answer to an invocation."""

    id: str  # always text, whatever was sent
    error: str | None  # None: it succeeded


class GroupsChanged(NamedTuple):
    """The server's record of the subscriptions changed. Of use to `/reconnect` only, which is never called."""


class ReconnectAsked(NamedTuple):
    """The server shuts down: connect anew (`T`: 1)."""


class StopAsked(NamedTuple):
    """The server wants this client to go away (`D`: 1)."""


class Unknown(NamedTuple):
    """Something well-formed that no rule here covers: to be counted."""

    what: str  # "method", "arguments" or "frame"


Event = Init | Keepalive | Broadcast | HubError | Result | GroupsChanged | ReconnectAsked | StopAsked | Unknown


class FrameError(Exception):
    """A frame that is no JSON object of SignalR, or a negotiate answer without what is needed."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


class Negotiation(BaseModel):
    """The server's terms. Times in seconds."""

    model_config = ConfigDict(frozen=True)

    connection_token: str = Field(alias="ConnectionToken", min_length=1)
    protocol: str = Field(CLIENT_PROTOCOL, alias="ProtocolVersion")
    keepalive_timeout_s: float | None = Field(20.0, alias="KeepAliveTimeout", gt=0)  # None: no keepalives are sent
    disconnect_timeout_s: float = Field(30.0, alias="DisconnectTimeout")
    connect_timeout_s: float = Field(5.0, alias="TransportConnectTimeout")
    websockets: bool = Field(True, alias="TryWebSockets")  # noqa: FBT003 (a default, not an argument)


def parse_negotiation(text: str | bytes) -> Negotiation:
    """The negotiate answer. Raises `FrameError` if it is none, or if the server offers no websocket."""
    try:
        negotiation = Negotiation.model_validate_json(text)
    except ValidationError as error:
        # Without the input: the connection token must not reach a log.
        fields = ", ".join(".".join(map(str, detail["loc"])) or "JSON" for detail in error.errors())
        raise FrameError(f"the negotiate answer is not understood ({fields})") from None
    if not negotiation.websockets:
        raise FrameError("the server offers no websocket")
    return negotiation


def negotiate_url(base: str) -> str:
    """Where to ask for a connection. `base` is the stream's address, with or without a slash at the end."""
    return _url(base, "negotiate", {"clientProtocol": CLIENT_PROTOCOL, "connectionData": _CONNECTION_DATA})


def start_url(base: str, negotiation: Negotiation) -> str:
    """Where to say that the init frame has come."""
    return _url(base, "start", _connection_query(negotiation))


def connect_url(base: str, negotiation: Negotiation) -> str:
    """Where to open the websocket: `ws` for an `http` base, `wss` for `https`."""
    return "ws" + _url(base, "connect", _connection_query(negotiation)).removeprefix("http")


def invocation(method: str, argument: str, invocation_id: int) -> str:
    """The frame that calls a hub method with one argument."""
    return orjson.dumps({"H": HUB, "M": method, "A": [argument], "I": invocation_id}).decode()


def parse_frame(frame: str | bytes) -> list[Event]:
    """
    What a frame tells, in its order. A frame may carry several calls of different kinds.

    Raises:
        FrameError: the frame is no JSON object, or its list of calls is none. The connection can go on.
    """
    try:
        content = orjson.loads(frame)
    except orjson.JSONDecodeError as error:
        raise FrameError("not JSON") from error
    if not isinstance(content, dict):
        raise FrameError("not an object")
    if not content:
        return [Keepalive()]
    calls = content.get("M", [])
    if not isinstance(calls, list):
        raise FrameError("M is not a list")
    events = [_event_of_call(call) for call in calls]
    # After the calls: data that came with a goodbye is still data.
    events.extend(_events_of_state(content))
    if not events and not content.keys() & {"C", "L", "P"}:  # a cursor alone, a poll delay, a progress report: no news
        events.append(Unknown("frame"))
    return events


def without_token(frame: bytes) -> bytes:
    """
    A frame as it may be kept: as it came, but for the record of the subscriptions, which is a token of the server's.

    Nothing is kept of what might hold one and is not understood.
    """
    if b'"G"' not in frame:  # inside of messages its quotes are escaped
        return frame
    try:
        content = orjson.loads(frame)
        return orjson.dumps({name: value for name, value in content.items() if name != "G"})
    except (AttributeError, TypeError, ValueError):  # no JSON, no object, or nested deeper than can be written
        return b""


def _events_of_state(content: Mapping[str, object]) -> list[Event]:
    events: list[Event] = []
    if content.get("S") == 1:
        events.append(Init())
    if "G" in content:
        events.append(GroupsChanged())
    if "I" in content:
        error = content.get("E")
        events.append(Result(_text(content["I"]), None if error is None else _text(error)))
    if content.get("T") == 1:
        events.append(ReconnectAsked())
    if content.get("D") == 1:
        events.append(StopAsked())
    return events


def _event_of_call(call: object) -> Event:
    if not isinstance(call, dict) or not isinstance(method := call.get("M"), str):
        return Unknown("frame")
    event = _EVENT_OF_METHOD.get(method.lower())  # without regard to case, as SignalR does it
    if event is None:
        return Unknown("method")
    arguments = call.get("A")
    if not isinstance(arguments, list) or not arguments:
        return Unknown("arguments")
    argument = arguments[0]
    try:
        return event(argument if isinstance(argument, str) else orjson.dumps(argument).decode())
    except TypeError:  # nested deeper than can be written
        return Unknown("arguments")


def _text(told: object) -> str:
    """A text or a number as text. Of anything else, which may be nested without end, only what it is."""
    return str(told) if isinstance(told, str | int | float) else type(told).__name__


_EVENT_OF_METHOD: dict[str, type[Broadcast | HubError]] = {"broadcast": Broadcast, "error": HubError}
_CONNECTION_DATA = orjson.dumps([{"name": HUB}]).decode()


def _connection_query(negotiation: Negotiation) -> dict[str, str]:
    return {
        "transport": "webSockets",
        "clientProtocol": negotiation.protocol,
        "connectionToken": negotiation.connection_token,
        "connectionData": _CONNECTION_DATA,
    }


def _url(base: str, endpoint: str, query: Mapping[str, str]) -> str:
    # quote, not quote_plus: the token is base64, and its "+" must arrive as a plus sign, percent-encoded exactly once.
    return f"{base.rstrip('/')}/v2.0/signalr/{endpoint}?{urlencode(query, quote_via=quote, safe='')}"
