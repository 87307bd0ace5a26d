"""
Tables that follow from others: movers, breadth, sectors, order flow, the basis of the day.

What walks over many symbols is made anew at most once a second of the market's time, in pieces: one turn of the loop
does a few of them, and each row is of the moment of its commit. Points of the basis are taken as they come, since no
high or low may be missed.
"""

from collections.abc import Iterator, Mapping

from ingest_service.core import flow, foreign
from ingest_service.core.bars import MINUTE_MS, bar_key, minutes_key
from ingest_service.core.basis import basis_minutes_with, basis_with
from ingest_service.core.breadth import breadth_row
from ingest_service.core.channel_rows import ChannelRows
from ingest_service.core.flow import flow_row, totals_of
from ingest_service.core.groups import DERIVED, EXCHANGES
from ingest_service.core.movers import MARKETS, foreign_movers, gainers_and_losers, most_traded
from ingest_service.core.rounding import Price
from ingest_service.core.rows import (
    BasisMinutesRow,
    BasisRow,
    BreadthRow,
    FlowRow,
    FlowWindowRow,
    ForeignRow,
    GroupRow,
    MarketRow,
    MoversRow,
    SectorRow,
    SymbolRow,
)
from ingest_service.core.sectors import SECTORS, sector_row
from ingest_service.core.window import MAX_STEPS, STEP_MS, Window
from shared.channels import Channel, Internal

#: A turn ends with the piece that makes it so many symbols. To look at one for a list takes a quarter of a microsecond.
SYMBOLS_A_TURN = 128
# A row of a symbol's own costs more, mostly in the commit that carries it.
_ROWS_A_PIECE, _ROW_COST = 16, 4
# Times of a feed overtake each other by a second or some. What is further back is another time.
_LATE_S = 60


