"""Whatever is left out between two frames, a client can tell what happened: totals, bars and the tape."""

from collections import defaultdict
from collections.abc import Sequence
from typing import NamedTuple

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ingest_service.core.tape import RING
from shared.channels import Channel, Internal
from shared.table import JSON, Row
from tests.unit.ingest_service.core.a_feed import DAY, MI, X_TRADE, CheckedBoard, at_ms

_SIDES = {"BU": "active_buy", "SD": "active_sell", None: "neutral"}
_PHASES = {"ATO": "ato", "LO": "continuous", "ATC": "atc", "PLO": "other"}


class Matched(NamedTuple):
    """One match of the raw stream."""

    second: int  # of the day, from 09:00
    price: int
    volume: int
    side: str | None  # as the feed says it
    session: str

    @property
    def value(self) -> int:
        return self.price * self.volume

    @property
    def minute_ms(self) -> int:
        return at_ms(9, 0) + self.second // 60 * 60_000

    def message(self, total_volume: int, total_value: int) -> dict[str, JSON]:
        """What the feed says, with the totals after it."""
        hour, rest = divmod(self.second, 3600)
        return {
            "Time": f"{9 + hour:02}:{rest // 60:02}:{rest % 60:02}",
            "LastPrice": float(self.price),
            "LastVol": float(self.volume),
            "Side": self.side,
            "TradingSession": self.session,
            "TotalVol": float(total_volume),
            "TotalVal": float(total_value),
        }


_MATCHES = st.lists(
    st.builds(
        Matched,
        second=st.integers(0, 7200),
        price=st.integers(600, 660).map(lambda tick: 50 * tick),
        volume=st.integers(1, 90).map(lambda lots: 100 * lots),
        side=st.sampled_from(["BU", "SD"]),
        session=st.sampled_from(sorted(_PHASES)),
    ),
    min_size=1,
    max_size=60,
).map(lambda matches: sorted(matches, key=lambda match: match.second))


def a_board_at_the_opening() -> CheckedBoard:
    """It knows that nothing was traded yet."""
    checked = CheckedBoard()
    checked.tell(X_TRADE, Time="08:59:59", TotalVol=0.0, TotalVal=0.0, LastPrice=0.0, LastVol=0.0, Side=None)
    return checked


def tell(checked: CheckedBoard, matches: Sequence[Matched], seen_before: Sequence[Matched] = ()) -> None:
    """All of them, message by message."""
    volume, value = sum(match.volume for match in seen_before), sum(match.value for match in seen_before)
    for match in matches:
        volume, value = volume + match.volume, value + match.value
        checked.tell(X_TRADE, **match.message(volume, value))


def ssi(checked: CheckedBoard) -> Row:
    return checked.row(Channel.MARKET, "SSI")


@given(matches=_MATCHES, every=st.integers(1, 20))
def test_a_client_that_sees_few_frames_knows_the_sums_of_all_messages(matches: list[Matched], every: int) -> None:
    checked = a_board_at_the_opening()
    frames = [ssi(checked)]
    for at in range(0, len(matches), every):
        tell(checked, matches[at : at + every], matches[:at])
        frames.append(ssi(checked))

    for earlier, later, at in zip(frames, frames[1:], range(0, len(matches), every), strict=False):
        between, sums = matches[at : at + every], defaultdict[str, int](int)
        for match in between:
            for whose in (_SIDES[match.side], _PHASES[match.session]):
                sums[f"{whose}_trades"] += 1
                sums[f"{whose}_value"] += match.value
            sums[f"{_SIDES[match.side]}_volume"] += match.volume
        for field, total in sums.items():
            assert _int(later[field]) - _int(earlier[field]) == total, field
        assert _int(later["trades"]) - _int(earlier["trades"]) == len(between)
        assert _int(later["total_value"]) - _int(earlier["total_value"]) == sum(match.value for match in between)


