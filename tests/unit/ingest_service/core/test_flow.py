"""The order flow of a symbol: speeds by side over five minutes, imbalance and acceleration."""

from typing import NamedTuple

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ingest_service.core.flow import EMPTY
from ingest_service.core.window import MAX_STEPS
from shared.channels import Channel, Internal
from shared.table import JSON, Row
from tests.unit.ingest_service.core.a_feed import DAY, X_TRADE, CheckedBoard, at_ms


class Matched(NamedTuple):
    """One match of the raw stream."""

    second: int  # from 10:00
    volume: int
    side: str | None  # as the feed says it; None, and an empty book: neutral


_MATCHES = st.lists(
    st.builds(
        Matched,
        second=st.integers(0, 1500),
        volume=st.integers(1, 50).map(lambda lots: 100 * lots),
        side=st.sampled_from(["BU", "SD", None]),
    ),
    min_size=1,
    max_size=40,
).map(lambda matches: sorted(matches, key=lambda match: match.second))


def a_board_at_ten() -> CheckedBoard:
    """It knows that nothing was traded yet."""
    checked = CheckedBoard()
    tell(checked, [Matched(0, 0, None)])
    return checked


def tell(checked: CheckedBoard, matches: list[Matched], total: int = 0) -> None:
    for match in matches:
        total += match.volume
        time = f"{10 + match.second // 3600}:{match.second // 60 % 60:02}:{match.second % 60:02}"
        price = 31500.0 if total else 0.0
        checked.tell(X_TRADE, Time=time, TotalVol=float(total), Side=match.side, LastPrice=price, LastVol=0.0)


