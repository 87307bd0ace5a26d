"""What stands in the cells, and in which colour."""

from typing import Any, cast

import pytest

from shared.channels import Channel
from shared.table import Row
from tests.browser.board_page import named
from tests.browser.conftest import Look
from tests.browser.rows import COLOURS, price_row
from tests.fakes.services import RunningPublisher
from tests.fakes.writer import Writer

MOVER_FIELDS = ("last", "change", "change_pct", "total_volume", "total_value")
#: Cells whose text is wider than they are.
CUT = (
    "[...document.querySelectorAll('.row:not([hidden]) > span')].filter((cell) => cell.scrollWidth > cell.clientWidth)"
)


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


@pytest.mark.parametrize("theme", ["dark", "light"])
async def test_a_mover_at_its_limit_has_the_colour_of_the_limit(
    publisher: RunningPublisher, look: Look, writer: Writer, theme: str
) -> None:
    await writer.commit({Channel.MOVERS: {"HOSE": movers(("AAA", "DDD"), ("BBB", "EEE"))}})
    board = await look(f"{publisher.url}/?tab=movers", theme=theme)

    for symbol in ("AAA", "BBB", "DDD", "EEE"):
        cell = board.page.locator(f'#page tr[data-symbol="{symbol}"] [data-field="last"]').first
        await cell.and_(board.page.locator(f".{COLOURS[symbol][1]}")).wait_for()
        assert named(await cell.evaluate("(cell) => getComputedStyle(cell).color")) == COLOURS[symbol][1]


def movers(gainers: tuple[str, ...], losers: tuple[str, ...]) -> Row:
    """Of one market; its other lists are empty."""
    lists: dict[str, Any] = {"by_value": [], "by_volume": [], "foreign_bought": [], "foreign_sold": []}
    for name, symbols in (("gainers", gainers), ("losers", losers)):
        rows = {symbol: COLOURS[symbol][0] for symbol in symbols}
        lists[name] = [
            {"symbol": symbol, **{field: row[field] for field in MOVER_FIELDS}} for symbol, row in rows.items()
        ]
    return cast("Row", lists)


@pytest.mark.parametrize("width", [1280, 1440])
async def test_no_figure_is_cut_however_long_it_is(
    publisher: RunningPublisher, look: Look, writer: Writer, width: int
) -> None:
    long = price_row(1_234_500, ceiling=1_320_900, floor=1_148_100, reference=1_234_000, last_volume=12_345_600)
    long["bids"] = long["asks"] = [[1_234_500 + step, 12_345_600] for step in (0, 500, 1000)]
    await writer.commit(
        {Channel.MARKET: {"CHPG2602": long}, Channel.GROUPS: {"VN30": {"keys": [*COLOURS, "CHPG2602"]}}}
    )
    board = await look(publisher.url, size=(width, 900))
    await board.shows("CHPG2602", "bid_volume_1", "12,345,600")

    await board.until(f"() => {CUT}.length === 0")
    assert not await board.page.evaluate("() => document.documentElement.scrollWidth > innerWidth")


async def test_a_price_that_moves_changes_text_and_colour(
    publisher: RunningPublisher, look: Look, writer: Writer
) -> None:
    board = await look(publisher.url)
    await board.rows(len(COLOURS))

    for last, text, colour in ((33350, "33.35", "ceiling"), (31150, "31.15", "down"), (31200, "31.20", "reference")):
        await writer.commit({Channel.MARKET: {"DDD": price_row(last)}})
        await board.shows("DDD", "last", text)
        assert await board.colour("DDD", "last") == colour
