"""Recordings on the disk: what was written is read back, rotated, and what a crash or a fault left is skipped."""

import os
from collections.abc import Sequence
from datetime import date
from pathlib import Path

import pytest

from ingest_service.core import recording
from ingest_service.core.recording import Header, Kind, Record
from ingest_service.core.sessions import midnight_ms
from ingest_service.recording_files import RecordingFiles
from ingest_service.recording_reader import Block, Damage, NotARecording, RecordingReader

MIDNIGHT_MS = midnight_ms(date(2026, 11, 24))


def header(session: str = "k3f9q2", source: str = "a") -> Header:
    return Header(source=source, simulated=True, channels=["X:ALL"], session=session, day=date(2026, 11, 23), up=False)


def frame(time_ms: int, text: bytes = b"{}") -> Record:
    return Record(time_ms, Kind.FRAME, text)


def written(folder: Path, *batches: Sequence[Record]) -> list[Path]:
    files = RecordingFiles(folder, header())
    for batch in batches:
        files.write(batch)
    files.close()
    return sorted(folder.iterdir())


def frames_of(path: Path) -> list[Record]:
    return [
        record
        for block in RecordingReader([path]).blocks()
        if isinstance(block, Block)
        for record in block.records
        if record.kind == Kind.FRAME
    ]


def damages_of(path: Path) -> list[Damage]:
    return [block for block in RecordingReader([path]).blocks() if isinstance(block, Damage)]


def test_what_was_written_is_read_with_its_header(tmp_path: Path) -> None:
    (file,) = written(tmp_path, [frame(1), frame(2)], [frame(3)])

    reader = RecordingReader([file])

    assert frames_of(file) == [frame(1), frame(2), frame(3)]
    assert damages_of(file) == []
    assert reader.header() == header().model_copy(update={"day": date(1970, 1, 1)})
    assert reader.extent() == (1, 3, 5)


def test_a_new_day_in_vietnam_and_a_large_file_begin_another_whose_name_sorts_after(tmp_path: Path) -> None:
    files = RecordingFiles(tmp_path, header(), file_bytes=400)
    files.write([frame(MIDNIGHT_MS - 2), frame(MIDNIGHT_MS - 1), frame(MIDNIGHT_MS)])
    for after_ms in range(1, 5):
        files.write([frame(MIDNIGHT_MS + after_ms)])
    files.close()

    names = sorted(file.name for file in tmp_path.iterdir())

    assert names[:2] == ["20261123-235959-998-k3f9q2.feed.gz", "20261124-000000-000-k3f9q2.feed.gz"]
    assert len(names) > 2
    assert [record.time_ms - MIDNIGHT_MS for record in frames_of(tmp_path)] == [-2, -1, 0, 1, 2, 3, 4]


def test_each_file_begins_with_the_lists_and_the_state_of_the_link(tmp_path: Path) -> None:
    lists = Record(1, Kind.LISTS, b'{"day":"2026-11-23"}')
    written(tmp_path, [lists, Record(1, Kind.UP, b"")], [frame(MIDNIGHT_MS)])

    blocks = [block for block in RecordingReader([tmp_path]).blocks() if isinstance(block, Block)]

    assert [block.header.up for block in blocks] == [False, True]
    assert blocks[1].records[1] == lists._replace(time_ms=MIDNIGHT_MS)


def test_what_is_recorded_after_the_end_begins_another_file(tmp_path: Path) -> None:
    assert len(written(tmp_path, [frame(1), Record(2, Kind.END, b"")], [frame(3)])) == 2


def test_a_file_cut_at_any_byte_of_its_last_block_loses_that_block_only(tmp_path: Path) -> None:
    (file,) = written(tmp_path, [frame(1)], [frame(2)])
    whole = file.read_bytes()
    first = whole.index(recording.MAGIC, 1)

    for length in range(first, len(whole)):
        file.write_bytes(whole[:length])

        assert frames_of(file) == [frame(1)]
        assert [(damage.offset, damage.length, damage.at_end) for damage in damages_of(file)] == (
            [(first, length - first, True)] if length > first else []
        )


def test_a_byte_flipped_in_any_block_costs_that_block_and_is_told(tmp_path: Path) -> None:
    (file,) = written(tmp_path, [frame(1)], [frame(2)], [frame(3)])
    whole = file.read_bytes()
    second, third = whole.index(recording.MAGIC, 1), whole.rindex(recording.MAGIC)

    for at in range(second, third):
        file.write_bytes(whole[:at] + bytes([whole[at] ^ 0xFF]) + whole[at + 1 :])

        assert frames_of(file) == [frame(1), frame(3)]
        assert [(damage.offset, damage.length, damage.at_end) for damage in damages_of(file)] == [
            (second, third - second, False)
        ]


def test_damage_across_large_stretches_is_skipped(tmp_path: Path) -> None:
    (file,) = written(tmp_path, [frame(1)])
    block = file.read_bytes()
    file.write_bytes(block + bytes(3_000_000) + recording.MAGIC * 50_000 + block)

    assert frames_of(file) == [frame(1), frame(1)]
    assert len(damages_of(file)) == 1


@pytest.mark.parametrize("content", [b"", b"something", bytes(5000)])
def test_what_holds_no_whole_block_is_no_recording(tmp_path: Path, content: bytes) -> None:
    file = tmp_path / "some.feed.gz"
    file.write_bytes(content)

    for look in (RecordingReader.header, RecordingReader.extent):
        with pytest.raises(NotARecording, match=r"some\.feed\.gz: there is no whole block"):
            look(RecordingReader([file]))


def test_what_is_not_there_is_told(tmp_path: Path) -> None:
    with pytest.raises(NotARecording, match="no such file"):
        RecordingReader([tmp_path / "other"])
    with pytest.raises(NotARecording, match="no recording in this folder"):
        RecordingReader([tmp_path])


def test_another_version_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("ingest_service.core.recording.VERSION", 7)
    written(tmp_path, [frame(1)])
    monkeypatch.undo()

    with pytest.raises(NotARecording, match="version 7"):
        RecordingReader([tmp_path]).header()


def test_recordings_of_two_exchanges_are_not_mixed(tmp_path: Path) -> None:
    written(tmp_path, [frame(1)])
    RecordingFiles(tmp_path, header("other1", source="b")).write([frame(5), Record(5, Kind.END, b"")])

    with pytest.raises(NotARecording, match="several exchanges"):
        RecordingReader([tmp_path]).header()


def test_after_a_fault_of_the_disk_the_file_ends_with_its_last_whole_block(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fails(_: int) -> None:
        raise OSError(28, "No space left on device")

    files = RecordingFiles(tmp_path, header())
    files.write([frame(1)])
    monkeypatch.setattr(os, "fsync", fails)
    with pytest.raises(OSError, match="No space"):
        files.write([frame(2)])
    monkeypatch.undo()
    files.write([frame(3)])
    files.close()

    assert len(list(tmp_path.iterdir())) == 2
    assert frames_of(tmp_path) == [frame(1), frame(3)]
    assert damages_of(tmp_path) == []


def test_no_empty_file_stays_where_nothing_could_be_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    real = os.fsync
    calls: list[int] = []

    def fails_for_the_block(descriptor: int) -> None:
        calls.append(descriptor)
        if len(calls) == 2:  # the first is the folder's
            raise OSError(28, "No space left on device")
        real(descriptor)

    monkeypatch.setattr(os, "fsync", fails_for_the_block)
    with pytest.raises(OSError, match="No space"):
        RecordingFiles(tmp_path, header()).write([frame(1)])

    assert list(tmp_path.iterdir()) == []
