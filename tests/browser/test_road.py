"""What the page shows when the road from the exchange breaks, and when it heals."""

import asyncio
from collections.abc import Callable
from contextlib import AsyncExitStack
from pathlib import Path

from shared.channels import Channel
from tests.browser.board_page import BoardPage
from tests.browser.conftest import Look, Pair
from tests.browser.rows import COLOURS, price_row
from tests.fakes.exchange import running_simulator
from tests.fakes.services import running_ingest, running_publisher
from tests.fakes.writer import Writer

#: Told within two seconds, of which the page itself may need half a one.
WITHIN_S = 2.0
#: What the page says of its road from now on, however shortly. A page that is loaded again has forgotten it.
WATCH_THE_ROAD = """() => {
  globalThis.roads = [];
  new MutationObserver(() => {
    const told = document.querySelector("#broken").hidden ? "silent" : "told";
    const road = `${document.documentElement.dataset.road}, ${told}`;
    if (globalThis.roads.at(-1) !== road) globalThis.roads.push(road);
  }).observe(document.documentElement, {attributeFilter: ["data-road"]});
}"""

#: What it says while the road is broken: the sentence without what moves in it, and since when.
WATCH_THE_HOUR = """() => {
  [globalThis.told, globalThis.hours] = [new Set(), new Set()];
  new MutationObserver(() => {
    const element = document.querySelector("#broken");
    if (element.hidden) return;
    globalThis.told.add(element.textContent.replace(/[\\d:]+/g, ""));
    globalThis.hours.add(element.textContent.match(/\\d\\d:\\d\\d:\\d\\d/)[0]);
  }).observe(document.querySelector("#broken"), {childList: true, characterData: true, subtree: true});
}"""


async def test_prices_move_and_a_lost_feed_shows_within_two_seconds_and_recovers(
    look: Look, redis_url: str, redis_prefix: str, tmp_path: Path, measured: Callable[[str], None]
) -> None:
    async with AsyncExitStack() as stack:
        simulator = await stack.enter_async_context(running_simulator(rate=100, seed=3))
        await stack.enter_async_context(running_ingest(redis_url, redis_prefix, simulator.url, tmp_path))
        publisher = await stack.enter_async_context(running_publisher(redis_url, redis_prefix))
        await publisher.line("rows loaded")
        board = await look(publisher.url)
        await prices_move(board)
        await simulator.fault("bad-gateway", seconds=4)

        began_s = asyncio.get_running_loop().time()
        await simulator.fault("drop")
        await board.road("down", within_s=5)
        took_s = asyncio.get_running_loop().time() - began_s

        measured(f"a lost feed shows after {took_s:.2f} s")
        assert took_s < WITHIN_S
        assert await board.page.locator("#broken").is_visible()
        await board.page.evaluate(WATCH_THE_HOUR)
        opacity: str = await board.page.locator("#grid").evaluate("(grid) => getComputedStyle(grid).opacity")
        assert float(opacity) < 0.8  # a stale board is dimmed
        await board.road("live", within_s=30)
        assert await board.page.locator("#broken").is_hidden()
        reasons, hours = await board.page.evaluate("() => [globalThis.told.size, [...globalThis.hours]]")
        assert reasons > 1
        assert len(hours) == 1, "since when it is broken does not move with the reason"
        await prices_move(board)
        await board.close()


async def prices_move(board: BoardPage) -> None:
    """Some cell's text is another than before."""
    await board.until(
        "() => { const now = document.querySelector('#grid .body').textContent;"
        " const moved = globalThis.seen && globalThis.seen !== now; globalThis.seen ||= now;"
        " if (moved) globalThis.seen = ''; return moved; }",
        within_s=15,
    )


async def test_a_killed_publisher_is_replaced_by_the_other_without_a_reload(
    pair: Pair, look: Look, writer: Writer, measured: Callable[[str], None]
) -> None:
    board = await look(pair.url)
    await board.rows(len(COLOURS))
    victim = 0 if await pair.publishers[0].metric("publisher_clients") else 1
    await board.page.evaluate(WATCH_THE_ROAD)
    board.page.on("framenavigated", lambda _: board.problems.append("the page was loaded again"))

    began_s = asyncio.get_running_loop().time()
    pair.publishers[victim].kill()
    await writer.commit({Channel.MARKET: {"DDD": price_row(33350)}})  # while nobody listens, or nearly so
    await board.until("() => globalThis.roads.length >= 2 && globalThis.roads.at(-1).startsWith('live')", within_s=20)
    took_s = asyncio.get_running_loop().time() - began_s

    await board.shows("DDD", "last", "33.35")
    measured(f"live on the other publisher after {took_s:.2f} s")
    assert await board.page.evaluate("() => globalThis.roads") == ["lost, told", "live, silent"]
    assert await pair.publishers[1 - victim].metric("publisher_clients") == 1
