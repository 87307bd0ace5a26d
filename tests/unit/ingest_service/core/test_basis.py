"""The basis of the day, a point a minute, and the active contract."""

from typing import NamedTuple

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.channels import Channel, Internal
from shared.table import JSON, Row
from tests.unit.ingest_service.core.a_feed import DAY, FUTURE, FUTURE_X, MI, UNTRADED, CheckedBoard, at_ms

LATER = "41I1GC000"


class Moved(NamedTuple):
    """A price of the contract, or a value of its index."""

    second: int  # from 10:00
    whose: str  # "index" or "future"
    tenths: int

    def tell(self, checked: CheckedBoard) -> None:
        time = f"{10 + self.second // 3600}:{self.second // 60 % 60:02}:{self.second % 60:02}"
        if self.whose == "index":
            checked.tell(MI, Time=time, IndexValue=self.tenths / 10)
        else:
            checked.tell(FUTURE_X, Time=time, LastPrice=self.tenths / 10)


_MOVES = st.lists(
    st.builds(
        Moved,
        second=st.integers(0, 7200),
        whose=st.sampled_from(["index", "future"]),
        tenths=st.integers(18_800, 19_000),
    ),
    min_size=1,
    max_size=60,
).map(lambda moves: sorted(moves, key=lambda move: move.second))


def points(checked: CheckedBoard, symbol: str = FUTURE) -> list[Row]:
    """The day's series, as it is put together for whoever asks: complete minutes, and the two that are live."""
    found: dict[int, Row] = {}
    for key, row in checked.tables[Channel.BASIS].items():
        if key.startswith(symbol):
            assert isinstance(row["start"], int)
            found[row["start"]] = row
    for key, row in checked.tables[Internal.BASIS_MINUTES].items():
        if key.startswith(symbol):
            assert isinstance(row["points"], list)
            for point in row["points"]:
                assert isinstance(point, dict)
                assert isinstance(point["start"], int)
                found[point["start"]] = point
    return [found[start] for start in sorted(found)]


