"""What is told as an alert, how often, and by whom after a takeover."""

import random
from itertools import pairwise

import pytest

from ingest_service.core.alerts import GAP_MS, LEAST_MINUTES, RING, Thresholds
from ingest_service.core.board import Board
from ingest_service.core.ticks import Tick
from shared.channels import Channel, Internal
from shared.table import JSON, Row
from tests.unit.ingest_service.core.a_feed import DAY, FUTURE, FUTURE_X, MI, X_TRADE, CheckedBoard, R, X, a_tick, at_ms

OPEN_MS = at_ms(9, 15)
BILLION = 1_000_000_000


def clock(minute: float) -> str:
    """So many minutes after 09:15, as the feed writes it."""
    second = round(60 * minute) + 9 * 3600 + 15 * 60
    return f"{second // 3600:02}:{second // 60 % 60:02}:{second % 60:02}"


class Desk:
    """A board that knows of some symbols that nothing was traded yet, and the totals that the feed tells."""

    def __init__(self, thresholds: Thresholds | None = None) -> None:
        self.checked = CheckedBoard()
        self.checked.board = Board(thresholds=thresholds)
        self.volume: dict[str, int] = {}
        self.value: dict[str, int] = {}

    def opens(self, symbol: str = "SSI") -> None:
        untraded: dict[str, JSON] = {"LastPrice": 0.0, "LastVol": 0.0, "TotalVol": 0.0, "TotalVal": 0.0, "Side": None}
        self.checked.tell(X_TRADE, Symbol=symbol, Time=clock(0), **untraded)

    def trade(
        self,
        minute: float,
        volume: int,
        *,
        price: int = 31500,
        side: str | None = "BU",
        symbol: str = "SSI",
        **more: JSON,
    ) -> None:
        self.volume[symbol] = self.volume.get(symbol, 0) + volume
        self.value[symbol] = self.value.get(symbol, 0) + volume * price
        totals: dict[str, JSON] = {"TotalVol": float(self.volume[symbol]), "TotalVal": float(self.value[symbol])}
        self.checked.tell(
            X_TRADE,
            **{"Symbol": symbol, "Time": clock(minute), "LastPrice": float(price), "Side": side, **totals, **more},
        )

    def foreign(self, minute: float, net_value: int, **more: JSON) -> None:
        bought, sold = float(max(0, net_value)), float(max(0, -net_value))
        self.checked.tell(R, **{"Time": clock(minute), "BuyVal": bought, "SellVal": sold, **more})

    @property
    def alerts(self) -> list[Row]:
        """All that are retained, oldest first."""
        rows = self.checked.tables[Channel.ALERTS].values()
        return sorted(rows, key=lambda row: _int(row["number"]))

    @property
    def kinds(self) -> list[JSON]:
        return [row["kind"] for row in self.alerts]

    def successor(self) -> "Desk":
        """Another process that goes on from what was published."""
        heir = Desk()
        heir.volume, heir.value = dict(self.volume), dict(self.value)
        heir.checked.tables = {table: dict(rows) for table, rows in self.checked.tables.items()}
        heir.checked.board.load(DAY, self.checked.tables, watched=True)
        return heir


def _int(value: JSON) -> int:
    assert isinstance(value, int)
    return value


def values(row: Row) -> Row:
    """What is behind an alert."""
    head = ("number", "time", "kind", "symbol", "severity")
    return {name: value for name, value in row.items() if name not in head and value is not None}


def a_quiet_morning(desk: Desk, minutes: int = LEAST_MINUTES, volume: int = 1000) -> None:
    """So many minutes with the usual volume."""
    desk.opens()
    for minute in range(minutes):
        desk.trade(minute, volume, side=None)


# Limits


@pytest.mark.parametrize(("kind", "price"), [("ceiling", 33350), ("floor", 29050)])
def test_a_price_that_comes_to_a_limit_is_told_at_once(kind: str, price: int) -> None:
    desk = Desk()
    desk.opens()
    desk.trade(1, 100)

    desk.trade(2, 100, price=price)

    assert desk.alerts == [
        {
            "number": 1,
            "time": OPEN_MS + 120_000,
            "kind": kind,
            "symbol": "SSI",
            "severity": "critical",
            "price": price,
            "minute_volume": None,
            "usual_volume": None,
            "net_value": None,
            "earlier_net_value": None,
            "basis": None,
            "underlying_value": None,
            "buy_value": None,
            "sell_value": None,
        }
    ]


