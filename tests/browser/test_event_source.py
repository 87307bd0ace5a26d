"""What a browser's own EventSource makes of a stream: no client of ours is between."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from shared.channels import Channel
from tests.browser.conftest import Pair
from tests.browser.rows import price_row
from tests.fakes.writer import Writer

if TYPE_CHECKING:
    from playwright.async_api import Browser

#: The messages with data, and how often the stream was opened, under names of the page.
FOLLOW = """() => {
  globalThis.data = [];
  globalThis.opened = 0;
  globalThis.source = new EventSource("/sse/market?keys=DDD&interval=100&mode=fields");
  source.onopen = () => { opened += 1; };
  source.onmessage = (event) => {
    const message = JSON.parse(event.data);
    if ("data" in message) data.push({ ...message, id: event.lastEventId });
  };
}"""


async def test_an_event_source_gets_the_table_and_its_updates_and_goes_on_where_it_was_when_its_publisher_is_killed(
    pair: Pair, browser: Browser, writer: Writer
) -> None:
    page = await browser.new_page()
    await page.goto(f"{pair.url}/livez")  # any page of that origin
    await page.evaluate(FOLLOW)
    await page.wait_for_function("data.length === 1", timeout=10_000)
    await writer.commit({Channel.MARKET: {"DDD": price_row(33350)}})
    await page.wait_for_function("data.length === 2", timeout=10_000)

    victim = 0 if await pair.publishers[0].metric("publisher_clients") else 1
    pair.publishers[victim].kill()
    await writer.commit({Channel.MARKET: {"DDD": price_row(33400)}})
    await page.wait_for_function("opened === 2 && data.length >= 3", timeout=20_000)
    data: list[dict[str, Any]] = await page.evaluate("data")
    pair.publishers[1 - victim].kill()  # it would take leave at leisure

    assert [message["type"] for message in data] == ["snapshot", "update", "update"]
    assert [message["data"]["DDD"]["last"] for message in data[1:]] == [33350, 33400]
    assert data[2]["from"] == data[1]["rev"]
    assert [message["id"] for message in data] == [message["position"] for message in data]
