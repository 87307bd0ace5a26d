"""The minutes of the day over HTTP, bars and basis, and channels that are followed by key only."""

import json
from typing import cast

import pytest

from ingest_service.core.bars import bar_key, minutes_key
from ingest_service.core.rows import BarRow, BasisRow
from ingest_service.core.sessions import midnight_ms
from shared.channels import Channel, Internal
from shared.table import JSON, Row
from tests.fakes.services import running_publisher, websocket_client
from tests.fakes.writer import DAY, Writer


def a_bar(hour: int, minute: int) -> BarRow:
    """One match of 100 shares."""
    return {
        "start": midnight_ms(DAY) + (hour * 60 + minute) * 60_000,
        "open": 31500,
        "high": 31500,
        "low": 31500,
        "close": 31500,
        "volume": 100,
        "value": 3_150_000,
        "trades": 1,
    }


def as_row(bar: BarRow) -> Row:
    return cast("Row", bar)


async def test_a_days_bars_are_the_complete_ones_and_the_two_that_are_live_each_once(
    writer: Writer, redis_url: str, redis_prefix: str
) -> None:
    early, late, before, present = a_bar(9, 15), a_bar(13, 1), a_bar(14, 0), a_bar(14, 1)
    hours: dict[str, Row | None] = {
        minutes_key("SSI", early): {"bars": [as_row(early)]},
        minutes_key("SSI", late): {"bars": [as_row(late)]},
        minutes_key("SSI", before): {"bars": [as_row(before)]},
    }
    live: dict[str, Row | None] = {bar_key("SSI", bar["start"]): as_row(bar) for bar in (before, present)}
    await writer.commit({Internal.MINUTES: hours, Channel.BARS: live})
    async with running_publisher(redis_url, redis_prefix) as publisher:
        await publisher.line("rows loaded")
        told = (await publisher.get("/api/bars/SSI")).json()
        nothing = (await publisher.get("/api/bars/VNM")).json()

    assert told == {"symbol": "SSI", "epoch": writer.publication.history.epoch, "bars": [early, late, before, present]}
    assert nothing["bars"] == []


def a_point(hour: int, minute: int) -> BasisRow:
    """A basis of 3.8 points."""
    return {
        "start": midnight_ms(DAY) + (hour * 60 + minute) * 60_000,
        "last": 1894.2,
        "underlying_value": 1890.4,
        "basis": 3.8,
        "basis_pct": 0.2,
        "high": 4.1,
        "low": 3.8,
    }


async def test_a_days_basis_is_read_in_the_same_way(writer: Writer, redis_url: str, redis_prefix: str) -> None:
    early, before, present = a_point(9, 15), a_point(14, 0), a_point(14, 1)
    hours: dict[str, Row | None] = {
        minutes_key("41I1GC000", point): {"points": [cast("Row", point)]} for point in (early, before)
    }
    live: dict[str, Row | None] = {
        bar_key("41I1GC000", point["start"]): cast("Row", point) for point in (before, present)
    }
    await writer.commit({Internal.BASIS_MINUTES: hours, Channel.BASIS: live})
    async with running_publisher(redis_url, redis_prefix) as publisher:
        await publisher.line("rows loaded")
        told = (await publisher.get("/api/basis/41I1GC000")).json()
        nothing = (await publisher.get("/api/basis/SSI")).json()

    assert told == {
        "symbol": "41I1GC000",
        "epoch": writer.publication.history.epoch,
        "points": [early, before, present],
    }
    assert nothing["points"] == []


@pytest.mark.parametrize("channel", ["trades", "bars", "basis"])
async def test_who_follows_the_tape_bars_or_the_basis_names_symbols(
    writer: Writer, redis_url: str, redis_prefix: str, channel: str
) -> None:
    row: dict[str, JSON] = {"number": 1, "price": 31500}
    await writer.commit({Channel(channel): {"SSI#0": row, "SSI#1": row, "VNM#0": row}})
    async with running_publisher(redis_url, redis_prefix) as publisher:
        await publisher.line("rows loaded")
        refused = await publisher.get(f"/api/channels/{channel}")
        async with websocket_client(f"{publisher.websocket_url}/ws") as client:
            await client.socket.send(json.dumps({"type": "subscribe", "id": 1, "channel": channel}))
            error = await client.next("error")
            await client.socket.send(json.dumps({"type": "subscribe", "channel": channel, "keys": ["SSI"]}))
            snapshot = await client.next("snapshot")

    assert (refused.status_code, error["code"], error["id"]) == (400, "keys_required", 1)
    assert snapshot["data"] == {"SSI#0": row, "SSI#1": row}
