"""
The board: all tables of one trading day. Ticks go in, changed rows come out.

Rows are values: a change makes a new dict, so what was handed out stays as it was. They are also the only memory that
outlives a restart: counters are fields of rows, the windows behind speeds have rows of their own, and what else is held
here can be lost.
"""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import date, timedelta
from typing import cast

from ingest_service.core import foreign, indices, market, odd_lots
from ingest_service.core.alerts import Alerts, Thresholds
from ingest_service.core.bars import bar_key, bar_with, minute_of, minutes_key, minutes_with
from ingest_service.core.book import EMPTY_BOOK, Book
from ingest_service.core.calendar_rules import EXCHANGES
from ingest_service.core.channel_rows import ChannelRows
from ingest_service.core.derivatives import active_contracts, derivatives_row
from ingest_service.core.derived import Derived
from ingest_service.core.foreign import Totals, foreign_row
from ingest_service.core.futures import future_of
from ingest_service.core.groups import derived_groups
from ingest_service.core.guard import Guard
from ingest_service.core.indices import breadth, index_row, movement, tells_breadth
from ingest_service.core.invalid_row import InvalidRow
from ingest_service.core.market import market_row, take_book, with_book
from ingest_service.core.matches import Match
from ingest_service.core.odd_lots import odd_lot_row
from ingest_service.core.rows import (
    FEED_KEY,
    TOTAL_KEY,
    BarRow,
    DerivativesRow,
    FeedRow,
    FeedState,
    ForeignRow,
    ForeignTotalRow,
    GroupRow,
    IndexRow,
    MarketRow,
    MinutesRow,
    OddLotRow,
    PhaseRow,
    SymbolRow,
    TradeRow,
    WindowRow,
)
from ingest_service.core.sessions import Calendar, Exchange, Phases, day_of, exchange_of_index
from ingest_service.core.symbols import Listing, exchange_of, symbol_row
from ingest_service.core.tape import tape_key, trade_row
from ingest_service.core.ticks import ForeignTick, IndexTick, OddLotTick, SecurityTick, StatusTick, Tick
from ingest_service.core.window import Window
from shared.channels import Channel, Internal, Stored
from shared.table import Row

# The longest holidays are shorter. Beyond the machine's day and the board's, since a simulated market may be ahead.
MAX_DAYS_AHEAD = 14


