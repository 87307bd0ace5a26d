"""Charts: the ribbon's, drawn by the page, and the large ones by uPlot."""

import colorsys
import json
from typing import Any

import pytest

from tests.browser.board_page import BoardPage, named
from tests.browser.conftest import Look
from tests.browser.rows import COLOURS
from tests.fakes.services import RunningPublisher

#: The strong colours of a canvas, and how many pixels have each.
PIXELS = """(canvas) => {
  if (!canvas) return {};
  const {data} = canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height);
  const seen = {};
  for (let at = 0; at < data.length; at += 4) {
    if (data[at + 3] < 128) continue;
    const colour = `rgb(${data[at]}, ${data[at + 1]}, ${data[at + 2]})`;
    seen[colour] = (seen[colour] ?? 0) + 1;
  }
  return seen;
}"""


async def colours_of(canvas: Any) -> set[str]:
    """As the eye names them, the strong ones."""
    seen: dict[str, int] = await canvas.evaluate(PIXELS)
    return {named(colour) for colour, pixels in seen.items() if pixels >= 10 and is_strong(colour)}


def is_strong(colour: str) -> bool:
    """Neither grey nor nearly so."""
    red, green, blue = (int(part) / 255 for part in colour[4:-1].split(","))
    return colorsys.rgb_to_hls(red, green, blue)[2] > 0.5


async def has_charts(board: BoardPage) -> None:
    """Wait for the first mini chart."""
    await board.until("() => document.querySelector('#ribbon canvas')?.width > 0")
    await board.until(f"() => Object.keys(({PIXELS})(document.querySelector('#ribbon canvas'))).length > 0")


@pytest.mark.parametrize("theme", ["dark", "light"])
async def test_a_mini_chart_is_green_above_the_reference_red_below_it_and_the_reference_is_yellow(
    publisher: RunningPublisher, look: Look, theme: str
) -> None:
    board = await look(publisher.url, theme=theme)
    await has_charts(board)

    assert await colours_of(board.page.locator('[data-index="VNINDEX"] canvas')) == {"up", "down", "reference"}


async def test_the_chart_of_a_symbol_shows_its_day_and_follows_the_theme(
    publisher: RunningPublisher, look: Look
) -> None:
    board = await look(f"{publisher.url}/?symbol=DDD")
    await board.rows(len(COLOURS))
    canvas = board.page.locator("#detail .chart canvas")
    await canvas.wait_for()
    before = await canvas.evaluate(PIXELS)

    assert {"up", "down", "reference"} <= await colours_of(canvas)
    await board.page.click("#theme")
    painted = f"({PIXELS})(document.querySelector('#detail .chart canvas'))"
    await board.until(
        f"(before) => (({{length}}) => length > 2 && JSON.stringify({painted}) !== before)(JSON.stringify({painted}))",
        json.dumps(before, separators=(",", ":")),
    )
    assert {"up", "down", "reference"} <= await colours_of(canvas)


async def test_what_the_pointer_is_at_is_told(publisher: RunningPublisher, look: Look) -> None:
    board = await look(f"{publisher.url}/?symbol=DDD")
    await board.page.locator("#detail .chart canvas").wait_for()

    await board.page.locator("#detail .chart .u-over").hover()

    await board.until("() => /09:\\d\\d .*3\\d\\.\\d\\d/.test(document.querySelector('#detail .chart').textContent)")
