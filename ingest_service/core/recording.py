"""
A recording of the feed: what was read and when, in blocks that can be read without each other.

A block is a gzip member, so any tool for gzip reads a recording to its first damage. Its head tells in an extra field
how long the block is and which time it covers, and has a checksum; the text has gzip's own. Whoever meets a damaged
block looks for the next head. docs/recordings.md describes the format for others.

One record a line: `time kind length text`. The length counts, so a text may hold line breaks.
"""

import zlib
from collections.abc import Iterable, Sequence
from datetime import date
from enum import StrEnum
from struct import Struct
from typing import NamedTuple

from pydantic import BaseModel, ValidationError

VERSION = 1
#: Text of a block, uncompressed, after which the next begins: enough for the compression, and some seconds at most.
BLOCK_BYTES = 1_000_000
#: A block may be larger by one record, and a frame may have 32 MB. Beyond, it is none of ours.
MAX_BLOCK_BYTES = 64_000_000

#: Magic, flags (extra field, checksum of the head), time, system; length of the extra field; its name and length.
_FIXED = Struct("<4sIBBH2sH")
#: Version, bytes that follow the head, records, first and last time (Unix ms).
_EXTRA = Struct("<BIIQQ")
_CHECKSUM = Struct("<H")
_TRAILER = Struct("<II")  # checksum and length of the text
_MAGIC, _NAME = b"\x1f\x8b\x08\x06", b"BG"
#: What a head begins with.
MAGIC = _MAGIC
HEAD_BYTES = _FIXED.size + _EXTRA.size + _CHECKSUM.size
_MAX_TIME_MS = 4_102_444_800_000  # the year 2100: beyond, times have no dates everywhere


class Kind(StrEnum):
    """What a record tells. Readers ignore kinds that they do not know."""

    HEADER = "h"  # first in each block: `Header` as JSON
    START = "s"  # recording begins: the ingest leads from now on, or the command was started
    UP = "u"  # the link to the exchange stands, and the subscription was taken
    FRAME = "f"  # a websocket frame, as it came
    DOWN = "d"  # the link was lost: why, in words
    LISTS = "l"  # names and components of what is traded, as JSON; repeated at the beginning of each file
    GAP = "g"  # so many frames were not recorded
    END = "e"  # recording ended in order


class Record(NamedTuple):
    """Something that was read."""

    time_ms: int  # by the recorder's clock, never running backwards, Unix ms
    kind: str  # a `Kind`, or something of a newer version
    text: bytes


class Header(BaseModel):
    """Where the records of a block come from."""

    format: int = VERSION
    source: str  # identity of the exchange, as in the head of the tables
    simulated: bool
    channels: list[str]  # what was subscribed
    session: str  # the same from START to END
    day: date  # in Vietnam, when the block begins
    up: bool  # whether the link stands when the block begins

    def record(self, time_ms: int) -> Record:
        """The first record of a block."""
        return Record(time_ms, Kind.HEADER, self.model_dump_json().encode())


class Head(NamedTuple):
    """What a block's head tells."""

    rest: int  # bytes that follow the head
    records: int
    first_ms: int
    last_ms: int


class Damaged(Exception):  # noqa: N818 (a fact about a file)
    """A block that is not what its head says. Carries a reason."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


class OtherVersion(Exception):  # noqa: N818 (as above)
    """A sound block of a version that this program does not read."""

    def __init__(self, version: int) -> None:
        super().__init__(f"is of version {version} of the format, and this program reads version {VERSION}")
        self.version = version


def encode_block(records: Sequence[Record], level: int = 6) -> bytes:
    """A block of at least one record; the first should be a header."""
    text = b"".join(b"%d %b %d %b\n" % (time_ms, kind.encode(), len(said), said) for time_ms, kind, said in records)
    compress = zlib.compressobj(level, zlib.DEFLATED, -zlib.MAX_WBITS)
    rest = compress.compress(text) + compress.flush() + _TRAILER.pack(zlib.crc32(text), len(text))
    first_ms, last_ms = records[0].time_ms, records[-1].time_ms
    extra = _EXTRA.pack(VERSION, len(rest), len(records), first_ms, last_ms)
    fixed = _FIXED.pack(_MAGIC, first_ms // 1000 % 2**32, 0, 255, 4 + len(extra), _NAME, len(extra))
    return b"".join((fixed, extra, _checksum(fixed + extra), rest))


def parse_head(begin: bytes) -> Head | None:
    """
    The head from the first bytes of a block (`HEAD_BYTES` are enough); None if there is none, or half of one.

    Raises OtherVersion.
    """
    if len(begin) < _FIXED.size:
        return None
    magic, _, _, _, around, name, length = _FIXED.unpack_from(begin)
    end = _FIXED.size + length
    if magic != _MAGIC or name != _NAME or around != length + 4 or not length >= 1 or len(begin) < end + 2:
        return None
    if begin[end : end + 2] != _checksum(begin[:end]):
        return None
    if begin[_FIXED.size] != VERSION or length != _EXTRA.size:
        raise OtherVersion(begin[_FIXED.size])
    head = Head(*_EXTRA.unpack_from(begin, _FIXED.size)[1:])
    possible = _TRAILER.size < head.rest < MAX_BLOCK_BYTES and head.first_ms <= head.last_ms < _MAX_TIME_MS
    return head if possible else None


def decode_block(head: Head, rest: bytes) -> list[Record]:
    """The records of a block. Raises Damaged."""
    if len(rest) < head.rest:
        raise Damaged("it ends early")
    inflate = zlib.decompressobj(-zlib.MAX_WBITS)
    try:
        text = inflate.decompress(rest[: head.rest - _TRAILER.size], MAX_BLOCK_BYTES)
    except zlib.error as error:
        raise Damaged("it cannot be inflated") from error
    if not inflate.eof or inflate.unused_data:
        raise Damaged("it cannot be inflated to its end")
    if _TRAILER.unpack_from(rest, head.rest - _TRAILER.size) != (zlib.crc32(text), len(text)):
        raise Damaged("its checksum is wrong")
    return list(_records(head, text))


def header_of(records: Sequence[Record]) -> Header:
    """The header that a block begins with. Raises Damaged."""
    try:
        if not records or records[0].kind != Kind.HEADER:
            raise Damaged("it has no header")
        return Header.model_validate_json(records[0].text)
    except ValidationError as error:
        raise Damaged("its header is not understood") from error


def _records(head: Head, text: bytes) -> Iterable[Record]:
    at, count, time_ms = 0, 0, head.first_ms
    try:
        while at < len(text):
            told_ms, kind, length = text[at : text.index(b" ", text.index(b" ", text.index(b" ", at) + 1) + 1)].split()
            begin = at + len(told_ms) + len(kind) + len(length) + 3
            at = begin + int(length) + 1
            before_ms, time_ms = time_ms, int(told_ms)
            if int(length) < 0 or text[at - 1 : at] != b"\n" or not before_ms <= time_ms <= head.last_ms:
                raise Damaged("its records are not in order")
            yield Record(time_ms, kind.decode("ascii"), text[begin : at - 1])
            count += 1
    except ValueError as error:
        raise Damaged("its records are not understood") from error
    if count != head.records:
        raise Damaged("records are missing")


def _checksum(begin: bytes) -> bytes:
    return _CHECKSUM.pack(zlib.crc32(begin) & 0xFFFF)
