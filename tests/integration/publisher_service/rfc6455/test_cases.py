"""The websocket standard, case by case, over real sockets: what is valid is done, what is not ends as it must."""

import asyncio
import math
import zlib
from collections.abc import AsyncIterator

import pytest

from publisher_service import shared_frames
from publisher_service.core.frames import Form
from tests.eventually import eventually
from tests.fakes.echo_site import MAX_BYTES, EchoSite, echo_site
from tests.fakes.raw_websocket import (
    BINARY,
    CLOSE,
    HEAD,
    PING,
    PONG,
    TEXT,
    RawWebsocket,
    Received,
    close,
    frame,
    proof,
    raw_websocket,
)  # fmt: skip

DEFLATE = b"Sec-WebSocket-Extensions: permessage-deflate\r\n"
EURO = "€".encode()
BYE = close(1000)
#: The server's answer to BYE, and the end.
END = Received(CLOSE, (1000).to_bytes(2, "big"))


@pytest.fixture
async def site() -> AsyncIterator[EchoSite]:
    async with echo_site() as site:
        yield site


@pytest.fixture
async def raw(site: EchoSite) -> AsyncIterator[RawWebsocket]:
    """A connection that is open."""
    async with raw_websocket(site.port) as raw:
        await raw.handshake(DEFLATE)
        yield raw


def deflated(data: bytes, *, mode: int = zlib.Z_SYNC_FLUSH) -> bytes:
    deflating = zlib.compressobj(wbits=-15)
    compressed = deflating.compress(data) + deflating.flush(mode)
    return compressed.removesuffix(b"\x00\x00\xff\xff") if mode == zlib.Z_SYNC_FLUSH else compressed + b"\x00"


def text(said: str) -> Received:
    return Received(TEXT, said.encode())


VALID: dict[str, tuple[list[bytes], list[Received]]] = {
    "an empty text": ([frame(TEXT)], [text("")]),
    "a text": ([frame(TEXT, b"hello")], [text("hello")]),
    "a text that needs no second length": ([frame(TEXT, b"x" * 125)], [text("x" * 125)]),
    "a text with a length of two bytes": ([frame(TEXT, b"x" * 126)], [text("x" * 126)]),
    "a text of 65,535 bytes": ([frame(TEXT, b"x" * 65_535)], [text("x" * 65_535)]),
    "a text with a length of eight bytes": ([frame(TEXT, b"x" * 65_536)], [text("x" * 65_536)]),
    "a binary message": ([frame(BINARY, b"\xff\x00")], [text("binary")]),
    "a mask of zeros": ([frame(TEXT, b"plain", mask=bytes(4))], [text("plain")]),
    "characters beyond ASCII": ([frame(TEXT, "Bảng giá €𝄞".encode())], [text("Bảng giá €𝄞")]),
    "an empty ping": ([frame(PING)], [Received(PONG, b"")]),
    "a ping with 125 bytes": ([frame(PING, b"\xfe" * 125)], [Received(PONG, b"\xfe" * 125)]),
    "ten pings": ([frame(PING, bytes((n,))) for n in range(10)], [Received(PONG, bytes((n,))) for n in range(10)]),
    "a pong that nobody asked for": ([frame(PONG, b"x"), frame(TEXT, b"on")], [text("on")]),
    "two messages, in their order": ([frame(TEXT, b"1"), frame(TEXT, b"2")], [text("1"), text("2")]),
    "two pieces": ([frame(0x01, b"he"), frame(0x80, b"llo")], [text("hello")]),
    "many pieces": ([frame(0x01, b"0"), *(frame(0x00, b"1") for _ in range(40)), frame(0x80)], [text("0" + "1" * 40)]),
    "empty pieces": ([frame(0x01), frame(0x00), frame(0x80)], [text("")]),
    "a character in two pieces": ([frame(0x01, EURO[:1]), frame(0x80, EURO[1:])], [text("€")]),
    "a ping between pieces": (
        [frame(0x01, b"a"), frame(PING, b"p"), frame(0x80, b"b")], [Received(PONG, b"p"), text("ab")],
    ),
    "binary pieces": ([frame(0x02, b"\xff"), frame(0x80, b"\xff")], [text("binary")]),
    "a compressed text": ([frame(TEXT | 0x40, deflated(b"hello" * 9))], [text("hello" * 9)]),
    "a text that is not, after compression was agreed": ([frame(TEXT, b"plain")], [text("plain")]),
    "a compressed text in pieces": (
        [frame(0x41, deflated(b"hello")[:3]), frame(0x80, deflated(b"hello")[3:])], [text("hello")],
    ),
    "an empty compressed text": ([frame(TEXT | 0x40, b"\x00")], [text("")]),
    "a compressed text that says it is the last": (
        [frame(TEXT | 0x40, deflated(b"bye", mode=zlib.Z_FINISH))], [text("bye")],
    ),
    "a compressed text that is uncompressed inside": (
        [frame(TEXT | 0x40, b"\x00\x02\x00\xfd\xffok\x00")], [text("ok")],
    ),
    "a compressed text as large as may be": (
        [frame(TEXT | 0x40, deflated(b"x" * MAX_BYTES))], [text("x" * MAX_BYTES)],
    ),
    "a compressed binary message": ([frame(BINARY | 0x40, deflated(b"\xff"))], [text("binary")]),
}  # fmt: skip


