"""Recorded from a running exchange, through a crash, and played again: the tables are those of the live ingest."""

import asyncio
import gzip
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

from ingest_service.core.recording import Kind, Record
from ingest_service.recording_reader import Block, NotARecording, RecordingReader
from shared.channels import Channel
from tests.fakes.exchange import RunningSimulator, running_simulator
from tests.fakes.replays import Tables, of_the_day, replayed, stored_tables
from tests.fakes.services import RunningService, running, running_ingest

SECRET = "a-secret-of-the-test"
#: One list a second, those of the sectors too.
LISTS_S = 60.0
TOTALS = ("last", "high", "low", "total_volume", "total_value")


def recorded(folder: Path) -> list[Record]:
    """All records that are on the disk by now."""
    with suppress(NotARecording):  # nothing yet
        blocks = [block for block in RecordingReader([folder]).blocks() if isinstance(block, Block)]
        return [record for block in blocks for record in block.records]
    return []


def messages(folder: Path) -> int:
    return sum(record.text.count(b'"Broadcast"') for record in recorded(folder) if record.kind == Kind.FRAME)


async def until(condition: Callable[[], bool], within_s: float = 30.0) -> None:
    """Look now and then: each look reads a whole recording."""
    async with asyncio.timeout(within_s):
        while not condition():  # noqa: ASYNC110 (what is waited for is in another process)
            await asyncio.sleep(0.2)


async def pause(simulator: RunningSimulator, folder: Path) -> dict[str, Any]:
    """Let the market stand still until all of it is on the disk; the simulator's ledger."""
    await simulator.control("pause")
    paused_ms = time.time() * 1000

    def keepalive_after_all() -> bool:
        records = recorded(folder)
        return bool(records) and records[-1].time_ms > paused_ms and records[-1].text == b"{}"

    await until(keepalive_after_all)
    return await simulator.ledger()


async def settled(redis_url: str, prefix: str, ledger: dict[str, Any]) -> Tables:
    """The live tables, when they hold all that was sent."""

    def volumes() -> dict[str, int]:
        return {symbol: row["total_volume"] for symbol, row in stored_tables(redis_url, prefix)["market"].items()}

    await until(lambda: volumes() == {symbol: told["total_volume"] for symbol, told in ledger["symbols"].items()})
    return stored_tables(redis_url, prefix)


async def test_what_a_leader_had_read_when_it_was_killed_makes_the_same_tables_again(
    redis_url: str, redis_prefix: str, tmp_path: Path
) -> None:
    folder = tmp_path / "recordings"
    async with (
        running_simulator(rate=300, seed=5, stocks=60, keepalive_s=6) as simulator,
        running_ingest(
            redis_url, redis_prefix, simulator.url, tmp_path, RECORD_DIR=str(folder), SIMULATED="true"
        ) as ingest,
    ):
        await ingest.line("symbol lists fetched", within_s=LISTS_S)
        await simulator.fault("drop")  # a lost link is a part of it
        await until(lambda: sum(record.kind == Kind.UP for record in recorded(folder)) == 2)
        ledger = await pause(simulator, folder)
        live = await settled(redis_url, redis_prefix, ledger)
        ingest.kill()
        await ingest.ended()

    code, said = await replayed(redis_url, f"{redis_prefix}-replay", folder, "--speed", "max")

    again = stored_tables(redis_url, f"{redis_prefix}-replay")
    assert code == 0, said
    assert of_the_day(again) == of_the_day(live)
    assert len(again[Channel.MARKET]) > 60
    assert len(again[Channel.GROUPS]["VN30"]["keys"]) == 30
    assert again[Channel.STATUS]["feed"]["simulated"] is True
    assert live[Channel.STATUS]["feed"]["replay_time"] is None