def test_a_price_that_stays_at_a_limit_is_told_once() -> None:
    desk = Desk()
    desk.opens()

    for minute in range(10):
        desk.trade(minute, 100, price=33350)

    assert desk.kinds == ["ceiling"]


def test_a_price_that_leaves_a_limit_and_comes_back_is_told_once_a_minute() -> None:
    desk = Desk()
    desk.opens()

    for step in range(60):
        desk.trade(step / 6, 100, price=33350 if step % 2 else 33300)

    times = [_int(row["time"]) for row in desk.alerts]
    assert set(desk.kinds) == {"ceiling"}
    assert len(times) == 10
    assert all(later - earlier >= GAP_MS for earlier, later in pairwise(times))


def test_a_limit_that_was_touched_before_we_looked_is_no_news() -> None:
    desk = Desk()

    desk.checked.tell(X, LastPrice=33350.0, High=33350.0)

    assert desk.alerts == []


def test_an_instrument_that_opens_at_its_limit_is_told() -> None:
    desk = Desk()
    desk.opens()

    desk.trade(0, 100, price=33350, TradingSession="ATO", Side=None)

    assert desk.kinds == ["ceiling"]


def test_a_limit_reached_while_nobody_looked_is_told_when_it_is_seen() -> None:
    desk = Desk()
    desk.opens()
    desk.trade(1, 100)

    desk.checked.board.link_restored()
    desk.trade(9, 100, price=33350)

    assert desk.kinds == ["ceiling"]


# Volume


def test_a_minute_with_more_than_three_times_the_usual_volume_is_told_once_with_both() -> None:
    desk = Desk()
    a_quiet_morning(desk)

    desk.trade(20.1, 3000, side=None)
    before = desk.kinds
    for second in range(1, 10):
        desk.trade(20.1 + second / 60, 100, side=None)

    assert before == []
    assert [(row["kind"], row["time"], values(row)) for row in desk.alerts] == [
        ("volume_spike", OPEN_MS + 1_207_000, {"price": 31500, "minute_volume": 3100, "usual_volume": 1000})
    ]


def test_minutes_without_trades_do_not_count_and_fewer_than_ten_are_no_measure() -> None:
    desk = Desk()
    a_quiet_morning(desk, LEAST_MINUTES - 1)

    desk.trade(100, 99_000, side=None)
    desk.trade(200, 99_000, side=None)

    assert desk.kinds == ["volume_spike"]  # the second: it has ten minutes before it
    assert values(desk.alerts[0])["usual_volume"] == (9 * 1000 + 99_000) / 10


def test_the_usual_volume_is_that_of_the_last_twenty_minutes() -> None:
    desk = Desk()
    a_quiet_morning(desk, 20, volume=90_000)
    for minute in range(20, 40):
        desk.trade(minute, 100, side=None)

    desk.trade(40, 400, side=None)

    assert [values(row)["usual_volume"] for row in desk.alerts] == [100]


def test_the_volume_of_an_auction_is_no_spike() -> None:
    desk = Desk()
    a_quiet_morning(desk)

    desk.trade(330, 90_000, side=None, TradingSession="ATC")

    assert desk.alerts == []


# Sides


def test_one_side_that_trades_more_than_three_times_the_other_in_five_minutes_is_told_when_that_begins() -> None:
    desk = Desk()
    desk.opens()

    desk.trade(1, 60_000, side="SD")
    desk.trade(2, 180_000, side="BU")
    before = desk.kinds
    for second in range(1, 100):
        desk.trade(2 + second / 60, 100, side="BU")

    assert before == []
    assert [(row["kind"], row["severity"], values(row)) for row in desk.alerts] == [
        (
            *("imbalance", "warning"),
            {"price": 31500, "buy_value": 180_100 * 31500, "sell_value": 60_000 * 31500},
        )
    ]


def test_an_imbalance_of_little_value_is_none() -> None:
    desk = Desk()
    desk.opens()

    desk.trade(1, 158_700)  # 4.999 billion
    before = desk.kinds
    desk.trade(2, 100)

    assert (before, desk.kinds) == ([], ["imbalance"])


def test_trades_of_more_than_five_minutes_ago_do_not_count() -> None:
    desk = Desk()
    desk.opens()

    desk.trade(1, 100_000, side="BU")
    desk.trade(7, 100_000, side="BU")

    assert desk.alerts == []


