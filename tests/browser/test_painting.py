"""Painting 1,600 rows of which 1,000 cells change each second: figures, and the last values at the end."""

import asyncio
import json
from collections.abc import Callable
from random import Random
from typing import cast

import pytest

from shared.channels import Channel
from shared.table import Row
from tests.browser.conftest import Look
from tests.browser.rows import price_row
from tests.fakes.services import RunningPublisher
from tests.fakes.writer import Writer

ROWS, SECONDS = 1600, 10
#: Cells of the board that a match changes: price, volume, change, per cent, total.
CELLS = 5
COMMITS_PER_S, MATCHES = 20, 10  # of 5 cells: 1,000 a second
SYMBOLS = [
    f"A{chr(65 + number // 26 // 26)}{chr(65 + number // 26 % 26)}{chr(65 + number % 26)}" for number in range(ROWS)
]

MEASURE = """() => {
  const frames = [], tasks = [];
  let before;
  const frame = (now) => {
    if (before !== undefined) frames.push(now - before);
    before = now;
    globalThis.measuring = requestAnimationFrame(frame);
  };
  requestAnimationFrame(frame);
  const observer = new PerformanceObserver((list) => tasks.push(...list.getEntries().map(({duration}) => duration)));
  observer.observe({type: "longtask"});
  globalThis.measured = () => {
    cancelAnimationFrame(globalThis.measuring);
    observer.disconnect();
    return {frames, tasks};
  };
}"""


@pytest.mark.timeout(120)
@pytest.mark.parametrize("spread", ["over all rows", "over the rows in sight"])
async def test_a_thousand_changed_cells_a_second_among_1600_rows(
    publisher: RunningPublisher, look: Look, writer: Writer, measured: Callable[[str], None], spread: str
) -> None:
    totals = dict.fromkeys(SYMBOLS, 1_000_000)
    rows: list[tuple[str, Row]] = [(symbol, price_row(31200)) for symbol in SYMBOLS]
    for at in range(0, ROWS, 200):  # a commit has a size that a broker likes
        await writer.commit({Channel.MARKET: dict(rows[at : at + 200])})
    await writer.commit({Channel.GROUPS: {"HOSE": {"keys": cast("Row", {"keys": SYMBOLS})["keys"]}}})
    board = await look(f"{publisher.url}/?tab=HOSE")
    await board.rows(ROWS)
    random, last = Random(7), dict[str, Row]()
    chosen = SYMBOLS if spread == "over all rows" else (await board.order())[:30]
    loop = asyncio.get_running_loop()

    await board.page.evaluate(MEASURE)
    began_s = loop.time()
    for turn in range(COMMITS_PER_S * SECONDS):
        changes: dict[str, Row | None] = {}
        for symbol in random.sample(chosen, MATCHES):
            volume = 100 * random.randint(1, 90)
            totals[symbol] += volume
            price = 31200 + 50 * random.randint(-40, 40)
            changes[symbol] = last[symbol] = price_row(price, last_volume=volume, total_volume=totals[symbol])
        await writer.commit({Channel.MARKET: changes})
        await asyncio.sleep(
            max(0.0, began_s + (turn + 1) / COMMITS_PER_S - loop.time())
        )  # the rate is the test's subject
    took_s = loop.time() - began_s
    seen = await board.page.evaluate("() => measured()")

    frames, tasks = sorted(seen["frames"]), seen["tasks"]
    cells = CELLS * MATCHES * COMMITS_PER_S * SECONDS / took_s
    parts = ", ".join(f"p{part} {at_part(frames, part / 100):.1f} ms" for part in (50, 95, 99))
    longest = f"{len(tasks)} tasks above 50 ms, the longest {max(tasks, default=0):.0f} ms"
    measured(f"{cells:.0f} cells a second {spread} of {ROWS}: frames {parts}; {longest}")
    # Whatever was merged on the way, what stands there is the last.
    in_sight = [symbol for symbol in await board.order() if symbol in last]
    wanted = json.dumps({symbol: f"{cast('int', last[symbol]['total_volume']):,}" for symbol in in_sight})
    await board.until(
        "(wanted) => Object.entries(JSON.parse(wanted)).every(([symbol, text]) => "
        "document.querySelector(`.row[data-symbol=${symbol}] [data-field=total_volume]`).textContent === text)",
        wanted,
    )


def at_part(ordered: list[float], part: float) -> float:
    """The value below which so much of them is."""
    return ordered[min(len(ordered) - 1, int(part * len(ordered)))]
