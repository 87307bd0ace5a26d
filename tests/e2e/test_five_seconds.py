"""
A client that gets a frame in five seconds, and adds up what it is given, over a day that is played in a quarter minute.

What it must come to is counted from the recording by a plain script, message by message.
"""

import asyncio
from collections import Counter, defaultdict
from contextlib import AsyncExitStack
from typing import Any, Literal, get_args

from tests.data.make_day import DAY_FILE
from tests.fakes.replays import running_replay
from tests.fakes.services import WebsocketClient, running_publisher, websocket_client
from tests.fakes.totals import trades_of_the_day

MODES = ("rows", "fields")
Total = Literal[
    "active_buy_volume", "active_sell_volume", "neutral_volume", "unseen_volume",
    "active_buy_trades", "active_sell_trades", "neutral_trades", "trades",
]  # fmt: skip
SUMMED: tuple[Total, ...] = get_args(Total)
#: An hour and more goes into one frame.
SPEED = 2000


class Adder:
    """Knows what each frame has brought beyond the one before it, and nothing else."""

    def __init__(self, client: WebsocketClient) -> None:
        self._client = client
        self._before: dict[str, dict[str, int]] = defaultdict(dict)
        self.sums: dict[str, Counter[str]] = defaultdict(Counter)
        self.high: dict[str, float] = {}
        self.low: dict[str, float] = {}
        self.frames = 0

    async def read(self) -> None:
        """Until the recording has ended, which is told after all that it has changed."""
        while True:
            message = await self._client.next(within_s=60)
            if message["type"] == "status" and message["reason"] == "the recording has ended":
                return
            if message["type"] == "update" and message.get("part", 1) == message.get("parts", 1):
                self.frames += 1
            for key in message.get("data", {}):
                self._add(key, self._client.table.rows[key])

    def _add(self, key: str, row: dict[str, Any]) -> None:
        before, self._before[key] = self._before[key], {name: row[name] for name in SUMMED}
        for name in SUMMED:
            self.sums[key][name] += row[name] - before.get(name, 0)
        if row["high"] is not None:
            self.high[key] = max(self.high.get(key, 0), row["high"], row["minute_high"] or 0)
            self.low[key] = min(self.low.get(key, row["low"]), row["low"], row["minute_low"] or row["low"])


async def test_who_adds_up_a_frame_in_five_seconds_comes_to_what_each_single_message_comes_to(
    redis_url: str, redis_prefix: str
) -> None:
    truth = trades_of_the_day(DAY_FILE)
    async with AsyncExitStack() as stack:
        await stack.enter_async_context(
            running_replay(redis_url, redis_prefix, DAY_FILE, "--speed", f"{SPEED}x", "--stay")
        )
        publisher = await stack.enter_async_context(running_publisher(redis_url, redis_prefix))
        address = f"{publisher.websocket_url}/ws/market?interval=5000&mode="
        adders = [Adder(await stack.enter_async_context(websocket_client(address + mode))) for mode in MODES]
        async with asyncio.timeout(150):
            await asyncio.gather(*(adder.read() for adder in adders))

    for adder in adders:
        for name in SUMMED:
            assert {key: sums[name] for key, sums in adder.sums.items()} == {
                key: day[name] for key, day in truth.items()
            }
        assert adder.high == {key: day["high"] for key, day in truth.items() if day["high"] is not None}
        assert adder.low == {key: day["low"] for key, day in truth.items() if day["low"] is not None}
        # It has seen a few frames, each of them for many trades.
        assert sum(day["trades"] for day in truth.values()) > 50 * adder.frames