@pytest.mark.parametrize("case", VALID)
async def test_what_is_valid_is_carried_out_and_the_connection_lives_on(raw: RawWebsocket, case: str) -> None:
    sent, expected = VALID[case]

    raw.send(*sent, BYE)

    assert await raw.rest() == [*expected, END]


INVALID: dict[str, tuple[bytes, int]] = {
    **{f"reserved opcode {opcode}": (frame(0x80 | opcode), 1002) for opcode in (3, 4, 5, 6, 7, 11, 12, 13, 14, 15)},
    "a reserved bit": (frame(TEXT | 0x20, b"x"), 1002),
    "another reserved bit": (frame(TEXT | 0x10, b"x"), 1002),
    "a compressed ping": (frame(PING | 0x40, b"x"), 1002),
    "a compressed close": (frame(CLOSE | 0x40, b""), 1002),
    "compression told in a later piece": (frame(0x01, b"x") + frame(0xC0, b"x"), 1002),
    "no mask": (b"\x81\x05hello", 1002),
    "a ping of 126 bytes": (frame(PING, b"x" * 126), 1002),
    "a close of 126 bytes": (frame(CLOSE, b"\x03\xe8" + b"x" * 124), 1002),
    "a ping in pieces": (frame(0x09, b"x"), 1002),
    "a close in pieces": (frame(0x08, b"\x03\xe8"), 1002),
    "a piece of nothing": (frame(0x80, b"x"), 1002),
    "a piece of nothing that goes on": (frame(0x00, b"x"), 1002),
    "a message inside another": (frame(0x01, b"x") + frame(TEXT, b"y"), 1002),
    "a length in two bytes that fits into one": (b"\x81\xfe\x00\x05" + bytes(9), 1002),
    "a length in eight bytes that fits into two": (b"\x81\xff" + (300).to_bytes(8, "big") + bytes(304), 1002),
    "a length of 64 bits": (b"\x81\xff\xff" + bytes(20), 1002),
    "text that is no UTF-8": (frame(TEXT, b"\xff\xfe"), 1007),
    "text that ends inside a character": (frame(TEXT, EURO[:2]), 1007),
    "a surrogate": (frame(TEXT, b"\xed\xa0\x80"), 1007),
    "an overlong character": (frame(TEXT, b"\xc0\xaf"), 1007),
    "a character beyond Unicode": (frame(TEXT, b"\xf4\x90\x80\x80"), 1007),
    "no UTF-8, in pieces": (frame(0x01, b"a") + frame(0x80, b"\x80"), 1007),
    "a message that is too large": (frame(TEXT, b"x" * (MAX_BYTES + 1)), 1009),
    "a length that is too large, with nothing behind": (b"\x81\xff" + (1 << 40).to_bytes(8, "big") + bytes(4), 1009),
    "pieces that are too large together": (frame(0x01, b"x" * 40_000) + frame(0x80, b"x" * 40_000), 1009),
    "a bomb": (frame(TEXT | 0x40, deflated(bytes(50_000_000))), 1009),
    "one byte too many, compressed": (frame(TEXT | 0x40, deflated(b"x" * (MAX_BYTES + 1))), 1009),
    "broken compression": (frame(TEXT | 0x40, b"\xff" * 20), 1007),
    "something behind what was compressed": (
        frame(TEXT | 0x40, deflated(b"x", mode=zlib.Z_FINISH) + b"more of it"), 1007,
    ),
    "no UTF-8, compressed": (frame(TEXT | 0x40, deflated(b"\xff")), 1007),
    "a close of one byte": (frame(CLOSE, b"\x03"), 1002),
    "a close whose reason is no UTF-8": (close(1000, b"\xff\xff"), 1007),
    **{
        f"a close with {code}": (close(code), 1002)
        for code in (0, 999, 1004, 1005, 1006, 1015, 1016, 1100, 2000, 2999, 5000, 65_535)
    },
}  # fmt: skip


