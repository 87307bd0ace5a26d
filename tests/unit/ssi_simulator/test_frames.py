"""The texts of the stream."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ssi_simulator import frames


@given(st.text(alphabet=st.characters(exclude_categories=["Cs"])))
def test_a_broadcast_is_json_in_json_in_json(name: str) -> None:
    content = json.dumps({"Symbol": name})

    frame = json.loads(frames.data("d-1", frames.broadcast("X", content)))

    assert list(frame) == ["C", "M"]
    assert list(frame["M"][0]) == ["H", "M", "A"]
    argument = json.loads(frame["M"][0]["A"][0])
    assert argument == {"DataType": "X", "Content": content}


def test_a_frame_is_written_as_the_feed_writes_it() -> None:
    frame = frames.data("d-5A1C20F4-B,1|Qx2,0|Qx3,1", frames.broadcast("B", '{"RType":"B","Open":31500.0}'))

    assert frame.decode() == (
        r'{"C":"d-5A1C20F4-B,1|Qx2,0|Qx3,1","M":[{"H":"FcMarketDataV2Hub","M":"Broadcast",'
        r'"A":["{\"DataType\":\"B\",\"Content\":\"{\\\"RType\\\":\\\"B\\\",\\\"Open\\\":31500.0}\"}"]}]}'
    )


@pytest.mark.parametrize(("given_id", "returned"), [(0, "0"), ("1", "1"), (True, "true"), (None, "null"), (1.5, "1.5")])
def test_an_invocation_id_comes_back_as_a_string(given_id: object, returned: str) -> None:
    assert json.loads(frames.result(given_id)) == {"I": returned}


@given(st.integers(0, 2**63))
def test_a_cursor_carries_its_sequence_number(sequence: int) -> None:
    assert frames.sequence_of(frames.cursor("5A1C20F4", sequence)) == sequence


@pytest.mark.parametrize("message_id", ["", "d-1", "d-1-B,|Q", "d-1-B,xyz|Q", "nonsense"])
def test_a_foreign_cursor_carries_none(message_id: str) -> None:
    assert frames.sequence_of(message_id) is None


@pytest.mark.parametrize(("size", "head"), [(0, 2), (125, 2), (126, 4), (65535, 4), (65536, 10)])
def test_a_websocket_frame_has_the_shortest_head(size: int, head: int) -> None:
    frame = frames.websocket_frame(b"x" * size)

    assert len(frame) == head + size
    assert frame[0] == 0x81
