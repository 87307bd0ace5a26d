"""The server's messages: text in, typed values out. Types and fields that are not known are ignored."""

import json
from dataclasses import dataclass
from typing import Any, Literal, TypeAlias

from .change import Row

#: No number of the protocol is larger.
MAX_WHOLE = 2**53
#: Any other time between heartbeats is none that a publisher can be set to.
HEARTBEATS_MS = range(100, 60_001)


class InvalidFrame(ValueError):  # noqa: N818 (it is the frame that is invalid)
    """A message that a server of this protocol does not send."""


@dataclass(frozen=True, slots=True)
class TableFrame:
    """A snapshot or an update, or one part of it."""

    type: Literal["snapshot", "update"]
    channel: str
    rev: int
    position: str
    time_ms: int
    data: dict[str, Row | None]
    from_rev: int = 0  # of an update
    epoch: str | None = None  # of a snapshot
    interval_ms: int | None = None  # of a snapshot: the one granted
    id: object = None  # of a direct answer: that of the request
    part: int = 1
    parts: int = 1


@dataclass(frozen=True, slots=True)
class Status:
    """The state of the whole road; words and meanings are in the protocol's section of that name."""

    connected: bool
    feed: str | None = None
    ingest: str | None = None
    broker: str | None = None
    phases: dict[str, str] | None = None  # exchange → phase
    reason: str | None = None
    simulated: bool = False
    replay_time_ms: int | None = None
    changed_at_ms: int | None = None
    heartbeat_ms: int | None = None
    intervals_ms: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True)
class Goodbye:
    """The publisher lets its client go, and says when to come back."""

    reconnect_after_ms: float | None  # None: it says nothing that could be kept to


@dataclass(frozen=True, slots=True)
class ErrorFrame:
    """What was wrong with a request; the connection lives on."""

    code: str
    message: str
    id: object = None


Frame: TypeAlias = TableFrame | Status | Goodbye | ErrorFrame


def parse(text: str | bytes) -> Frame | None:
    """The message; None for those that only say that somebody is there, and for unknown types. Raises InvalidFrame."""
    try:
        body = json.loads(text, parse_constant=_no_number)
    except (ValueError, RecursionError) as error:
        raise InvalidFrame(f"not JSON: {error}") from error
    if not isinstance(body, dict):
        raise InvalidFrame("no object")
    match body.get("type"):
        case "snapshot" | "update":
            return _table_frame(body)
        case "status":
            return _status(body)
        case "goodbye":
            return Goodbye(_wait_ms(body.get("reconnect_after_ms")))
        case "error":
            return ErrorFrame(_text(body, "code"), _text(body, "message"), body.get("id"))
        case _:
            return None


def _table_frame(body: dict[str, Any]) -> TableFrame:
    data = body.get("data")
    if not isinstance(data, dict) or not all(row is None or isinstance(row, dict) for row in data.values()):
        raise InvalidFrame("data is no object of rows")
    is_snapshot = body["type"] == "snapshot"
    return TableFrame(
        type=body["type"],
        channel=_text(body, "channel"),
        rev=_whole(body, "rev"),
        position=_text(body, "position"),
        time_ms=_whole(body, "time", 0),
        data=data,
        from_rev=0 if is_snapshot else _whole(body, "from"),
        epoch=_text(body, "epoch") if is_snapshot else None,
        interval_ms=_whole(body, "interval", 0) if is_snapshot else None,
        id=body.get("id"),
        part=_whole(body, "part", 1),
        parts=_whole(body, "parts", 1),
    )


def _status(body: dict[str, Any]) -> Status:
    phases, intervals = body.get("phases"), body.get("intervals")
    return Status(
        connected=body.get("connected") is True,
        feed=_optional_text(body, "feed"),
        ingest=_optional_text(body, "ingest"),
        broker=_optional_text(body, "broker"),
        phases={str(key): str(phase) for key, phase in phases.items()} if isinstance(phases, dict) else None,
        reason=_optional_text(body, "reason"),
        simulated=body.get("simulated") is True,
        replay_time_ms=_optional_whole(body, "replay_time"),
        changed_at_ms=_optional_whole(body, "changed_at"),
        heartbeat_ms=_heartbeat_ms(body.get("heartbeat_ms")),
        intervals_ms=tuple(each for each in intervals if type(each) is int) if isinstance(intervals, list) else (),
    )


def _no_number(name: str) -> float:
    raise ValueError(f"{name} is no number of JSON")


def _heartbeat_ms(value: object) -> int | None:
    return value if type(value) is int and value in HEARTBEATS_MS else None


def _wait_ms(value: object) -> float | None:
    if not isinstance(value, int | float) or isinstance(value, bool) or value < 0:
        return None
    return min(value, MAX_WHOLE)


def _text(body: dict[str, Any], name: str) -> str:
    if not isinstance(value := body.get(name), str):
        raise InvalidFrame(f"{name} is no text")
    return value


def _optional_text(body: dict[str, Any], name: str) -> str | None:
    return value if isinstance(value := body.get(name), str) else None


def _whole(body: dict[str, Any], name: str, default: int | None = None) -> int:
    value = body.get(name, default)
    if type(value) is not int or abs(value) > MAX_WHOLE:  # a boolean is none
        raise InvalidFrame(f"{name} is no whole number")
    return value


def _optional_whole(body: dict[str, Any], name: str) -> int | None:
    return value if type(value := body.get(name)) is int and abs(value) <= MAX_WHOLE else None
