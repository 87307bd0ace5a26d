"""
The Redis contract: head, schema, stored rows and the envelopes on pub/sub, encoded and decoded.

Rows and envelopes are opaque bytes to Redis: nothing on the server parses them.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Annotated, Literal, NamedTuple

import orjson
from msgspec import DecodeError, Meta, Raw, Struct
from msgspec import field as renamed
from msgspec.json import Decoder

from shared.channels import Channel, Internal
from shared.table import REMOVED, Entry, Row

#: Version of everything in this file. A reader that meets a higher one keeps what it has and says so.
CONTRACT = 1
#: Two heartbeats missed: readers who have heard nothing for so long say that nobody writes.
SILENCE_S = 2.0
#: Revisions, times and checksums are below: every reader of JSON holds them exactly.
MAX_NUMBER = 2**53
#: Of the document that describes the rows: fifty times what it has.
MAX_SCHEMA_BYTES = 1_000_000
_IDENTITY = re.compile(r"[\w.-]{1,64}", re.ASCII)


class InvalidEnvelope(Exception):  # noqa: N818 (the name says what it is)
    """Bytes that are no envelope, head, schema or row of this contract. Carries a reason from a closed list."""

    def __init__(self, reason: str) -> None:
        super().__init__(f"not an envelope of contract {CONTRACT}: {reason}")
        self.reason = reason


class NewerContract(Exception):  # noqa: N818 (as above)
    """Written by a newer version than this one."""

    def __init__(self, contract: int) -> None:
        super().__init__(
            f"the state in Redis is of contract {contract}, this version reads {CONTRACT}: update this service"
        )
        self.contract = contract


class Head(NamedTuple):
    """Where the history stands; revisions compare only within one epoch."""

    epoch: str  # identity of the history: "20261123-k3f9q2", the trading day and random characters
    rev: int  # of the last commit
    commit: str  # id of the last commit, so that a writer recognises its own
    time_ms: int  # the ingest's clock, moved on by each heartbeat; Unix ms
    server: str  # run id of the Redis server that took the last replacement
    more: bool  # the last commit was a part of a larger change; the rest follows
    source: str = ""  # identity of the exchange that the rows come from; empty: not told
    schema: str = ""  # identity of the rows' form and meaning; empty: not told
    read_ms: int = 0  # when the newest feed message was read that the rows know of, by the ingest's clock, Unix ms


class Schema(NamedTuple):
    """The form of the rows, as the ingest describes it."""

    identity: str  # as in the head; another document has another one
    document: bytes  # JSON Schema; opaque to all but clients


@dataclass(frozen=True, slots=True)
class Commit:
    """Everything that changed in one turn of the ingest's loop, in all channels."""

    epoch: str
    from_rev: int  # covers the revisions after this one …
    rev: int  # … up to this one
    time_ms: int  # the ingest's clock when the newest feed message in it was read, Unix ms
    rows: dict[Channel, dict[str, bytes]]  # channel → key → JSON of the whole row; `null`: removed
    more: bool = False  # a part of a larger change: nothing may be shown before the last part
    internal: dict[Internal, dict[str, bytes]] = field(default_factory=dict)  # stored, and not published


@dataclass(frozen=True, slots=True)
class Heartbeat:
    """Once a second: the ingest lives, and this is the head."""

    epoch: str
    rev: int
    time_ms: int
    checksums: Mapping[Channel, int] | None = None  # of the tables at rev; None: not told


@dataclass(frozen=True, slots=True)
class Replaced:
    """The rows in Redis were replaced as a whole (a new epoch, or a server that had lost them): load."""

    epoch: str
    rev: int
    time_ms: int


Envelope = Commit | Heartbeat | Replaced


def encode_row(row: Row | None, rev: int) -> bytes:
    """A row as it is stored: the revision of its last change, a space, its JSON (`null` when removed)."""
    return stored_row(orjson.dumps(row), rev)


def stored_row(text: bytes, rev: int) -> bytes:
    """As `encode_row`, of a row that is JSON already."""
    return b"%d %b" % (rev, text)


def decode_key(stored: bytes) -> str:
    """A row's key. Raises InvalidEnvelope."""
    try:
        return stored.decode()
    except UnicodeDecodeError as error:
        raise InvalidEnvelope("key") from error


def decode_row(stored: bytes) -> tuple[Row | None, int]:
    """The inverse of `encode_row`. Raises InvalidEnvelope."""
    entry = decode_entry(stored)
    return entry.row, entry.rev


