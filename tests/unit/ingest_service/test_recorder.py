"""The recorder: everything reaches the disk, the feed never waits for it, and what is missing is counted and said."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from datetime import date
from pathlib import Path
from threading import Event

import pytest

from ingest_service import recorder as module
from ingest_service.core.recording import Header, Kind, Record
from ingest_service.metrics import Metrics
from ingest_service.recorder import Recorder, recording
from ingest_service.recording_files import RecordingFiles
from ingest_service.recording_reader import Block, RecordingReader
from tests.eventually import eventually

NOW_MS = 1_795_405_330_000


class Disk(RecordingFiles):
    """Files on a disk that can be full, or take its time."""

    def __init__(self, folder: Path) -> None:
        header = Header(
            source="a", simulated=True, channels=["X:ALL"], session="k3f9q2", day=date(2026, 11, 23), up=False
        )
        super().__init__(folder, header)
        self.folder = folder
        self.full = False
        self.answers = Event()
        self.answers.set()

    def write(self, records: Sequence[Record]) -> int:
        assert self.answers.wait(10)
        if self.full:
            raise OSError(28, "No space left on device")
        return super().write(records)

    def records(self) -> list[Record]:
        """What is on it, without headers."""
        blocks = [block for block in RecordingReader([self.folder]).blocks() if isinstance(block, Block)]
        return [record for block in blocks for record in block.records if record.kind != Kind.HEADER]

    def told(self) -> list[tuple[str, bytes]]:
        """The same without times."""
        return [(record.kind, record.text) for record in self.records()]


def frame(text: str, time_ms: int = NOW_MS) -> Record:
    return Record(time_ms, Kind.FRAME, text.encode())


def a_recorder(disk: Disk, *, retry_s: float = 60.0) -> tuple[Recorder, Metrics]:
    metrics = Metrics()
    return Recorder(disk, metrics, now_ms=lambda: NOW_MS, retry_s=retry_s), metrics


@asynccontextmanager
async def at_work(disk: Disk, *, retry_s: float = 60.0) -> AsyncIterator[tuple[Recorder, Metrics]]:
    recorder, metrics = a_recorder(disk, retry_s=retry_s)
    recorder.begin()
    async with recording(recorder):
        yield recorder, metrics


def dropped(metrics: Metrics, reason: str) -> float:
    value = metrics.registry.get_sample_value("ingest_recording_dropped_frames_total", {"reason": reason})
    return value or 0.0


@pytest.fixture
def disk(tmp_path: Path) -> Disk:
    return Disk(tmp_path)


@pytest.fixture(autouse=True)
def _short_blocks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "BLOCK_S", 0.01)


async def test_what_was_taken_is_on_the_disk_when_recording_has_ended(disk: Disk) -> None:
    async with at_work(disk) as (recorder, metrics):
        recorder.take(Record(NOW_MS, Kind.UP, b""))
        for number in range(1000):
            recorder.take(frame(f"frame {number}"))

    said = disk.told()
    assert said[:2] == [(Kind.START, b""), (Kind.UP, b"")]
    assert said[2:-1] == [(Kind.FRAME, b"frame %d" % number) for number in range(1000)]
    assert said[-1] == (Kind.END, b"")
    assert metrics.registry.get_sample_value("ingest_recorded_frames_total") == recorder.frames == 1000
    assert metrics.registry.get_sample_value("ingest_recording") == 0


async def test_it_is_on_the_disk_soon_without_any_end(disk: Disk) -> None:
    async with at_work(disk) as (recorder, metrics):
        recorder.take(frame("one"))

        await eventually(lambda: recorder.frames == 1)

        assert disk.told() == [(Kind.START, b""), (Kind.FRAME, b"one")]
        assert metrics.registry.get_sample_value("ingest_recording") == 1


async def test_recordings_never_run_backwards_although_clocks_do(disk: Disk) -> None:
    async with at_work(disk) as (recorder, _):
        for time_ms in (NOW_MS + 5, NOW_MS + 3, NOW_MS + 7):
            recorder.take(frame("", time_ms))

    assert [record.time_ms - NOW_MS for record in disk.records()] == [0, 5, 5, 7, 7]


async def test_before_it_begins_only_the_newest_is_kept_and_then_recorded_first(disk: Disk) -> None:
    recorder, _ = a_recorder(disk)
    recorder.take(Record(NOW_MS - 60_000, Kind.UP, b""))
    recorder.take(frame("old", NOW_MS - module.KEPT_MS - 1))
    recorder.take(frame("kept", NOW_MS))

    async with recording(recorder):
        recorder.begin()
        recorder.take(frame("new"))

    assert disk.told() == [
        (Kind.START, b""),
        (Kind.UP, b""),  # the link stands since long
        (Kind.FRAME, b"kept"),
        (Kind.FRAME, b"new"),
        (Kind.END, b""),
    ]


async def test_what_is_kept_before_it_begins_is_bounded(disk: Disk, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "MAX_KEPT_BYTES", 1000)
    recorder, _ = a_recorder(disk)

    recorder.take(frame("larger than all of it" * 100))
    for number in range(100):
        recorder.take(frame(f"frame {number}"))
    recorder.begin()
    async with recording(recorder):
        pass

    assert [text for kind, text in disk.told() if kind == Kind.FRAME] == [b"frame %d" % n for n in (96, 97, 98, 99)]


async def test_while_it_pauses_nothing_is_recorded(disk: Disk) -> None:
    async with at_work(disk) as (recorder, _):
        recorder.take(frame("led"))
        recorder.pause()
        recorder.take(frame("stood by"))

    assert disk.told() == [(Kind.START, b""), (Kind.FRAME, b"led"), (Kind.END, b"")]


async def test_a_slow_disk_costs_frames_which_are_counted_and_told_and_no_time(
    disk: Disk, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "MAX_WAITING_BYTES", 10_000)
    disk.answers.clear()
    async with at_work(disk) as (recorder, metrics):
        recorder.take(frame("first"))
        await eventually(lambda: not recorder._waiting)

        for number in range(1000):
            recorder.take(frame(f"frame {number}"))  # at once, whatever the disk does
        taken = sum(record.kind == Kind.FRAME for record in recorder._waiting)
        disk.answers.set()
        await eventually(lambda: recorder.frames == 1 + taken)
        recorder.take(frame("last"))

    said = disk.told()
    missing = 1000 - taken
    assert missing > 900
    assert dropped(metrics, "slow") == recorder.dropped == missing
    assert said[-3:] == [(Kind.GAP, b"%d" % missing), (Kind.FRAME, b"last"), (Kind.END, b"")]


async def test_a_full_disk_is_tried_again_and_what_is_missing_is_told(disk: Disk) -> None:
    async with at_work(disk, retry_s=0.01) as (recorder, metrics):
        disk.full = True
        recorder.take(frame("lost"))
        recorder.take(Record(NOW_MS, Kind.DOWN, b"why"))
        await eventually(lambda: dropped(metrics, "disk") >= 1)
        assert metrics.registry.get_sample_value("ingest_recording") == 0

        disk.full = False
        await eventually(lambda: recorder.bytes > 0)
        recorder.take(frame("written"))
        await eventually(lambda: recorder.frames == 1)
        assert metrics.registry.get_sample_value("ingest_recording") == 1

    assert disk.told() == [
        (Kind.START, b""),
        (Kind.DOWN, b"why"),
        (Kind.GAP, b"1"),
        (Kind.FRAME, b"written"),
        (Kind.END, b""),
    ]


async def test_while_the_disk_is_full_nothing_grows(disk: Disk) -> None:
    disk.full = True
    async with at_work(disk) as (recorder, metrics):
        recorder.take(frame("lost"))
        await eventually(lambda: dropped(metrics, "disk") == 1)

        for _ in range(1000):
            recorder.take(frame("lost"))

        assert dropped(metrics, "disk") == 1001
        assert [record.kind for record in recorder._waiting] == [Kind.START]
    assert list(disk.folder.iterdir()) == []


async def test_a_disk_that_never_answers_does_not_keep_the_process_from_ending(
    disk: Disk, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "END_DEADLINE_S", 0.05)
    disk.answers.clear()

    async with asyncio.timeout(5), at_work(disk) as (recorder, _):
        recorder.take(frame("lost"))

    disk.answers.set()