@given(matches=_MATCHES)
def test_the_bars_of_the_day_are_those_of_the_raw_stream(matches: list[Matched]) -> None:
    checked = a_board_at_the_opening()
    tell(checked, matches)
    wanted = defaultdict[int, list[Matched]](list)
    for match in matches:
        wanted[match.minute_ms].append(match)

    assert day_of_bars(checked) == [
        {
            "start": start,
            "open": of_minute[0].price,
            "high": max(match.price for match in of_minute),
            "low": min(match.price for match in of_minute),
            "close": of_minute[-1].price,
            "volume": sum(match.volume for match in of_minute),
            "value": sum(match.value for match in of_minute),
            "trades": len(of_minute),
        }
        for start, of_minute in sorted(wanted.items())
    ]


def tell_index(checked: CheckedBoard, time: str, value: float, volume: int, trades: int) -> None:
    """A tick of VN30, with its totals; each share was 10,000 dong."""
    totals = {"TotalQtty": float(volume), "TotalValue": 10_000.0 * volume, "TotalTrade": float(trades)}
    checked.tell(MI, Time=time, IndexValue=value, **totals)


def test_an_index_has_bars_of_its_values_and_of_what_was_traded_between_them() -> None:
    checked = CheckedBoard()

    tell_index(checked, "09:00:59", 1890.44, 1000, 9)  # what was traded before is in no minute
    tell_index(checked, "09:01:00", 1891.02, 1300, 12)
    tell_index(checked, "09:01:30", 1889.5, 1300, 12)
    tell_index(checked, "09:01:59", 1890.0, 1500, 13)
    tell_index(checked, "09:03:00", 0.0, 1500, 13)  # no value: no bar
    tell_index(checked, "09:03:01", 1890.25, 1600, 14)

    fields = ("start", "open", "high", "low", "close", "volume", "value", "trades")
    assert [tuple(bar[field] for field in fields) for bar in day_of_bars(checked)] == [
        (at_ms(9, 0), 1890.44, 1890.44, 1890.44, 1890.44, 0, 0, 0),
        (at_ms(9, 1), 1891.02, 1891.02, 1889.5, 1890.0, 500, 5_000_000, 4),
        (at_ms(9, 3), 1890.25, 1890.25, 1890.25, 1890.25, 100, 1_000_000, 1),
    ]
    assert checked.tables[Internal.MINUTES].keys() == {"VN30#9"}


def test_what_an_index_traded_while_nobody_looked_is_in_no_bar() -> None:
    checked = CheckedBoard()
    tell_index(checked, "09:00:59", 1890.44, 1000, 9)
    checked.board.link_restored()

    tell_index(checked, "09:01:00", 1891.02, 1300, 12)
    tell_index(checked, "09:01:01", 1891.02, 1400, 13)

    assert [(bar["close"], bar["volume"], bar["trades"]) for bar in day_of_bars(checked)] == [
        (1890.44, 0, 0),
        (1891.02, 100, 1),
    ]


def test_who_takes_over_goes_on_with_the_bars_of_indices() -> None:
    ticks = [
        (f"09:{second // 60:02}:{second % 60:02}", 1890 + second / 100, 100 * second, second)
        for second in range(1, 150, 7)
    ]
    leader, immortal, successor = CheckedBoard(), CheckedBoard(), CheckedBoard()
    for tick in ticks:
        tell_index(immortal, *tick)
    for tick in ticks[:12]:
        tell_index(leader, *tick)
    successor.tables = {table: dict(rows) for table, rows in leader.tables.items()}

    successor.board.load(DAY, leader.tables, watched=True)
    for tick in ticks[12:]:
        tell_index(successor, *tick)

    assert day_of_bars(successor) == day_of_bars(immortal)


def test_the_bar_of_this_minute_and_the_one_before_are_live() -> None:
    checked = a_board_at_the_opening()
    minutes = [Matched(60 * minute, 31500 + 50 * minute, 100, "BU", "LO") for minute in (0, 1, 4)]

    tell(checked, minutes)

    starts = {key: row["start"] for key, row in checked.tables[Channel.BARS].items()}
    assert starts == {"SSI#0": at_ms(9, 4), "SSI#1": at_ms(9, 1)}


@given(matches=_MATCHES)
def test_a_row_has_the_extremes_of_the_minute_of_its_last_match(matches: list[Matched]) -> None:
    checked = a_board_at_the_opening()
    tell(checked, matches)

    row, start = ssi(checked), matches[-1].minute_ms
    prices = [match.price for match in matches if match.minute_ms == start]

    fields = ("minute_start", "minute_open", "minute_high", "minute_low", "last")
    assert [row[field] for field in fields] == [start, prices[0], max(prices), min(prices), prices[-1]]