def decode_entry(stored: bytes) -> Entry:
    """The same as it stands in a table. Raises InvalidEnvelope."""
    rev, _, text = stored.partition(b" ")
    try:
        return Entry(_usual_row(text) or _row_text(orjson.loads(text)), _number(int(rev)))
    except (TypeError, ValueError) as error:
        raise InvalidEnvelope("row") from error


def encode_head(head: Head) -> dict[str, str | int]:
    """The fields of the head's hash."""
    return {
        "contract": CONTRACT,
        "epoch": head.epoch,
        "rev": head.rev,
        "commit": head.commit,
        "time": head.time_ms,
        "server": head.server,
        "more": int(head.more),
        "source": head.source,
        "schema": head.schema,
        "read": head.read_ms,
    }


def decode_head(fields: Mapping[bytes, bytes]) -> Head | None:
    """
    The head from its hash; None if there is none. Unknown fields are ignored.

    Raises InvalidEnvelope, NewerContract.
    """
    if not fields:
        return None
    try:
        _check_contract(_number(int(fields[b"contract"])))
        return Head(
            epoch=_epoch(fields[b"epoch"].decode()),
            rev=_number(int(fields[b"rev"])),
            commit=fields[b"commit"].decode(),
            time_ms=_number(int(fields[b"time"])),
            server=fields[b"server"].decode(),
            more=fields.get(b"more", b"0") != b"0",
            source=fields.get(b"source", b"").decode(),
            schema=fields.get(b"schema", b"").decode(),
            read_ms=_number(int(fields.get(b"read", b"0"))),
        )
    except (KeyError, ValueError) as error:
        raise InvalidEnvelope("head") from error


def encode_schema(schema: Schema) -> dict[str, str | bytes]:
    """The fields of the schema's hash."""
    return {"identity": schema.identity, "document": schema.document}


def decode_schema(fields: Mapping[bytes, bytes]) -> Schema | None:
    """The schema from its hash; None if there is none. Raises InvalidEnvelope."""
    if not fields:
        return None
    try:
        identity, document = fields[b"identity"].decode(), fields[b"document"]
    except (KeyError, ValueError) as error:
        raise InvalidEnvelope("schema") from error
    if not _IDENTITY.fullmatch(identity) or len(document) > MAX_SCHEMA_BYTES:
        raise InvalidEnvelope("schema")
    return Schema(identity, document)


def encode_checksums(heartbeat: Heartbeat) -> bytes:
    """The head's field: the revision that the checksums are of, a space, JSON."""
    told = {} if heartbeat.checksums is None else {name.value: value for name, value in heartbeat.checksums.items()}
    return b"%d %b" % (heartbeat.rev, orjson.dumps(told))


def encode_envelope(envelope: Envelope) -> bytes:
    """What is published for a commit, a heartbeat or a replacement."""
    body: dict[str, object] = {
        "type": type(envelope).__name__.lower(),
        "contract": CONTRACT,
        "epoch": envelope.epoch,
        "rev": envelope.rev,
        "time": envelope.time_ms,
    }
    if isinstance(envelope, Commit):
        body["from"] = envelope.from_rev
        body["more"] = envelope.more
        body["channels"] = {
            channel.value: {key: orjson.Fragment(text) for key, text in rows.items()}
            for channel, rows in envelope.rows.items()
        }
    if isinstance(envelope, Heartbeat) and envelope.checksums is not None:
        body["checksums"] = {channel.value: checksum for channel, checksum in envelope.checksums.items()}
    return orjson.dumps(body)


def decode_envelope(message: bytes) -> Envelope | None:
    """
    One message of the updates channel; None for a type that this version does not know.

    Channels that this version does not know are left out. Raises InvalidEnvelope, NewerContract.
    """
    if (commit := _usual_commit(message)) is not None:
        return commit
    try:
        body = orjson.loads(message)
        _check_contract(_number(body["contract"]))
        epoch, rev, time_ms = _epoch(body["epoch"]), _number(body["rev"]), _number(body["time"])
        match body["type"]:
            case "commit":
                rows = {
                    Channel(name): {key: _row_text(row) for key, row in table.items()}
                    for name, table in body["channels"].items()
                    if name in _CHANNELS
                }
                return Commit(epoch, _number(body["from"], rev), rev, time_ms, rows, bool(body.get("more", False)))
            case "heartbeat":
                return Heartbeat(epoch, rev, time_ms, _checksums(body.get("checksums")))
            case "replaced":
                return Replaced(epoch, rev, time_ms)
            case _:
                return None
    except orjson.JSONDecodeError as error:
        raise InvalidEnvelope("json") from error
    except (AttributeError, KeyError, TypeError, ValueError) as error:
        raise InvalidEnvelope("fields") from error


