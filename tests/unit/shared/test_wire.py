"""The Redis contract: what is written is read back, and nothing else than the documented errors comes out."""

from contextlib import suppress

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.channels import Channel, RedisNames
from shared.table import Table
from shared.wire import (
    CONTRACT,
    MAX_SCHEMA_BYTES,
    Commit,
    Head,
    Heartbeat,
    InvalidEnvelope,
    NewerContract,
    Replaced,
    Schema,
    decode_entry,
    decode_envelope,
    decode_head,
    decode_row,
    decode_schema,
    encode_envelope,
    encode_head,
    encode_row,
    encode_schema,
)
from tests.fakes.texts import texts

HEAD = Head("20261123-k3f9q2", 12, "20261123-k3f9q2.12.abcdef", 1_795_405_337_123, "a" * 40, more=True)


@pytest.mark.parametrize(
    "envelope",
    [
        Commit("e", 3, 5, 7, {Channel.MARKET: texts({"SSI": {"last": 1, "bids": []}, "OLD": None})}, more=True),
        Heartbeat("e", 5, 7),
        Replaced("e", 5, 7),
    ],
)
def test_an_envelope_is_read_back_as_it_was(envelope: Commit | Heartbeat | Replaced) -> None:
    assert decode_envelope(encode_envelope(envelope)) == envelope


@pytest.mark.parametrize("row", [{"last": 31500, "name": "Chứng khoán SSI", "bids": [[1, 2]]}, None])
def test_a_row_is_read_back_with_its_revision(row: dict[str, object] | None) -> None:
    assert decode_row(encode_row(row, 42)) == (row, 42)  # type: ignore[arg-type] # invariance of dict


def test_a_head_is_read_back_as_it_was() -> None:
    stored = {name.encode(): str(value).encode() for name, value in encode_head(HEAD).items()}

    assert decode_head(stored) == HEAD
    assert decode_head({}) is None


def test_a_schema_is_read_back_as_it_was_whatever_its_document_is() -> None:
    schema = Schema("0123456789abcdef", b"\xff opaque")
    stored = {
        name.encode(): value if isinstance(value, bytes) else value.encode()
        for name, value in encode_schema(schema).items()
    }

    assert decode_schema(stored) == schema
    assert decode_schema({}) is None


@pytest.mark.parametrize(
    "wrong",
    [
        {b"document": b"{}"},
        {b"identity": b"a"},
        {b"identity": b"", b"document": b"{}"},
        {b"identity": b"a\r\nb", b"document": b"{}"},
        {b"identity": b'a"', b"document": b"{}"},
        {b"identity": b"\xff", b"document": b"{}"},
        {b"identity": "mã".encode(), b"document": b"{}"},
        {b"identity": b"a" * 65, b"document": b"{}"},
        {b"identity": b"a", b"document": b"x" * (MAX_SCHEMA_BYTES + 1)},
    ],
    ids=lambda wrong: str(wrong)[:40],
)
def test_a_schema_that_could_not_be_handed_on_is_refused(wrong: dict[bytes, bytes]) -> None:
    with pytest.raises(InvalidEnvelope, match="schema"):
        decode_schema(wrong)


def test_unknown_types_channels_and_fields_are_ignored() -> None:
    commit = orjson.loads(encode_envelope(Commit("e", 3, 5, 7, {Channel.INDEX: texts({"VN30": {"value": 1.0}})})))
    commit["channels"]["tomorrow"] = {"X": {}}
    commit["new"] = 1

    decoded = decode_envelope(orjson.dumps(commit))

    assert isinstance(decoded, Commit)
    assert decoded.rows == {Channel.INDEX: texts({"VN30": {"value": 1.0}})}
    assert decode_envelope(orjson.dumps(commit | {"type": "party"})) is None


def test_a_higher_contract_is_refused_by_name() -> None:
    newer = orjson.loads(encode_envelope(Heartbeat("e", 1, 1))) | {"contract": CONTRACT + 1}

    with pytest.raises(NewerContract) as refused:
        decode_envelope(orjson.dumps(newer))

    assert refused.value.contract == CONTRACT + 1


@pytest.mark.parametrize(
    "wrong",
    [
        {"rev": -1},
        {"rev": 2**53},
        {"rev": "5"},
        {"rev": True},
        {"rev": 5.0},
        {"time": 2**63},
        {"from": -1},
        {"from": 5},
        {"epoch": ""},
        {"epoch": ["deep"]},
        {"contract": None},
        {"channels": {"market": {"SSI": 5}}},
        {"channels": {"market": []}},
    ],
)
def test_an_envelope_that_no_writer_can_have_written_is_refused(wrong: dict[str, object]) -> None:
    commit = orjson.loads(encode_envelope(Commit("e", 3, 5, 7, {Channel.MARKET: texts({"SSI": {"last": 1}})})))

    with pytest.raises(InvalidEnvelope):
        decode_envelope(orjson.dumps(commit | wrong))


