"""Each page of a whole, simulated market, without an error in the console; pictures are kept for people to look at."""

import asyncio
from contextlib import AsyncExitStack
from pathlib import Path

import pytest

from tests.browser.conftest import DESKTOP, PHONE, Look
from tests.fakes.exchange import running_simulator
from tests.fakes.services import RunningPublisher, running_ingest, running_publisher

#: Where each page is, and what it shows when it is whole.
PLACES = {
    "vn30": ("", ".row[data-symbol]"),
    "hose": ("?tab=HOSE", ".row[data-symbol]"),
    "futures": ("?tab=futures", ".row[data-symbol]"),
    "details": ("?symbol=SSI", "#detail .u-over"),
    "movers": ("?tab=movers", "#page td"),
    "foreign": ("?tab=foreign", ".row[data-symbol]"),
    "basis": ("?tab=basis", "#page .u-over"),
    "alerts": ("?tab=alerts", "#page td"),
}
LOOKS = (("dark", DESKTOP, "vi-VN"), ("light", DESKTOP, "en-US"), ("dark", PHONE, "vi-VN"))
#: Each index has its chart.
CHARTED = (
    "() => { const charts = [...document.querySelectorAll('#ribbon .chart')];"
    " return charts.length > 1 && charts.every((chart) => chart.firstChild); }"
)
#: An hour of the market in a minute, so that charts have something to show.
SPEED, MINUTES = 60, 25


@pytest.mark.timeout(300)
async def test_every_page_shows_something_at_every_size(
    look: Look, redis_url: str, redis_prefix: str, tmp_path: Path, pictures: Path
) -> None:
    async with AsyncExitStack() as stack:
        market = running_simulator(rate=300, seed=5, stocks=400, clock="09:20", speed=SPEED)
        simulator = await stack.enter_async_context(market)
        await stack.enter_async_context(running_ingest(redis_url, redis_prefix, simulator.url, tmp_path))
        publisher = await stack.enter_async_context(running_publisher(redis_url, redis_prefix))
        await publisher.line("rows loaded")
        await has_a_morning(publisher)
        for theme, size, language in LOOKS:
            board = await look(publisher.url, size=size, theme=theme, language=language)
            for name, (place, whole) in PLACES.items():
                await board.go(f"{publisher.url}/{place}")
                await board.page.locator(f"{whole} >> visible=true").first.wait_for()
                await board.until(CHARTED)
                kind = "phone" if size == PHONE else "desktop"
                # Notes come and go, and lie upon what the picture is of.
                await board.page.evaluate("() => document.querySelector('#arrivals').replaceChildren()")
                await board.page.screenshot(path=pictures / f"{name}-{kind}-{theme}.png")
            await board.close()


async def has_a_morning(publisher: RunningPublisher, within_s: float = 90.0) -> None:
    """The index has bars of so many minutes."""
    async with asyncio.timeout(within_s):
        while len((await publisher.get("/api/bars/VNINDEX")).json()["bars"]) < MINUTES:  # noqa: ASYNC110 (it is another process)
            await asyncio.sleep(0.2)
