"""What a symbol or index did today, minute by minute: not held here, but read from Redis when somebody asks."""

import asyncio
from collections.abc import Iterable
from operator import itemgetter
from typing import Any, NamedTuple

from redis.asyncio import Redis
from redis.exceptions import RedisError

from shared.channels import Channel, Internal, RedisNames
from shared.redis_client import COMMAND_DEADLINE_S
from shared.wire import InvalidEnvelope, decode_row

#: Rows of complete minutes: one for each hour of the day.
HOURS = range(24)


class Series(NamedTuple):
    """Where the minutes of a day stand."""

    live: Channel  # the present minute and the one before
    complete: Internal  # the others, by hours
    field: str  # of a row of an hour: its minutes


BARS = Series(Channel.BARS, Internal.MINUTES, "bars")
BASIS = Series(Channel.BASIS, Internal.BASIS_MINUTES, "points")


class SeriesNotRead(Exception):  # noqa: N818 (the name says what it is)
    """Redis does not answer in time, or holds something else."""


class Day(NamedTuple):
    """What a symbol did today."""

    epoch: str
    minutes: list[dict[str, Any]]  # oldest first; the last one may still change


class DaySeries:
    """Reads one series of one symbol at a time."""

    def __init__(self, redis: Redis, names: RedisNames) -> None:
        self._redis = redis
        self._names = names

    async def of(self, symbol: str, series: Series) -> Day:
        """All minutes of the present epoch, of one moment; none if the symbol has none today. Raises SeriesNotRead."""
        names = self._names
        try:
            async with asyncio.timeout(COMMAND_DEADLINE_S), self._redis.pipeline(transaction=True) as pipeline:
                pipeline.hget(names.head, "epoch")
                pipeline.hmget(names.rows(series.complete), [f"{symbol}#{hour}" for hour in HOURS])
                pipeline.hmget(names.rows(series.live), [f"{symbol}#{parity}" for parity in (0, 1)])
                epoch, hours, live = await pipeline.execute()
            complete = [minute for hour in _rows(hours) for minute in hour[series.field]]
            minutes = {minute["start"]: minute for minute in (*_rows(live), *complete)}
            return Day((epoch or b"").decode(), sorted(minutes.values(), key=itemgetter("start")))
        except (RedisError, OSError, TimeoutError, InvalidEnvelope, KeyError, TypeError) as error:
            raise SeriesNotRead(type(error).__name__) from error


def _rows(stored: Iterable[bytes | None]) -> Iterable[dict[str, Any]]:
    """Those that are there. Raises InvalidEnvelope."""
    decoded = (decode_row(one)[0] for one in stored if one is not None)
    return (row for row in decoded if row is not None)
