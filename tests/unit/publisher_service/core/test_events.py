"""Messages as server-sent events: one line of JSON, and the position of whoever has read so far."""

import orjson
import pytest

from publisher_service.core import frames
from publisher_service.core.events import NOWHERE, event
from publisher_service.core.frames import DataHead, Frame

HEAD = DataHead("market", "20261123-aaaaaa", 7, "20261123-aaaaaa.7.00000000", 1)


def fields(frame: Frame) -> list[tuple[str, str]]:
    """The names and values of an event's lines."""
    assert frame.event.endswith(b"\n\n")
    lines = [line.partition(": ") for line in frame.event.decode().removesuffix("\n\n").split("\n")]
    return [(name, value) for name, _, value in lines]


def ids(parts: frames.Parts) -> list[str | None]:
    return [dict(fields(frame)).get("id") for frame in parts.frames]


def test_an_event_carries_the_same_text_as_a_websocket_frame() -> None:
    (frame,) = frames.update(HEAD, 3, ["SSI"], [b'"SSI":{"name":"a \\"data\\":{ \\n b"}']).frames

    assert fields(frame) == [("id", HEAD.position), ("data", frames.payload_of(frame.plain).decode())]


@pytest.mark.parametrize("text", [b'{\r\n"last":\n1}', b'{"last":1}'])
def test_a_row_that_was_written_in_several_lines_is_one_line(text: bytes) -> None:
    (frame,) = frames.snapshot(HEAD, 500, ["SSI"], [b'"SSI":' + text]).frames

    assert orjson.loads(dict(fields(frame))["data"])["data"] == {"SSI": {"last": 1}}


def test_in_the_middle_of_a_snapshot_a_client_stands_nowhere_and_of_an_update_where_it_stood(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(frames, "MAX_FRAME_BYTES", 250)
    keys, rows = ["A", "B", "C"], [b'"%b":{"filler":"%b"}' % (key, b"x" * 60) for key in (b"A", b"B", b"C")]

    snapshot, update = frames.snapshot(HEAD, 500, keys, rows), frames.update(HEAD, 3, keys, rows)

    assert ids(snapshot) == [NOWHERE, None, HEAD.position]
    assert ids(update) == [None, None, HEAD.position]


def test_a_goodbye_says_when_to_come_back_and_other_messages_move_nothing() -> None:
    goodbye = frames.message({"type": "goodbye", "reconnect_after_ms": 1700})
    error = frames.message({"type": "error", "code": "x", "message": ',"data":{'})

    assert dict(fields(goodbye))["retry"] == "1700"
    assert [name for name, _ in fields(error)] == ["data"]
    assert event(b'{"type":"heartbeat","time":1}') == b'data: {"type":"heartbeat","time":1}\n\n'
