"""A recording, whatever has become of it, is played or refused: nothing worse, and the next one is played as ever."""

import asyncio
from collections.abc import Callable
from contextlib import aclosing, suppress
from pathlib import Path
from typing import Any

from ingest_service.bootstrap import Lists, set_lists
from ingest_service.core.board import Board
from ingest_service.core.feed_events import Broadcasts
from ingest_service.core.invalid_row import InvalidRow
from ingest_service.core.recording import Kind, Record, encode_block
from ingest_service.core.ticks import parse
from ingest_service.recording_clock import RecordingClock
from ingest_service.recording_reader import NotARecording, RecordingReader
from ingest_service.replayed_feed import ReplayedFeed
from tests.fakes.hub import broadcast
from tests.fakes.recordings import ENDED, a_header
from tests.fuzz.fuzzing import fuzz
from tests.fuzz.mutator import Mutator
from tests.unit.ingest_service.core.a_feed import MI, R, X, argument, at_ms

BEGIN_MS = at_ms(10, 42)
LISTS: dict[str, Any] = {
    "day": "2026-11-16",
    "components": {"VN30": ["SSI"]},
    "listings": [{"symbol": "SSI", "market": "HOSE", "kind": "ST", "lot_size": "100"}],
}
FRAMES = [broadcast(argument("X", X)), broadcast(argument("R", R), argument("MI", MI)), "{}", "{"]


def a_recording() -> bytes:
    blocks = [
        [
            a_header().record(BEGIN_MS),
            Record(BEGIN_MS, Kind.START, b""),
            Record(BEGIN_MS, Kind.UP, b""),
            *(Record(BEGIN_MS + at, Kind.FRAME, frame.encode()) for at, frame in enumerate(FRAMES)),
        ],
        [a_header(up=True).record(BEGIN_MS + 900), Record(BEGIN_MS + 1200, Kind.FRAME, FRAMES[0].encode())],
        [a_header(up=True).record(BEGIN_MS + 1300), Record(BEGIN_MS + 1400, Kind.END, b"")],
    ]
    return b"".join(map(encode_block, blocks))


class Recordings:
    """Files, read and played into a board."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.sound = a_recording()

    def try_one(self, mutator: Mutator) -> None:
        content = self.of_odd_records(mutator) if mutator.chance(0.3) else self.scratched(mutator)
        asyncio.run(self.play(content))

    def scratched(self, mutator: Mutator) -> bytes:
        """With bytes flipped, lost, repeated or put in."""
        content = bytearray(self.sound)
        for _ in range(mutator.random.randrange(1, 4)):
            at = mutator.random.randrange(len(content) + 1)
            end = min(len(content), at + mutator.random.choice((0, 1, 1, 8, 43, 300)))
            instead = mutator.random.choice(
                (b"", mutator.random.randbytes(end - at), bytes(end - at), bytes(content[at:end]) * 2, self.sound)
            )
            content[at:end] = instead
        return bytes(content[: mutator.random.randrange(len(content) + 1)] if mutator.chance(0.1) else content)

    def of_odd_records(self, mutator: Mutator) -> bytes:
        """Sound blocks of another writer, who writes anything."""
        times = sorted(
            BEGIN_MS + mutator.random.choice((-(10**12), -1, 0, 1, 900, 10**6, 10**9, 10**14)) for _ in range(5)
        )
        records = [
            Record(times[0], Kind.HEADER, self.text(mutator, a_header().model_dump(mode="json"))),
            *(Record(max(0, time_ms), *self.saying(mutator)) for time_ms in times[1:]),
        ]
        return encode_block(records) + self.sound

    def saying(self, mutator: Mutator) -> tuple[str, bytes]:
        kind = mutator.random.choice((*Kind, "?", "", "kind"))
        if kind == Kind.LISTS:
            return kind, self.text(mutator, LISTS)
        return kind, mutator.scratched(mutator.random.choice(FRAMES)).encode("utf-8", "surrogatepass")

    def text(self, mutator: Mutator, value: dict[str, Any]) -> bytes:
        return mutator.text(value).encode("utf-8", "surrogatepass")

    async def play(self, content: bytes) -> Board | None:
        """The board, if it is a recording."""
        file = self.folder / "some.feed.gz"
        file.write_bytes(content)
        reader = RecordingReader([file])
        with suppress(NotARecording):
            header, extent = reader.header(), reader.extent()
            clock = RecordingClock(extent.first_ms)
            board = Board(simulated=header.simulated, replayed=True, now_ms=clock.now_ms())
            await self.play_into(board, reader, clock)
            return board
        return None

    async def play_into(self, board: Board, reader: RecordingReader, clock: RecordingClock) -> None:
        def take(lists: Lists) -> None:
            set_lists(board, lists)

        feed = ReplayedFeed(
            reader.blocks(),
            clock,
            read_ms=lambda: 0,
            set_lists=take,
            speed=None,
            paced_from_ms=0,
            until_ms=None,
        )
        watch = asyncio.create_task(self.watch(board, clock))
        async with aclosing(feed.events()) as events:
            async for event in events:
                if isinstance(event, Broadcasts):
                    for said in event.arguments:
                        with suppress(InvalidRow):
                            board.apply(parse(said))
                elif event == ENDED:
                    break
        assert not watch.done()
        watch.cancel()
        board.take_changes()

    async def watch(self, board: Board, clock: RecordingClock) -> None:
        while True:
            await clock.sleep(0.5)
            board.set_time(clock.now_ms(), clock.now_ms())

    def still_works(self) -> None:
        board = asyncio.run(self.play(self.sound))
        assert board is not None
        assert board.day is not None


def test_no_recording_does_worse_than_be_refused(
    record_property: Callable[[str, object], None], tmp_path: Path
) -> None:
    fuzz(lambda: Recordings(tmp_path), record_property)
