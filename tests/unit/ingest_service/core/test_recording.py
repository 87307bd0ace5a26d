"""The recording format: what was written is read, and what is not sound is told, never taken for something else."""

import gzip
import random
from contextlib import suppress
from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ingest_service.core.recording import (
    HEAD_BYTES,
    Damaged,
    Header,
    Kind,
    OtherVersion,
    Record,
    decode_block,
    encode_block,
    header_of,
    parse_head,
)

HEADER = Header(source="a", simulated=True, channels=["X:ALL"], session="k3f9q2", day=date(2026, 11, 23), up=False)
RECORDS = [
    HEADER.record(1795405330000),
    Record(1795405330000, Kind.START, b""),
    Record(1795405330001, Kind.FRAME, b'{"C":"d-1","M":[]}'),
    Record(1795405330001, Kind.FRAME, b"two\nlines 12 f 3 \r\n"),
    Record(1795405331234, Kind.FRAME, "phiên · \u0301 \udcff".encode(errors="surrogateescape")),
]


def decoded(block: bytes) -> list[Record]:
    head = parse_head(block)
    assert head is not None
    return decode_block(head, block[HEAD_BYTES:])


def test_what_was_written_is_read() -> None:
    block = encode_block(RECORDS)

    head = parse_head(block)

    assert head == (len(block) - HEAD_BYTES, len(RECORDS), RECORDS[0].time_ms, RECORDS[-1].time_ms)
    assert decoded(block) == RECORDS
    assert header_of(RECORDS) == HEADER


def test_any_tool_for_gzip_reads_it_one_record_a_line() -> None:
    text = gzip.decompress(encode_block(RECORDS[:3]) + encode_block(RECORDS[:1]))

    lines = text.splitlines()

    assert len(lines) == 4
    assert lines[2] == b'1795405330001 f 18 {"C":"d-1","M":[]}'


@given(st.lists(st.tuples(st.integers(0, 2**40), st.sampled_from("fudlz"), st.binary()), min_size=1))
def test_every_text_of_every_kind_is_read_as_it_was(said: list[tuple[int, str, bytes]]) -> None:
    records = [Record(*one) for one in sorted(said)]

    assert decoded(encode_block(records)) == records


def test_a_block_cut_anywhere_is_none() -> None:
    block = encode_block(RECORDS)

    for length in range(len(block)):
        head = parse_head(block[:length])
        if length < HEAD_BYTES:
            assert head is None
        else:
            assert head is not None
            with pytest.raises(Damaged):
                decode_block(head, block[HEAD_BYTES:length])


def test_a_block_with_any_bit_flipped_is_never_taken_for_another() -> None:
    block = encode_block(RECORDS)

    for at in range(len(block) * 8):
        flipped = bytearray(block)
        flipped[at // 8] ^= 1 << at % 8
        head = parse_head(bytes(flipped))
        if head is not None:
            with suppress(Damaged):  # the last bits of a compressed text mean nothing
                assert decode_block(head, bytes(flipped[HEAD_BYTES:])) == RECORDS


def test_noise_is_no_head() -> None:
    source = random.Random(1)

    assert all(parse_head(source.randbytes(100)) is None for _ in range(1000))
    assert parse_head(gzip.compress(b"something else")) is None


def test_a_newer_version_is_told_from_damage(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("ingest_service.core.recording.VERSION", 2)
    block = encode_block(RECORDS)
    monkeypatch.undo()

    with pytest.raises(OtherVersion, match="version 2"):
        parse_head(block)


def test_a_block_that_inflates_without_end_is_refused() -> None:
    block = encode_block([Record(1, Kind.FRAME, b"\0" * 70_000_000)], level=1)

    with pytest.raises(Damaged):
        decoded(block)


@pytest.mark.parametrize(
    "records",
    [
        [],
        [Record(1, Kind.FRAME, b"")],
        [Record(1, Kind.HEADER, b"{}")],
        [Record(1, Kind.HEADER, b"\xff")],
    ],
)
def test_records_without_a_header_are_of_unknown_origin(records: list[Record]) -> None:
    with pytest.raises(Damaged):
        header_of(records)


def test_records_that_run_backwards_are_refused() -> None:
    with pytest.raises(Damaged, match="order"):
        decoded(encode_block([Record(5, Kind.FRAME, b""), Record(4, Kind.FRAME, b""), Record(6, Kind.FRAME, b"")]))