def test_a_match_that_comes_late_counts_in_the_bar_of_its_own_minute() -> None:
    checked = a_board_at_the_opening()

    tell(checked, [Matched(60, 31500, 100, "BU", "LO"), Matched(59, 31600, 200, "BU", "LO")])

    row = ssi(checked)
    assert [(bar["start"], bar["volume"]) for bar in day_of_bars(checked)] == [(at_ms(9, 0), 200), (at_ms(9, 1), 100)]
    assert (row["minute_start"], row["minute_high"], row["last"]) == (at_ms(9, 1), 31500, 31600)


@given(matches=_MATCHES)
def test_the_tape_holds_the_newest_matches_each_under_its_number(matches: list[Matched]) -> None:
    checked = a_board_at_the_opening()
    tell(checked, matches)

    tape = checked.tables[Channel.TRADES]

    numbered = list(enumerate(matches, 1))[-RING:]
    assert tape == {
        f"SSI#{number % RING}": {
            "number": number,
            "time": at_ms(9, 0, match.second),
            "price": match.price,
            "volume": match.volume,
            "value": match.value,
            "side": _SIDES[match.side],
            "session": match.session,
        }
        for number, match in numbered
    }


@pytest.mark.parametrize("field", ["trades", "bars"])
def test_who_takes_over_goes_on_counting(field: str) -> None:
    matches = [Matched(9 * second, 31500 + 50 * (second % 3), 100, "BU", "LO") for second in range(50)]
    leader, immortal = a_board_at_the_opening(), a_board_at_the_opening()
    tell(leader, matches[:30])
    tell(immortal, matches)
    successor = CheckedBoard()
    successor.tables = {table: dict(rows) for table, rows in leader.tables.items()}

    successor.board.load(DAY, leader.tables, watched=True)
    tell(successor, matches[30:], matches[:30])

    for table in (Channel(field), Channel.MARKET, Internal.MINUTES):
        assert successor.tables[table] == immortal.tables[table], table


def test_what_nobody_saw_is_in_no_bar_and_not_on_the_tape() -> None:
    checked = a_board_at_the_opening()
    checked.board.link_restored()

    row = checked.tell(X_TRADE, **Matched(60, 31500, 100, "BU", "LO").message(100, 3_150_000))

    assert (row["trades"], row["minute_start"], row["unseen_value"]) == (0, None, 3_150_000)
    assert not checked.tables[Channel.TRADES]
    assert not checked.tables[Channel.BARS]


def test_a_total_value_that_falls_is_a_correction_and_trades_are_counted_on() -> None:
    checked = a_board_at_the_opening()
    first, second = Matched(1, 31500, 200, "BU", "LO"), Matched(2, 31450, 100, "SD", "LO")
    tell(checked, [first])

    row = checked.tell(X_TRADE, **second.message(300, 3_145_000))

    assert (row["unseen_value"], row["active_buy_value"], row["active_sell_value"]) == (3_145_000, 0, 0)
    assert (row["trades"], row["active_buy_volume"], row["active_sell_volume"]) == (2, 200, 100)


def test_a_new_day_begins_with_an_empty_tape_and_no_bars() -> None:
    checked = a_board_at_the_opening()
    tell(checked, [Matched(1, 31500, 200, "BU", "LO")])

    row = checked.tell(X_TRADE, TradingDate="17/11/2026", TotalVol=0.0, TotalVal=0.0, LastPrice=0.0)

    assert (row["trades"], row["minute_start"]) == (0, None)
    assert not checked.last_changes.keys() & {Channel.TRADES, Channel.BARS, Internal.MINUTES}


def _int(value: JSON) -> int:
    assert isinstance(value, int)
    return value


def day_of_bars(checked: CheckedBoard) -> list[Row]:
    """The complete ones and the two that are live, oldest first."""
    bars = [*checked.tables[Channel.BARS].values()]
    for hour in checked.tables[Internal.MINUTES].values():
        assert isinstance(hour["bars"], list)
        bars += [bar for bar in hour["bars"] if isinstance(bar, dict)]
    return sorted(bars, key=lambda bar: _int(bar["start"]))