@pytest.mark.parametrize("place", ["in the epoch", "in a row"])
def test_what_is_nested_deeper_than_can_be_written_again_is_refused(place: str) -> None:
    deep = b"[" * 1000 + b"]" * 1000
    commit = encode_envelope(Commit("in the epoch", 3, 5, 7, {Channel.MARKET: texts({"SSI": {"last": "in a row"}})}))

    with pytest.raises(InvalidEnvelope):
        decode_envelope(commit.replace(b'"%b"' % place.encode(), deep))
    with pytest.raises(InvalidEnvelope):
        decode_row(b'5 {"last":%b}' % deep)


@pytest.mark.parametrize("stored", [b"-1 {}", b"9007199254740992 {}", b"{}", b"5 []", b"5 ", b" {}"])
def test_a_stored_row_that_no_writer_can_have_written_is_refused(stored: bytes) -> None:
    with pytest.raises(InvalidEnvelope):
        decode_row(stored)


@pytest.mark.parametrize("wrong", [{b"rev": b"-1"}, {b"time": b"9007199254740992"}, {b"epoch": b""}, {b"rev": b"x"}])
def test_a_head_that_no_writer_can_have_written_is_refused(wrong: dict[bytes, bytes]) -> None:
    stored = {name.encode(): str(value).encode() for name, value in encode_head(HEAD).items()}

    with pytest.raises(InvalidEnvelope):
        decode_head(stored | wrong)


JSON_VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=10,
)
FIELDS = st.fixed_dictionaries(
    {},
    optional={
        name: JSON_VALUES | st.sampled_from([1, "commit", "heartbeat"])
        for name in ("type", "contract", "epoch", "rev", "time", "from", "channels")
    },
)


@given(message=st.binary(max_size=60) | FIELDS.map(lambda fields: repr(fields).encode()))
def test_no_bytes_on_pub_sub_raise_anything_else_than_the_documented_errors(message: bytes) -> None:
    with suppress(InvalidEnvelope, NewerContract):
        decode_envelope(message)
    with suppress(InvalidEnvelope):
        decode_row(message)


@given(fields=FIELDS)
def test_no_json_on_pub_sub_raises_anything_else_than_the_documented_errors(fields: dict[str, object]) -> None:
    with suppress(InvalidEnvelope, NewerContract):
        decode_envelope(orjson.dumps(fields) if _fits(fields) else b"{}")


def _fits(fields: dict[str, object]) -> bool:
    """Orjson writes 64-bit integers and whole characters only."""
    try:
        orjson.dumps(fields)
    except (TypeError, ValueError):
        return False
    return True


def test_all_keys_of_a_board_are_in_one_slot_of_a_cluster() -> None:
    names = RedisNames("mine")
    keys = [names.head, names.lease, names.updates]
    keys += [name for channel in Channel for name in (names.rows(channel), names.next_rows(channel))]

    assert all(key.startswith("{mine}:") for key in keys)
    assert len(set(keys)) == len(keys)


def test_rows_go_from_writer_to_table_as_they_stand() -> None:
    row = b'{"last":31500,"change_pct":0.16,"name":"Ch\xe1\xbb\xa9ng kho\xc3\xa1n"}'
    commit = Commit("e", 1, 2, 3, {Channel.MARKET: {"SSI": row, "OLD": b"null"}})

    read = decode_envelope(encode_envelope(commit))

    assert isinstance(read, Commit)
    assert read == commit
    table = Table()
    table.apply(read.rows[Channel.MARKET], 2)
    entry = table.get("SSI")
    assert entry is not None
    assert entry.json is read.rows[Channel.MARKET]["SSI"]
    assert decode_entry(b"2 " + row).json == row


#: Valid or not by JSON, rows that may not be handed on as they stand; and what is handed on in their place.
ODD_ROWS = {
    b'{ "last": 1 }': b'{ "last": 1 }',
    b'{"last":\n1}': b'{"last":1}',
    b'{"last":\r\n1}': b'{"last":1}',
    b'{"last":1e16}': b'{"last":1e16}',
    b'{"last":1e999}': None,
    b'{"last":-1E+999}': None,
    b'{"last":%b}' % (b"9" * 400): None,
    b'{"last":NaN}': None,
    b'{"last":01}': None,
    b'{"name":"\xff"}': None,
    b'{"name":"\xed\xa0\x80"}': None,
    b'{"name":"\x01"}': None,
    b'{"name":"\\ud800"}': None,
    b'{"deep":%b1%b}' % (b"[" * 500, b"]" * 500): None,
    b'{"last":1}}': None,
    b"[1]": None,
    b"1": None,
    b'"text"': None,
}


@pytest.mark.parametrize("row", ODD_ROWS)
def test_a_row_that_clients_could_not_read_is_refused_wherever_it_comes_from(row: bytes) -> None:
    commit = Commit("e", 1, 2, 3, {Channel.MARKET: {"SSI": b'{"here":1}'}})
    message, wanted = encode_envelope(commit).replace(b'{"here":1}', row), ODD_ROWS[row]

    if wanted is None:
        with pytest.raises(InvalidEnvelope):
            decode_envelope(message)
        with pytest.raises(InvalidEnvelope):
            decode_entry(b"2 " + row)
    else:
        read = decode_envelope(message)
        assert isinstance(read, Commit)
        assert read.rows == {Channel.MARKET: {"SSI": wanted}}
        assert decode_entry(b"2 " + row).json == wanted
