"""A page of the board, and what a test asks of it."""

from __future__ import annotations

import colorsys
import re
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from playwright.async_api import Page

#: Hue of each colour, in degrees, whatever the theme.
HUES = {"down": (345, 15), "reference": (35, 60), "up": (110, 150), "floor": (175, 200), "ceiling": (280, 310)}


class BoardPage:
    """Any of playwright is `Any` here: its types are in the environment of these tests only."""

    def __init__(self, page: Page) -> None:
        self.page = page
        self.problems: list[str] = []  # what a user's console would show
        self.page.on("console", self._hear)
        self.page.on("pageerror", lambda error: self.problems.append(f"exception: {error}"))
        self.page.on("response", self._judge)

    def _hear(self, message: Any) -> None:
        if message.type == "error":
            self.problems.append(f"console: {message.text} ({message.location.get('url')})")

    def _judge(self, response: Any) -> None:
        if response.status >= 400:
            self.problems.append(f"{response.status}: {response.url}")

    async def close(self) -> None:
        """What it hears from now on is no problem: the test ends its publishers."""
        await self.page.context.close()

    async def go(self, address: str) -> None:
        """Open it, and wait until its road is sound: at noon the market is quiet."""
        await self.page.goto(address)
        await self.road("live", "quiet")

    async def road(self, *conditions: str, within_s: float = 15.0) -> None:
        """Wait until the page says so of the road from the exchange."""
        await self.until(
            "(wanted) => wanted.includes(document.documentElement.dataset.road)", list(conditions), within_s
        )

    async def until(self, condition: str, argument: Any = None, within_s: float = 10.0) -> None:
        """Wait for a JavaScript condition."""
        await self.page.wait_for_function(condition, arg=argument, timeout=1000 * within_s)

    async def shows(self, symbol: str, field: str, text: str) -> None:
        """Wait until this stands there."""
        await self.until(
            "([symbol, field, text]) => document.querySelector("
            "`.row[data-symbol=${symbol}] [data-field=${field}]`)?.textContent.includes(text)",
            [symbol, field, text],
        )

    async def rows(self, number: int) -> None:
        """Wait until so many rows are listed, and painted as far as they are in sight."""
        await self.until(
            "(number) => { const grid = document.querySelector('[role=grid]');"
            " const listed = grid.getAttribute('aria-rowcount') - grid.querySelectorAll('.heading').length;"
            " const painted = grid.querySelectorAll('.row[data-symbol]:not([hidden])').length;"
            " return listed === number && (painted === number || (number > 20 && painted > 20)); }",
            number,
        )

    def cell(self, symbol: str, field: str) -> Any:
        """The place of a value."""
        return self.page.locator(f'.row[data-symbol="{symbol}"]:not([hidden]) [data-field="{field}"]')

    async def text(self, symbol: str, field: str) -> str:
        """What stands there, without the mark of watch lists."""
        text: str = await self.cell(symbol, field).evaluate(
            "(cell) => [...cell.childNodes].filter((node) => node.nodeType === 3).map((node) => node.data).join('')"
        )
        return text.strip()

    async def colour(self, symbol: str, field: str) -> str:
        """The colour of a value as the eye names it: one of `HUES`, or none."""
        return named(await self.cell(symbol, field).evaluate("(cell) => getComputedStyle(cell).color"))

    async def order(self) -> list[str]:
        """The symbols in sight, top to bottom."""
        symbols: list[str] = await self.page.evaluate(
            "() => [...document.querySelectorAll('.row[data-symbol]:not([hidden])')]"
            ".sort((one, other) => one.ariaRowIndex - other.ariaRowIndex).map((row) => row.dataset.symbol)"
        )
        return symbols


def named(colour: str) -> str:
    """`rgb(11, 223, 57)` is up."""
    red, green, blue = (int(part) / 255 for part in re.findall(r"\d+", colour)[:3])
    hue, _, saturation = colorsys.rgb_to_hls(red, green, blue)
    if saturation < 0.4:
        return "none"
    degrees = 360 * hue
    for name, (low, high) in HUES.items():
        if low <= degrees <= high or (low > high and (degrees >= low or degrees <= high)):
            return name
    return f"{degrees:.0f}°"
