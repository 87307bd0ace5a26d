"""The files of a recording, as they are written: one after the other, each complete up to its last block."""

import os
from collections.abc import Iterator, Sequence
from contextlib import suppress
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import BinaryIO

from ingest_service.core.recording import BLOCK_BYTES, Header, Kind, Record, encode_block
from ingest_service.core.sessions import day_of

#: After so much a new file begins: small enough to be copied and to be lost.
FILE_BYTES = 256_000_000
SUFFIX = ".feed.gz"
_VIETNAM = timezone(timedelta(hours=7))


class RecordingFiles:
    """
    Writes blocks; each is on the disk, as far as the system can tell, when `write` returns.

    A new file begins with the day in Vietnam, and when the last one is large. Blocking: to be called from a thread.
    """

    def __init__(self, folder: Path, header: Header, *, file_bytes: int = FILE_BYTES) -> None:
        self._folder = folder
        self._header = header
        self._file_bytes = file_bytes
        self._file: BinaryIO | None = None
        self._written = 0  # of the present file: to its last whole block
        self._lists: Record | None = None  # the newest ones written: each file begins with them

    def write(self, records: Sequence[Record]) -> int:
        """
        Write the records, in as many blocks as they need; how many bytes that took.

        Raises OSError: the records from some block on are not written; the next call begins a new file.
        """
        try:
            return sum(self._write_block(block) for block in _blocks(records))
        except OSError:
            self._give_up()
            raise

    def close(self) -> None:
        """The next block begins a new file. Raises OSError."""
        file, self._file, self._written = self._file, None, 0
        if file is not None:
            file.close()

    def _write_block(self, records: list[Record]) -> int:
        first_ms = records[0].time_ms
        day = day_of(first_ms)
        if self._file is not None and (self._written >= self._file_bytes or day != self._header.day):
            self.close()
        self._header.day = day
        opening = [self._header.record(first_ms)]
        if self._file is None:
            self._file = self._next_file(first_ms)
            opening += [] if self._lists is None else [self._lists._replace(time_ms=first_ms)]
        block = encode_block([*opening, *records])
        self._file.write(block)
        self._file.flush()
        os.fsync(self._file.fileno())
        self._written += len(block)
        for record in records:
            if record.kind == Kind.LISTS:
                self._lists = record
            elif record.kind in (Kind.UP, Kind.DOWN):
                self._header.up = record.kind == Kind.UP
        if records[-1].kind == Kind.END:
            self.close()
        return len(block)

    def _next_file(self, first_ms: int) -> BinaryIO:
        """An empty file whose name sorts by time. Raises OSError."""
        self._folder.mkdir(parents=True, exist_ok=True)
        moment = datetime.fromtimestamp(first_ms / 1000, _VIETNAM)
        name = f"{moment:%Y%m%d-%H%M%S}-{moment.microsecond // 1000:03}-{self._header.session}"
        file = (self._folder / f"{name}{SUFFIX}").open("xb")
        try:
            _keep_entry(self._folder)
        except OSError:
            file.close()
            raise
        return file

    def _give_up(self) -> None:
        """Leave a file that ends with its last whole block, if the disk lets us; else readers skip its tail."""
        file, length = self._file, self._written
        self._file, self._written = None, 0
        if file is None:
            return
        with suppress(OSError):
            os.ftruncate(file.fileno(), length)
        with suppress(OSError):
            file.close()
        if length == 0:
            with suppress(OSError):
                Path(file.name).unlink()


def _keep_entry(folder: Path) -> None:
    """The entry of a new file has to outlive a power cut as well. Raises OSError."""
    if os.name == "nt":
        return  # folders cannot be opened there
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _blocks(records: Sequence[Record]) -> Iterator[list[Record]]:
    """Parts of about BLOCK_BYTES, none of two days."""
    block: list[Record] = []
    size = 0
    for record in records:
        if block and (size + len(record.text) > BLOCK_BYTES or day_of(record.time_ms) != day_of(block[0].time_ms)):
            yield block
            block, size = [], 0
        block.append(record)
        size += len(record.text) + 24
    if block:
        yield block
