"""The synthetic day, played through the whole ingest into a real Redis: always the same tables, and the right ones."""

import asyncio
import json
from collections.abc import Iterator
from datetime import date
from pathlib import Path

import pytest

from ingest_service.core.recording import MAGIC, Kind
from ingest_service.core.sessions import midnight_ms
from ingest_service.recording_reader import Block, RecordingReader
from shared.channels import Channel, RedisNames
from shared.redis_client import open_redis
from tests.data.make_day import BEGIN_S, DAY, DAY_FILE, END_S, LEDGER_FILE, STOCKS, encoded
from tests.data.make_day import Day as SyntheticDay
from tests.fakes.replays import Tables, replayed, running_replay, stored_tables
from tests.fakes.services import running_publisher, websocket_client
from tests.fakes.totals import messages, totals
from tests.fakes.writer import writing

SIDES = ("active_buy", "active_sell", "neutral", "unseen")


def at(text: str) -> int:
    hours, minutes = text.split(":")
    return midnight_ms(DAY) + (int(hours) * 60 + int(minutes)) * 60_000


@pytest.fixture(scope="module")
def whole_day(redis_url: str, _prefixes: Iterator[str]) -> Tables:
    """The tables at the end of the day, played at full speed."""
    prefix = next(_prefixes)
    code, said = asyncio.run(replayed(redis_url, prefix, DAY_FILE, "--speed", "max"))
    assert code == 0, said
    return stored_tables(redis_url, prefix)


async def tables_of(redis_url: str, prefix: str, *arguments: str | Path) -> Tables:
    code, said = await replayed(redis_url, prefix, DAY_FILE, *arguments)
    assert code == 0, said
    return stored_tables(redis_url, prefix)


def test_the_day_in_the_tree_is_the_one_that_its_command_makes(tmp_path: Path) -> None:
    day = SyntheticDay()
    made = tmp_path / "made.feed.gz"
    made.write_bytes(encoded(day.records()))

    kept, again = (
        [(block.header, block.records) for block in RecordingReader([file]).blocks() if isinstance(block, Block)]
        for file in (DAY_FILE, made)
    )

    assert kept == again
    assert day.ledger() == LEDGER_FILE.read_bytes()


def test_the_day_holds_all_types_of_messages_and_all_kinds_of_instruments() -> None:
    records = [r for block in RecordingReader([DAY_FILE]).blocks() if isinstance(block, Block) for r in block.records]
    (lists,) = {record.text for record in records if record.kind == Kind.LISTS}

    assert {data_type for data_type, _ in messages(DAY_FILE)} == {"F", "X", "X-QUOTE", "X-TRADE", "R", "MI", "B", "OL"}
    assert {listing["kind"] for listing in json.loads(lists)["listings"]} == {"ST", "EF", "CW", "FU"}
    assert DAY_FILE.stat().st_size < 1_500_000


async def test_played_twice_at_full_speed_and_once_slower_the_tables_are_the_same(
    redis_url: str, redis_prefix: str, whole_day: Tables
) -> None:
    again = await tables_of(redis_url, redis_prefix, "--speed", "max")
    slower = await tables_of(redis_url, redis_prefix + "-slow", "--speed", "10000x")

    assert whole_day == again == slower
    assert len(again[Channel.MARKET]) > STOCKS
    assert {row["phase"] for key, row in again[Channel.STATUS].items() if key != "feed"} == {"closed"}


def test_the_tables_agree_with_the_simulators_ledger_and_with_a_plain_script(whole_day: Tables) -> None:
    ledger = json.loads(LEDGER_FILE.read_text())

    market, foreign, index = (whole_day[name] for name in (Channel.MARKET, Channel.FOREIGN, Channel.INDEX))
    assert set(market) == set(ledger["symbols"])
    for symbol, told in ledger["symbols"].items():
        row, flow = market[symbol], foreign.get(symbol, {})
        assert (row["last"] or 0, row["total_volume"], row["total_value"]) == (
            told["last"],
            told["total_volume"],
            told["total_value"],
        )
        assert (flow.get("buy_volume") or 0) == told["foreign_buy_volume"]
        assert (flow.get("sell_volume") or 0) == told["foreign_sell_volume"]
        assert sum(row[f"{side}_volume"] for side in SIDES) == row["total_volume"]
    assert {name: {"value": row["value"]} for name, row in index.items()} == ledger["indices"]
    plain = totals(DAY_FILE)
    computed = {"market": market, "foreign": {k: row for k, row in foreign.items() if k != "_total"}, "index": index}
    for channel, rows in plain.items():
        assert isinstance(rows, dict)
        assert {key: {name: row[name] or 0 for name in rows[key]} for key, row in computed[channel].items()} == rows, (
            channel
        )
    for name in ("buy_volume", "sell_volume", "net_volume"):
        assert foreign["_total"][name] == sum(row[name] for row in plain["foreign"].values())
    # Volume traded while the link was lost is nobody's; all the rest has been seen.
    assert (
        0
        < sum(row["unseen_volume"] for row in market.values())
        < sum(row["total_volume"] for row in market.values()) / 10
    )