def expected_row(matches: list[Matched], now: int) -> dict[str, JSON]:
    """What a look at all matches finds, in steps of ten seconds of which the present one counts whole."""

    def sums(side: str, first_step: int, steps: int) -> tuple[int, int]:
        found = [m.volume for m in matches if m.side == side and first_step <= m.second // 10 < first_step + steps]
        return sum(found), len(found)

    step = now // 10
    (bought, buys), (sold, sells) = (sums(side, step - 29, 30) for side in ("BU", "SD"))
    (bought_before, _), (sold_before, _) = (sums(side, step - 59, 30) for side in ("BU", "SD"))
    net, net_before = round(bought / 5) - round(sold / 5), round(bought_before / 5) - round(sold_before / 5)
    return {
        "buy_speed_per_min": round(bought / 5),
        "sell_speed_per_min": round(sold / 5),
        "net_speed_per_min": net,
        "buy_trades_per_min": round(buys / 5, 1),
        "sell_trades_per_min": round(sells / 5, 1),
        "imbalance": round(bought / sold, 2) if sold else None,
        "acceleration": net - net_before,
    }


def ssi(checked: CheckedBoard) -> Row:
    return checked.row(Channel.FLOW, "SSI")


@given(_MATCHES, st.integers(1, 700))
def test_the_row_is_what_the_matches_of_the_last_ten_minutes_say(matches: list[Matched], silence_s: int) -> None:
    checked = a_board_at_ten()
    tell(checked, matches)
    now = matches[-1].second + silence_s

    checked.settle(at_ms(10, 0, now))

    assert ssi(checked) == expected_row(matches, now)


@given(_MATCHES, st.data())
def test_whoever_takes_over_goes_on_with_the_steps_of_the_leader(matches: list[Matched], data: st.DataObject) -> None:
    stopped_at = data.draw(st.integers(0, len(matches)))
    leader, immortal, successor = a_board_at_ten(), a_board_at_ten(), CheckedBoard()
    tell(leader, matches[:stopped_at])
    tell(immortal, matches)
    successor.tables = {table: dict(rows) for table, rows in leader.tables.items()}

    successor.board.load(DAY, leader.tables, watched=True)
    tell(successor, matches[stopped_at:], sum(match.volume for match in matches[:stopped_at]))

    for checked in (immortal, successor):
        checked.settle(at_ms(10, 0, matches[-1].second + 1))
    assert successor.tables[Internal.FLOW_WINDOWS] == immortal.tables[Internal.FLOW_WINDOWS]
    assert ssi(successor) == ssi(immortal) == expected_row(matches, matches[-1].second + 1)


def test_kept_steps_that_do_not_fit_together_are_forgotten() -> None:
    leader, successor = a_board_at_ten(), CheckedBoard()
    tell(leader, [Matched(5, 1000, "BU")])
    kept = leader.row(Internal.FLOW_WINDOWS, "SSI")
    leader.tables[Internal.FLOW_WINDOWS]["SSI"] = {**kept, "sold": []}

    successor.board.load(DAY, leader.tables, watched=True)
    tell(successor, [Matched(20, 500, "BU")], total=1000)
    successor.settle(at_ms(10, 0, 21))

    assert ssi(successor)["buy_speed_per_min"] == 100


def test_what_was_traded_while_nobody_looked_is_no_flow() -> None:
    checked = a_board_at_ten()
    tell(checked, [Matched(5, 1000, "BU")])
    checked.board.link_restored()

    tell(checked, [Matched(20, 90_000, "BU"), Matched(21, 500, "SD")], total=1000)
    checked.settle(at_ms(10, 0, 22))

    assert (ssi(checked)["buy_speed_per_min"], ssi(checked)["sell_speed_per_min"]) == (200, 100)


def test_a_flow_falls_to_nothing_ten_minutes_after_the_last_match_also_over_lunch() -> None:
    checked = a_board_at_ten()
    tell(checked, [Matched(5, 1000, "BU"), Matched(7, 500, "SD")])

    checked.settle(at_ms(13, 0))

    assert ssi(checked) == EMPTY
    checked.settle(at_ms(13, 0, 10))
    assert Channel.FLOW not in checked.last_changes


def test_the_old_times_that_a_new_subscription_repeats_take_no_speed_back_to_them() -> None:
    checked = a_board_at_ten()
    tell(checked, [Matched(0, 1000, "BU"), Matched(300, 5000, "BU"), Matched(500, 1000, "BU")])
    checked.settle(at_ms(10, 10, 45))
    now = checked.row(Channel.FLOW, "SSI")

    checked.board.link_restored()
    checked.tell(X_TRADE, Symbol="ACB", Time="09:30:00")
    while checked.board.unfinished:
        checked.take()

    assert checked.row(Channel.FLOW, "SSI") == now


def test_a_total_that_is_corrected_gives_no_negative_speed() -> None:
    checked = a_board_at_ten()
    tell(checked, [Matched(5, 5000, "BU"), Matched(20, 1000, "SD")])

    checked.insist(X_TRADE, Time="10:00:30", TotalVol=3000.0, Side="BU")  # nobody's now, by the market's row
    checked.settle(at_ms(10, 0, 31))

    assert (ssi(checked)["buy_speed_per_min"], ssi(checked)["sell_speed_per_min"]) == (0, 0)


def test_the_steps_are_kept_no_longer_than_they_count() -> None:
    checked = a_board_at_ten()

    tell(checked, [Matched(second, 100, "BU") for second in range(1, 1500, 5)])

    steps = checked.row(Internal.FLOW_WINDOWS, "SSI")["steps"]
    assert isinstance(steps, list)
    assert len(steps) == MAX_STEPS


def test_a_row_is_made_once_a_second_however_many_matches_there_are() -> None:
    checked = a_board_at_ten()
    told = []
    for number in range(20):
        tell(checked, [Matched(5 + number // 10, 100, "BU")], total=100 * number)
        told.append(Channel.FLOW in checked.last_changes)

    assert sum(told) == 2


@pytest.mark.parametrize("session", ["ATO", "ATC"])
def test_auctions_are_on_neither_side(session: str) -> None:
    checked = a_board_at_ten()

    checked.tell(X_TRADE, Time="10:00:05", TotalVol=5000.0, Side=None, TradingSession=session)
    checked.settle(at_ms(10, 0, 7))

    assert ssi(checked) == EMPTY
