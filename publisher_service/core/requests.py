"""What clients may say, checked at the border; what is wrong is told with a code from a closed list."""

from bisect import bisect_left
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from functools import cached_property, lru_cache
from typing import Annotated, Literal
from urllib.parse import parse_qsl

import orjson
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from publisher_service.core.position import InvalidPosition, Position
from publisher_service.core.selection import InvalidKeys, Selection
from publisher_service.core.views import Mode, ViewKey
from shared.channels import KEYS_REQUIRED, UNTHROTTLED, Channel
from shared.table import JSON

#: The error of a request beyond the token's scope.
FORBIDDEN = "forbidden"
#: That of a channel that is none.
UNKNOWN_CHANNEL = "unknown_channel"
_HTTP_STATUSES = {UNKNOWN_CHANNEL: 404, FORBIDDEN: 403}
#: Each frame of an answer repeats it.
MAX_ID_LENGTH = 64
#: Of a name that is none: what is repeated of it.
MAX_REPEATED = 40
#: What an address may say beside its channel.
PARAMETERS = ("keys", "interval", "mode", "since", "token")
#: Addresses that are not read again when they come again.
REMEMBERED = 256
#: Characters of one that is remembered: who names more keys has a list of one's own.
MAX_REMEMBERED = 500

_CHANNELS: dict[str, Channel] = {channel.value: channel for channel in Channel}
_MODES: dict[str, Mode] = {mode.value: mode for mode in Mode}


class InvalidRequest(Exception):  # noqa: N818 (the name says what it is)
    """A message that cannot be carried out: a code for programs, a sentence for people."""

    def __init__(self, code: str, text: str, request_id: JSON = None) -> None:
        super().__init__(text)
        self.code = code
        self.text = text
        self.request_id = request_id

    @property
    def http_status(self) -> int:
        """Of the answer, where it is one of HTTP."""
        return _HTTP_STATUSES.get(self.code, 400)

    def message(self) -> dict[str, JSON]:
        """The error message to the client."""
        body: dict[str, JSON] = {"type": "error"}
        if self.request_id is not None:
            body["id"] = self.request_id
        return {**body, "code": self.code, "message": self.text}


#: What a client may name a request by, to know its answer.
RequestId = int | str


class _Message(BaseModel):
    model_config = ConfigDict(strict=True, frozen=True, extra="forbid")

    id: RequestId | None = None


class Subscribe(_Message):
    """Follow a channel; replaces the connection's earlier subscription of it."""

    type: Literal["subscribe"]
    channel: str
    keys: Annotated[list[str], Field(fail_fast=True)] | None = None  # a list of faults may be as long as the message
    interval: int | None = None
    mode: str = Mode.ROWS
    since: str | None = None


class Unsubscribe(_Message):
    """Stop following a channel."""

    type: Literal["unsubscribe"]
    channel: str


class Ping(_Message):
    """Answered by `pong` with the same id."""

    type: Literal["ping"]


class Auth(_Message):
    """A token for this connection."""

    type: Literal["auth"]
    token: str


Request = Subscribe | Unsubscribe | Ping | Auth

#: By their type.
MODELS: dict[str, type[Request]] = {"subscribe": Subscribe, "unsubscribe": Unsubscribe, "ping": Ping, "auth": Auth}


def parse(text: str | None) -> Request:
    """A client's message; None stands for a binary one. Raises InvalidRequest."""
    if text is None:
        raise InvalidRequest("binary_message", "messages are JSON text; binary ones are not read")
    try:
        body = orjson.loads(text)
    except orjson.JSONDecodeError as error:
        raise InvalidRequest("invalid_json", f"not JSON: {error}") from error
    if not isinstance(body, dict):
        raise InvalidRequest("invalid_message", 'a message is a JSON object with a "type"')
    request_id = body.get("id")
    if not isinstance(request_id, int | str) or isinstance(request_id, bool):
        request_id = None
    if isinstance(request_id, str) and len(request_id) > MAX_ID_LENGTH:
        raise InvalidRequest("invalid_message", f"id: has more than {MAX_ID_LENGTH} characters")
    kind = body.get("type")
    model = MODELS.get(kind) if isinstance(kind, str) else None
    if model is None:
        raise InvalidRequest("unknown_type", f"type must be one of {', '.join(MODELS)}", request_id)
    try:
        return model.model_validate(body)
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        field = ".".join(str(part) for part in first["loc"])
        if first["type"] == "extra_forbidden":
            text = _unknown("field", field, model.model_fields)
            raise InvalidRequest("unknown_field", text, request_id) from error
        code = "invalid_interval" if field == "interval" else "invalid_message"
        raise InvalidRequest(code, f"{field}: {first['msg']}", request_id) from error


@dataclass(frozen=True)
class AddressQuery:
    """A subscription as an address writes it: `/ws/market?keys=SSI,@VN30&interval=500&mode=rows&since=…`."""

    channel: str
    keys: str | None = None
    interval: str | None = None
    mode: str | None = None
    since: str | None = None
    unknown: str | None = None  # a parameter that is none

    @classmethod
    def of(cls, channel: str, query: bytes) -> "AddressQuery":
        """
        From the parts of an address; what is said twice counts as it was said last.

        Many come by the same one, with their position too, and to read it takes a tenth of a handshake.
        """
        return _remembered(channel, query) if len(channel) + len(query) <= MAX_REMEMBERED else _read(channel, query)

    @cached_property
    def subscription(self) -> Subscribe:
        """The message that asks for the same. Raises InvalidRequest."""
        if self.unknown is not None:
            raise _unknown_parameter(self.unknown, PARAMETERS)
        try:
            interval_ms = None if self.interval is None else int(self.interval)
        except ValueError:
            raise InvalidRequest("invalid_interval", "interval is in milliseconds, above 0") from None
        return Subscribe(
            type="subscribe",
            channel=self.channel,
            keys=None if self.keys is None else self.keys.split(","),
            interval=interval_ms,
            mode=self.mode or Mode.ROWS,
            since=self.since,
        )


