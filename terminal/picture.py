"""What `top` shows: rows and states in, lines out. It knows no terminal but its size and the codes of colours."""

import re
import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal, NamedTuple, TypeAlias

from clients.python.banggia_client import Problem, Row, Status, TableFailed
from terminal import formats
from terminal.colours import Meaning, meaning
from terminal.words import WORDS, Language, phases, road

Sort: TypeAlias = Literal["symbol", "change_pct", "total_volume", "total_value"]
SORTS: tuple[Sort, ...] = ("symbol", "change_pct", "total_volume", "total_value")

#: Shown first, if they are there, under the names of boards.
INDICES = {"VNINDEX": "VN-INDEX", "VN30": "VN30", "HNXIndex": "HNX", "HNXUpcomIndex": "UPCOM", "HNX30": "HNX30"}
BOLD, DIM, REVERSE = "1", "2", "7"
#: Lines above the rows and below them.
HEAD_LINES, FOOT_LINES = 5, 1


@dataclass(frozen=True, slots=True)
class View:
    """Everything that is shown, at one moment."""

    url: str
    market: Mapping[str, Row]
    indices: Mapping[str, Row]
    status: Status | None
    error: Problem | None
    refusal: TableFailed | None
    old_since_ms: float | None  # None: the rows are live
    data_ms: int | None  # of the newest feed message in the rows
    sort: Sort = "symbol"
    first: int = 0  # so many rows are scrolled away
    language: Language = "en"
    traded: frozenset[str] = frozenset()  # just now: their prices are lit
    has_keys: bool = True  # somebody may press one


class Cell(NamedTuple):
    """A piece of a line."""

    text: str
    style: str = ""  # SGR parameters


class Column(NamedTuple):
    """Of the market; the least important ones leave first where there is no room."""

    name: str
    width: int
    rank: int


COLUMNS = (
    Column("symbol", 10, 0), Column("ceiling", 8, 2), Column("floor", 8, 2), Column("reference", 8, 1),
    Column("bid_volume", 10, 3), Column("bid", 8, 1), Column("last", 8, 0), Column("mark", 3, 0),
    Column("last_volume", 9, 3), Column("change", 7, 1), Column("change_pct", 7, 0), Column("ask", 8, 1),
    Column("ask_volume", 10, 3), Column("total_volume", 13, 1), Column("high", 8, 4), Column("low", 8, 4),
    Column("total_value", 9, 5),
)  # fmt: skip


def picture(view: View, width: int, height: int) -> list[str]:
    """So many lines, none wider, with their colours."""
    words = WORDS[view.language]
    columns = columns_for(width)
    keys = ordered(view.market, view.sort)
    room = rows_for(height)
    shown = keys[view.first : view.first + room]
    lines = [
        _top_line(view, width),
        _state_line(view),
        *_index_lines(view.indices, width),
        [Cell(_fitted(words.get(column.name, ""), column, width), BOLD) for column in columns],
        *([_row(key, view.market[key], columns, is_lit=key in view.traded) for key in shown] or [[Cell(_empty(view))]]),
    ]
    lines += [[] for _ in range(height - FOOT_LINES - len(lines))]
    place = f"{view.first + 1}-{view.first + len(shown)} / {len(keys)}" if keys else ""
    notes = [f"{words['by']} {words[view.sort]}", words["prices_in"], place]
    foot = " · ".join([words["help"], *notes] if view.has_keys else notes)
    lines = [*lines[: max(0, height - FOOT_LINES)], [Cell(foot, DIM)]]
    is_old = view.old_since_ms is not None
    # What says that the board is old stays bright.
    return [_line(cells, width, dim=is_old and number > 1) for number, cells in enumerate(lines[:height])]


def columns_for(width: int) -> list[Column]:
    """Those that fit: the most important ones, in their order."""
    columns = list(COLUMNS)
    while sum(column.width for column in columns) > width and len(columns) > 1:
        columns.remove(max(reversed(columns), key=lambda column: column.rank))
    return columns


def rows_for(height: int) -> int:
    """How many rows of the market have room."""
    return max(0, height - HEAD_LINES - FOOT_LINES)


def ordered(market: Mapping[str, Row], sort: Sort) -> list[str]:
    """The keys: by name, or the largest first, those without a value last."""
    if sort == "symbol":
        return sorted(market)
    with_value = {key: value for key, row in market.items() if (value := row.get(sort)) is not None}
    largest_first = sorted(with_value, key=lambda key: (-with_value[key], key))
    return largest_first + sorted(market.keys() - with_value)


def plain(line: str) -> str:
    """Without colours."""
    return re.sub(r"\x1b\[[0-9;]*m", "", line)


def _top_line(view: View, width: int) -> list[Cell]:
    words, status = WORDS[view.language], view.status
    left = [Cell("banggia ", BOLD), Cell(view.url, DIM), Cell("  ")]
    market = Cell(phases(status, view.language))
    marks = []
    if status is not None and status.replay_time_ms is not None:
        marks.append(f"{words['replay']} {formats.clock(status.replay_time_ms)}")
    if status is not None and status.simulated:
        marks.append(words["simulated"])
    marked = Cell(", ".join(marks), "38;5;220")
    gap = width - sum(len(cell.text) for cell in (*left, market, marked))
    if gap < 1:  # what prices are counts for more than the phases
        return [*left, marked, Cell("  "), market]
    return [*left, market, Cell(" " * gap), marked]


