"""A board whose publisher wants a token."""

import time
from typing import TYPE_CHECKING

import jwt

from tests.browser.board_page import BoardPage
from tests.browser.rows import COLOURS
from tests.fakes.services import running_publisher
from tests.fakes.writer import Writer

if TYPE_CHECKING:
    from playwright.async_api import Browser

SECRET = "a secret of the tests, 32 characters or more"


async def test_the_board_asks_for_a_token_says_what_is_wrong_with_it_and_opens_with_a_right_one(
    browser: "Browser",
    writer: Writer,  # noqa: ARG001 (it writes first)
    redis_url: str,
    redis_prefix: str,
) -> None:
    async with running_publisher(redis_url, redis_prefix, JWT_SECRET=SECRET) as publisher:
        await publisher.line("rows loaded")
        board = BoardPage(await (await browser.new_context(locale="en-US")).new_page())
        await board.page.goto(f"{publisher.url}/?tab=HOSE")

        await told(board, "only to those with a token")
        await board.page.keyboard.press("Escape")
        await board.page.click("#broken button")
        await give(board, "nonsense")
        await told(board, "does not take this token")
        await give(board, token(lasts_s=-60))
        await told(board, "has expired")
        await give(board, token(lasts_s=600))

        await board.rows(len(COLOURS))
        assert await board.page.locator("#broken").is_hidden()
        assert board.page.url.endswith("/?tab=HOSE")
        assert board.problems == []
        await board.close()


def token(lasts_s: int) -> str:
    """Signed as the publisher wants it."""
    return jwt.encode({"exp": int(time.time()) + lasts_s}, SECRET, algorithm="HS256")


async def told(board: BoardPage, words: str) -> None:
    """Wait until the dialog says so, and the badge of the road too."""
    await board.until("(words) => document.querySelector('dialog')?.textContent.includes(words)", words)
    await board.until("() => document.querySelector('#road').textContent.includes('Token needed')")


async def give(board: BoardPage, said: str) -> None:
    """Into the dialog; the page loads itself anew."""
    async with board.page.expect_navigation():
        await board.page.fill("dialog input", said)
        await board.page.keyboard.press("Enter")