def _read(channel: str, query: bytes) -> AddressQuery:
    given = _parameters(query)
    keys, interval, mode, since = map(given.get, ("keys", "interval", "mode", "since"))
    return AddressQuery(channel, keys, interval, mode, since, _other(given, PARAMETERS))


_remembered = lru_cache(REMEMBERED)(_read)


def check_parameters(given: Iterable[str], known: Sequence[str]) -> None:
    """Raises InvalidRequest if an address says more than these."""
    if (other := _other(given, known)) is not None:
        raise _unknown_parameter(other, known)


def check_messages_address(query: bytes) -> None:
    """Raises InvalidRequest if `/ws` is asked for with more than a token."""
    if (other := _other(_parameters(query), ("token",))) is not None:
        text = f"/ws has no parameter {other[:MAX_REPEATED]}: subscribe by messages, or by the address /ws/CHANNEL"
        raise InvalidRequest("unknown_parameter", text)


def _parameters(query: bytes) -> dict[str, str]:
    return dict(parse_qsl(query.decode("latin-1"), keep_blank_values=True))


def _other(given: Iterable[str], known: Sequence[str]) -> str | None:
    return next((name for name in given if name not in known), None)


def _unknown_parameter(name: str, known: Sequence[str]) -> InvalidRequest:
    return InvalidRequest("unknown_parameter", _unknown("parameter", name, known))


def _unknown(kind: str, name: str, known: Iterable[str]) -> str:
    """To pass over what was meant otherwise would be to answer another question: `key=SSI`, with all rows."""
    names, name = list(known), name[:MAX_REPEATED]
    near = get_close_matches(name.lower(), names, 1)
    others = f"there are {', '.join(names)}" if len(names) > 1 else f"there is only {', '.join(names)}"
    return f"there is no {kind} {name}; " + (f"did you mean {near[0]}?" if near else others)


def parse_channel(name: str, request_id: JSON = None) -> Channel:
    """A channel by its name. Raises InvalidRequest."""
    channel = _CHANNELS.get(name)
    if channel is None:
        raise InvalidRequest("unknown_channel", f"there are the channels {', '.join(Channel)}", request_id)
    return channel


class Intervals:
    """The tiers that a wanted interval is rounded up to, and each channel's default."""

    def __init__(self, tiers_ms: tuple[int, ...], default_ms: int, channels_ms: dict[Channel, int]) -> None:
        self.tiers_ms = tuple(sorted(tiers_ms))
        self._defaults_ms = {channel: self.tier(channels_ms.get(channel, default_ms)) for channel in Channel}

    def tier(self, wanted_ms: int) -> int:
        """The smallest tier that is not below; the largest tier for anything above."""
        return self.tiers_ms[min(bisect_left(self.tiers_ms, wanted_ms), len(self.tiers_ms) - 1)]

    def view_key(self, request: Subscribe) -> ViewKey:
        """The view that a subscription asks for. Raises InvalidRequest."""
        channel = parse_channel(request.channel, request.id)
        if request.interval is not None and request.interval <= 0:
            raise InvalidRequest("invalid_interval", "interval is in milliseconds, above 0", request.id)
        mode = _MODES.get(request.mode)
        if mode is None:
            raise InvalidRequest("invalid_mode", f"mode must be one of {', '.join(Mode)}", request.id)
        try:
            selection = Selection.of(request.keys)
        except InvalidKeys as error:
            raise InvalidRequest("invalid_keys", str(error), request.id) from error
        if channel in KEYS_REQUIRED and not selection.names:
            raise InvalidRequest(
                "keys_required", f"name symbols or groups: nobody can follow all of {channel} at once", request.id
            )
        return ViewKey(channel, selection, self._granted_ms(channel, request.interval), mode)

    def _granted_ms(self, channel: Channel, wanted_ms: int | None) -> int:
        if channel in UNTHROTTLED:
            return 0
        return self._defaults_ms[channel] if wanted_ms is None else self.tier(wanted_ms)


def parse_since(request: Subscribe) -> Position | None:
    """The position to resume at. Raises InvalidRequest."""
    try:
        return None if request.since is None else Position.parse(request.since)
    except InvalidPosition as error:
        raise InvalidRequest("invalid_position", str(error), request.id) from error


def forbidden(request_id: JSON) -> InvalidRequest:
    """More was asked for than the token's scope permits."""
    return InvalidRequest("forbidden", "the token's scope does not permit these keys of this channel", request_id)


def too_many_rows(request_id: JSON) -> InvalidRequest:
    """Mode snapshot was asked for a large selection."""
    return InvalidRequest(
        "too_many_rows", "mode snapshot is for small selections; name keys or use mode rows", request_id
    )


def too_many_keys(request_id: JSON) -> InvalidRequest:
    """All views together watch as many as may be watched here."""
    return InvalidRequest(
        "too_many_keys", "too many different keys are watched here already; leave keys out, or use groups", request_id
    )
