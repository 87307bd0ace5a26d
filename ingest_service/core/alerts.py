"""
Alerts: what happened that one may want to know at once.

A touch of a limit and a spike of the volume are moments. A balance that moves, an imbalance and the sign of a basis are
states: they are told when they begin. Of one kind and symbol at most one a minute is told. What was told is kept in
rows, so that the next leader goes on, and tells nothing twice.
"""

from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass
from operator import itemgetter

from ingest_service.core.basis import basis_of
from ingest_service.core.channel_rows import ChannelRows
from ingest_service.core.lookback import Lookback
from ingest_service.core.matches import Match
from ingest_service.core.rounding import Price
from ingest_service.core.rows import (
    AlertKind,
    AlertRow,
    BarRow,
    ForeignRow,
    LookbackRow,
    MarketRow,
    MinutesRow,
    ToldRow,
)
from shared.channels import Channel, Internal

#: Alerts that are retained.
RING = 200
#: Of one kind and symbol.
GAP_MS = 60_000
#: A minute's volume is compared with the mean of so many minutes with trades, and of so many at least.
MINUTES, LEAST_MINUTES = 20, 10
#: A spike, or an imbalance, of an auction is no news.
_AUCTIONS = frozenset({"ATO", "ATC", "PT", "PLO"})
_CRITICAL = frozenset[AlertKind]({"ceiling", "floor", "volume_spike"})


@dataclass(frozen=True, slots=True)
class Thresholds:
    """Where alerts begin."""

    volume_times: float = 3.0  # the usual volume of a minute
    foreign_pct: float = 30.0  # of what foreigners' balance was five minutes before
    foreign_value_vnd: int = 1_000_000_000
    imbalance_times: float = 3.0  # what the other side traded in five minutes
    imbalance_value_vnd: int = 5_000_000_000  # traded by both sides


class _Volumes:
    """What one symbol traded in each of the last minutes with trades; the newest of them is not over."""

    __slots__ = ("_minutes", "_sum")

    def __init__(self) -> None:
        self._minutes: deque[tuple[int, int]] = deque()  # begin of the minute, volume
        self._sum = 0  # without the newest

    def take(self, bar: BarRow) -> tuple[int, float] | None:
        """
        A minute as it stands now.

        Its volume, and the mean of the minutes before, if it is the newest one and they are enough.
        """
        minutes, start, volume = self._minutes, bar["start"], bar["volume"]
        if not minutes or start > minutes[-1][0]:
            if minutes:
                self._sum += minutes[-1][1]
            minutes.append((start, volume))
            if len(minutes) > MINUTES + 1:
                self._sum -= minutes.popleft()[1]
        elif start == minutes[-1][0]:
            minutes[-1] = start, volume
        else:
            self._correct(start, volume)
            return None
        number = len(minutes) - 1
        return None if number < LEAST_MINUTES else (volume, self._sum / number)

    def _correct(self, start: int, volume: int) -> None:
        """A match was late."""
        for at, (earlier, before) in enumerate(self._minutes):
            if earlier == start:
                self._minutes[at] = start, volume
                self._sum += volume - before


