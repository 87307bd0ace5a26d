"""The page in `examples`, as anybody might put it on a site of theirs."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import TYPE_CHECKING

from shared.channels import Channel
from tests.browser.rows import COLOURS, price_row
from tests.fakes.services import running_publisher
from tests.fakes.writer import Writer

if TYPE_CHECKING:
    from playwright.async_api import Browser

SYMBOL = next(iter(COLOURS))  # one of VN30
PAGE = Path(__file__).parents[2] / "examples" / "page.html"
#: Written into the page, not taken from its address: that would run the script of whoever makes a link to it.
BOARD = "http://localhost:8000"


async def test_a_page_of_another_site_that_may_connect_shows_prices_as_they_move(
    browser: Browser, writer: Writer, redis_url: str, redis_prefix: str, tmp_path: Path
) -> None:
    with a_site(tmp_path) as site:
        async with running_publisher(redis_url, redis_prefix, ALLOWED_ORIGINS=site) as publisher:
            text = PAGE.read_text("utf-8")
            assert text.count(BOARD) == 2
            (tmp_path / PAGE.name).write_text(text.replace(BOARD, publisher.url), "utf-8")
            page = await browser.new_page()
            await page.goto(f"{site}/{PAGE.name}")
            await page.get_by_text("live").wait_for()
            await writer.commit({Channel.MARKET: {SYMBOL: price_row(31_850)}})
            await page.get_by_text(f"{SYMBOL} 31850").wait_for()


@contextmanager
def a_site(folder: Path) -> Iterator[str]:
    """Another site's files; its address."""
    handler = partial(_Quiet, directory=str(folder))
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        thread = threading.Thread(target=server.serve_forever, name="another site")
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.socket.getsockname()[1]}"
        finally:
            server.shutdown()
            thread.join()


class _Quiet(SimpleHTTPRequestHandler):
    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 (as the library calls it)
        """Nobody reads it."""