_CHANNELS = frozenset(Channel)


def _checksums(told: dict[str, int] | None) -> dict[Channel, int] | None:
    if told is None:
        return None
    return {Channel(name): _number(checksum) for name, checksum in told.items() if name in _CHANNELS}


def _row_text(row: object) -> bytes:
    """Its JSON. Raises ValueError for what is no row, TypeError for what is nested too deep to be written again."""
    if row is not None and not isinstance(row, dict):
        raise ValueError("rows are objects, or null")
    text = orjson.dumps(row)
    if not _is_shallow(text):
        orjson.dumps([[[[row]]]])  # a frame puts it some levels deeper
    return text


def _is_shallow(text: bytes) -> bool:
    """Every level is a bracket, and few rows have so many."""
    objects = 1 if text.find(b"{", 1) < 0 else text.count(b"{")  # mostly it is one
    return objects + text.count(b"[") <= _SURELY_SHALLOW


_SURELY_SHALLOW = 100

# The straight road: rows are cut out of a message as they stand. With all checks that is a quarter to a third less than
# to read them and to write them again, and nothing is left to be collected.

_Number = Annotated[int, Meta(ge=0, lt=MAX_NUMBER)]


class _UsualCommit(Struct, gc=False):
    type: Literal["commit"]
    contract: Literal[1]
    epoch: Annotated[str, Meta(min_length=1)]
    from_rev: _Number = renamed(name="from")
    rev: _Number
    time: _Number
    channels: dict[str, dict[str, Raw]]
    more: bool = False


_decode_commit, _decode_raw = Decoder(_UsualCommit).decode, Decoder(Raw).decode


def _usual_commit(message: bytes) -> Commit | None:
    """A commit, if nothing about it is odd; None: only the careful road can tell what it is."""
    try:
        sent = _decode_commit(message)
    except (DecodeError, UnicodeDecodeError, RecursionError):
        return None
    if sent.from_rev >= sent.rev or not _is_plain(message):
        return None
    rows = {
        Channel(name): {key: bytes(row) for key, row in table.items()}
        for name, table in sent.channels.items()
        if name in _CHANNELS
    }
    if not all(_is_usual(text) for table in rows.values() for text in table.values()):
        return None
    return Commit(sent.epoch, sent.from_rev, sent.rev, sent.time, rows, sent.more)


def _usual_row(text: bytes) -> bytes | None:
    """The same for one row."""
    try:
        _decode_raw(text)
    except (DecodeError, RecursionError):
        return None
    return text if _is_usual(text) and _is_plain(text) else None


def _is_usual(text: bytes) -> bool:
    """Of JSON: an object that is not nested deep, or null."""
    return (text[0] == _BRACE and _is_shallow(text)) or text == REMOVED


_BRACE = ord("{")


def _is_plain(message: bytes) -> bool:
    """
    Whether parts of it can be handed on as they stand, since it is JSON as msgspec looks at it.

    That leaves: text that is no UTF-8, numbers beyond any float, and line breaks, of which events have none.
    """
    if b"\n" in message or b"\r" in message:
        return False
    try:
        message.decode()
    except UnicodeDecodeError:
        return False
    digits = message.translate(_DIGITS, b"+")
    return _LARGE_EXPONENT not in digits and _LONG_NUMBER not in digits


#: All digits alike: so that a number with hundreds of them, or with an exponent of three, is found at a glance.
_DIGITS = bytes.maketrans(b"123456789E", b"000000000e")
_LARGE_EXPONENT, _LONG_NUMBER = b"0e000", b"0" * 100


def _number(told: object, below: int = MAX_NUMBER) -> int:
    """Raises ValueError for anything else than a whole number from 0 on."""
    if type(told) is int and 0 <= told < below:
        return told
    raise ValueError("a number that no writer gives")


def _epoch(told: object) -> str:
    """Raises ValueError for anything else than a text."""
    if isinstance(told, str) and told:
        return told
    raise ValueError("an epoch that no writer gives")


def _check_contract(contract: int) -> None:
    if contract > CONTRACT:
        raise NewerContract(contract)
