"""Reads recordings: every sound block, and a word about all that is not."""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import BinaryIO, NamedTuple

from ingest_service.core.recording import (
    HEAD_BYTES,
    MAGIC,
    Damaged,
    Head,
    Header,
    OtherVersion,
    Record,
    decode_block,
    header_of,
    parse_head,
)
from ingest_service.recording_files import SUFFIX

_CHUNK_BYTES = 1 << 20


class NotARecording(Exception):  # noqa: N818 (a fact about a file)
    """What was named cannot be played: why, in words for people."""


class Block(NamedTuple):
    """A sound block."""

    header: Header
    records: list[Record]  # the header is the first of them


class Damage(NamedTuple):
    """Bytes of a file that are no sound block."""

    file: Path
    offset: int
    length: int
    reason: str
    at_end: bool  # nothing sound comes after it: what a crash leaves behind


class Extent(NamedTuple):
    """What the heads of a recording promise."""

    first_ms: int
    last_ms: int
    records: int


class RecordingReader:
    """
    The blocks of a recording, oldest first: one file, several, or all of a folder.

    Every method raises NotARecording for what cannot be opened, is of another version, or holds no sound block at all.
    """

    def __init__(self, paths: Sequence[Path]) -> None:
        self.files = [file for path in paths for file in _files_of(path)]

    def header(self) -> Header:
        """What the first blocks tell of the exchange: it has to be the same for all files."""
        headers = [header for file in self.files if (header := self._first_header(file)) is not None]
        if not headers:
            raise NotARecording(f"{_names(self.files)}: there is no whole block of a recording in it")
        if len({(header.source, header.simulated) for header in headers}) > 1:
            raise NotARecording(f"{_names(self.files)} are of several exchanges; play them one by one")
        return headers[0]

    def extent(self) -> Extent:
        """From when to when, by the heads alone: quick."""
        heads = [head for file in self.files for head in self._heads(file)]
        if not heads:
            raise NotARecording(f"{_names(self.files)}: there is no whole block of a recording in it")
        return Extent(
            min(head.first_ms for head in heads),
            max(head.last_ms for head in heads),
            sum(head.records for head in heads),
        )

    def blocks(self) -> Iterator[Block | Damage]:
        """Everything, in order."""
        for file in self.files:
            with _opened(file) as stream:
                yield from _blocks(file, stream)

    def _first_header(self, file: Path) -> Header | None:
        with _opened(file) as stream:
            return next((block.header for block in _blocks(file, stream) if isinstance(block, Block)), None)

    def _heads(self, file: Path) -> Iterator[Head]:
        with _opened(file) as stream:
            at, size = 0, stream.seek(0, 2)
            while (found := _find(file, stream, at)) is not None:
                start, head = found
                at = start + HEAD_BYTES + head.rest
                if at <= size:
                    yield head


def _blocks(file: Path, stream: BinaryIO) -> Iterator[Block | Damage]:
    at, size = 0, stream.seek(0, 2)
    damaged_from, reason = 0, "it is no block"
    while (found := _find(file, stream, at)) is not None:
        start, head = found
        stream.seek(start + HEAD_BYTES)
        try:
            records = decode_block(head, stream.read(head.rest))
            block = Block(header_of(records), records)
        except Damaged as damaged:
            if damaged_from == at:
                reason = damaged.reason
            at = start + 1  # its length may be wrong as well
            continue
        if start > damaged_from:
            yield Damage(file, damaged_from, start - damaged_from, reason, at_end=False)
        yield block
        at = damaged_from = start + HEAD_BYTES + head.rest
        reason = "it is no block"
    if size > damaged_from:
        yield Damage(file, damaged_from, size - damaged_from, reason, at_end=True)


def _find(file: Path, stream: BinaryIO, at: int) -> tuple[int, Head] | None:
    """The next head, from an offset on: mostly at once."""
    while True:
        if (head := _head_at(file, stream, at)) is not None:
            return at, head
        at += 1
        stream.seek(at)
        chunk = stream.read(_CHUNK_BYTES)
        offset = chunk.find(MAGIC)
        if offset < 0:
            if len(chunk) < _CHUNK_BYTES:
                return None
            offset = len(chunk) - len(MAGIC)  # it may begin in the last bytes
        at += offset


def _head_at(file: Path, stream: BinaryIO, at: int) -> Head | None:
    stream.seek(at)
    try:
        return parse_head(stream.read(HEAD_BYTES + 256))  # another version's head may be longer
    except OtherVersion as other:
        raise NotARecording(f"{file} {other}") from other


def _files_of(path: Path) -> list[Path]:
    """Raises NotARecording."""
    if not path.exists():
        raise NotARecording(f"{path}: there is no such file or folder")
    if not path.is_dir():
        return [path]
    files = sorted(path.glob(f"*{SUFFIX}"), key=lambda file: file.name)
    if not files:
        raise NotARecording(f"{path}: there is no recording in this folder (no name ends with {SUFFIX})")
    return files


def _opened(file: Path) -> BinaryIO:
    try:
        return file.open("rb")
    except OSError as error:
        raise NotARecording(f"{file}: {error.strerror}") from error


def _names(files: Sequence[Path]) -> str:
    return ", ".join(map(str, files[:3])) + (", …" if len(files) > 3 else "")
