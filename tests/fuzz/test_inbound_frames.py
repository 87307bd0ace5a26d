"""Bytes after the handshake: whatever comes, in whatever pieces, is what another library reads in it, or is refused."""

import random
import zlib
from collections.abc import Callable
from typing import Any

from websockets.extensions.permessage_deflate import PerMessageDeflate
from websockets.protocol import Protocol, Side

from publisher_service.core.inbound import Inbound, Kind, Violation, close_code
from tests.fakes.raw_websocket import BINARY, PING, PONG, TEXT, close, frame
from tests.fuzz.fuzzing import fuzz
from tests.fuzz.mutator import Mutator

MAX_BYTES = 2000
#: Stands for a code: more of a compressed message is to come. Others look into its pieces before.
WAITS = 0
#: Texts, bytes, pings and closes, in order.
Heard = list[tuple[str, Any]]


def ours(pieces: list[bytes]) -> tuple[Heard, int | None]:
    """What we hear, and the code of the violation that ends it."""
    inbound, heard = Inbound(MAX_BYTES, deflates=True), Heard()
    try:
        for piece in pieces:
            inbound.feed(piece)
            while (got := inbound.next()) is not None:
                if got.kind is Kind.CLOSE:
                    close_code(got.data)
                    return [*heard, ("close", got.data)], None
                if got.kind is not Kind.PIECE:
                    heard.append((got.kind.name, got.text if got.kind is Kind.TEXT else got.data))
    except Violation as violation:
        return heard, violation.code
    return heard, WAITS if inbound._message is not None and inbound._deflated else None


def theirs(data: bytes) -> tuple[Heard, int | None]:
    """The same, of the `websockets` library."""
    protocol = Protocol(Side.SERVER, max_size=MAX_BYTES)
    protocol.extensions = [PerMessageDeflate(True, True, 15, 15)]  # noqa: FBT003 (as the library has it)
    protocol.receive_data(data)
    heard, message, kind = Heard(), b"", ""
    for event in protocol.events_received():
        name = event.opcode.name  # type: ignore[union-attr]  # (a server that has shaken hands hears frames)
        payload = bytes(event.data)  # type: ignore[union-attr]  # (the same)
        if name in ("TEXT", "BINARY", "CONT"):
            message, kind = (message + payload, kind) if name == "CONT" else (payload, name)
            if event.fin:  # type: ignore[union-attr]  # (the same)
                try:
                    heard.append((kind, message.decode() if kind == "TEXT" else message))
                except UnicodeDecodeError:
                    return heard, 1007
        else:
            heard.append((name if name != "CLOSE" else "close", payload))
            if name == "CLOSE":
                return heard, None
    code = None if protocol.close_sent is None else protocol.close_sent.code
    return heard, code if isinstance(protocol.parser_exc, Exception) else None


def deflated(source: random.Random, data: bytes) -> bytes:
    deflating = zlib.compressobj(source.choice((0, 1, 6, 9)), wbits=-15)
    return (deflating.compress(data) + deflating.flush(zlib.Z_SYNC_FLUSH)).removesuffix(b"\x00\x00\xff\xff")


class Connections:
    """Each input is what one connection sends."""

    def try_one(self, mutator: Mutator) -> None:
        source = mutator.random
        data = b"".join(self.frames(source) for _ in range(source.randrange(1, 6)))
        if mutator.chance(0.5):
            data = self.changed(source, data)
        mutator.last = data.hex()

        whole = ours([data])
        cut = ours(self.cut(source, data))
        single = ours([data[at : at + 1] for at in range(len(data))]) if len(data) < 300 else whole

        assert whole == cut == single
        self.compare(whole, theirs(data))

    def compare(self, mine: tuple[Heard, int | None], other: tuple[Heard, int | None]) -> None:
        """Equal; but we refuse more: lengths in more bytes than they need, what follows the last compressed block."""
        (heard, code), (expected, refusal) = mine, other
        if refusal == 1009 and any(len(data) == MAX_BYTES for _, data in heard):
            return  # as large as may be: they refuse some of these when they are compressed
        if code is None:
            # They take no close between the pieces of a message; the standard lets every control frame stand there.
            assert (heard, None) == (expected, refusal) or (heard[:-1] == expected and heard[-1][0] == "close")
            return
        both = min(len(heard), len(expected))
        assert heard[:both] == expected[:both], "nothing was heard that was not sent"
        # They inflate piece by piece, and so refuse what is broken before the pings that stand in between.
        assert {kind for kind, _ in heard[both:]} <= {"PING", "PONG"}
        assert refusal is not None or not heard[both:]
        if code == WAITS:
            assert heard[both:] or heard == expected
        elif refusal is not None:
            assert code == refusal or {code, refusal} == {1002, 1007} or 1009 in (code, refusal)

    def frames(self, source: random.Random) -> bytes:
        """One message, in pieces perhaps, or a control frame."""
        mask = source.randbytes(4)
        body = source.choice(
            (b"", b"hello", "Bảng giá €".encode(), source.randbytes(20), b"x" * source.randrange(2200))
        )
        dice = source.random()
        if dice < 0.15:
            return frame(source.choice((PING, PONG)), body[:125], mask=mask)
        if dice < 0.2:
            return close(source.choice((1000, 1001, 3000, 1005, 2000)), body[:100])
        first = source.choice((TEXT, BINARY))
        if source.random() < 0.3:
            first, body = first | 0x40, deflated(source, body)
        if source.random() < 0.5:
            return frame(first, body, mask=mask)
        at = source.randrange(len(body) + 1)
        between = frame(PING, b"!") if source.random() < 0.3 else b""
        return frame(first & 0x7F, body[:at], mask=mask) + between + frame(0x80, body[at:], mask=source.randbytes(4))

    def changed(self, source: random.Random, data: bytes) -> bytes:
        """With some bits or bytes changed, lost or put in; early ones most of all, where the headers are."""
        changed = bytearray(data)
        for _ in range(source.randrange(1, 4)):
            at = min(source.randrange(len(changed) + 1), source.choice((2, 8, 10_000)))
            match source.randrange(4):
                case 0 if at < len(changed):
                    changed[at] ^= 1 << source.randrange(8)
                case 1:
                    del changed[at : at + source.choice((1, 4, 20))]
                case 2:
                    changed[at:at] = source.randbytes(source.choice((1, 2, 9)))
                case _:
                    changed[at:at] = changed[at : at + 40]
        return bytes(changed)

    def cut(self, source: random.Random, data: bytes) -> list[bytes]:
        ends = sorted(source.randrange(len(data) + 1) for _ in range(source.randrange(8)))
        return [data[start:end] for start, end in zip([0, *ends], [*ends, len(data)], strict=True)]

    def still_works(self) -> None:
        assert ours([frame(TEXT, b"hello")]) == ([("TEXT", "hello")], None)
        assert theirs(frame(TEXT, b"hello")) == ([("TEXT", "hello")], None)


def test_whatever_comes_after_the_handshake_is_read_as_another_library_reads_it_or_refused(
    record_property: Callable[[str, object], None],
) -> None:
    fuzz(Connections, record_property)
