"""The opening handshake of a websocket, server's side (RFC 6455, section 4.2; RFC 7692, section 7.1)."""

import base64
import binascii
import hashlib
import re
from collections.abc import Iterable
from typing import Final, NamedTuple

_MAGIC: Final = b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11"
_EXTENSION: Final = b"permessage-deflate"
#: Nothing is remembered between messages: a frame that was compressed once is right for everybody.
_DEFLATE_ANSWER: Final = b"permessage-deflate; server_no_context_takeover; client_no_context_takeover"
_PROMISES: Final = frozenset({b"server_no_context_takeover", b"client_no_context_takeover"})
_WINDOWS: Final = frozenset(str(bits).encode() for bits in range(8, 16))
_WIDEST: Final = b"15"
#: Extensions that are offered: far more than there are, and read in two milliseconds at most.
MAX_EXTENSIONS_BYTES: Final = 4096
#: A name or a parameter in their list, and what ends it (RFC 6455, section 9.1). Nothing is tried twice.
_PIECE: Final = re.compile(
    rb"[ \t]*+(?:(TOKEN)(?:[ \t]*+=[ \t]*+(?:(TOKEN)|\"((?:[^\"\\]|\\.)*+)\"))?+)?+[ \t]*+([;,]|\Z)".replace(
        b"TOKEN", rb"[!#$%&'*+\-.^_`|~0-9A-Za-z]++"
    )
)
_ESCAPED: Final = re.compile(rb"\\(.)")

#: A name or a parameter, with its value if there is one.
Piece = tuple[bytes, bytes | None]
Headers = Iterable[tuple[bytes, bytes]]


class Handshake(NamedTuple):
    """A request that can be accepted."""

    accept: bytes  # the proof for the client that its request was understood
    deflates: bool
    subprotocols: list[str]

    def response(self, headers: Headers) -> bytes:
        """The head that opens the connection, with further headers of the application's."""
        lines = [
            b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: "
            + self.accept
        ]
        if self.deflates:
            lines.append(b"Sec-WebSocket-Extensions: " + _DEFLATE_ANSWER)
        lines += [name + b": " + value for name, value in headers]
        return b"\r\n".join(lines) + b"\r\n\r\n"


class InvalidHandshake(Exception):  # noqa: N818 (the name says what it is)
    """A request that opens no websocket: the status to answer it with, a sentence, and a header if one is due."""

    def __init__(self, status: int, text: str, *headers: tuple[bytes, bytes]) -> None:
        super().__init__(text)
        self.status = status
        self.text = text
        self.headers = list(headers)


def examine(method: str, http_version: str, headers: Headers, *, compression: bool) -> Handshake:
    """
    Whether a request opens a websocket; names of headers are in lower case. Raises InvalidHandshake.

    `compression`: whether an offer of it is to be accepted, if one can be met.
    """
    found: dict[bytes, list[bytes]] = {
        b"host": [], b"upgrade": [], b"connection": [], b"sec-websocket-key": [], b"sec-websocket-version": [],
        b"sec-websocket-extensions": [], b"sec-websocket-protocol": [],
    }  # fmt: skip
    for name, value in headers:
        if (values := found.get(name)) is not None:
            values.append(value)
    host, upgrade, connection, key, version, extensions, protocols = found.values()
    if method != "GET":
        raise InvalidHandshake(405, "a websocket is opened by GET", (b"allow", b"GET"))
    if http_version != "1.1":
        raise InvalidHandshake(400, "a websocket is opened by HTTP/1.1")
    if len(host) != 1:
        raise InvalidHandshake(400, "the header Host is needed, once")
    if b"websocket" not in _tokens(upgrade):
        raise InvalidHandshake(400, "the header Upgrade must name websocket")
    if b"upgrade" not in _tokens(connection):
        raise InvalidHandshake(400, "the header Connection must name Upgrade")
    if version != [b"13"]:
        raise InvalidHandshake(426, "the version of websockets is 13", (b"sec-websocket-version", b"13"))
    if len(key) != 1 or not _is_key(key[0]):
        raise InvalidHandshake(400, "Sec-WebSocket-Key must be 16 bytes in base64")
    offers = _offers(b",".join(extensions)) if extensions else []
    return Handshake(
        accept=base64.b64encode(hashlib.sha1(key[0] + _MAGIC).digest()),  # noqa: S324 (as the RFC has it; no secret)
        deflates=compression and any(_can_be_met(offer) for offer in offers),
        subprotocols=[token.strip().decode("latin-1") for value in protocols for token in value.split(b",")],
    )


def _tokens(values: list[bytes]) -> Iterable[bytes]:
    return map(bytes.strip, b",".join(values).lower().split(b","))


def _is_key(value: bytes) -> bool:
    try:
        return len(binascii.a2b_base64(value, strict_mode=True)) == 16
    except binascii.Error:
        return False


def _offers(header: bytes) -> list[list[Piece]]:
    """The extensions that are offered: of each its name, and its parameters. Raises InvalidHandshake."""
    if len(header) > MAX_EXTENSIONS_BYTES:
        raise InvalidHandshake(400, f"Sec-WebSocket-Extensions may have {MAX_EXTENSIONS_BYTES} bytes")
    offers: list[list[Piece]] = [[]]
    at, end = 0, b","
    while end:
        piece = _PIECE.match(header, at)
        name, token, quoted, end = piece.groups() if piece else (None, None, None, b";")
        value = token if quoted is None else _ESCAPED.sub(rb"\1", quoted)
        begins = not offers[-1]
        # Between commas there may be nothing; a name has no value, and no parameter is without a name.
        if piece is None or (name is None and (end == b";" or not begins)) or (begins and value is not None):
            raise InvalidHandshake(400, "Sec-WebSocket-Extensions must be names with parameters, joined by commas")
        if name is not None:
            offers[-1].append((name, value))
        if end == b",":
            offers.append([])
        at = piece.end()
    return [offer for offer in offers if offer]


def _can_be_met(offer: list[Piece]) -> bool:
    """
    An offer of compression that our one answer is an answer to.

    The window of a client does not matter, since we inflate with the widest. Ours is the widest too: an offer that
    wants a smaller one is declined, as is one with a parameter that is unknown, wrong, or there twice.
    """
    (name, _), *given = offer
    if name != _EXTENSION:
        return False
    seen = set()
    for key, value in given:
        if key in seen:
            return False
        seen.add(key)
        if key in _PROMISES and value is None:
            continue
        if key == b"client_max_window_bits" and (value is None or value in _WINDOWS):
            continue
        if key == b"server_max_window_bits" and value == _WIDEST:
            continue
        return False
    return True
