"""Two ingests on one exchange, one with books and trades in one message, one with both apart: the same rows."""

import asyncio
from contextlib import AsyncExitStack
from pathlib import Path

from shared.channels import Channel
from tests.fakes.exchange import RunningSimulator, running_simulator
from tests.fakes.replays import of_the_day, stored_tables
from tests.fakes.services import running_ingest

LAYOUTS = {"together": "X:ALL,R:ALL,MI:ALL,F:ALL,OL:ALL", "apart": "X-QUOTE:ALL,X-TRADE:ALL,R:ALL,MI:ALL,F:ALL,OL:ALL"}
#: Tables without what falls by the clock alone.
COMPARED = (Channel.MARKET, Channel.TRADES, Channel.BARS, Channel.INDEX, Channel.DERIVATIVES, Channel.ODDLOT)


async def test_both_layouts_of_the_subscription_make_the_same_tables(
    redis_url: str, redis_prefix: str, tmp_path: Path
) -> None:
    async with AsyncExitStack() as stack:
        simulator = await stack.enter_async_context(running_simulator(rate=400, seed=11))
        await simulator.control("pause")
        for name, channels in LAYOUTS.items():
            await stack.enter_async_context(
                running_ingest(
                    redis_url, f"{redis_prefix}-{name}", simulator.url, tmp_path / name, SSI_CHANNELS=channels
                )
            )
        await all_agree_with_the_ledger(redis_url, redis_prefix, simulator)
        before = (await simulator.ledger())["produced"]["X"]

        await simulator.control("resume")
        async with asyncio.timeout(20):
            while (await simulator.ledger())["produced"]["X"] < before + 1500:  # noqa: ASYNC110 (another process)
                await asyncio.sleep(0.05)
        await simulator.control("pause")
        await all_agree_with_the_ledger(redis_url, redis_prefix, simulator)

    together, apart = (of_the_day(stored_tables(redis_url, f"{redis_prefix}-{name}"), COMPARED) for name in LAYOUTS)
    for symbol, row in apart[Channel.MARKET].items():
        # The day was under way: of what was traded already, trades alone do not tell the first price.
        together[Channel.MARKET][symbol]["open"] = row["open"] = (
            row["open"] and together[Channel.MARKET][symbol]["open"]
        )
    assert together == apart
    assert sum(row["active_buy_volume"] for row in apart[Channel.MARKET].values()) > 0
    assert apart[Channel.ODDLOT]


async def all_agree_with_the_ledger(redis_url: str, redis_prefix: str, simulator: RunningSimulator) -> None:
    """Wait until the total volumes in Redis are those that the paused market has told."""
    told = {symbol: totals["total_volume"] for symbol, totals in (await simulator.ledger())["symbols"].items()}
    for name in LAYOUTS:
        async with asyncio.timeout(30):
            while True:
                market = stored_tables(redis_url, f"{redis_prefix}-{name}")[Channel.MARKET]
                if {symbol: row["total_volume"] for symbol, row in market.items()} == told:
                    break
                await asyncio.sleep(0.1)