class Derived:
    """What follows from the rows of the board; it reads them, and changes only the speeds of foreigners' rows."""

    def __init__(
        self,
        market: ChannelRows[MarketRow],
        foreign_rows: ChannelRows[ForeignRow],
        foreign_windows: Mapping[str, Window],
        symbols: ChannelRows[SymbolRow],
        groups: ChannelRows[GroupRow],
    ) -> None:
        self._market = market
        self._foreign = foreign_rows
        self._foreign_windows = foreign_windows
        self._symbols = symbols
        self._groups = groups
        self._movers: ChannelRows[MoversRow] = ChannelRows(Channel.MOVERS)
        self._breadth: ChannelRows[BreadthRow] = ChannelRows(Channel.BREADTH)
        self._sectors: ChannelRows[SectorRow] = ChannelRows(Channel.SECTORS)
        self._flow: ChannelRows[FlowRow] = ChannelRows(Channel.FLOW)
        self._flow_windows: ChannelRows[FlowWindowRow] = ChannelRows(Internal.FLOW_WINDOWS)
        self._basis: ChannelRows[BasisRow] = ChannelRows(Channel.BASIS)
        self._basis_minutes: ChannelRows[BasisMinutesRow] = ChannelRows(Internal.BASIS_MINUTES)
        #: All of them belong to a trading day.
        self.tables = (
            self._movers,
            self._breadth,
            self._sectors,
            self._flow,
            self._flow_windows,
            self._basis,
            self._basis_minutes,
        )
        self._windows: dict[str, Window] = {}
        self._members: dict[str, list[str]] = {}  # group → its symbols; of an exchange its shares
        self._work: Iterator[int] | None = None  # gives the cost of each piece that is done
        self._second = self._step = 0  # those of the market's time for which work was begun last
        self._market_due = True  # lists may be others than the rows of the market make them
        self._groups_due = True
        # Sets that keep their order: the symbols that were matched since their row was made, and those whose speeds may
        # still change when nothing more is matched.
        self._flow_due: dict[str, None] = {}
        self._moving: dict[str, None] = {}

    def begin_day(self) -> None:
        """The rows of the day before are gone."""
        self._windows.clear()
        self._flow_due.clear()
        self._moving.clear()
        self._work = None

    def loaded(self) -> None:
        """Rows were loaded: go on from them."""
        self.begin_day()
        self._windows = {symbol: flow.new_window(row) for symbol, row in self._flow_windows.rows.items()}
        self._moving = dict.fromkeys(symbol for symbol in self._windows if symbol in self._market.rows)
        self._step = 0
        self._market_due = self._groups_due = True

    # What comes in

    def told(self) -> None:
        """Something was told, of whatever."""
        self._market_due = True

    def regrouped(self) -> None:
        """Groups, or what their symbols are, may have changed."""
        self._groups_due = True

    def matched(self, symbol: str, before: MarketRow, time_ms: int) -> None:
        """Something of this symbol was matched at a time; before it the row was this."""
        window = self._windows.get(symbol)
        if window is None:
            window = self._windows[symbol] = flow.new_window()
        if window.newest_step < time_ms // STEP_MS:
            window.enter(time_ms, totals_of(before))
            self._flow_windows.put(symbol, flow.window_row(window))
        self._flow_due[symbol] = self._moving[symbol] = None

    def take_basis(self, symbol: str, last: Price, underlying_value: float, time_ms: int) -> None:
        """A futures contract or its index has news; these are the prices of both, and the newer time."""
        start_ms = time_ms // MINUTE_MS * MINUTE_MS
        place = bar_key(symbol, start_ms)
        held = self._basis.rows.get(place)
        point = basis_with(held, start_ms, last, underlying_value)
        self._basis.put(place, point)
        if held is not None and held["start"] != point["start"]:
            hour = minutes_key(symbol, held)
            self._basis_minutes.put(hour, basis_minutes_with(self._basis_minutes.rows.get(hour), held))

    # What goes out

    @property
    def unfinished(self) -> bool:
        """Something is left to do in the next turn."""
        return self._work is not None

    def take_turn(self, market_ms: int) -> None:
        """Do a turn's part of the work, if there is some, at the market's time, Unix ms."""
        if self._work is None:
            self._begin_work(market_ms)
        done = 0
        while self._work is not None and done < SYMBOLS_A_TURN:
            cost = next(self._work, None)
            if cost is None:
                self._work = None
            else:
                done += cost

    def finish(self, market_ms: int) -> None:
        """Do all of it at once, however long that takes: nothing more will come in."""
        for _ in self._pieces(market_ms, slow=True):
            pass
        self._work = None

    def _begin_work(self, market_ms: int) -> None:
        second, step = market_ms // 1000, market_ms // STEP_MS
        another = second > self._second or second < self._second - _LATE_S
        if another and (self._market_due or step != self._step):
            self._work = self._pieces(market_ms, slow=step != self._step)
            self._second, self._step, self._market_due = second, step, False

    def _pieces(self, market_ms: int, *, slow: bool) -> Iterator[int]:
        """The work of one second; `slow`: a new step has begun, so speeds fall where nothing more has come."""
        market, foreign_rows = self._market.rows, self._foreign.rows
        if self._groups_due:
            self._groups_due = False
            yield self._regroup()
        for name, members in self._members.items():
            if name in MARKETS:
                gainers, losers = gainers_and_losers(members, market)
                yield len(members)
                by_value, by_volume = most_traded(members, market)
                yield len(members)
                foreign_bought, foreign_sold = foreign_movers(members, foreign_rows)
                row: MoversRow = {
                    "gainers": gainers,
                    "losers": losers,
                    "by_value": by_value,
                    "by_volume": by_volume,
                    "foreign_bought": foreign_bought,
                    "foreign_sold": foreign_sold,
                }
                self._movers.put(name, row)
                yield len(members)
            if name in SECTORS:
                self._sectors.put(name, sector_row(members, market, foreign_rows))
            else:
                self._breadth.put(name, breadth_row(members, market))
            yield len(members)
        due, self._flow_due = list(self._moving if slow else self._flow_due), {}
        oldest_step = market_ms // STEP_MS - MAX_STEPS
        for symbols in _parts(due):
            for symbol in symbols:
                window = self._windows[symbol]
                self._flow.put(symbol, flow_row(market[symbol], window, market_ms))
                if window.newest_step < oldest_step:
                    self._moving.pop(symbol, None)
            yield _ROW_COST * len(symbols)
        if slow:
            moving = [symbol for symbol, row in foreign_rows.items() if foreign.moves(row)]
            yield len(foreign_rows)
            for symbols in _parts(moving):
                for symbol in symbols:
                    window = self._foreign_windows.get(symbol) or foreign.new_window()
                    self._foreign.put(symbol, foreign.slowed(foreign_rows[symbol], window, market_ms))
                yield _ROW_COST * len(symbols)

    def _regroup(self) -> int:
        """Find the symbols of each market anew; the cost of that."""
        symbols, cost = self._symbols.rows, 0
        self._members = {}
        for name, group in self._groups.rows.items():
            keys = group["keys"]
            if name in EXCHANGES:
                keys = [symbol for symbol in keys if symbol in symbols and symbols[symbol]["type"] == "stock"]
            elif name in DERIVED:
                continue
            cost += len(keys)
            if keys:
                self._members[name] = keys
        return cost


def _parts(symbols: list[str]) -> Iterator[list[str]]:
    for start in range(0, len(symbols), _ROWS_A_PIECE):
        yield symbols[start : start + _ROWS_A_PIECE]
