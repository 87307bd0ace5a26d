"""A browser, boards to look at, and the promise that no console shows an error."""

from __future__ import annotations

import socket
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

import pytest

from local_stack.splitter import Backend, Splitter
from tests.browser.board_page import BoardPage
from tests.browser.rows import a_small_market
from tests.chromium import NO_CHROMIUM, find_chromium
from tests.fakes.services import RunningPublisher, running_publisher
from tests.fakes.writer import Writer, writing

if TYPE_CHECKING:
    from playwright.async_api import Browser

FOLDER = Path(__file__).parent
AXE = FOLDER / "vendor" / "axe-core@4.14.1" / "axe.min.js"
# A container has no sandbox and no graphics; the rest is what a browser does beside showing a page.
ARGUMENTS = [
    "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
    "--disable-component-update", "--disable-sync",
]  # fmt: skip
DESKTOP, PHONE = (1440, 900), (390, 844)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Tests of this folder need a browser."""
    for item in items:
        if item.path.is_relative_to(FOLDER):
            item.add_marker(pytest.mark.browser)


@pytest.fixture
async def browser() -> AsyncIterator[Browser]:
    """The system's Chromium."""
    from playwright.async_api import async_playwright  # noqa: PLC0415 (not in the environment of the other tests)

    path = find_chromium()
    assert path is not None, NO_CHROMIUM
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=path, args=ARGUMENTS)
        yield browser
        await browser.close()


class Look(Protocol):
    """Opens the board in a window of its own."""

    def __call__(
        self, address: str, size: tuple[int, int] = DESKTOP, theme: str = "dark", language: str = "en-US"
    ) -> Awaitable[BoardPage]:
        """The board, once its road is live."""


@pytest.fixture
async def look(browser: Browser) -> AsyncIterator[Look]:
    """Opens boards; at the end none of them may have had an error in its console."""
    pages: list[BoardPage] = []

    async def open_page(
        address: str, size: tuple[int, int] = DESKTOP, theme: str = "dark", language: str = "en-US"
    ) -> BoardPage:
        context = await browser.new_context(
            viewport={"width": size[0], "height": size[1]}, color_scheme=theme, locale=language
        )
        page = BoardPage(await context.new_page())
        pages.append(page)
        await page.go(address)
        return page

    yield open_page
    assert [problem for page in pages for problem in page.problems] == []


@pytest.fixture
async def writer(redis_url: str, redis_prefix: str) -> AsyncIterator[Writer]:
    """An ingest's hands; it has written a small market."""
    async with writing(redis_url, redis_prefix) as writer:
        await writer.commit(a_small_market())
        yield writer


@pytest.fixture
async def publisher(writer: Writer, redis_url: str, redis_prefix: str) -> AsyncIterator[RunningPublisher]:  # noqa: ARG001 (it writes first)
    """One publisher of that market."""
    async with running_publisher(redis_url, redis_prefix) as publisher:
        await publisher.line("rows loaded")
        yield publisher


class Pair:
    """Two publishers behind one address."""

    def __init__(self, url: str, publishers: list[RunningPublisher], splitter: Splitter) -> None:
        self.url = url
        self.publishers = publishers
        self.splitter = splitter


@pytest.fixture
async def pair(writer: Writer, redis_url: str, redis_prefix: str) -> AsyncIterator[Pair]:  # noqa: ARG001 (it writes first)
    """Two replicas of that market."""
    async with AsyncExitStack() as stack:
        publishers = [await stack.enter_async_context(running_publisher(redis_url, redis_prefix)) for _ in range(2)]
        for publisher in publishers:
            await publisher.line("rows loaded")
        splitter = Splitter([Backend("127.0.0.1", int(one.url.rpartition(":")[2])) for one in publishers])
        listener = stack.enter_context(socket.create_server(("127.0.0.1", 0)))
        await stack.enter_async_context(splitter.serving(listener))
        yield Pair(f"http://127.0.0.1:{listener.getsockname()[1]}", publishers, splitter)


@pytest.fixture
def pictures(request: pytest.FixtureRequest) -> Path:
    """Where pictures go."""
    folder = Path(request.config.getoption("--pictures") or FOLDER.parents[1] / "var" / "pictures")
    folder.mkdir(parents=True, exist_ok=True)
    return folder


@pytest.fixture
def serious_findings() -> Callable[[BoardPage], Awaitable[list[str]]]:
    """What axe finds on a page that is serious or critical."""

    async def find(board: BoardPage) -> list[str]:
        # By the driver, not by a tag of the page: its policy forbids scripts from elsewhere.
        await board.page.evaluate(AXE.read_text("utf-8"))
        found: dict[str, Any] = await board.page.evaluate("() => axe.run(document, {resultTypes: ['violations']})")
        return [
            f"{violation['id']}: {violation['help']}: {node['html'][:200]}"
            for violation in found["violations"]
            if violation["impact"] in ("serious", "critical")
            for node in violation["nodes"]
        ]

    return find
