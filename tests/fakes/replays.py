"""Replays as processes, and the tables that they leave."""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from redis import Redis

from shared.channels import Channel, RedisNames
from shared.wire import decode_row
from tests.fakes.services import RunningService, running

#: What is of the moment, not of the day: when something was noticed, and the speeds of the last five minutes.
OF_THE_MOMENT = ("changed_at", "buy_speed_per_min", "sell_speed_per_min")

Tables = dict[str, dict[str, dict[str, Any]]]  # channel → key → row


@asynccontextmanager
async def running_replay(
    redis_url: str, prefix: str, *arguments: str | Path, **variables: str
) -> AsyncIterator[RunningService]:
    """A replay that was started."""
    async with running(
        RunningService, "ingest_service.replay", *map(str, arguments),
        REDIS_URL=redis_url, REDIS_PREFIX=prefix, **variables,
    ) as replay:  # fmt: skip
        yield replay


async def replayed(redis_url: str, prefix: str, *arguments: str | Path, within_s: float = 60.0) -> tuple[int, str]:
    """The exit code of a replay that was left to its end, and what it said."""
    async with running_replay(redis_url, prefix, *arguments) as replay:
        code = await replay.ended(within_s)
        await replay._reading
    return code, replay.log


def stored_tables(redis_url: str, prefix: str) -> Tables:
    """All rows of all channels, without their revisions."""
    names = RedisNames(prefix)
    tables: Tables = {}
    with Redis.from_url(redis_url) as redis:
        for channel in Channel:
            rows: dict[bytes, bytes] = redis.hgetall(names.rows(channel))
            decoded = {key.decode(): decode_row(row)[0] for key, row in rows.items()}
            tables[channel] = {key: row for key, row in decoded.items() if row is not None}
    return tables


def of_the_day(tables: Tables, channels: Sequence[str] = tuple(Channel)) -> Tables:
    """The same without the feed's own row, and without what is of the moment."""
    return {
        channel: {
            key: {name: value for name, value in row.items() if name not in OF_THE_MOMENT}
            for key, row in tables[channel].items()
            if key != "feed"
        }
        for channel in channels
    }