class Alerts:
    """The alerts of one trading day, and what is kept for them, in `tables`."""

    def __init__(self, thresholds: Thresholds) -> None:
        self._above = thresholds
        self._ring: ChannelRows[AlertRow] = ChannelRows(Channel.ALERTS)
        self._lookback_rows: ChannelRows[LookbackRow] = ChannelRows(Internal.LOOKBACKS)
        self._told: ChannelRows[ToldRow] = ChannelRows(Internal.TOLD)
        self.tables = (self._ring, self._lookback_rows, self._told)
        self._number = 0
        self._sides: dict[str, Lookback] = {}  # values bought and sold actively
        self._balances: dict[str, Lookback] = {}  # foreigners' net value
        self._unbalanced: set[str] = set()  # symbols that were so at their last match
        self._volumes: dict[str, _Volumes] = {}

    def start_day(self) -> None:
        """Begin anew; the tables were cleared."""
        self._number = 0
        self._sides.clear()
        self._balances.clear()
        self._unbalanced.clear()
        self._volumes.clear()

    def resume(
        self,
        market: Mapping[str, MarketRow],
        foreign: Mapping[str, ForeignRow],
        bars: Mapping[str, BarRow],
        minutes: Mapping[str, MinutesRow],
    ) -> None:
        """Go on from loaded tables and the rows of others."""
        self.start_day()
        self._number = max((row["number"] for row in self._ring.rows.values()), default=0)
        for key, kept in self._lookback_rows.rows.items():
            symbol, _, kind = key.rpartition("#")
            if kind == "imbalance" and symbol in market:
                self._sides[symbol] = Lookback.resumed(kept, _traded(market[symbol]))
            elif kind == "foreign_acceleration" and symbol in foreign:
                self._balances[symbol] = Lookback.resumed(kept, (foreign[symbol]["net_value"] or 0,))
        for key, told in self._told.rows.items():
            symbol, _, kind = key.rpartition("#")
            if kind == "imbalance" and told["state"]:
                self._unbalanced.add(symbol)
        for symbol, newest in _newest_bars(bars, minutes).items():
            volumes = self._volumes[symbol] = _Volumes()
            for bar in newest:
                volumes.take(bar)

    def take_price(self, symbol: str, held: MarketRow, row: MarketRow, match: Match | None, now_ms: int) -> None:
        """
        An instrument's last price has changed, by this match if it is one.

        `now_ms`: the market's time, Unix ms, for rows that have none.
        """
        last = row["last"]
        if last is None or (match is None and held["last"] is None):
            return  # what happened before the first word of it is no news
        if last == row["ceiling"]:
            self._touch("ceiling", symbol, last, row["time"] or now_ms)
        elif last == row["floor"]:
            self._touch("floor", symbol, last, row["time"] or now_ms)

    def take_match(self, symbol: str, held: MarketRow, row: MarketRow, match: Match) -> None:
        """A match has changed the row of its instrument."""
        time_ms = match.time_ms
        if time_ms is None or match.side == "neutral":
            return
        lookback = self._sides.get(symbol)
        if lookback is None:
            lookback = self._sides[symbol] = Lookback(time_ms, _traded(held))
        buy_value, sell_value = row["active_buy_value"], row["active_sell_value"]
        if lookback.add(time_ms, buy_value, sell_value):
            self._lookback_rows.put(_key("imbalance", symbol), lookback.row)
        _, bought_before, sold_before = lookback.first
        # Totals may be corrected downwards.
        bought, sold, state = max(0, buy_value - bought_before), max(0, sell_value - sold_before), 0
        if bought + sold >= self._above.imbalance_value_vnd:
            times = self._above.imbalance_times
            state = 1 if bought > times * sold else -1 if sold > times * bought else 0
        if not state and symbol not in self._unbalanced:
            return  # nearly always
        if self._turns("imbalance", symbol, state, time_ms):
            self._tell("imbalance", symbol, time_ms, price=row["last"], buy_value=bought, sell_value=sold)
        if state:
            self._unbalanced.add(symbol)
        else:
            self._unbalanced.remove(symbol)

    def take_bar(self, symbol: str, bar: BarRow, match: Match) -> None:
        """A match has changed this bar."""
        volumes = self._volumes.get(symbol)
        if volumes is None:
            volumes = self._volumes[symbol] = _Volumes()
        compared = volumes.take(bar)
        if compared is None or match.time_ms is None:
            return
        volume, usual = compared
        if volume <= self._above.volume_times * usual or match.session in _AUCTIONS:
            return
        if self._is_moment("volume_spike", symbol, match.time_ms):
            self._tell(
                *("volume_spike", symbol, match.time_ms),
                price=match.price,
                minute_volume=volume,
                usual_volume=round(usual),
            )

    def take_foreign(self, symbol: str, row: ForeignRow, price: Price | None, now_ms: int) -> None:
        """A row of foreigners' trades has changed."""
        net_value, time_ms = row["net_value"], row["time"] or now_ms
        if net_value is None:
            return
        lookback = self._balances.get(symbol)
        if lookback is None:
            # What was traded before the first message of a day is not known to be of these five minutes.
            lookback = self._balances[symbol] = Lookback(time_ms, (net_value,))
        if lookback.add(time_ms, net_value):
            self._lookback_rows.put(_key("foreign_acceleration", symbol), lookback.row)
        _, earlier = lookback.first
        moved = net_value - earlier
        state = 0
        if abs(moved) >= self._above.foreign_value_vnd and 100 * abs(moved) > self._above.foreign_pct * abs(earlier):
            state = 1 if moved > 0 else -1
        if self._turns("foreign_acceleration", symbol, state, time_ms):
            self._tell(
                "foreign_acceleration", symbol, time_ms, price=price, net_value=net_value, earlier_net_value=earlier
            )

    def take_basis(self, symbol: str, last: Price, underlying_value: float, time_ms: int) -> None:
        """
        A futures contract or its index has news; these are the prices of both, and the newer time.

        The first sign of a day is no flip; at the index it keeps its sign.
        """
        basis = basis_of(last, underlying_value)
        if not basis:
            return
        state = 1 if basis > 0 else -1
        if _key("basis_flip", symbol) not in self._told.rows:
            self._told.put(_key("basis_flip", symbol), {"time": None, "state": state})
        elif self._turns("basis_flip", symbol, state, time_ms):
            self._tell(
                *("basis_flip", symbol, time_ms),
                price=last,
                basis=basis,
                underlying_value=underlying_value,
            )

    def _touch(self, kind: AlertKind, symbol: str, price: Price, time_ms: int) -> None:
        if self._is_moment(kind, symbol, time_ms):
            self._tell(kind, symbol, time_ms, price=price)

    def _is_moment(self, kind: AlertKind, symbol: str, time_ms: int) -> bool:
        """Whether it may be told: not so soon after another one."""
        key = _key(kind, symbol)
        told = self._told.rows.get(key)
        if told is not None and told["time"] is not None and time_ms - told["time"] < GAP_MS:
            return False
        self._told.put(key, {"time": time_ms, "state": 0})
        return True

    def _turns(self, kind: AlertKind, symbol: str, state: int, time_ms: int) -> bool:
        """
        Whether this state, 0 for none, begins now, and may be told.

        One that begins soon after another is told when that was long enough ago, if it still holds.
        """
        key = _key(kind, symbol)
        told = self._told.rows.get(key)
        if state == (0 if told is None else told["state"]):
            return False
        last_ms = None if told is None else told["time"]
        if state == 0:
            self._told.put(key, {"time": last_ms, "state": 0})
            return False
        if last_ms is not None and time_ms - last_ms < GAP_MS:
            return False
        self._told.put(key, {"time": time_ms, "state": state})
        return True

    def _tell(
        self,
        kind: AlertKind,
        symbol: str,
        time_ms: int,
        *,
        price: Price | None,
        minute_volume: int | None = None,
        usual_volume: int | None = None,
        net_value: int | None = None,
        earlier_net_value: int | None = None,
        basis: float | None = None,
        underlying_value: float | None = None,
        buy_value: int | None = None,
        sell_value: int | None = None,
    ) -> None:
        self._number += 1
        row: AlertRow = {
            "number": self._number,
            "time": time_ms,
            "kind": kind,
            "symbol": symbol,
            "severity": "critical" if kind in _CRITICAL else "warning",
            "price": price,
            "minute_volume": minute_volume,
            "usual_volume": usual_volume,
            "net_value": net_value,
            "earlier_net_value": earlier_net_value,
            "basis": basis,
            "underlying_value": underlying_value,
            "buy_value": buy_value,
            "sell_value": sell_value,
        }
        self._ring.put(f"alert#{self._number % RING}", row)


def _key(kind: AlertKind, symbol: str) -> str:
    return f"{symbol}#{kind}"


def _traded(row: MarketRow) -> tuple[int, int]:
    return row["active_buy_value"], row["active_sell_value"]


def _newest_bars(bars: Mapping[str, BarRow], minutes: Mapping[str, MinutesRow]) -> dict[str, list[BarRow]]:
    """Of each symbol, oldest first, those of the minutes that are compared: most of a day's bars are not."""
    newest: dict[str, list[BarRow]] = {}
    for key, bar in bars.items():
        newest.setdefault(key.rpartition("#")[0], []).append(bar)
    hours = [(key, row["bars"]) for key, row in minutes.items() if row["bars"]]
    for key, of_hour in sorted(hours, key=lambda hour: hour[1][0]["start"], reverse=True):
        found = newest.setdefault(key.rpartition("#")[0], [])
        if len(found) <= MINUTES:
            found += of_hour
    return {symbol: sorted(found, key=itemgetter("start"))[-MINUTES - 1 :] for symbol, found in newest.items()}
