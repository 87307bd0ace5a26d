"""The one-minute bars of the day: not held here, but read from Redis when somebody asks."""

import asyncio
from collections.abc import Iterable
from operator import itemgetter
from typing import Any, NamedTuple

from redis.asyncio import Redis
from redis.exceptions import RedisError

from shared.channels import Channel, Internal, RedisNames
from shared.redis_client import COMMAND_DEADLINE_S
from shared.wire import InvalidEnvelope, decode_row

#: Rows of complete bars: one for each hour of the day.
HOURS = range(24)


class BarsNotRead(Exception):  # noqa: N818 (the name says what it is)
    """Redis does not answer in time, or holds something else."""


class DayOfBars(NamedTuple):
    """What a symbol did today."""

    epoch: str
    bars: list[dict[str, Any]]  # oldest first; the last one may still change


class DayBars:
    """Reads the bars of one symbol at a time."""

    def __init__(self, redis: Redis, names: RedisNames) -> None:
        self._redis = redis
        self._names = names

    async def of(self, symbol: str) -> DayOfBars:
        """All bars of the present epoch, of one moment; none if the symbol has no matches today. Raises BarsNotRead."""
        names = self._names
        try:
            async with asyncio.timeout(COMMAND_DEADLINE_S), self._redis.pipeline(transaction=True) as pipeline:
                pipeline.hget(names.head, "epoch")
                pipeline.hmget(names.rows(Internal.MINUTES), [f"{symbol}#{hour}" for hour in HOURS])
                pipeline.hmget(names.rows(Channel.BARS), [f"{symbol}#{parity}" for parity in (0, 1)])
                epoch, hours, live = await pipeline.execute()
            complete = [bar for hour in _rows(hours) for bar in hour["bars"]]
            bars = {bar["start"]: bar for bar in (*_rows(live), *complete)}
            return DayOfBars((epoch or b"").decode(), sorted(bars.values(), key=itemgetter("start")))
        except (RedisError, OSError, TimeoutError, InvalidEnvelope, KeyError, TypeError) as error:
            raise BarsNotRead(type(error).__name__) from error


def _rows(stored: Iterable[bytes | None]) -> Iterable[dict[str, Any]]:
    """Those that are there. Raises InvalidEnvelope."""
    decoded = (decode_row(one)[0] for one in stored if one is not None)
    return (row for row in decoded if row is not None)