async def test_alerts_begin_where_the_environment_says_as_those_of_the_ingest_do(
    redis_url: str, redis_prefix: str, whole_day: Tables
) -> None:
    low = {"ALERT_IMBALANCE_TIMES": "1.1", "ALERT_IMBALANCE_VALUE_VND": "1"}
    async with running_replay(redis_url, redis_prefix, DAY_FILE, "--speed", "max", "--to", "11:00", **low) as replay:
        assert await replay.ended(60) == 0

    told = stored_tables(redis_url, redis_prefix)[Channel.ALERTS].values()
    usual = [row for row in whole_day[Channel.ALERTS].values() if row["kind"] == "imbalance"]
    assert len([row for row in told if row["kind"] == "imbalance"]) > len(usual) + 5


async def test_a_wrong_threshold_is_told_in_a_line(redis_url: str, redis_prefix: str) -> None:
    async with running_replay(redis_url, redis_prefix, DAY_FILE, ALERT_VOLUME_TIMES="many") as replay:
        assert await replay.ended() == 2
        await replay.line("ALERT_VOLUME_TIMES: ")


async def test_the_clock_of_a_replay_is_the_recordings(redis_url: str, redis_prefix: str) -> None:
    morning = await tables_of(redis_url, redis_prefix, "--speed", "max", "--to", "09:05")
    noon = await tables_of(redis_url, redis_prefix, "--speed", "max", "--to", "12:00")

    phases = {key: row for key, row in morning[Channel.STATUS].items() if key != "feed"}
    assert {name: row["phase"] for name, row in phases.items()} == {
        "HOSE": "ato",
        "HNX": "continuous",
        "UPCOM": "continuous",
        "DERIVATIVES": "continuous",
    }
    # It is looked every half second, and good news has to last from one look to the next.
    assert all(0 <= row["changed_at"] - at("09:00") <= 1000 for row in phases.values())
    assert {row["phase"] for key, row in noon[Channel.STATUS].items() if key != "feed"} == {"break"}
    assert noon[Channel.STATUS]["feed"] == {
        "state": "down",
        "reason": "the recording has ended",
        "changed_at": at("12:00"),
        "day": DAY.isoformat(),
        "simulated": True,
        "replay_time": at("12:00"),
    }


async def test_what_comes_before_the_start_is_played_at_once_and_the_rest_at_its_pace(
    redis_url: str, redis_prefix: str
) -> None:
    whole = await tables_of(redis_url, redis_prefix + "-whole", "--speed", "max", "--to", "14:01")
    began_s = asyncio.get_running_loop().time()

    paced = await tables_of(redis_url, redis_prefix, "--speed", "20x", "--from", "14:00", "--to", "14:01")

    # A minute at twenty times its speed are three seconds, and all the hours before take little more.
    assert asyncio.get_running_loop().time() - began_s > 3
    assert paced == whole


async def test_clients_are_told_that_it_is_a_replay_and_of_its_time(redis_url: str, redis_prefix: str) -> None:
    async with (
        running_replay(redis_url, redis_prefix, DAY_FILE, "--speed", "1", "--from", "10:30"),
        running_publisher(redis_url, redis_prefix) as publisher,
        websocket_client(publisher.websocket_url + "/ws/market?keys=FPT") as client,
    ):
        async with asyncio.timeout(20):
            while not (told := await client.next("status"))["connected"] or told["replay_time"] < at("10:30"):
                pass
        next_told = await client.next("status", within_s=10)

        assert told["simulated"] is True
        assert told["replay_time"] < next_told["replay_time"] < at("10:31")
        assert told["phases"]["HOSE"] == "continuous"


async def test_a_replay_that_is_interrupted_says_so_and_leaves_the_lease(redis_url: str, redis_prefix: str) -> None:
    async with running_replay(redis_url, redis_prefix, DAY_FILE) as replay, open_redis(redis_url) as redis:
        lease = RedisNames(redis_prefix).lease
        async with asyncio.timeout(20):
            while not await redis.exists(lease):  # noqa: ASYNC110 (it is another process)
                await asyncio.sleep(0.01)
        replay.process.terminate()

        assert await replay.ended() == 130
        assert not await redis.exists(lease)


async def test_at_the_end_the_tables_can_be_kept_alive(redis_url: str, redis_prefix: str) -> None:
    async with (
        running_replay(redis_url, redis_prefix, DAY_FILE, "--speed", "max", "--to", "08:50", "--stay") as replay,
        running_publisher(redis_url, redis_prefix) as publisher,
        websocket_client(publisher.websocket_url + "/ws/market?keys=FPT") as client,
    ):
        async with asyncio.timeout(20):
            while (told := await client.next("status"))["reason"] != "the recording has ended":
                pass

        assert (told["feed"], told["ingest"], told["replay_time"]) == ("down", "live", at("08:50"))
        assert replay.process.returncode is None