def test_an_imbalance_that_ends_and_comes_back_is_told_again_once_a_minute_has_passed() -> None:
    desk = Desk()
    desk.opens()

    desk.trade(1, 200_000, side="BU")
    desk.trade(1.2, 100_000, side="SD")  # it ends
    desk.trade(1.4, 200_000, side="BU")  # it is back: too soon
    desk.trade(2.1, 100, side="BU")  # it still holds

    assert [row["time"] for row in desk.alerts] == [OPEN_MS + 60_000, OPEN_MS + 126_000]


def test_an_imbalance_that_turns_round_is_told() -> None:
    desk = Desk()
    desk.opens()

    desk.trade(1, 200_000, side="BU")
    desk.trade(3, 700_000, side="SD")

    assert [values(row)["sell_value"] for row in desk.alerts] == [0, 700_000 * 31500]


# Foreigners


def test_a_balance_of_foreigners_that_moves_by_more_than_a_third_in_five_minutes_is_told_when_that_begins() -> None:
    desk = Desk()
    desk.checked.tell(X)
    desk.foreign(0, 10 * BILLION)

    desk.foreign(3, 13 * BILLION)
    before = desk.kinds
    for second in range(60):
        desk.foreign(4 + second / 60, 13 * BILLION + 1_000_000 * (second + 1))

    assert before == []
    assert [(row["kind"], row["severity"], values(row)) for row in desk.alerts] == [
        (
            *("foreign_acceleration", "warning"),
            {"price": 31500, "net_value": 13_001_000_000, "earlier_net_value": 10 * BILLION},
        )
    ]