async def test_the_recordings_of_a_leader_that_died_and_of_its_standby_are_one_day(
    redis_url: str, redis_prefix: str, tmp_path: Path
) -> None:
    folder = tmp_path / "recordings"
    async with (
        running_simulator(rate=300, seed=6, stocks=60, keepalive_s=6) as simulator,
        running_ingest(redis_url, redis_prefix, simulator.url, tmp_path / "a", RECORD_DIR=str(folder)) as first,
    ):
        await first.line("publication: leading")
        await first.line("exchange link is up")
        async with running_ingest(
            redis_url, redis_prefix, simulator.url, tmp_path / "b", RECORD_DIR=str(folder)
        ) as second:
            await second.line("exchange link is up")
            await until(lambda: messages(folder) > 1000)
            first.kill()
            await second.line("publication: leading")
            before = messages(folder)
            await until(lambda: messages(folder) > before + 500)
            await simulator.control("pause")
            live = await settled(redis_url, redis_prefix, await simulator.ledger())

    code, said = await replayed(redis_url, f"{redis_prefix}-replay", folder, "--speed", "max")

    again = stored_tables(redis_url, f"{redis_prefix}-replay")
    assert code == 0, said
    assert "another recording goes on" in said
    assert len(list(folder.iterdir())) == 2
    for symbol, row in live[Channel.MARKET].items():
        assert {name: again[Channel.MARKET][symbol][name] for name in TOTALS} == {name: row[name] for name in TOTALS}
    assert again[Channel.INDEX] == live[Channel.INDEX]


async def test_the_command_records_without_redis_and_without_a_secret(
    redis_url: str, redis_prefix: str, tmp_path: Path
) -> None:
    folder = tmp_path / "recordings"
    async with (
        running_simulator(rate=300, seed=7, stocks=60, keepalive_s=6, consumer_secret=SECRET) as simulator,
        running(
            RunningService, "ingest_service.record", "--folder", str(folder),
            REDIS_URL="redis://127.0.0.1:1/0", SSI_URL=simulator.url, SSI_CONSUMER_ID="demo",
            SSI_CONSUMER_SECRET=SECRET, CACHE_DIR=str(tmp_path), SIMULATED="true",
        ) as recorder,
    ):  # fmt: skip
        await recorder.line("symbol lists fetched", within_s=LISTS_S)
        ledger = await pause(simulator, folder)
        recorder.process.terminate()
        assert await recorder.ended() == 0
        said = await recorder.line(r"([\d,]+) frames in [\d.]+ MB in ")

    code, told = await replayed(redis_url, redis_prefix, folder, "--speed", "max")

    text = b"".join(gzip.decompress(file.read_bytes()) for file in folder.iterdir())
    assert int(said[1].replace(",", "")) >= sum(ledger["sent"].values())
    assert [word for word in (SECRET, "Token", "Bearer", '"G"') if word.encode() in text] == []
    assert recorded(folder)[-1].kind == Kind.END
    assert code == 0, told
    market = stored_tables(redis_url, redis_prefix)[Channel.MARKET]
    assert {symbol: row["total_volume"] for symbol, row in market.items()} == {
        symbol: row["total_volume"] for symbol, row in ledger["symbols"].items()
    }


async def test_a_recorder_that_reads_nothing_says_so_by_its_exit_code(tmp_path: Path) -> None:
    async with running(
        RunningService, "ingest_service.record", "--folder", str(tmp_path / "recordings"), "--seconds", "1",
        SSI_URL="http://127.0.0.1:1", SSI_CONSUMER_ID="demo", SSI_CONSUMER_SECRET="demo", CACHE_DIR=str(tmp_path),
    ) as recorder:  # fmt: skip
        assert await recorder.ended() == 1
        await recorder.line("^0 frames in 0.0 MB")


async def test_a_folder_that_cannot_be_made_is_told_before_anything_is_opened(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    async with running(
        RunningService, "ingest_service.record", "--folder", str(tmp_path / "file" / "recordings"),
        SSI_URL="http://127.0.0.1:1", SSI_CONSUMER_ID="demo", SSI_CONSUMER_SECRET="demo",
    ) as recorder:  # fmt: skip
        assert await recorder.ended() == 2
        await recorder.line("cannot be made: Not a directory")
