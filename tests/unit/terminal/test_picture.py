"""What `top` shows, and what it means."""

from typing import Any

import pytest

from clients.python.banggia_client import Problem, Row, Status
from terminal.colours import Meaning, meaning
from terminal.picture import COLUMNS, View, columns_for, ordered, picture, plain
from terminal.suggestion import did_you_mean
from terminal.words import WORDS, phases, road

ROW: Row = {
    "exchange": "HOSE", "reference": 31_200, "ceiling": 33_350, "floor": 29_050, "last": 31_500, "change": 300,
    "change_pct": 0.96, "bids": [[31_450, 500]], "asks": [[None, 100]], "session": "LO", "expected_price": 31_100,
}  # fmt: skip
LIVE = Status(connected=True, feed="live", ingest="live", broker="live", phases={"HOSE": "continuous"})


def a_view(**other: Any) -> View:
    facts: dict[str, Any] = {
        "url": "ws://board", "market": {"SSI": ROW}, "indices": {}, "status": LIVE, "error": None, "refusal": None,
        "old_since_ms": None, "data_ms": 0,
    }  # fmt: skip
    return View(**(facts | other))


def line_of(view: View, key: str = "SSI", width: int = 140) -> str:
    return next(line for line in map(plain, picture(view, width, 20)) if line.startswith(key))


@pytest.mark.parametrize(
    ("price", "row", "wanted"),
    [
        (33_350, {}, Meaning.CEILING),
        (29_050, {}, Meaning.FLOOR),
        (31_200, {}, Meaning.REFERENCE),
        (31_250, {}, Meaning.UP),
        (31_150, {}, Meaning.DOWN),
        (0, {}, Meaning.NONE),
        (None, {}, Meaning.NONE),
        (33_350, {"reference": None}, Meaning.NONE),
        (33_350, {"reference": 33_350}, Meaning.CEILING),  # a share that cannot move: the ceiling comes first
        (33_400, {"ceiling": None, "floor": None}, Meaning.UP),  # an index
    ],
)
def test_ceiling_and_floor_come_before_the_direction(price: object, row: Row, wanted: Meaning) -> None:
    assert meaning(price, ROW | row) is wanted


def test_a_row_is_shown_as_on_vietnamese_boards() -> None:
    cells = line_of(a_view()).split()

    assert cells == ["SSI", "33.35", "29.05", "31.20", "500", "31.45", "31.50", "▲", "+0.30", "+0.96", "100"]


def test_an_auction_shows_the_expected_price_and_marks_it() -> None:
    line = line_of(a_view(market={"SSI": ROW | {"session": "ATC"}}))

    assert "31.10 ~▼" in line
    assert line.split()[8:10] == ["-0.10", "-0.32"]


def test_the_price_of_a_match_is_lit_and_no_other_cell() -> None:
    (line,) = (line for line in picture(a_view(traded=frozenset({"SSI"})), 140, 20) if "SSI" in line)

    assert line.count("\x1b[7;") == 1
    assert "\x1b[7;38;5;40m   31.50\x1b[0m" in line


def test_futures_are_in_points() -> None:
    row = ROW | {"exchange": "DERIVATIVES", "last": 1894.2, "reference": 1891.2, "change": 3.0}

    assert "1,894.2" in line_of(a_view(market={"41I1GC000": row}), "41I1GC000")


def test_before_the_first_trade_nothing_is_shown_as_a_price() -> None:
    row: Row = dict.fromkeys(ROW, None) | {"reference": 31_200}

    assert line_of(a_view(market={"SSI": row})).split() == ["SSI", "31.20"]


@pytest.mark.parametrize("width", range(1, 200, 7))
@pytest.mark.parametrize("height", [1, 2, 5, 6, 7, 40])
def test_it_fits_any_terminal(width: int, height: int) -> None:
    lines = picture(a_view(indices={"VNINDEX": {"value": 1.0}}), width, height)

    assert len(lines) == height
    assert max(len(plain(line)) for line in lines) <= width