def test_a_small_balance_that_doubles_is_no_news() -> None:
    desk = Desk()
    desk.foreign(0, BILLION // 2)

    desk.foreign(1, BILLION)
    before = desk.kinds
    desk.foreign(2, BILLION * 3 // 2)

    assert (before, desk.kinds) == ([], ["foreign_acceleration"])


def test_what_foreigners_had_traded_before_we_looked_is_not_of_these_five_minutes() -> None:
    desk = Desk()

    desk.foreign(0, 90 * BILLION)

    assert desk.alerts == []


def test_a_slow_rise_of_the_balance_is_no_acceleration() -> None:
    desk = Desk()

    for minute in range(0, 300, 2):
        desk.foreign(minute, 10 * BILLION + minute * BILLION // 10)

    assert desk.alerts == []


# The basis


def basis(desk: Desk, minute: float, index: float) -> None:
    """The index moves; the future stands at 1894.2."""
    desk.checked.tell(MI, Time=clock(minute), IndexValue=index)


def test_a_future_that_falls_below_its_index_is_told_also_if_only_the_index_moves() -> None:
    desk = Desk()
    basis(desk, 0, 1890.0)
    desk.checked.tell(FUTURE_X, Time=clock(0))

    basis(desk, 1, 1894.2)  # at it: no sign
    basis(desk, 2, 1895.0)
    basis(desk, 3, 1896.0)

    assert [(row["kind"], row["symbol"], row["time"], values(row)) for row in desk.alerts] == [
        ("basis_flip", FUTURE, OPEN_MS + 120_000, {"price": 1894.2, "basis": -0.8, "underlying_value": 1895.0})
    ]


def test_a_basis_that_keeps_changing_its_sign_is_told_once_a_minute() -> None:
    desk = Desk()
    basis(desk, 0, 1890.0)
    desk.checked.tell(FUTURE_X, Time=clock(0))

    for step in range(1, 61):
        basis(desk, step / 6, 1895.0 if step % 2 else 1890.0)

    times = [_int(row["time"]) for row in desk.alerts]
    assert all(later - earlier >= GAP_MS for earlier, later in pairwise(times))
    assert 5 <= len(times) <= 10


# The ring


def many_alerts(desk: Desk, number: int) -> None:
    for each in range(number):
        symbol = f"A{each:03}"
        desk.opens(symbol)
        desk.trade(1, 100, price=33350, symbol=symbol)


def test_the_newest_two_hundred_are_retained_each_under_its_number() -> None:
    desk = Desk()

    many_alerts(desk, RING + 50)

    assert [row["number"] for row in desk.alerts] == list(range(51, RING + 51))
    assert set(desk.checked.tables[Channel.ALERTS]) == {f"alert#{place}" for place in range(RING)}


def test_alerts_go_with_the_first_message_of_the_next_day_and_numbers_begin_anew() -> None:
    desk = Desk()
    many_alerts(desk, 3)

    desk.checked.tell(X_TRADE, TradingDate="17/11/2026", Symbol="VNM", TotalVol=0.0, LastPrice=0.0)
    desk.checked.tell(X_TRADE, TradingDate="17/11/2026", Symbol="VNM", TotalVol=100.0, LastPrice=33350.0)

    assert [(row["number"], row["symbol"]) for row in desk.checked.last_changes[Channel.ALERTS].values() if row] == [
        (1, "VNM")
    ]


@pytest.mark.parametrize(
    ("thresholds", "told"),
    [
        (Thresholds(volume_times=1.5), ["volume_spike"]),
        (Thresholds(imbalance_value_vnd=1000), ["imbalance"]),
        (Thresholds(imbalance_value_vnd=1000, volume_times=1.5), ["volume_spike", "imbalance"]),
        (Thresholds(), []),
    ],
)
def test_thresholds_say_where_alerts_begin(thresholds: Thresholds, told: list[str]) -> None:
    desk = Desk(thresholds)
    a_quiet_morning(desk)

    desk.trade(15, 1600, side="BU")

    assert sorted(desk.kinds, reverse=True) == told  # type: ignore[type-var]  # texts


# Takeovers


def test_who_takes_over_goes_on_numbering_and_tells_nothing_twice() -> None:
    desk = Desk()
    a_quiet_morning(desk)
    desk.trade(20, 200_000)  # a spike, and an imbalance
    desk.trade(20.2, 100, price=33350)

    heir = desk.successor()
    for second in range(1, 40):
        heir.trade(20.2 + second / 60, 100, price=33350)
    heir.trade(21, 100, price=29050)

    assert [(row["number"], row["kind"]) for row in heir.alerts] == [
        *((1, "volume_spike"), (2, "imbalance"), (3, "ceiling")),
        (4, "floor"),
    ]


def a_day_of_alerts(seed: int, length: int) -> list[Tick]:
    """Trades, foreigners and an index that keep crossing the thresholds; times run on."""
    dice = random.Random(seed)
    volume, value, net, index, second = {"SSI": 0, "VNM": 0}, {"SSI": 0, "VNM": 0}, 10 * BILLION, 1890.0, 0.0
    ticks = [
        *(a_tick(X_TRADE, Symbol=symbol, Time=clock(0), LastPrice=0, TotalVol=0, TotalVal=0) for symbol in volume),
        a_tick(FUTURE_X, Time=clock(0)),
    ]
    for _ in range(length):
        second += dice.choice([0, 1, 5, 20, 60])
        time, symbol = clock(second / 60), dice.choice(sorted(volume))
        match dice.randrange(4):
            case 0 | 1:
                price = dice.choice([33350, 33300, 31500, 29050])
                traded = dice.choice([100, 100, 1000, 80_000])
                volume[symbol], value[symbol] = volume[symbol] + traded, value[symbol] + traded * price
                totals: dict[str, JSON] = {"TotalVol": volume[symbol], "TotalVal": value[symbol]}
                side = dice.choice(["BU", "SD", None])
                ticks.append(a_tick(X_TRADE, Symbol=symbol, Time=time, LastPrice=price, Side=side, **totals))
            case 2:
                net += dice.choice([0, 1, 2, -3]) * BILLION
                ticks.append(a_tick(R, Time=time, BuyVal=max(0, net), SellVal=max(0, -net)))
            case _:
                index = dice.choice([1890.0, 1894.2, 1898.0])
                ticks.append(a_tick(MI, Time=time, IndexValue=index))
    return ticks


@pytest.mark.parametrize("seed", range(40))
def test_alerts_are_the_same_wherever_the_leader_stopped_and_whatever_is_told_again(seed: int) -> None:
    dice = random.Random(seed)
    ticks = a_day_of_alerts(seed, 400)
    stopped_at = dice.randrange(40, 360)
    leader, immortal, successor = CheckedBoard(), CheckedBoard(), CheckedBoard()
    for board, taken in ((leader, ticks[:stopped_at]), (immortal, ticks)):
        for tick in taken:
            board.board.apply(tick)
            board.take()
    successor.tables = {table: dict(rows) for table, rows in leader.tables.items()}

    successor.board.load(DAY, leader.tables, watched=True)
    for tick in ticks[stopped_at - dice.randrange(30) :]:
        successor.board.catch_up(tick)
        successor.take()

    assert len(immortal.tables[Channel.ALERTS]) > 20
    for table in (Channel.ALERTS, Internal.TOLD, Channel.BARS):
        assert successor.tables[table] == immortal.tables[table], table