def expected_points(moves: list[Moved]) -> list[Row]:
    """From the raw stream."""
    last = value = None
    minutes: dict[int, list[tuple[float, float]]] = {}
    for move in moves:
        if move.whose == "index":
            value = move.tenths / 10
        else:
            last = move.tenths / 10
        if last is not None and value is not None:
            minutes.setdefault(at_ms(10, move.second // 60), []).append((last, value))
    series: list[Row] = []
    for start, prices in minutes.items():
        bases = [round(price - index, 2) + 0.0 for price, index in prices]
        series.append(
            {
                "start": start,
                "last": prices[-1][0],
                "underlying_value": prices[-1][1],
                "basis": bases[-1],
                "basis_pct": round(100 * bases[-1] / prices[-1][1], 2) + 0.0,
                "high": max(bases),
                "low": min(bases),
            }
        )
    return series


@given(_MOVES)
def test_the_points_of_the_day_are_those_of_the_raw_stream(moves: list[Moved]) -> None:
    checked = CheckedBoard()

    for move in moves:
        move.tell(checked)

    assert points(checked) == expected_points(moves)


@given(_MOVES, st.data())
def test_whoever_takes_over_goes_on_with_the_points(moves: list[Moved], data: st.DataObject) -> None:
    stopped_at = data.draw(st.integers(0, len(moves)))
    leader, successor = CheckedBoard(), CheckedBoard()
    for move in moves[:stopped_at]:
        move.tell(leader)
    successor.tables = {table: dict(rows) for table, rows in leader.tables.items()}

    successor.board.load(DAY if stopped_at else None, leader.tables)
    for move in moves[stopped_at:]:
        move.tell(successor)

    assert points(successor) == expected_points(moves)


def test_an_index_tick_alone_moves_the_point_of_the_minute() -> None:
    checked = CheckedBoard()
    Moved(0, "index", 18_900).tell(checked)
    Moved(1, "future", 18_950).tell(checked)

    Moved(2, "index", 19_000).tell(checked)

    assert checked.last_changes[Channel.BASIS] == {
        f"{FUTURE}#0": {
            "start": at_ms(10, 0),
            "last": 1895.0,
            "underlying_value": 1900.0,
            "basis": -5.0,
            "basis_pct": -0.26,
            "high": 5.0,
            "low": -5.0,
        }
    }


def test_each_contract_has_its_own_points() -> None:
    checked = CheckedBoard()
    checked.tell(MI, IndexValue=1890.0)
    checked.tell(FUTURE_X, LastPrice=1894.0)
    checked.tell(FUTURE_X, Symbol=LATER, LastPrice=1880.0)

    assert [[point["basis"] for point in points(checked, symbol)] for symbol in (FUTURE, LATER)] == [[4.0], [-10.0]]


@pytest.mark.parametrize("without", ["index", "match"])
def test_without_both_prices_there_is_no_point(without: str) -> None:
    checked = CheckedBoard()
    if without != "index":
        checked.tell(MI)

    checked.tell(FUTURE_X, **(UNTRADED if without == "match" else {}))

    assert not checked.tables[Channel.BASIS]


def test_a_new_day_begins_without_points() -> None:
    checked = CheckedBoard()
    checked.tell(MI)
    checked.tell(FUTURE_X)

    checked.tell(FUTURE_X, TradingDate="17/11/2026")
    checked.tell(MI, TradingDate="17/11/2026", Time="10:50:00")

    assert list(checked.last_changes[Channel.BASIS]) == [f"{FUTURE}#0"]
    assert not checked.last_changes.keys() & {Internal.BASIS_MINUTES}


def active(checked: CheckedBoard) -> set[str]:
    return {symbol for symbol, row in checked.tables[Channel.DERIVATIVES].items() if row["active"]}


def test_the_active_contract_is_the_one_with_the_largest_volume_and_both_rows_say_so() -> None:
    checked = CheckedBoard()
    checked.tell(FUTURE_X, TotalVol=1000.0)
    checked.tell(FUTURE_X, Symbol=LATER, TotalVol=900.0)
    before = active(checked)

    checked.tell(FUTURE_X, Symbol=LATER, TotalVol=1100.0)

    assert (before, active(checked)) == ({FUTURE}, {LATER})


def test_before_anything_is_traded_the_first_to_expire_is_active() -> None:
    checked = CheckedBoard()
    for symbol in (LATER, FUTURE):
        checked.tell(FUTURE_X, Symbol=symbol, **UNTRADED)

    assert active(checked) == {FUTURE}


def test_of_contracts_with_the_same_volume_the_first_to_expire_is_active() -> None:
    checked = CheckedBoard()
    for symbol in (LATER, FUTURE):
        checked.tell(FUTURE_X, Symbol=symbol, TotalVol=1000.0)

    assert active(checked) == {FUTURE}


def test_each_underlying_has_its_active_contract() -> None:
    checked = CheckedBoard()
    volumes: dict[str, JSON] = {FUTURE: 900.0, LATER: 1000.0, "41I2GC000": 5.0, "41B5GC000": 0.0}
    for symbol, volume in volumes.items():
        checked.tell(FUTURE_X, Symbol=symbol, TotalVol=volume)

    assert active(checked) == {LATER, "41I2GC000", "41B5GC000"}


def test_after_a_takeover_the_active_contract_is_the_same() -> None:
    leader, successor = CheckedBoard(), CheckedBoard()
    leader.tell(FUTURE_X, TotalVol=1000.0)
    leader.tell(FUTURE_X, Symbol=LATER, TotalVol=1100.0)
    successor.tables = {table: dict(rows) for table, rows in leader.tables.items()}

    successor.board.load(DAY, leader.tables)
    successor.tell(FUTURE_X, TotalVol=1050.0)

    assert active(successor) == {LATER}
