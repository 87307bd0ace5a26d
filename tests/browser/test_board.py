"""What a user does with the board: tabs, sorting, search, languages, details, keys."""

from collections.abc import Awaitable, Callable

import pytest

from tests.browser.board_page import BoardPage
from tests.browser.conftest import DESKTOP, PHONE, Look
from tests.browser.rows import COLOURS
from tests.fakes.services import RunningPublisher


async def test_a_tab_shows_its_group_and_stands_in_the_address(publisher: RunningPublisher, look: Look) -> None:
    board = await look(publisher.url)
    await board.rows(len(COLOURS))

    await board.page.click('#tabs [data-tab="HNX30"]')
    await board.rows(1)

    assert await board.order() == ["CCC"]
    assert "tab=HNX30" in board.page.url
    await board.page.go_back()
    await board.rows(len(COLOURS))


async def test_a_heading_sorts_the_largest_first_then_the_least_and_the_address_keeps_it(
    publisher: RunningPublisher, look: Look
) -> None:
    board = await look(publisher.url)
    await board.rows(len(COLOURS))

    await board.page.click('[data-sort="change"]')
    await board.until("() => document.querySelector('.row[aria-rowindex=\"3\"]')?.dataset.symbol === 'AAA'")
    falling = await board.order()
    await board.page.click('[data-sort="change"]')
    await board.until("() => document.querySelector('.row[aria-rowindex=\"3\"]')?.dataset.symbol === 'BBB'")
    rising = await board.order()

    # What has no change is last, either way.
    assert (falling[:2], falling[-2:]) == (["AAA", "DDD"], ["BBB", "GGG"])
    assert (rising[:2], rising[-2:]) == (["BBB", "EEE"], ["AAA", "GGG"])
    assert (
        await board.page.evaluate("() => document.activeElement.dataset.sort") == "change"
    )  # for those with keys only
    again = await look(board.page.url)
    await again.rows(len(COLOURS))
    assert await again.order() == rising


async def test_a_symbol_that_is_not_listed_is_said_to_be_unknown(publisher: RunningPublisher, look: Look) -> None:
    board = await look(f"{publisher.url}/?symbol=ZZZQ&language=en")

    await board.until("() => document.querySelector('#detail .name')?.textContent.includes('No symbol of this name')")


async def test_search_opens_by_a_key_finds_names_and_shows_the_details(publisher: RunningPublisher, look: Look) -> None:
    board = await look(publisher.url)
    await board.rows(len(COLOURS))

    await board.page.keyboard.press("/")
    await board.page.keyboard.type("cong ty dd")  # without accents
    await board.until("() => document.querySelector('#found li')?.textContent.includes('DDD')")
    await board.page.keyboard.press("Enter")
    await board.until("() => document.querySelector('#detail h2')?.textContent.includes('DDD')")

    assert "symbol=DDD" in board.page.url
    await board.page.keyboard.press("ArrowDown")  # the rows have the focus
    await board.until("() => document.querySelector('#detail h2')?.textContent.includes('EEE')")
    await board.page.keyboard.press("Escape")
    await board.until("() => document.querySelector('#detail').hidden")

    await board.page.keyboard.press("/")
    await board.page.keyboard.type("zzz")
    await board.until("() => document.querySelector('#found li')?.textContent.includes('No symbol')")
    await board.page.keyboard.press("Enter")
    assert "symbol=" not in board.page.url  # nothing was opened


async def test_the_language_is_the_browsers_and_can_be_changed(publisher: RunningPublisher, look: Look) -> None:
    vietnamese, english = await look(publisher.url, language="vi-VN"), await look(publisher.url, language="en-US")

    assert [await heading(board) for board in (vietnamese, english)] == ["Trần", "Ceil."]
    await english.page.click("#language")
    await english.until("() => document.documentElement.lang === 'vi'")
    assert await heading(english) == "Trần"


async def heading(board: BoardPage) -> str:
    """Of the column of ceilings."""
    text: str = await board.page.locator('[role=columnheader][data-field="ceiling"]').inner_text()
    return text


async def test_rows_are_chosen_and_opened_by_keys(publisher: RunningPublisher, look: Look) -> None:
    board = await look(publisher.url)
    await board.rows(len(COLOURS))

    await board.page.keyboard.press("ArrowDown")  # without a click before
    await board.page.keyboard.press("ArrowDown")
    await board.page.keyboard.press("Enter")

    await board.until("() => document.querySelector('#detail h2')?.textContent.includes('BBB')")


async def test_the_wall_has_nothing_to_press_but_the_way_out(publisher: RunningPublisher, look: Look) -> None:
    board = await look(publisher.url)
    await board.rows(len(COLOURS))

    await board.page.keyboard.press("f")
    await board.until("() => document.documentElement.dataset.wall === 'true'")
    assert not await board.page.locator("#tabs").is_visible()
    assert not await board.page.locator("#search").is_visible()
    await board.page.click("#wall")

    await board.until("() => document.documentElement.dataset.wall === 'false'")
    assert await board.page.locator("#tabs").is_visible()


async def test_settings_speak_the_language_that_was_chosen_in_them(publisher: RunningPublisher, look: Look) -> None:
    board = await look(publisher.url)

    await board.page.click("#options")
    await board.page.select_option("dialog select >> nth=0", "vi")

    await board.until("() => document.querySelector('dialog h2')?.textContent === 'Cài đặt'")


async def test_a_watch_list_is_kept_by_the_browser(publisher: RunningPublisher, look: Look) -> None:
    board = await look(publisher.url)
    await board.rows(len(COLOURS))

    await board.cell("EEE", "symbol").locator("button.star").click()
    await board.page.reload()
    await board.road("live")
    await board.page.click('#tabs [data-tab^="watch:"]')
    await board.rows(1)

    assert await board.order() == ["EEE"]


@pytest.mark.parametrize("theme", ["dark", "light"])
@pytest.mark.parametrize("size", [DESKTOP, PHONE], ids=["desktop", "phone"])
async def test_axe_finds_nothing_serious(
    publisher: RunningPublisher,
    look: Look,
    serious_findings: Callable[[BoardPage], Awaitable[list[str]]],
    theme: str,
    size: tuple[int, int],
) -> None:
    board = await look(publisher.url, theme=theme, size=size)
    await board.rows(len(COLOURS))
    assert await serious_findings(board) == []

    for place in ("?symbol=DDD", "?tab=movers", "?tab=foreign", "?tab=basis", "?tab=alerts"):
        await board.go(f"{publisher.url}/{place}")
        assert await serious_findings(board) == [], place


async def test_a_phone_shows_the_price_without_scrolling_sideways(publisher: RunningPublisher, look: Look) -> None:
    board = await look(publisher.url, size=(360, 740))
    await board.rows(len(COLOURS))

    right: float = await board.cell("DDD", "change_pct").evaluate("(cell) => cell.getBoundingClientRect().right")
    wider: bool = await board.page.evaluate("() => document.documentElement.scrollWidth > innerWidth")

    assert right <= 360
    assert not wider
