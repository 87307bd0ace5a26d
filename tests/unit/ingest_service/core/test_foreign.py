"""What foreigners buy and sell."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ingest_service.core.foreign import EMPTY, Totals
from ingest_service.core.rows import ForeignRow
from ingest_service.core.window import MAX_STEPS
from shared.channels import Channel, Internal
from shared.table import JSON, Row
from tests.unit.ingest_service.core.a_feed import CheckedBoard, R, X, at_ms


def ssi(checked: CheckedBoard) -> Row:
    return checked.row(Channel.FOREIGN, "SSI")


def speeds(checked: CheckedBoard) -> tuple[JSON, JSON]:
    row = ssi(checked)
    return row["buy_speed_per_min"], row["sell_speed_per_min"]


def test_a_message_becomes_a_row() -> None:
    checked = CheckedBoard()

    checked.tell(R)

    assert ssi(checked) == {
        "buy_volume": 845300,
        "sell_volume": 1204600,
        "net_volume": -359300,
        "buy_value": 26626950000,
        "sell_value": 37944900000,
        "net_value": -11317950000,
        "total_room": 2503089220,
        "current_room": 1740112345,
        "buy_speed_per_min": 0,
        "sell_speed_per_min": 0,
        "buy_acceleration": 0,
        "sell_acceleration": 0,
        "time": at_ms(10, 42, 17),
    }


def test_totals_are_not_zero_whichever_names_the_feed_uses() -> None:
    usual, documented = CheckedBoard(), CheckedBoard()
    fields = {key: value for key, value in R.items() if key not in ("BuyVol", "SellVol", "BuyVal", "SellVal")}

    usual.tell(R)
    documented.tell(fields, FBuyVol=845300.0, FSellVol=1204600.0, FBuyVal=26626950000.0, FSellVal=37944900000.0)

    assert usual.row(Channel.FOREIGN, "_total") == documented.row(Channel.FOREIGN, "_total")
    assert usual.row(Channel.FOREIGN, "_total")["buy_volume"] == 845300


def test_values_may_fall_since_the_exchange_only_estimates_them() -> None:
    checked = CheckedBoard()
    checked.tell(R)

    checked.tell(R, BuyVal=26000000000.0)

    assert ssi(checked)["buy_value"] == 26000000000


def test_a_field_that_is_not_told_keeps_its_value_and_the_rest_survives() -> None:
    checked = CheckedBoard()
    checked.tell(R)

    checked.tell(R, CurrentRoom="NaN", BuyVol=845400.0, SellVal=None)

    row = ssi(checked)
    assert (row["current_room"], row["buy_volume"], row["sell_value"]) == (1740112345, 845400, 37944900000)
    assert checked.board.oddities == {"nan": 1, "null_number": 1}


def test_what_was_bought_before_we_looked_has_no_speed() -> None:
    checked = CheckedBoard()

    checked.tell(R)

    assert speeds(checked) == (0, 0)


def test_the_speed_is_volume_a_minute_over_five_minutes() -> None:
    checked = CheckedBoard()
    checked.tell(R, Time="10:00:00", BuyVol=1000.0, SellVol=0.0)

    checked.tell(R, Time="10:02:00", BuyVol=2000.0, SellVol=500.0)

    assert speeds(checked) == (200, 100)


def test_what_is_older_than_five_minutes_counts_no_more() -> None:
    checked = CheckedBoard()
    for minute, bought in ((0, 1000.0), (1, 6000.0), (5, 7000.0), (7, 7500.0)):
        checked.tell(R, Time=f"10:0{minute}:00", BuyVol=bought)

    assert speeds(checked) == (300, 0)


def test_the_speed_falls_to_zero_when_nothing_more_comes_for_the_symbol() -> None:
    checked = CheckedBoard()
    checked.tell(R, Time="10:00:00", BuyVol=1000.0)
    checked.tell(R, Time="10:01:00", BuyVol=6000.0)

    fast = speeds(checked)
    checked.tell(X, Symbol="ACB", Time="10:06:00")  # the feed's time moves on

    assert (fast, speeds(checked)) == ((1000, 0), (0, 0))


def test_the_speed_falls_to_zero_also_when_nothing_comes_at_all() -> None:
    checked = CheckedBoard()
    checked.tell(R, Time="10:00:00", BuyVol=1000.0)
    checked.tell(R, Time="10:01:00", BuyVol=6000.0)

    checked.board.set_time(at_ms(10, 6, 1), now_ms=0)
    checked.take()

    assert speeds(checked) == (0, 0)


def test_a_speed_that_has_fallen_stays_so_when_a_new_subscription_repeats_the_last_message() -> None:
    checked = CheckedBoard()
    checked.tell(R, Time="10:00:00", BuyVol=1000.0)
    checked.tell(R, Time="10:01:00", BuyVol=6000.0)
    checked.settle(at_ms(14, 0, 5))

    checked.board.link_restored()
    checked.tell(R, Time="10:01:00", BuyVol=6000.0)

    assert speeds(checked) == (0, 0)
    assert checked.last_changes == {}


def test_a_corrected_total_gives_no_negative_speed() -> None:
    checked = CheckedBoard()
    checked.tell(R, Time="10:00:00", BuyVol=5000.0)

    checked.insist(R, Time="10:01:00", BuyVol=1000.0)

    assert speeds(checked) == (0, 0)


def test_a_loaded_speed_goes_on_and_falls_as_if_nobody_had_died() -> None:
    checked = CheckedBoard()
    checked.tell(R, Time="10:00:00", BuyVol=1000.0)
    checked.tell(R, Time="10:01:00", BuyVol=6000.0)
    successor = CheckedBoard()
    assert checked.board.day is not None
    successor.board.load(checked.board.day, checked.tables)

    successor.tell(R, Time="10:03:00", BuyVol=9000.0)
    fast = speeds(successor)
    successor.board.set_time(at_ms(10, 8, 1), now_ms=0)
    successor.take()

    assert (fast, speeds(successor)) == ((1600, 0), (0, 0))


def test_the_steps_behind_a_speed_are_kept_once_a_step_and_no_longer_than_they_count() -> None:
    checked = CheckedBoard()
    for second in range(0, 900, 5):
        checked.tell(R, Time=f"10:{second // 60:02}:{second % 60:02}", BuyVol=1000.0 + second)
        kept = checked.last_changes.get(Internal.WINDOWS, {})
        assert (list(kept) == ["SSI"]) is (second % 10 == 0)

    steps = checked.row(Internal.WINDOWS, "SSI")["steps"]

    assert isinstance(steps, list)
    assert len(steps) == MAX_STEPS


def test_sums_that_only_garbage_adds_up_to_stay_within_what_readers_hold() -> None:
    checked = CheckedBoard()
    for symbol in ("SSI", "VNM"):
        checked.tell(R, Symbol=symbol, BuyVal=9e15, SellVal=1.0)

    total = checked.row(Channel.FOREIGN, "_total")

    assert (total["buy_value"], total["net_value"]) == (2**53 - 1, 2**53 - 3)


def test_the_total_sums_all_symbols() -> None:
    checked = CheckedBoard()

    checked.tell(R)
    checked.tell(R, Symbol="ACB", BuyVol=100.0, SellVol=None, BuyVal=2500000.0, SellVal=None, Time="10:43:00")

    total = checked.row(Channel.FOREIGN, "_total")
    assert (total["buy_volume"], total["sell_volume"], total["net_volume"]) == (845400, 1204600, -359200)
    assert (total["buy_value"], total["sell_value"]) == (26629450000, 37944900000)
    assert total["time"] == at_ms(10, 43)


def test_the_five_most_bought_and_most_sold_are_listed_by_value() -> None:
    checked = CheckedBoard()

    for number, net in enumerate((5, -1, 9, 3, 0, 7, 1, 4, -8)):
        checked.tell(R, Symbol=f"S{number}", BuyVal=100.0 + net, SellVal=100.0, BuyVol=10.0 + net, SellVol=10.0)

    total = checked.row(Channel.FOREIGN, "_total")
    assert total["top_buyers"] == [
        {"symbol": symbol, "net_value": net, "net_volume": net}
        for symbol, net in (("S2", 9), ("S5", 7), ("S0", 5), ("S7", 4), ("S3", 3))
    ]
    assert total["top_sellers"] == [
        {"symbol": "S8", "net_value": -8, "net_volume": -8},
        {"symbol": "S1", "net_value": -1, "net_volume": -1},
    ]


@pytest.mark.parametrize("template", [X, R])
def test_a_foreign_change_is_told_on_its_own_data(template: dict[str, JSON]) -> None:
    checked = CheckedBoard()

    checked.tell(template)

    assert (Channel.FOREIGN in checked.last_changes) == (template is R)


@given(st.lists(st.tuples(st.integers(0, 1500), st.integers(0, 500)), min_size=1, max_size=40), st.integers(0, 700))
def test_speed_and_acceleration_are_those_of_the_last_five_minutes_and_of_the_five_before_to_ten_seconds(
    trades: list[tuple[int, int]], silence_s: int
) -> None:
    checked = CheckedBoard()
    bought, history = 0, []
    for second, volume in sorted(trades):
        bought += volume
        history.append((second, bought))
        checked.tell(R, Time=f"10:{second // 60:02}:{second % 60:02}", BuyVol=float(bought))
    now = history[-1][0] + silence_s
    checked.settle(at_ms(10, 0, now))

    def before(step: int) -> int:
        """The total before a step; what was bought before we looked has no known moment."""
        totals = [total for second, total in history if second // 10 < step]
        return totals[-1] if totals else history[0][1]

    speed, earlier_speed = (round((before(end) - before(end - 30)) / 5) for end in (now // 10 + 1, now // 10 - 29))
    assert speeds(checked)[0] == speed
    assert ssi(checked)["buy_acceleration"] == speed - earlier_speed


def test_who_buys_as_fast_as_before_does_not_accelerate_and_who_stops_slows_down() -> None:
    checked = CheckedBoard()
    for minute in range(11):
        checked.tell(R, Time=f"10:{minute:02}:00", BuyVol=1000.0 * minute)

    steady = speeds(checked)[0], ssi(checked)["buy_acceleration"]
    checked.settle(at_ms(10, 15, 5))

    assert steady == (1000, 0)
    assert (speeds(checked)[0], ssi(checked)["buy_acceleration"]) == (0, -1000)


@given(
    st.lists(
        st.tuples(
            st.sampled_from(["AAA", "BBB", "CCC", "DDD", "EEE", "FFF", "GGG"]),
            st.integers(0, 3) | st.none(),
            st.integers(0, 3) | st.none(),
        ),
        max_size=40,
    )
)
def test_sums_that_are_kept_up_are_those_of_all_rows_added_up_anew(
    flows: list[tuple[str, int | None, int | None]],
) -> None:
    kept, rows = Totals(), dict[str, ForeignRow]()

    for time_ms, (symbol, bought, sold) in enumerate(flows):
        net = None if bought is None or sold is None else bought - sold
        row: ForeignRow = {**EMPTY, "buy_volume": bought, "sell_volume": sold, "net_volume": net, "time": time_ms}
        row["buy_value"], row["sell_value"], row["net_value"] = bought, sold, net
        kept.take(symbol, rows.get(symbol, EMPTY), row)
        rows[symbol] = row

    told = kept.row()
    assert told == Totals(rows).row()
    balances = sorted(((row["net_value"], symbol) for symbol, row in rows.items() if row["net_value"]), reverse=True)
    assert [line["symbol"] for line in told["top_buyers"]] == [symbol for net, symbol in balances if (net or 0) > 0][:5]
    assert told["buy_value"] == sum(row["buy_value"] or 0 for row in rows.values())
    assert told["sell_value"] == sum(row["sell_value"] or 0 for row in rows.values())