async def test_a_live_board_is_not_overwritten(redis_url: str, redis_prefix: str) -> None:
    async with writing(redis_url, redis_prefix) as writer:
        await writer.commit({Channel.GROUPS: {"VN30": {"keys": ["FPT"]}}})

        while_it_leads = await replayed(redis_url, redis_prefix, DAY_FILE, "--speed", "max")
    just_after = await replayed(redis_url, redis_prefix, DAY_FILE, "--speed", "max")
    elsewhere = await replayed(redis_url, redis_prefix + "-replay", DAY_FILE, "--speed", "max")

    assert (while_it_leads[0], just_after[0], elsewhere[0]) == (1, 1, 0)
    assert "is a live one. Take another prefix" in while_it_leads[1]
    assert "REDIS_PREFIX=" in just_after[1]
    assert stored_tables(redis_url, redis_prefix)[Channel.GROUPS] == {"VN30": {"keys": ["FPT"]}}


async def test_two_replays_do_not_write_the_same_board(redis_url: str, redis_prefix: str) -> None:
    async with running_replay(redis_url, redis_prefix, DAY_FILE), open_redis(redis_url) as redis:
        async with asyncio.timeout(20):
            while not await redis.exists(RedisNames(redis_prefix).head):  # noqa: ASYNC110 (it is another process)
                await asyncio.sleep(0.01)

        code, said = await replayed(redis_url, redis_prefix, DAY_FILE)

    assert code == 1
    assert "something else writes the board" in said


async def test_a_replay_ends_when_another_writes_its_board(redis_url: str, redis_prefix: str) -> None:
    names = RedisNames(redis_prefix)
    async with running_replay(redis_url, redis_prefix, DAY_FILE) as replay, open_redis(redis_url) as redis:
        async with asyncio.timeout(20):
            while not await redis.exists(names.head):  # noqa: ASYNC110 (it is another process)
                await asyncio.sleep(0.01)
        await redis.set(names.lease, "another", px=20_000)

        assert await replay.ended() == 1
        await replay.line("Not played to the end: another process writes these tables now")
        assert await redis.get(names.lease) == b"another"


@pytest.mark.parametrize(
    ("arguments", "code", "told"),
    [
        (["nowhere"], 2, "there is no such file or folder"),
        ([__file__], 2, "there is no whole block of a recording in it"),
        ([DAY_FILE, "--from", "15:30"], 2, "--from is after its end"),
        ([DAY_FILE, "--to", "08:00"], 2, "--to is not after its beginning"),
        ([DAY_FILE, "--speed", "0"], 2, "is none of 1, 10x"),
        ([DAY_FILE, "--from", "25:00"], 2, "is no time of day"),
    ],
)
async def test_what_cannot_be_played_is_told_in_a_line(
    redis_url: str, redis_prefix: str, arguments: list[str], code: int, told: str
) -> None:
    answer = await replayed(redis_url, redis_prefix, *arguments)

    assert answer[0] == code
    assert told in answer[1]
    assert "Traceback" not in answer[1]


async def test_without_redis_a_replay_says_so() -> None:
    code, said = await replayed("redis://127.0.0.1:1/0", "nobody", DAY_FILE)

    assert code == 1
    assert "no answer from Redis (ConnectionError) at 127.0.0.1:1. Start one" in said


async def test_a_damaged_day_is_played_without_its_damage_and_the_exit_code_tells(
    redis_url: str, redis_prefix: str, tmp_path: Path, whole_day: Tables
) -> None:
    content = DAY_FILE.read_bytes()
    middle = content.index(MAGIC, len(content) // 2)
    damaged, cut = tmp_path / "damaged.feed.gz", tmp_path / "cut.feed.gz"
    damaged.write_bytes(content[: middle + 500] + bytes(100) + content[middle + 600 :])
    cut.write_bytes(content[:-100])

    of_damaged = await replayed(redis_url, redis_prefix, damaged, "--speed", "max")
    tables = stored_tables(redis_url, redis_prefix)
    of_cut = await replayed(redis_url, redis_prefix, cut, "--speed", "max")

    assert of_damaged[0] == 3
    assert "1 stretches cannot be read" in of_damaged[1]
    assert of_cut[0] == 0
    assert "1 files end with half a block" in of_cut[1]
    # What the later messages tell is as if nothing had been missed, but for the sides of what was traded meanwhile.
    for symbol, row in whole_day[Channel.MARKET].items():
        assert tables[Channel.MARKET][symbol]["total_volume"] == row["total_volume"]
        assert sum(tables[Channel.MARKET][symbol][f"{side}_volume"] for side in SIDES) == row["total_volume"]


def test_the_day_is_a_weekday_and_has_the_hours_of_trading() -> None:
    extent = RecordingReader([DAY_FILE]).extent()

    assert (extent.first_ms, extent.last_ms) == (
        midnight_ms(DAY) + BEGIN_S * 1000,
        midnight_ms(DAY) + (END_S + 1) * 1000,
    )
    assert date(2026, 11, 23) == DAY
