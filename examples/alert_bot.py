"""
Tell of the market's alerts, and when a price crosses a limit: on the screen, and to a webhook if one is named.

python examples/alert_bot.py ws://localhost:8000 --symbol SSI --limit 31500 --webhook http://localhost:9000/

It needs the client: `pip install ./clients/python`, or PYTHONPATH=clients/python with the Python in .venv.
"""

import argparse
import asyncio
import json
import urllib.request

from banggia_client import Feed, connect


async def tell(text: str, webhook: str | None) -> None:
    """Print it, and post it as `{"text": …}`. A webhook that does not answer ends nothing."""
    print(text, flush=True)
    if webhook is None:
        return
    request = urllib.request.Request(  # noqa: S310 (the address is of who starts it)
        webhook, json.dumps({"text": text}).encode(), {"Content-Type": "application/json"}
    )
    try:
        await asyncio.to_thread(lambda: urllib.request.urlopen(request, timeout=5).close())  # noqa: S310 (as above)
    except OSError as error:
        print(f"the webhook does not answer: {error}", flush=True)


async def alerts(feed: Feed, webhook: str | None) -> None:
    """Those that come from now on."""
    table = feed.table("alerts")
    async for change in table:
        for key, row in change.rows.items():
            if not change.reset and row is not None:
                await tell(f"alert: {json.dumps(table.rows.get(key, row), ensure_ascii=False)}", webhook)


async def limit(feed: Feed, symbol: str, price: int, webhook: str | None) -> None:
    """Each crossing, in VND; where the price stands at first is none."""
    table = feed.table("market", keys=[symbol])
    was_above: bool | None = None
    async for _ in table:
        last = table.rows.get(symbol, {}).get("last")
        if last is None:
            continue
        is_above = last >= price
        if was_above is not None and is_above is not was_above:
            await tell(f"{symbol} {'reached' if is_above else 'fell below'} {price}: {last}", webhook)
        was_above = is_above


async def main() -> None:
    """Until it is stopped."""
    parser = argparse.ArgumentParser(description="Tell of alerts, and when a price crosses a limit.")
    parser.add_argument("board", nargs="?", default="ws://localhost:8000")
    parser.add_argument("--symbol", default="SSI")
    parser.add_argument("--limit", type=int, default=31_500, help="VND")
    parser.add_argument("--webhook", help="an address that takes POST")
    chosen = parser.parse_args()
    async with connect(chosen.board) as feed, asyncio.TaskGroup() as group:
        group.create_task(alerts(feed, chosen.webhook))
        group.create_task(limit(feed, chosen.symbol, chosen.limit, chosen.webhook))


if __name__ == "__main__":
    asyncio.run(main())
