"""What stands in the cells, and in which colour."""

import pytest

from shared.channels import Channel
from tests.browser.conftest import Look
from tests.browser.rows import COLOURS, price_row
from tests.fakes.services import RunningPublisher
from tests.fakes.writer import Writer


@pytest.mark.parametrize("theme", ["dark", "light"])
async def test_d7_ceiling_is_purple_floor_cyan_reference_yellow_up_green_down_red_and_limits_come_first(
    publisher: RunningPublisher, look: Look, theme: str
) -> None:
    board = await look(publisher.url, theme=theme)
    await board.rows(len(COLOURS))

    fields = ("symbol", "last", "last_volume", "change", "change_pct")
    seen = {symbol: {await board.colour(symbol, field) for field in fields} for symbol in COLOURS}

    assert seen == {symbol: {colour} for symbol, (_, colour) in COLOURS.items()}
    fixed = [await board.colour("DDD", field) for field in ("ceiling", "floor", "reference")]
    assert fixed == ["ceiling", "floor", "reference"]


@pytest.mark.parametrize("theme", ["dark", "light"])
async def test_each_price_of_the_book_has_its_own_colour_and_its_volume_has_the_same(
    publisher: RunningPublisher, look: Look, theme: str
) -> None:
    board = await look(publisher.url, theme=theme)
    await board.rows(len(COLOURS))

    levels = {"bid_{}_1": "reference", "bid_{}_2": "down", "ask_{}_1": "up", "ask_{}_2": "ceiling"}
    for level, colour in levels.items():
        seen = {await board.colour("DDD", level.format(what)) for what in ("price", "volume")}
        assert seen == {colour}, level


async def test_a_price_is_in_thousands_a_volume_is_whole_and_what_was_not_traded_is_empty(
    publisher: RunningPublisher, look: Look
) -> None:
    board = await look(publisher.url)
    await board.rows(len(COLOURS))

    fields = ("last", "last_volume", "change", "change_pct", "total_volume")
    traded = [await board.text("DDD", field) for field in fields]
    untraded = [await board.text("GGG", field) for field in fields]

    assert traded == ["31.30", "1,200", "+0.10", "+0.32", "1,234,500"]
    assert untraded == [""] * 5
    assert await board.text("GGG", "reference") == "31.20"


async def test_a_price_that_moves_changes_text_and_colour(
    publisher: RunningPublisher, look: Look, writer: Writer
) -> None:
    board = await look(publisher.url)
    await board.rows(len(COLOURS))

    for last, text, colour in ((33350, "33.35", "ceiling"), (31150, "31.15", "down"), (31200, "31.20", "reference")):
        await writer.commit({Channel.MARKET: {"DDD": price_row(last)}})
        await board.shows("DDD", "last", text)
        assert await board.colour("DDD", "last") == colour