def _state_line(view: View) -> list[Cell]:
    words = WORDS[view.language]
    said = road(view.status, view.error, view.language)
    heard = f"{words['data_of']} {formats.clock(view.data_ms)}" if view.data_ms is not None else ""
    if view.old_since_ms is not None:
        return [Cell(f" {words['old_since']} {formats.clock(view.old_since_ms)}: {said} ", REVERSE), Cell(f"  {heard}")]
    is_sound = view.status is not None and view.status.connected
    light = Cell("● ", Meaning.UP.colour) if is_sound else Cell("○ ")
    return [light, Cell(said), Cell(f"  {heard}", DIM)]


def _index_lines(indices: Mapping[str, Row], width: int) -> list[list[Cell]]:
    """Two lines, with as many indices as fit."""
    lines: list[list[Cell]] = [[], []]
    each = max(28, min(40, width // len(INDICES)))
    known = [key for key in INDICES if key in indices]
    for key in known[: width // each]:
        row = indices[key]
        colour = meaning(row.get("value"), row)
        value = f"{INDICES[key]} {colour.mark} {formats.points(row.get('value'))}"
        counts = f"▲{row.get('advances') or 0} ■{row.get('unchanged') or 0} ▼{row.get('declines') or 0}"
        first = f"{value} {formats.points(row.get('change_pct'), sign=True)}%"
        second = f"{counts} {formats.billions(row.get('total_value'))} tỷ"
        lines[0].append(Cell(f"{first[: each - 1]:<{each}}", colour.colour))
        lines[1].append(Cell(f"{second[: each - 1]:<{each}}", DIM))
    return lines


def _row(key: str, row: Row, columns: Sequence[Column], *, is_lit: bool) -> list[Cell]:
    in_points = _is_in_points(row)
    bid_price, bid_volume = _best(row.get("bids"))
    ask_price, ask_volume = _best(row.get("asks"))
    match, change, change_pct, is_expected = _match(row)
    match_meaning = meaning(match, row)
    cells = {
        "symbol": Cell(key, match_meaning.colour),
        "mark": Cell(f"{'~' if is_expected else ''}{match_meaning.mark}", match_meaning.colour),
        "last_volume": Cell(formats.volume(row.get("last_volume")), match_meaning.colour),
        "change": Cell(formats.signed_price(change, in_points=in_points), match_meaning.colour),
        "change_pct": Cell(formats.points(change_pct, sign=True), match_meaning.colour),
        "bid": _priced(bid_price, row, in_points=in_points),
        "bid_volume": Cell(formats.volume(bid_volume), meaning(bid_price, row).colour),
        "ask": _priced(ask_price, row, in_points=in_points),
        "ask_volume": Cell(formats.volume(ask_volume), meaning(ask_price, row).colour),
        "total_volume": Cell(formats.volume(row.get("total_volume"))),
        "total_value": Cell(formats.billions(row.get("total_value"))),
    }
    prices = {name: row.get(name) for name in ("ceiling", "floor", "reference", "high", "low")} | {"last": match}
    cells |= {name: _priced(value, row, in_points=in_points) for name, value in prices.items()}
    if is_lit:
        cells["last"] = Cell(cells["last"].text, ";".join(filter(None, (REVERSE, match_meaning.colour))))
    return [Cell(_fitted(cells[column.name].text, column), cells[column.name].style) for column in columns]


def _match(row: Row) -> tuple[object, object, object, bool]:
    """Price, change, per cent. In an auction those of the expected price, as boards do, and True for its mark."""
    expected, reference = row.get("expected_price"), row.get("reference")
    if row.get("session") in ("ATO", "ATC") and expected and reference:
        return expected, expected - reference, 100 * (expected - reference) / reference, True
    return row.get("last"), row.get("change"), row.get("change_pct"), False


def _priced(value: object, row: Row, *, in_points: bool) -> Cell:
    return Cell(formats.price(value, in_points=in_points), meaning(value, row).colour)


def _best(levels: object) -> tuple[object, object]:
    """Price and volume of the first level; without a price it is an auction order."""
    if isinstance(levels, list) and levels and isinstance(levels[0], list) and len(levels[0]) == 2:
        return levels[0][0], levels[0][1]
    return None, None


def _is_in_points(row: Row) -> bool:
    """Futures: their prices are no multiples of a VND that anybody could pay."""
    return row.get("exchange") == "DERIVATIVES"


def _empty(view: View) -> str:
    words = WORDS[view.language]
    if view.refusal is not None:
        return f"{words['refused']}: {view.refusal}"
    return words["nothing"] if view.data_ms is not None else words["loading"]


def _fitted(text: str, column: Column, width: int = 0) -> str:
    """Names to the left, numbers to the right, with a space before; what is too long is cut where it can be seen."""
    room = min(column.width, width or column.width) - 1
    cut = text if len(text) <= room else f"{text[: room - 1]}…"
    return f"{cut:<{room}} " if column.name == "symbol" else f" {cut:>{room}}"


def _line(cells: Sequence[Cell], width: int, *, dim: bool) -> str:
    """Cut to the width; control characters of a server do nothing."""
    pieces, left = [], width
    for cell in cells:
        text = "".join(" " if unicodedata.category(char) in ("Cc", "Cf") else char for char in cell.text)[:left]
        left -= len(text)
        style = DIM if dim and not cell.style else f"{DIM};{cell.style}" if dim else cell.style
        pieces.append(f"\x1b[{style}m{text}\x1b[0m" if style and text else text)
    return "".join(pieces).rstrip(" ")
