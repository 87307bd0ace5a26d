"""
What clients send after the handshake: frames, checked and put together to messages (RFC 6455, 5; RFC 7692, 7.2).

The rest of a frame that has not come whole is the only thing that is kept of an idle connection.
"""

import zlib
from enum import IntEnum
from typing import Final, NamedTuple

_FIN, _RSV1, _RSV2_AND_3, _MASKED = 0x80, 0x40, 0x30, 0x80
#: What the compressor of a message takes off at its end, and what follows a block that says it is the last one.
_TAIL: Final = b"\x00\x00\xff\xff"
_AFTER_THE_LAST: Final = (b"", _TAIL, b"\x00" + _TAIL)


class Kind(IntEnum):
    """Opcodes."""

    PIECE = 0
    TEXT = 1
    BINARY = 2
    CLOSE = 8
    PING = 9
    PONG = 10


_KINDS: Final = {kind.value: kind for kind in Kind}


class Frame(NamedTuple):
    """
    A message in full (TEXT, BINARY), a control frame, or a PIECE: of a message that goes on.

    The last piece of a message comes as PIECE first, and then as the message.
    """

    kind: Kind
    data: bytes = b""
    text: str = ""


class Violation(Exception):  # noqa: N818 (the name says what it is)
    """The client breaks the protocol, or a bound: the code to close with, and why."""

    def __init__(self, code: int, reason: str) -> None:
        super().__init__(reason)
        self.code = code
        self.reason = reason


class Inbound:
    """One connection's input. `feed` it, then call `next` until that gives None. After a Violation it is useless."""

    __slots__ = ("_at", "_data", "_deflated", "_deflates", "_kind", "_max_bytes", "_message", "_whole")

    def __init__(self, max_bytes: int, *, deflates: bool) -> None:
        """`max_bytes`: of a message; `deflates`: messages may be compressed."""
        self._max_bytes = max_bytes
        self._deflates = deflates
        self._data: bytes | bytearray = b""
        self._at = 0  # what stands before it in the data is done with
        self._message: bytearray | None = None  # pieces of one that goes on
        self._kind = Kind.PIECE  # of that message
        self._deflated = False  # the same
        self._whole = False  # it is there, and was only told to be a piece

    def feed(self, data: bytes) -> None:
        """Take what was read."""
        if not self._data:
            self._data = data
        elif isinstance(self._data, bytearray):
            self._data += data
        else:
            self._data = bytearray(self._data) + data

    def next(self) -> Frame | None:
        """What came next; None if the rest of it is still to come. Raises Violation."""
        if self._whole:
            return self._finish()
        size = self._size_of_next()
        if size is None:
            self._forget_what_is_done()
            return None
        data, at = self._data, self._at
        first, start = data[at], at + _header_bytes(data[at + 1])
        end = start + size
        if len(data) < end:
            self._forget_what_is_done()
            return None
        self._at = end
        return self._take(first, _unmasked(bytes(data[start:end]), bytes(data[start - 4 : start])))

    def _size_of_next(self) -> int | None:
        """The payload of the next frame in bytes, as soon as that was told; checked. Raises Violation."""
        data, at = self._data, self._at
        have = len(data) - at
        if have < 2:
            return None
        self._check(data[at], data[at + 1])
        size = data[at + 1] & 0x7F
        if have < _header_bytes(data[at + 1]) - 4:
            return None
        if size == 126:
            size = int.from_bytes(data[at + 2 : at + 4], "big")
            if size < 126:
                raise Violation(1002, "a length must be told in as few bytes as hold it")
        elif size == 127:
            size = int.from_bytes(data[at + 2 : at + 10], "big")
            if size < 65_536 or size >> 63:
                raise Violation(1002, "a length must be told in as few bytes as hold it, and in 63 bits")
        held = 0 if self._message is None else len(self._message)
        if data[at] & 0x0F < Kind.CLOSE and held + size > self._max_bytes:
            raise Violation(1009, f"a message may have {self._max_bytes} bytes")
        return size

    def _check(self, first: int, second: int) -> None:
        """The first two bytes of a frame. Raises Violation."""
        kind = _KINDS.get(first & 0x0F)
        if kind is None:
            raise Violation(1002, "the opcode is reserved")
        if first & _RSV2_AND_3 or (first & _RSV1 and not (self._deflates and kind in (Kind.TEXT, Kind.BINARY))):
            raise Violation(1002, "a reserved bit is set")
        if not second & _MASKED:
            raise Violation(1002, "frames of a client must be masked")
        if kind >= Kind.CLOSE:
            if not first & _FIN or second & 0x7F > 125:
                raise Violation(1002, "a control frame is whole, and has 125 bytes at most")
        elif (kind is Kind.PIECE) == (self._message is None):
            raise Violation(1002, "a message must end before the next begins" if kind else "there is nothing to go on")

    def _take(self, first: int, payload: bytes) -> Frame:
        kind = _KINDS[first & 0x0F]
        if kind >= Kind.CLOSE:
            return Frame(kind, payload)
        if self._message is None:
            self._kind, self._deflated = kind, bool(first & _RSV1)
            self._message = bytearray(payload)
            if first & _FIN:
                return self._finish()
        else:
            self._message += payload
        self._whole = bool(first & _FIN)
        return Frame(Kind.PIECE)

    def _finish(self) -> Frame:
        """The message, now that all of it is there. Raises Violation."""
        assert self._message is not None  # noqa: S101 (see above)
        data = self._inflate(self._message) if self._deflated else bytes(self._message)
        self._message, self._whole = None, False
        if len(data) > self._max_bytes:
            raise Violation(1009, f"a message may have {self._max_bytes} bytes")
        if self._kind is Kind.BINARY:
            return Frame(Kind.BINARY, data)
        try:
            return Frame(Kind.TEXT, text=data.decode())
        except UnicodeDecodeError:
            raise Violation(1007, "text must be UTF-8") from None

    def _inflate(self, data: bytearray) -> bytes:
        """No more than one byte above the bound. Raises Violation."""
        inflating = zlib.decompressobj(-zlib.MAX_WBITS)
        try:
            inflated = inflating.decompress(data + _TAIL, self._max_bytes + 1)
        except zlib.error:
            raise Violation(1007, "the compression is broken") from None
        if inflating.unused_data not in _AFTER_THE_LAST:
            raise Violation(1007, "something follows what was compressed")
        return inflated

    def _forget_what_is_done(self) -> None:
        if self._at:
            self._data = bytes(self._data[self._at :])
            self._at = 0