def test_where_there_is_no_room_the_least_important_columns_leave() -> None:
    names = [column.name for column in columns_for(40)]

    assert names[0] == "symbol"
    assert {"last", "mark", "change_pct"} < set(names) < {column.name for column in COLUMNS}


def test_an_old_board_says_since_when_and_why_and_is_dimmed() -> None:
    broken = Status(connected=False, feed="down", ingest="live", broker="live", reason="hung up")

    lines = picture(a_view(status=broken, old_since_ms=1_795_405_330_000), 120, 20)

    assert "OLD DATA since 10:42:10: no link to the exchange (hung up)" in plain(lines[1])
    assert all(line.startswith("\x1b[2") for line in lines[4:6])


@pytest.mark.parametrize("width", [60, 140])
def test_invented_prices_are_told_as_such_in_a_narrow_terminal_and_in_a_recording_too(width: int) -> None:
    phases = {"HOSE": "continuous", "HNX": "put_through", "UPCOM": "continuous", "DERIVATIVES": "atc"}
    status = Status(**{name: getattr(LIVE, name) for name in Status.__slots__} | {"phases": phases, "simulated": True})
    recorded = Status(**{name: getattr(status, name) for name in Status.__slots__} | {"replay_time_ms": 0})

    assert "simulated prices" in plain(picture(a_view(status=status), width, 20)[0])
    assert "recorded at 07:00:00, simulated prices" in plain(picture(a_view(status=recorded), width, 20)[0])


def test_a_picture_that_nobody_steers_tells_of_no_keys() -> None:
    assert "quit" in picture(a_view(), 140, 20)[-1]
    assert "quit" not in picture(a_view(has_keys=False), 140, 20)[-1]


def test_nothing_of_a_server_moves_the_cursor() -> None:
    evil = Status(connected=False, feed="down", reason="\x1b[2J\x07\u202e")

    lines = picture(a_view(status=evil, market={"\x1b[H": ROW}), 120, 20)

    assert not any(char in plain(line) for line in lines for char in "\x1b\x07\u202e")


def test_the_largest_come_first_and_those_without_a_value_last() -> None:
    market: dict[str, Row] = {"A": {"change_pct": None}, "B": {"change_pct": -1.0}, "C": {"change_pct": 2.0}, "D": {}}

    assert ordered(market, "change_pct") == ["C", "B", "A", "D"]


@pytest.mark.parametrize(
    ("status", "wanted"),
    [
        (LIVE, "live"),
        (Status(connected=True, feed="quiet", ingest="live", broker="live"), "quiet: no data is due now"),
        (Status(connected=False, feed="live", ingest="silent", broker="live"), "the ingest is silent"),
        (Status(connected=False, feed="live", ingest="silent", broker="down"), "the board's Redis does not answer"),
        (Status(connected=False, feed="stale", ingest="live", broker="live"), "data is due, but none comes"),
        (None, "no link to the board: hung up (1006)"),
    ],
)
def test_the_road_is_told_in_plain_words(status: Status | None, wanted: str) -> None:
    assert road(status, Problem("1006", "hung up"), "en") == wanted


def test_exchanges_of_one_phase_stand_together() -> None:
    status = Status(connected=True, phases={"HOSE": "atc", "HNX": "atc", "UPCOM": "continuous", "X": "new"})

    assert phases(status, "en") == "HOSE, HNX ATC · UPCOM continuous · X new"


def test_both_languages_have_the_same_words() -> None:
    assert WORDS["en"].keys() == WORDS["vi"].keys()


@pytest.mark.parametrize(
    ("word", "hint"),
    [("ssi", " Did you mean SSI?"), ("FTP", " Did you mean FPT?"), ("@VN3O", " Did you mean @VN30?"), ("ZZZZ", "")],
)
def test_a_slip_gets_a_hint(word: str, hint: str) -> None:
    assert did_you_mean(word, ["YFP", "FPT", "SSI", "@VN30"]) == hint