class Board:
    """
    All tables of one trading day.

    `day` is that day, None before the first tick. A tick of a later day ends it: the rows of the day are dropped, and
    `day` moves on; the owner, who sees that, opens a new history for what `take_changes` then returns.
    `oddities` counts what was tolerated, by names from a closed list, until the owner clears it.
    """

    def __init__(
        self,
        calendar: Calendar | None = None,
        *,
        simulated: bool = False,
        replayed: bool = False,
        now_ms: int | None = None,
        thresholds: Thresholds | None = None,
    ) -> None:
        self._simulated = simulated
        self._replayed = replayed
        self.day: date | None = None
        # Later days are broken dates: one must not end the day. None until the machine's time is told.
        self._newest_day = None if now_ms is None else day_of(now_ms) + timedelta(days=MAX_DAYS_AHEAD)
        self.oddities: Counter[str] = Counter()
        self._calendar = calendar or Calendar()
        self._guard = Guard(self.oddities, now_ms, any_time=simulated)
        self._alerts = Alerts(thresholds or Thresholds())
        self._market: ChannelRows[MarketRow] = ChannelRows(Channel.MARKET)
        self._foreign: ChannelRows[ForeignRow] = ChannelRows(Channel.FOREIGN)
        self._foreign_total: ChannelRows[ForeignTotalRow] = ChannelRows(Channel.FOREIGN, TOTAL_KEY)
        self._index: ChannelRows[IndexRow] = ChannelRows(Channel.INDEX)
        self._derivatives: ChannelRows[DerivativesRow] = ChannelRows(Channel.DERIVATIVES)
        self._trades: ChannelRows[TradeRow] = ChannelRows(Channel.TRADES)
        self._bars: ChannelRows[BarRow] = ChannelRows(Channel.BARS)
        self._minutes: ChannelRows[MinutesRow] = ChannelRows(Internal.MINUTES)
        self._odd_lots: ChannelRows[OddLotRow] = ChannelRows(Channel.ODDLOT)
        self._symbols: ChannelRows[SymbolRow] = ChannelRows(Channel.SYMBOLS)
        self._groups: ChannelRows[GroupRow] = ChannelRows(Channel.GROUPS)
        self._phases: ChannelRows[PhaseRow] = ChannelRows(Channel.STATUS)
        self._feed: ChannelRows[FeedRow] = ChannelRows(Channel.STATUS, FEED_KEY)
        self._window_rows: ChannelRows[WindowRow] = ChannelRows(Internal.WINDOWS)
        self._windows: dict[str, Window] = {}
        self._derived = Derived(self._market, self._foreign, self._windows, self._symbols, self._groups)
        self._of_the_day = (
            self._market,
            self._foreign,
            self._foreign_total,
            self._index,
            self._derivatives,
            self._trades,
            self._bars,
            self._minutes,
            self._window_rows,
            *self._derived.tables,
            self._odd_lots,
            *self._alerts.tables,
        )
        self._lasting = (self._symbols, self._groups, self._phases, self._feed)
        # Symbols and indices of which no trade can have escaped since the total that their row holds.
        self._watched: set[str] = set()
        # Beside the rows, and joined with them when they leave: in a busy moment most books are replaced before that.
        self._books: dict[str, Book] = {}
        self._totals = Totals()
        self._heard = Phases(self._calendar)
        self._index_keys: dict[str, str] = {}  # id in capitals → as the stream spelt it first
        self._market_ms = 0  # the feed's newest word on what time it is, or what has passed since
        self._groups_due = self._foreign_due = self._active_due = False
        self._derivatives_due: set[str] = set()  # futures of which the row, or that of its index, has changed
        self._contracts: dict[str, dict[str, None]] = {}  # index → its futures that have a row today, in their order

    def load(self, day: date | None, rows: Mapping[Stored, Mapping[str, Row]], *, watched: bool = False) -> None:
        """
        Go on from what was published; `day` is None if that was before the first price. Nothing of it is a change.

        What was traded since will count as unseen, unless all of it was `watched`, and comes by `catch_up`. A row that
        is not of this version's form is left out, and counted as the oddity `stored_row`.
        """
        for _ in self.loading(day, rows):
            pass
        if watched:
            self.has_watched()

    def loading(self, day: date | None, rows: Mapping[Stored, Mapping[str, Row]]) -> Iterator[None]:
        """
        The same in steps of some hundredths of a second: a full board takes longer than others may be kept waiting.

        Nothing may come in before the last one. Nothing counts as watched.
        """
        self.day = day
        if self._newest_day is not None and day is not None:
            self._newest_day = max(self._newest_day, day + timedelta(days=MAX_DAYS_AHEAD))
        for table in self._of_the_day + self._lasting:
            # Of a full board most rows are the tape's. Nothing is made of them: the next match has its place by number.
            loaded = {} if table is self._trades else rows.get(table.channel, {})
            self.oddities["stored_row"] += table.load(loaded)
            yield
        self._index_keys = {key.upper(): key for key in self._index.rows}
        self._books = {symbol: take_book(row) for symbol, row in self._market.rows.items()}
        self._windows.clear()
        self._windows.update((symbol, foreign.new_window(row)) for symbol, row in self._window_rows.rows.items())
        self._totals = Totals(self._foreign.rows)
        self._derived.loaded()
        for index in sorted(self._index.rows.items(), key=lambda item: item[1]["time"] or 0):
            self._hear_index(*index)
        self._contracts.clear()
        for symbol, row in self._market.rows.items():
            future = future_of(symbol)
            if future is not None:
                self._contracts.setdefault(future.underlying, {})[symbol] = None
                self._hear("DERIVATIVES", row["session"], row["time"])
        self._alerts.resume(self._market.rows, self._foreign.rows, self._bars.rows, self._minutes.rows)
        self.link_restored()

    def has_watched(self) -> None:
        """All that was traded since the loaded rows was watched, and comes by `catch_up`."""
        self._guard.link_restored(())
        for rows_of_totals in (self._market.rows, self._index.rows):
            self._watched.update(key for key, row in rows_of_totals.items() if row["total_volume"] is not None)

    def link_restored(self) -> None:
        """
        Nobody was looking for a while: the first total that each symbol tells from now on may hold trades that nobody
        saw. That rise is unseen volume, whichever side the message names.
        """
        self._watched.clear()
        self._guard.link_restored(
            [
                *((SecurityTick, key) for key in self._market.rows),
                *((OddLotTick, key) for key in self._odd_lots.rows),
                *((ForeignTick, key) for key in self._foreign.rows),
                *((IndexTick, key) for key in self._index.rows),
            ]
        )

    # What comes in

    def apply(self, tick: Tick) -> None:
        """
        Take a tick. Raises InvalidRow (reason no_day, old_day, future_day or too_many_rows, or an Offence of the
        guard), and no table has changed then.
        """
        later_day = None if tick.day is not None and tick.day == self.day else self._later_day(tick)
        self._judge(tick, begins=later_day is not None)
        if later_day is not None:
            self._start_day(later_day)
        if tick.oddities:
            self.oddities.update(tick.oddities)
        if tick.time_ms is not None and tick.time_ms > self._market_ms:
            self._market_ms = tick.time_ms
        self._derived.told()
        match tick:
            case SecurityTick() | StatusTick():
                self._apply_to_market(tick)
            case ForeignTick():
                self._apply_to_foreign(tick)
            case IndexTick():
                self._apply_to_index(tick)
            case OddLotTick():
                held = self._odd_lots.get_with_room(tick.key, odd_lots.EMPTY, tick.data_type)
                self._odd_lots.put(tick.key, odd_lot_row(held, tick))
            case _:
                pass  # bars are in no table: matches tell the same

    def catch_up(self, tick: Tick) -> None:
        """Take a tick that may be older than what is held: then it changes nothing. Raises InvalidRow, as `apply`."""
        if not self._is_past(tick):
            self.apply(tick)

    def set_symbols(self, listings: Iterable[Listing]) -> None:
        """Names and properties of instruments, from the exchange's lists. Other instruments keep their rows."""
        for listing in listings:
            self._list(listing, exchange_of(listing))

    def set_components(self, components: Mapping[str, Sequence[str]]) -> None:
        """
        The symbols of indices: index code → symbols, a group each.

        ValueError if one has none: whoever watches that group would see an empty board, so the list held stays.
        """
        empty = [code for code, symbols in components.items() if not symbols]
        if empty:
            raise ValueError(
                f"no components for {', '.join(empty)}: the exchange's list is not understood or not there"
            )
        for code, symbols in components.items():
            self._groups.put(code, {"keys": sorted(symbols)})
        self._derived.regrouped()

    def set_feed(self, state: FeedState, reason: str | None, now_ms: int) -> None:
        """The state of the link to the exchange, and the machine's time, or that of the recording, Unix ms."""
        held = self._feed.rows.get(FEED_KEY)
        same = held is not None and (held["state"], held["reason"]) == (state, reason)
        row: FeedRow = {
            "state": state,
            "reason": reason,
            "changed_at": held["changed_at"] if held is not None and same else now_ms,
            "day": None if self.day is None else self.day.isoformat(),
            "simulated": self._simulated,
            "replay_time": now_ms - now_ms % 1000 if self._replayed else None,
        }
        self._feed.put(FEED_KEY, row)

    def set_time(self, market_ms: int, now_ms: int) -> None:
        """The market's time and the machine's, Unix ms: phases begin and speeds fall also when nothing comes."""
        self._market_ms = market_ms
        known = day_of(now_ms) if self.day is None else max(self.day, day_of(now_ms))
        self._newest_day = known + timedelta(days=MAX_DAYS_AHEAD)
        self._guard.set_time(now_ms, market_ms)
        for exchange in EXCHANGES:
            phase, held = self._heard.at(exchange, market_ms), self._phases.rows.get(exchange)
            if held is None or held["phase"] != phase:
                self._phases.put(exchange, {"phase": phase, "changed_at": now_ms})

    # What goes out

    @property
    def unfinished(self) -> bool:
        """The next `take_changes` has something to tell, whether something comes in or not."""
        return self._derived.unfinished

    def finish(self) -> None:
        """Make all that follows from the rows anew, at once: nothing more will come in."""
        if self.day is not None:
            self._derived.finish(self._market_ms)

    def take_changes(self) -> dict[Stored, dict[str, Row | None]]:
        """The rows that changed since the last call, whole; None for a key that left. After a new day: all rows."""
        self._update_derivatives()
        if self._active_due:
            self._active_due = False
            self._elect_active()
        if self._foreign_due:
            self._foreign_due = False
            self._foreign_total.put(TOTAL_KEY, self._totals.row())
        if self._groups_due:
            self._groups_due = False
            for name, row in derived_groups(self._symbols.rows).items():
                self._groups.put(name, row)
            self._derived.regrouped()
        if self.day is not None:
            self._derived.take_turn(self._market_ms)
        changes: dict[Stored, dict[str, Row | None]] = {}
        for table in self._of_the_day + self._lasting:
            changed = self._changed_market() if table is self._market else table.take_changes()
            if changed:
                changes[table.channel] = changes[table.channel] | changed if table.channel in changes else changed
        return changes

    def _changed_market(self) -> dict[str, Row | None]:
        return {
            symbol: cast("Row", with_book(self._market.rows[symbol], self._books.get(symbol, EMPTY_BOOK)))
            for symbol in self._market.take_changes()
        }

    # One tick

    def _is_past(self, tick: Tick) -> bool:
        """
        Whether what is held has already taken it, or something newer.

        Times have seconds only, and those of two types of message may overtake each other; totals tell more. A total
        that is lower is a correction if its time is newer.
        """
        if tick.day is not None and self.day is not None and tick.day > self.day:
            return False
        totals: tuple[tuple[int | None, int | None], ...] = ()
        match tick:
            case SecurityTick() | StatusTick():
                row = self._market.get(tick.key, market.EMPTY)
                held_ms = row["time"]
                if isinstance(tick, SecurityTick) and tick.trade is not None:
                    totals = ((tick.trade.total_volume, row["total_volume"]),)
            case ForeignTick():
                flow = self._foreign.get(tick.key, foreign.EMPTY)
                held_ms = flow["time"]
                totals = (tick.buy_volume, flow["buy_volume"]), (tick.sell_volume, flow["sell_volume"])
            case IndexTick():
                index = self._index.get(self._index_keys.get(tick.key.upper(), tick.key), indices.EMPTY)
                held_ms = index["time"]
                totals = ((tick.total_volume, index["total_volume"]),)
            case OddLotTick():
                lot = self._odd_lots.get(tick.key, odd_lots.EMPTY)
                held_ms = lot["time"]
                totals = ((tick.trade.total_volume, lot["total_volume"]),)
            case _:
                return False
        fallen = False
        for told, held in totals:
            if told is None:
                continue
            if held is None or told > held:
                return False  # of books alone nobody knows a total
            fallen = fallen or told < held
        if fallen:
            return tick.time_ms is None or held_ms is None or tick.time_ms <= held_ms
        return tick.time_ms is not None and held_ms is not None and tick.time_ms < held_ms

    def _later_day(self, tick: Tick) -> date | None:
        """The day that a tick begins; None if it is of the present one. Raises InvalidRow."""
        if tick.day is None:
            if self.day is None:
                raise InvalidRow("no_day", tick.data_type)
        elif self._newest_day is not None and tick.day > self._newest_day:
            raise InvalidRow("future_day", tick.data_type)
        elif self.day is None or tick.day > self.day:
            return tick.day
        elif tick.day < self.day:
            raise InvalidRow("old_day", tick.data_type)
        return None

    def _judge(self, tick: Tick, *, begins: bool) -> None:
        """Raises Offence. Where a day `begins` there is nothing yet that a message could contradict."""
        match tick:
            case SecurityTick():
                held = market.EMPTY if begins else self._market.get(tick.key, market.EMPTY)
                self._guard.judge_trade(tick, held, self._symbols.rows)
            case OddLotTick():
                lot = odd_lots.EMPTY if begins else self._odd_lots.get(tick.key, odd_lots.EMPTY)
                self._guard.judge_trade(tick, lot, self._symbols.rows)
            case ForeignTick():
                flow = foreign.EMPTY if begins else self._foreign.get(tick.key, foreign.EMPTY)
                told, before = (tick.buy_volume, tick.sell_volume), (flow["buy_volume"], flow["sell_volume"])
                self._guard.judge_totals(tick, told, before, flow["time"])
            case IndexTick():
                key = self._index_keys.get(tick.key.upper(), tick.key)
                index = indices.EMPTY if begins else self._index.get(key, indices.EMPTY)
                self._guard.judge_totals(tick, (tick.total_volume,), (index["total_volume"],), index["time"])
            case _:
                self._guard.judge_totals(tick)

    def _start_day(self, day: date) -> None:
        self.day = day
        for table in self._of_the_day:
            table.clear()
        self._guard.start_day()
        self._alerts.start_day()
        self._books.clear()
        self._windows.clear()
        self._derived.begin_day()
        self._totals = Totals()
        self._index_keys.clear()
        self._derivatives_due.clear()
        self._contracts.clear()
        for symbol, row in list(self._symbols.rows.items()):
            if self._has_expired(row):
                self._symbols.remove(symbol)
                self._groups_due = True
        for feed in self._feed.rows.values():
            self._feed.put(FEED_KEY, {**feed, "day": day.isoformat()})
        for lasting in self._lasting:
            lasting.touch_all()

    def _apply_to_market(self, tick: SecurityTick | StatusTick) -> None:
        symbol = tick.key
        held = self._market.get_with_room(symbol, market.EMPTY, tick.data_type)
        book = self._books.get(symbol, EMPTY_BOOK)
        row, match = market_row(held, tick, book, watched=symbol in self._watched)
        self._market.put(symbol, row)
        if isinstance(tick, SecurityTick) and tick.book is not None and tick.book != book:
            self._books[symbol] = tick.book
            self._market.touch(symbol)
        if match is not None:
            self._trades.put(tape_key(symbol, row["trades"]), trade_row(row["trades"], match))
            bar = self._take_bar(symbol, match)
            if bar is not None:
                self._alerts.take_bar(symbol, bar, match)
            self._derived.matched(symbol, held, self._market_ms if match.time_ms is None else match.time_ms)
            self._alerts.take_match(symbol, held, row, match)
        if row["last"] != held["last"]:
            self._alerts.take_price(symbol, held, row, match, self._market_ms)
        if isinstance(tick, SecurityTick) and tick.trade is not None and tick.trade.total_volume is not None:
            self._watched.add(symbol)
        known = self._symbols.rows.get(symbol)
        if known is None or (row["exchange"] is not None and row["exchange"] != known["exchange"]):
            self._list(Listing(symbol), row["exchange"])
        future = future_of(symbol)
        if future is not None:
            self._hear("DERIVATIVES", tick.session, tick.time_ms)
            self._contracts.setdefault(future.underlying, {})[symbol] = None
            self._derivatives_due.add(symbol)
            self._take_basis(symbol)

    def _take_bar(self, key: str, match: Match, trades: int = 1) -> BarRow | None:
        """The bar that it counts in; None if it is in no minute."""
        start_ms = minute_of(match)
        if start_ms is None:
            return None
        place = bar_key(key, start_ms)
        held = self._bars.rows.get(place)
        bar = bar_with(held, match, trades)
        if bar is not None:
            self._bars.put(place, bar)
            if held is not None and held["start"] != bar["start"]:
                hour = minutes_key(key, held)
                self._minutes.put(hour, minutes_with(self._minutes.rows.get(hour), held))
        return bar

    def _list(self, listing: Listing, exchange: str | None) -> None:
        if not self._symbols.has_room(listing.symbol):
            self.oddities["too_many_symbols"] += 1  # its prices are shown all the same
            return
        held = self._symbols.rows.get(listing.symbol)
        row = symbol_row(held, listing, exchange, self._calendar)
        if self._has_expired(row) and listing.symbol not in self._market.rows:
            return  # lists of another day have it still
        self._symbols.put(listing.symbol, row)
        self._groups_due = True

    def _has_expired(self, row: SymbolRow) -> bool:
        return row["expiry"] is not None and self.day is not None and row["expiry"] < self.day.isoformat()

    def _apply_to_foreign(self, tick: ForeignTick) -> None:
        symbol = tick.key
        held = self._foreign.get_with_room(symbol, foreign.EMPTY, tick.data_type)
        window = self._windows.get(symbol)
        if window is None:
            window = self._windows[symbol] = foreign.new_window()
        step = window.newest_step
        row = foreign_row(held, tick, window)
        self._foreign.put(symbol, row)
        self._totals.take(symbol, held, row)
        if window.newest_step != step:
            self._window_rows.put(symbol, foreign.window_row(window))
        self._foreign_due = True
        self._alerts.take_foreign(symbol, row, self._market.get(symbol, market.EMPTY)["last"], self._market_ms)

    def _apply_to_index(self, tick: IndexTick) -> None:
        name = tick.key.upper()
        key = self._index_keys.get(name, tick.key)
        held = self._index.get_with_room(key, indices.EMPTY, tick.data_type)
        self._index_keys[name] = key
        counted = None
        if not tells_breadth(tick) and name in self._groups.rows:
            rows = self._market.rows
            counted = breadth(rows[symbol] for symbol in self._groups.rows[name]["keys"] if symbol in rows)
        row = index_row(held, tick, counted)
        self._index.put(key, row)
        match, trades = movement(held, tick, row, watched=key in self._watched)
        self._take_bar(key, match, trades)
        if tick.total_volume is not None:
            self._watched.add(key)
        if tick.session is not None and tick.time_ms is not None:
            self._hear_index(key, row)
        for symbol in self._contracts.get(name, ()):
            self._derivatives_due.add(symbol)
            self._take_basis(symbol)

    def _update_derivatives(self) -> None:
        for symbol in self._derivatives_due:
            future, row = future_of(symbol), self._market.rows.get(symbol)
            if future is not None and row is not None:
                row = with_book(row, self._books.get(symbol, EMPTY_BOOK))
                index = self._index.rows.get(self._index_keys.get(future.underlying, ""))
                held = self._derivatives.rows.get(symbol)
                active = held is not None and held["active"]
                self._derivatives.put(symbol, derivatives_row(future, row, index, self._calendar, active=active))
                self._active_due = True
        self._derivatives_due.clear()

    def _elect_active(self) -> None:
        rows = self._derivatives.rows
        active = active_contracts(rows)
        for symbol, row in list(rows.items()):
            if row["active"] != (symbol in active):
                self._derivatives.put(symbol, {**row, "active": symbol in active})

    def _take_basis(self, symbol: str) -> None:
        """Each time, not once a commit: points of the basis have highs and lows, and a flip is told of any moment."""
        future, row = future_of(symbol), self._market.rows.get(symbol)
        if future is None or row is None:
            return
        index = self._index.rows.get(self._index_keys.get(future.underlying, ""))
        if index is None or index["value"] is None or row["last"] is None:
            return
        newer_ms = max(row["time"] or 0, index["time"] or 0)
        self._alerts.take_basis(symbol, row["last"], index["value"], newer_ms or self._market_ms)
        if newer_ms:
            self._derived.take_basis(symbol, row["last"], index["value"], newer_ms)

    def _hear_index(self, key: str, row: IndexRow) -> None:
        exchange = exchange_of_index(key, row["exchange"])
        if exchange is not None:
            self._hear(exchange, row["session"], row["time"])

    def _hear(self, exchange: Exchange, session: str | None, time_ms: int | None) -> None:
        if session is not None and time_ms is not None:
            self._heard.hear(exchange, session, time_ms)