def close_code(payload: bytes) -> int | None:
    """The code in a close frame; None if it has none. Raises Violation if the frame is not valid."""
    if not payload:
        return None
    code = int.from_bytes(payload[:2], "big")
    if len(payload) == 1 or not (1000 <= code <= 1003 or 1007 <= code <= 1014 or 3000 <= code <= 4999):
        raise Violation(1002, "the close code is not valid")
    try:
        payload[2:].decode()
    except UnicodeDecodeError:
        raise Violation(1007, "the reason of a close must be UTF-8") from None
    return code


def control_frame(kind: Kind, payload: bytes = b"") -> bytes:
    """A frame of ours, of 125 bytes at most."""
    return bytes((_FIN | kind, len(payload))) + payload


def close_frame(code: int, reason: str) -> bytes:
    """The same that closes; a reason that is too long ends at a whole character."""
    told = reason.encode()[:123].decode(errors="ignore").encode()
    return control_frame(Kind.CLOSE, code.to_bytes(2, "big") + told)


def _header_bytes(second: int) -> int:
    """With the mask."""
    size = second & 0x7F
    return 6 if size < 126 else 8 if size == 126 else 14


def _unmasked(masked: bytes, mask: bytes) -> bytes:
    """As one large number: no loop over bytes."""
    size = len(masked)
    pattern = (mask * (size // 4 + 1))[:size]
    return (int.from_bytes(masked, "little") ^ int.from_bytes(pattern, "little")).to_bytes(size, "little")