@pytest.mark.parametrize("case", INVALID)
async def test_what_is_not_valid_ends_the_connection_with_the_code_of_the_standard(
    raw: RawWebsocket, site: EchoSite, case: str
) -> None:
    wrong, code = INVALID[case]

    raw.send(frame(TEXT, b"before"), wrong, frame(TEXT, b"after") * 1000)
    answers = await raw.rest()

    assert answers[0] == text("before")
    assert [(answer.first, answer.code) for answer in answers[1:]] == [(CLOSE, code)]
    assert answers[1].payload[2:].decode()
    assert site.heard == ["before"]
    assert site.left == site.doors
    assert site.closed(code) == 1


@pytest.mark.parametrize("code", [1000, 1001, 1002, 1003, 1007, 1011, 1012, 1013, 1014, 3000, 3999, 4000, 4999])
async def test_a_close_is_answered_with_its_code_and_the_owner_told(
    raw: RawWebsocket, site: EchoSite, code: int
) -> None:
    raw.send(close(code, "tạm biệt".encode()), frame(TEXT, b"after"))

    assert await raw.rest() == [Received(CLOSE, code.to_bytes(2, "big"))]
    assert (site.heard, site.left, site.closed(code)) == ([], site.doors, 0)


async def test_a_close_without_a_code_is_answered_without_one(raw: RawWebsocket) -> None:
    raw.send(frame(CLOSE))

    assert await raw.rest() == [Received(CLOSE, b"")]


async def test_compressed_messages_are_refused_if_it_was_not_agreed(site: EchoSite) -> None:
    async with raw_websocket(site.port) as raw:
        head = await raw.handshake()
        raw.send(frame(TEXT | 0x40, deflated(b"x")))
        (answer,) = await raw.rest()

    assert b"permessage" not in head.lower()
    assert (answer.code, site.doors[0].form is Form.DEFLATED) == (1002, False)


# -------------------------------------------------------------------------------------------------- our own close


async def test_our_close_is_the_last_thing_written_and_waits_for_the_answer(raw: RawWebsocket, site: EchoSite) -> None:
    raw.send(frame(TEXT, b"close"), frame(TEXT, b"its last words"), frame(PING, b"x"))
    first = await raw.next()
    site.doors[0].write(b"nobody gets this")
    site.doors[0].close(4001, "again")
    raw.send(frame(TEXT, b"more"), close(4000))
    rest = await raw.rest()

    assert first == Received(CLOSE, (4000).to_bytes(2, "big") + b"as you said")
    assert rest == []
    assert site.heard == ["close"]
    assert site.left == []  # it was the owner's own order


