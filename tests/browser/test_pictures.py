"""Each page of a whole, simulated market, without an error in the console; pictures are kept for people to look at."""

from contextlib import AsyncExitStack
from pathlib import Path

import pytest

from tests.browser.conftest import DESKTOP, PHONE, Look
from tests.fakes.exchange import running_simulator
from tests.fakes.services import running_ingest, running_publisher

PLACES = {
    "vn30": "", "hose": "?tab=HOSE", "futures": "?tab=futures", "details": "?symbol=SSI", "movers": "?tab=movers",
    "foreign": "?tab=foreign", "basis": "?tab=basis", "alerts": "?tab=alerts",
}  # fmt: skip
LOOKS = (("dark", DESKTOP, "vi-VN"), ("light", DESKTOP, "en-US"), ("dark", PHONE, "vi-VN"))
#: Mini charts and alerts are loaded after the first picture.
LATER_MS = 2500


@pytest.mark.timeout(300)
async def test_every_page_shows_something_at_every_size(
    look: Look, redis_url: str, redis_prefix: str, tmp_path: Path, pictures: Path
) -> None:
    async with AsyncExitStack() as stack:
        simulator = await stack.enter_async_context(running_simulator(rate=300, seed=5, stocks=400))
        await stack.enter_async_context(running_ingest(redis_url, redis_prefix, simulator.url, tmp_path))
        publisher = await stack.enter_async_context(running_publisher(redis_url, redis_prefix))
        await publisher.line("rows loaded")
        for theme, size, language in LOOKS:
            board = await look(publisher.url, size=size, theme=theme, language=language)
            for name, place in PLACES.items():
                await board.go(f"{publisher.url}/{place}")
                shown = ".row[data-symbol]:not([hidden]), #page :is(td, li, p)"
                await board.page.locator(shown).first.wait_for()
                await board.page.wait_for_timeout(LATER_MS)
                kind = "phone" if size == PHONE else "desktop"
                await board.page.screenshot(path=pictures / f"{name}-{kind}-{theme}.png")
            await board.close()
