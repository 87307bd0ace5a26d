"""
Makes the day of the tests: `.venv/bin/python -m tests.data.make_day`. Nothing in it is real.

The simulator's market is led through a whole day in virtual time, and what it tells is recorded as an ingest would have
read it: the snapshot before the opening, one message a frame, keepalives at lunch, and a link that is lost once.
"""

import sys
from collections.abc import Iterator
from datetime import date
from pathlib import Path

import orjson

from ingest_service.bootstrap import Lists
from ingest_service.core.recording import BLOCK_BYTES, Header, Kind, Record, encode_block
from ingest_service.core.sessions import midnight_ms
from ingest_service.core.symbols import Listing
from ssi_simulator import frames
from ssi_simulator.core.exchange import Exchange
from ssi_simulator.core.messages import Message, content_text

FOLDER = Path(__file__).parent
DAY_FILE, LEDGER_FILE = FOLDER / "day.feed.gz", FOLDER / "day.ledger.json"

DAY = date(2026, 11, 23)
SEED, STOCKS = 7, 36
BEGIN_S, END_S = 8 * 3600 + 40 * 60, 15 * 3600 + 5 * 60
STEP_S, EVENTS_A_STEP = 10, 3
LOST_S, BACK_S = 10 * 3600, 10 * 3600 + 20
#: What was asked for: all securities with their status and foreign trade, and of the rest enough to see each kind.
INDICES = ("VNINDEX", "VN30", "HNXIndex", "HNXUpcomIndex")
CHANNELS = {
    "X": "ALL",
    "R": "ALL",
    "F": "ALL",
    "MI": "-".join(INDICES),
    "X-QUOTE": "FPT",
    "X-TRADE": "FPT",
    "B": "FPT-VN30",
    "OL": "ALL",
}
_KINDS = {"stock": "ST", "etf": "EF", "warrant": "CW", "future": "FU"}


class Day:
    """One day, to be told once."""

    def __init__(self) -> None:
        self._exchange = Exchange(seed=SEED, day=DAY, stocks=STOCKS)
        self._sequence = 0
        self._told_ms = 0
        self._midnight_ms = midnight_ms(DAY)

    def records(self) -> Iterator[Record]:
        """From twenty to nine to five past three."""
        self._exchange.advance(BEGIN_S, 0)
        yield self._record(BEGIN_S, Kind.START)
        yield self._record(BEGIN_S, Kind.LISTS, self._lists().model_dump_json(exclude={"address"}).encode())
        yield self._record(BEGIN_S, Kind.UP)
        yield from self._snapshot(BEGIN_S)
        for now_s in range(BEGIN_S + STEP_S, END_S + 1, STEP_S):
            told = self._exchange.advance(now_s, EVENTS_A_STEP)
            if now_s == LOST_S:
                yield self._record(now_s, Kind.DOWN, b"not a frame for 20 s")
            elif now_s == BACK_S:
                yield self._record(now_s, Kind.UP)
                yield from self._snapshot(now_s)
            elif not LOST_S < now_s < BACK_S:
                yield from self._frames(now_s, told)
        yield self._record(END_S + 1, Kind.END)

    def ledger(self) -> bytes:
        """What the simulator has told, by its own account, as far as it was asked for."""
        ledger = self._exchange.ledger()
        ledger["indices"] = {name: ledger["indices"][name] for name in INDICES}
        return orjson.dumps(ledger, option=orjson.OPT_INDENT_2 | orjson.OPT_SORT_KEYS) + b"\n"

    def _snapshot(self, now_s: int) -> Iterator[Record]:
        for channel in CHANNELS:
            yield from self._frames(now_s, self._exchange.snapshot(channel), keepalive=False)

    def _frames(self, now_s: int, told: list[Message], *, keepalive: bool = True) -> Iterator[Record]:
        wanted = [one for one in told if CHANNELS[one.data_type] == "ALL" or self._is_named(one)]
        for one in wanted:
            self._sequence += 1
            said = frames.broadcast(one.data_type, content_text(one.content))
            yield self._record(now_s, Kind.FRAME, frames.data(frames.cursor("5A1C20F4", self._sequence), said))
        if not wanted and keepalive:
            yield self._record(now_s, Kind.FRAME, frames.KEEPALIVE)

    def _is_named(self, one: Message) -> bool:
        return one.key in CHANNELS[one.data_type].split("-")

    def _record(self, now_s: int, kind: Kind, text: bytes = b"") -> Record:
        # Of what is told within one step, each comes a millisecond after the other.
        self._told_ms = max(self._told_ms + (kind == Kind.FRAME), self._midnight_ms + now_s * 1000)
        return Record(self._told_ms, kind, text)

    def _lists(self) -> Lists:
        return Lists(
            day=DAY,
            components={index.id: sorted(index.symbols) for index in self._exchange.indices if index.id == "VN30"},
            listings=[
                Listing(
                    symbol=one.symbol,
                    market=one.exchange,
                    name_vi=one.name_vi,
                    name_en=one.name_en,
                    kind=_KINDS[one.kind],
                    lot_size=str(one.lot),
                    underlying=one.underlying,
                    last_trading_date=f"{one.last_day:%d/%m/%Y}" if one.last_day else None,
                )
                for one in self._exchange.listings
            ],
        )


def encoded(records: Iterator[Record]) -> bytes:
    """The file."""
    header = Header(
        source="synthetic day",
        simulated=True,
        channels=[f"{channel}:{keys}" for channel, keys in CHANNELS.items()],
        session="day001",
        day=DAY,
        up=False,
    )
    blocks: list[bytes] = []
    block: list[Record] = []
    for record in records:
        if not block:
            block.append(header.record(record.time_ms))
        block.append(record)
        if record.kind in (Kind.UP, Kind.DOWN):
            header.up = record.kind == Kind.UP
        if sum(len(one.text) for one in block) >= BLOCK_BYTES:
            blocks.append(encode_block(block, level=9))
            block = []
    return b"".join([*blocks, encode_block(block, level=9)])


def main() -> int:
    """Write both files."""
    day = Day()
    DAY_FILE.write_bytes(encoded(day.records()))
    LEDGER_FILE.write_bytes(day.ledger())
    sys.stdout.write(f"{DAY_FILE}: {DAY_FILE.stat().st_size:,} bytes\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