async def test_who_does_not_answer_our_close_is_cut(
    raw: RawWebsocket, site: EchoSite, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(shared_frames, "CLOSE_TIMEOUT_S", 0.2)
    lost: list[int] = []
    site.doors[0].when_lost(lambda: lost.append(1))

    site.doors[0].close(4000, "x" * 500)
    frames = await raw.rest()
    await eventually(lambda: site.connections == 0)

    assert [len(each.payload) for each in frames] == [125]
    assert lost == [1]


async def test_who_does_not_read_is_cut_after_our_close(site: EchoSite, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shared_frames, "CLOSE_TIMEOUT_S", 0.2)
    async with raw_websocket(site.port) as raw:
        await raw.handshake()
        raw.writer.transport.pause_reading()  # type: ignore[attr-defined]  # (a stream's transport reads as well)
        door = site.doors[0]
        for _ in range(1000):
            if door.ready:
                door.write(b"\x82\x7f" + (100_000).to_bytes(8, "big") + bytes(100_000))
                await asyncio.sleep(0)
        assert door.paused_since_s is not None
        door.close(1013, "too slow")
        await eventually(lambda: site.connections == 0)

    assert site.events == ["paused"]


async def test_a_door_that_filled_up_is_ready_again_when_its_peer_has_read(raw: RawWebsocket, site: EchoSite) -> None:
    door = site.doors[0]
    large = b"\x82\x7f" + (20_000_000).to_bytes(8, "big") + bytes(20_000_000)

    door.write(large)
    full = (door.ready, site.events.copy())
    pings = frame(PING, b"not to one who does not read")
    raw.send(pings)
    received = await raw.next()
    await eventually(lambda: door.ready)

    assert full == (False, ["paused"])
    assert received is not None
    assert len(received.payload) == 20_000_000
    assert site.events == ["paused", "drained"]


# ------------------------------------------------------------------------------------------------------ keepalive


async def test_a_peer_is_asked_for_a_sign_of_life_and_any_sign_counts() -> None:
    async with echo_site(ws_ping_interval=10, ws_ping_timeout=5) as site, raw_websocket(site.port) as raw:
        await raw.handshake()
        door = site.doors[0]
        now_s = door._pinged_at_s
        again = [door.keep_alive(now_s + 9), door.keep_alive(now_s + 11)]  # nothing yet, a ping
        asked = await raw.next()
        again.append(door.keep_alive(now_s + 15))
        raw.send(frame(TEXT, b"not a pong"))
        echoed = await raw.next()
        again.append(door.keep_alive(now_s + 17))
        alive = door.ready
        again.append(door.keep_alive(now_s + 22))
        asked_again = await raw.next()
        again.append(door.keep_alive(now_s + 28))
        end = await raw.next()

    assert (asked, asked_again, echoed) == (Received(PING, b""), Received(PING, b""), text("not a pong"))
    assert alive
    assert [at_s - now_s for at_s in again] == pytest.approx([10, 16, 16, 21, 27, math.inf])
    assert end is not None
    assert (end.code, site.closed(1011), site.left) == (1011, 1, [door])


# ------------------------------------------------------------------------------------------------------ handshake

HEADERS = {
    "Host": "x", "Upgrade": "websocket", "Connection": "Upgrade", "Sec-WebSocket-Version": "13",
    "Sec-WebSocket-Key": "dGhlIHNhbXBsZSBub25jZQ==",
}  # fmt: skip


async def knock(site: EchoSite, *, method: str = "GET", version: str = "HTTP/1.1", **changed: str | None) -> bytes:
    """The answer to a handshake with some headers changed, or left out (None)."""
    fields = HEADERS | {name.replace("_", "-"): value for name, value in changed.items()}
    lines = [f"{method} / {version}", *(f"{name}: {value}" for name, value in fields.items() if value is not None)]
    async with raw_websocket(site.port) as raw:
        raw.writer.write("\r\n".join([*lines, "", ""]).encode())
        return await asyncio.wait_for(raw.reader.readuntil(b"\r\n\r\n"), 10)


@pytest.mark.parametrize(
    ("changed", "status"),
    [
        ({}, 101),
        ({"Connection": "keep-alive, Upgrade", "Upgrade": "WebSocket"}, 101),
        ({"Upgrade": "h2c, websocket"}, 101),
        ({"Upgrade": "h2c\r\nUpgrade: websocket", "Connection": "keep-alive\r\nConnection: upgrade"}, 101),
        ({"Sec_WebSocket_Version": None}, 426),
        ({"Sec_WebSocket_Version": "8"}, 426),
        ({"Sec_WebSocket_Key": None}, 400),
        ({"Sec_WebSocket_Key": "c2hvcnQ="}, 400),
        ({"Sec_WebSocket_Key": "dGhlIHNhbXBsZSBub25jZQ"}, 400),
        ({"Sec_WebSocket_Key": "!!!!IHNhbXBsZSBub25jZQ=="}, 400),
        ({"Host": None}, 400),
        *(
            ({"Sec_WebSocket_Extensions": header}, 400)
            for header in ("x;", ";x", "x=1", "x y", 'x; y="', "x; y=1=2", "x; =1", 'x, "', "x; y=ü", "," * 5000)
        ),
        ({"method": "POST", "Content_Length": "0"}, 405),
        ({"version": "HTTP/1.0"}, 400),
    ],
)
async def test_a_handshake_that_is_not_one_is_told_why(
    site: EchoSite, changed: dict[str, str | None], status: int
) -> None:
    answer = await knock(site, **changed)  # type: ignore[arg-type]  # (method and version are never None)

    assert answer.startswith(b"HTTP/1.1 %d " % status)
    assert (b"sec-websocket-version: 13" in answer) == (status == 426)
    assert (b"sec-websocket-accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=" in answer.lower().replace(
        b"s3pplmbitxaq9kygzzhzrbk+xoo=", b"s3pPLMBiTxaQ9kYGzzhZRbK+xOo=")) == (status == 101)  # fmt: skip


@pytest.mark.parametrize(
    ("offer", "met"),
    [
        ("permessage-deflate", True),
        ("permessage-deflate; client_max_window_bits", True),
        ("permessage-deflate; client_max_window_bits=9; client_no_context_takeover", True),
        ('permessage-deflate; server_max_window_bits="15"', True),
        ("permessage-deflate; server_max_window_bits=10", False),
        ("permessage-deflate; server_max_window_bits", False),
        ("permessage-deflate; server_max_window_bits=10, permessage-deflate", True),
        ("permessage-deflate; client_max_window_bits=7", False),
        ("permessage-deflate; client_max_window_bits=16", False),
        ("permessage-deflate; client_no_context_takeover=1", False),
        ("permessage-deflate; client_no_context_takeover; client_no_context_takeover", False),
        ("permessage-deflate; unknown", False),
        ("x-webkit-deflate-frame", False),
        ('x; y="a, b; permessage-deflate", permessage-deflate', True),
        ('x; y="a, permessage-deflate, b"', False),
        (r'x; y="\", permessage-deflate, \"", z', False),
        (r'permessage-deflate; server_max_window_bits="1\5"', True),
        ("x; y\t= 1 ;z,, permessage-deflate ,", True),
        ("x\r\nSec-WebSocket-Extensions: permessage-deflate", True),
        (", ,", False),
        ("", False),
    ],
)
async def test_compression_is_agreed_only_as_frames_for_everybody_need_it(
    site: EchoSite,
    offer: str,
    met: bool,  # noqa: FBT001 (a column of the table)
) -> None:
    answer = await knock(site, Sec_WebSocket_Extensions=offer)

    agreed = b"permessage-deflate; server_no_context_takeover; client_no_context_takeover" in answer
    assert (agreed, b"permessage" in answer, site.doors[0].form is Form.DEFLATED) == (met, met, met)


async def test_without_compression_every_offer_is_declined() -> None:
    async with echo_site(ws_per_message_deflate=False) as site:
        answer = await knock(site, Sec_WebSocket_Extensions="permessage-deflate")

    assert (b"permessage" in answer, site.doors[0].form is Form.DEFLATED) == (False, False)


@pytest.mark.parametrize("http", ["httptools", "h11"])
async def test_the_class_serves_behind_http_classes_of_the_server_too(http: str) -> None:
    async with echo_site(http) as site, raw_websocket(site.port) as raw:
        head = await raw.handshake(DEFLATE, path=b"/a%20b?x=1&y=%20")
        raw.send(frame(TEXT, b"hello"), BYE)
        answers = await raw.rest()

    assert proof() in head
    assert answers == [text("hello"), END]
    assert (site.scopes[0]["path"], site.scopes[0]["query_string"]) == ("/a b", b"x=1&y=%20")


async def test_the_application_is_told_the_request_as_it_came(site: EchoSite) -> None:
    site.subprotocol = "v2"
    async with raw_websocket(site.port) as raw:
        head = await raw.handshake(b"Sec-WebSocket-Protocol: v1, v2\r\nX-Twice: 1\r\nX-Twice: 2\r\n", path=b"/a%2Fb?q")
        sockname = raw.writer.get_extra_info("sockname")

    scope = site.scopes[0]
    assert b"sec-websocket-protocol: v2" in head
    assert proof() in head
    assert (scope["path"], scope["raw_path"], scope["query_string"]) == ("/a/b", b"/a%2Fb", b"q")
    assert (scope["subprotocols"], scope["scheme"], scope["client"]) == (["v1", "v2"], "ws", sockname)
    assert [value for name, value in scope["headers"] if name == b"x-twice"] == [b"1", b"2"]


async def test_what_comes_before_the_connection_is_open_waits_for_it(site: EchoSite) -> None:
    site.early = asyncio.Event()
    async with raw_websocket(site.port) as raw:
        asking = asyncio.create_task(raw.handshake(early=frame(TEXT, b"1") + frame(TEXT, b"2")[:3]))
        await eventually(lambda: bool(site.scopes))
        raw.send(frame(TEXT, b"2")[3:], frame(TEXT, b"3" * 60_000), frame(TEXT, b"4" * 60_000), BYE)
        await asyncio.sleep(0.05)  # they are there, or in the kernel
        site.early.set()
        await asking
        answers = await raw.rest()

    assert [answer.payload[:1] for answer in answers[:-1]] == [b"1", b"2", b"3", b"4"]
    assert answers[-1] == END


@pytest.mark.parametrize(
    ("path", "status"), [(b"/fails", b"500"), (b"/silent", b"500"), (b"/", b"403")]
)  # fmt: skip
async def test_an_application_that_opens_nothing_is_answered_for(site: EchoSite, path: bytes, status: bytes) -> None:
    site.refuses = {"type": "websocket.close"} if status == b"403" else None
    async with raw_websocket(site.port) as raw:
        head = await raw.handshake(path=path, early=frame(TEXT, b"x"))
        rest = await asyncio.wait_for(raw.reader.read(), 10)
        raw.writer.close()
        await eventually(lambda: site.connections == 0)

    assert head.startswith(b"HTTP/1.1 " + status)
    assert rest == b""


async def test_a_connection_that_nobody_owns_is_closed(site: EchoSite) -> None:
    async with raw_websocket(site.port) as raw:
        await raw.handshake(path=b"/unowned")
        frames = [await raw.next()]

    assert [each and each.code for each in frames] == [1011]


async def test_a_message_that_cannot_be_carried_out_closes_and_is_logged(
    raw: RawWebsocket, site: EchoSite, caplog: pytest.LogCaptureFixture
) -> None:
    raw.send(frame(TEXT, b"fail"), frame(TEXT, b"after"))
    end = await raw.next()

    assert end is not None
    assert (end.code, site.heard, site.left, site.closed(1011)) == (1011, ["fail"], site.doors, 1)
    assert "a message could not be carried out" in caplog.text


async def test_who_goes_while_it_is_decided_is_let_go(site: EchoSite) -> None:
    site.early = asyncio.Event()
    async with raw_websocket(site.port) as raw:
        raw.writer.write(HEAD + b"\r\n")
        await eventually(lambda: bool(site.scopes))
    await eventually(lambda: site.connections == 0)
    site.early.set()
    await eventually(lambda: not site.server.server_state.tasks)

    assert site.doors == []


async def test_connections_are_counted_by_the_server_and_what_has_ended_leaves_nothing(site: EchoSite) -> None:
    from weakref import ref  # noqa: PLC0415 (one test needs it)

    async with raw_websocket(site.port) as raw:
        await raw.handshake()
        one = site.connections
        raw.send(frame(TEXT, b"x"), BYE)
        await raw.rest()
        await eventually(lambda: site.connections == 0)
    door = ref(site.doors[0])
    site.doors.clear()
    site.left.clear()
    site.scopes.clear()
    await asyncio.sleep(0)

    assert (one, door()) == (1, None)
