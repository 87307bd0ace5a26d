"""
The whole simulated market: listings, the clock, what happens next, and the messages that tell of it.

Deterministic: the same calls after the same seed give the same messages.
"""

import math
from bisect import bisect
from datetime import date
from itertools import accumulate
from random import Random
from typing import TypedDict

from ssi_simulator.core import messages, orders
from ssi_simulator.core.index import Index, IndexListing, index_listings
from ssi_simulator.core.instrument import Instrument
from ssi_simulator.core.listing import Listing, futures, securities
from ssi_simulator.core.messages import Message, Stamp
from ssi_simulator.core.prices import band, warrant_band
from ssi_simulator.core.timetable import AUCTIONS, BEFORE_OPENING_S, EXCHANGES, Timetable, shipped_timetable

# A longer stretch than this in one call was not lived through: it gets a synthetic past.
_SKIPPED_S = 60.0
_PAST_EVENTS_PER_S, _PAST_EVENTS_MAX, _PAST_STEP_S = 2.0, 6000, 60.0
_PAST_BULK = 20  # each trade of the past stands for so many
_TRADE_SHARE = 0.4  # of events in continuous trading; the others are quotes
_FOREIGN_SHARE, _ODD_LOT_SHARE, _PUT_THROUGH_SHARE = 0.15, 0.03, 0.05
_INDEX_INTERVAL_S = 1.0


class SymbolTotals(TypedDict):
    """What a client that has read every message must hold for a symbol. Prices as on the wire, values in VND."""

    last: float
    total_volume: int
    total_value: int
    foreign_buy_volume: int
    foreign_sell_volume: int
    trades: int


class IndexTotals(TypedDict):
    """The same for an index."""

    value: float


class Ledger(TypedDict):
    """What the market has told so far, for today."""

    symbols: dict[str, SymbolTotals]
    indices: dict[str, IndexTotals]


class Exchange:
    """The whole simulated market, before the opening at first."""

    def __init__(self, *, seed: int, day: date, stocks: int = 1600, timetable: Timetable | None = None) -> None:
        """ValueError if stocks is out of range, or the day's year beyond those that futures codes exist for."""
        self._timetable = timetable or shipped_timetable()
        self._rng = Random(seed)  # noqa: S311 - a simulation, nothing to guard
        self._securities = securities(self._rng, day, stocks)
        self.indices: list[IndexListing] = index_listings(self._securities)
        self._said: dict[str, dict[str, Message]] = {}  # data type → key → last message
        self._outbox: list[Message] = []
        self._mood = 0.0  # how far the whole market tends away from its references, as a fraction
        self._instruments: dict[str, Instrument] = {}
        self._indices: dict[str, Index] = {}
        self._start_day(day)
        self._outbox = []

    @property
    def listings(self) -> list[Listing]:
        """Everything that is listed today: stocks, ETFs, covered warrants, futures."""
        return [instrument.listing for instrument in self._instruments.values()]

    def advance(self, now_s: float, events: int) -> list[Message]:
        """
        Move the market clock to now_s (it never runs back), let so many events happen, return all that is told.

        One event is one change of one symbol. Sessions that begin on the way do so with all their messages; a stretch
        of more than a minute gets a synthetic past. Nothing happens while every exchange is closed or at lunch.
        """
        for change_s in self._timetable.changes_between(self.day, self.now_s, now_s):
            self._live_until(change_s)
            self._change_sessions()
        self._live_until(max(now_s, self.now_s))
        self._happen(events)
        self._publish_indices()
        return self._told()

    def snapshot(self, data_type: str) -> list[Message]:
        """The last message of each symbol or index for that type; none for a type that was never sent."""
        return list(self._said.get(data_type, {}).values())

    def roll_day(self, day: date) -> list[Message]:
        """
        A new trading day: references from the closes, totals 0, sessions closed; returns the opening messages.

        Expired futures are gone. ValueError if the day is not after the present one.
        """
        if day <= self.day:
            raise ValueError(f"cannot roll to {day}: the market is at {self.day} already; name a later day")
        self._start_day(day)
        return self._told()

    def ledger(self) -> Ledger:
        """What was told, not what is known: a client that received all messages must agree."""
        told, flows = self._said["X"], self._said["R"]
        symbols: dict[str, SymbolTotals] = {}
        for symbol, instrument in self._instruments.items():
            x, r = told[symbol].content, flows[symbol].content if symbol in flows else {}
            symbols[symbol] = {
                "last": float(x["LastPrice"] or 0),
                "total_volume": int(x["TotalVol"] or 0),
                "total_value": int(x["TotalVal"] or 0),
                "foreign_buy_volume": int(r.get("BuyVol") or 0),
                "foreign_sell_volume": int(r.get("SellVol") or 0),
                "trades": instrument.trades,  # each is told at once
            }
        values = {key: message.content["IndexValue"] for key, message in self._said["MI"].items()}
        return {"symbols": symbols, "indices": {key: {"value": float(value or 0)} for key, value in values.items()}}

    # A day

    def _start_day(self, day: date) -> None:
        before, self.day = self._instruments, day
        values = {key: index.figures.value for key, index in self._indices.items()}
        values = values or {listing.id: listing.base for listing in self.indices}
        self._instruments = {}
        # HOSE stocks come before the warrants on them, whose bands need theirs.
        for listing in [*self._securities, *futures(day, values["VN30"])]:
            self._instruments[listing.symbol] = self._instrument(listing, before.get(listing.symbol))
        for gone in before.keys() - self._instruments.keys():
            for said in self._said.values():
                said.pop(gone, None)
        self._indices = {
            one.id: Index(one, [self._instruments[symbol] for symbol in one.symbols], values[one.id])
            for one in self.indices
        }
        self._sessions = {exchange: self._timetable.session_at(exchange, day, 0.0) for exchange in EXCHANGES}
        self._published_s = -math.inf
        self.now_s = 0.0
        self._mood = 0.0
        self._move_clock(BEFORE_OPENING_S)
        self._choose_from([])
        for instrument in self._instruments.values():
            self._tell_state(instrument)
            self._tell(messages.trade(instrument, self._stamp))  # with the prices that the day begins with
            if instrument.listing.foreign_limit_shares:
                self._tell(messages.foreign(instrument, self._stamp))
        self._publish_indices(always=True)

    def _instrument(self, listing: Listing, before: Instrument | None) -> Instrument:
        reference = before.next_reference() if before else listing.reference
        limits = band(listing.exchange, listing.kind, reference)
        if listing.kind == "warrant":
            share = self._instruments[listing.underlying]
            limits = warrant_band(reference, listing.ratio, (share.floor, share.reference, share.ceiling))
        return Instrument(
            listing,
            reference,
            limits,
            foreign_room=before.foreign_room if before else int(listing.foreign_limit_shares * self._rng.random()),
            # Most end the day within 3 %; one in thirty wants to leave the band.
            drift=self._rng.gauss(0, 0.015) if self._rng.random() > 1 / 30 else self._rng.choice((0.25, -0.2)),
        )

    # The clock

    def _move_clock(self, now_s: float) -> None:
        elapsed_s, self.now_s = now_s - self.now_s, now_s
        minutes, seconds = divmod(int(now_s), 60)
        self._stamp = Stamp(f"{self.day:%d/%m/%Y}", f"{minutes // 60:02}:{minutes % 60:02}:{seconds:02}")
        # A slow swing: about 0.8 % either way, forgotten within half an hour.
        self._mood *= math.exp(-elapsed_s / 2000)
        self._mood += self._rng.gauss(0, 0.008) * math.sqrt(1 - math.exp(-elapsed_s / 1000))

    def _live_until(self, until_s: float) -> None:
        """Let the clock come to a time within the present sessions, with a past if the stretch is long."""
        elapsed_s = until_s - self.now_s
        if elapsed_s > _SKIPPED_S and self._busy:
            steps = math.ceil(elapsed_s / _PAST_STEP_S)
            events = math.ceil(min(elapsed_s * _PAST_EVENTS_PER_S, _PAST_EVENTS_MAX) / steps)
            begin_s = self.now_s
            for step in range(1, steps):
                self._move_clock(begin_s + elapsed_s * step / steps)
                self._happen(events, _PAST_BULK)
                self._publish_indices()
        self._move_clock(until_s)

    def _change_sessions(self) -> None:
        """Let the sessions that begin now begin; an auction that ends matches first."""
        for exchange in EXCHANGES:
            session = self._timetable.session_at(exchange, self.day, self.now_s)
            if session == self._sessions[exchange]:
                continue
            first = self._sessions[exchange] == "C"
            self._sessions[exchange] = session
            for instrument in self._instruments.values():
                if instrument.listing.exchange != exchange:
                    continue
                if instrument.session in AUCTIONS and orders.uncross(instrument, self._rng):
                    self._tell_trade(instrument)
                instrument.session = session
                if first:
                    orders.open_day(instrument, self._rng, self._fair_rung(instrument))
                if session in AUCTIONS:
                    orders.expect(instrument, self._rng)
                self._tell_state(instrument)
        self._choose_from([one for one in self._instruments.values() if _can_change(one)])
        self._publish_indices(always=True)

    # What happens

    def _choose_from(self, instruments: list[Instrument]) -> None:
        self._busy = instruments
        self._weights = list(accumulate(instrument.listing.weight for instrument in instruments))

    def _happen(self, events: int, bulk: int = 1) -> None:
        if not self._busy:
            return
        rng, busy, weights = self._rng, self._busy, self._weights
        total, last = weights[-1], len(busy) - 1
        for _ in range(events):
            instrument = busy[min(last, bisect(weights, rng.random() * total))]
            if instrument.session == "PLO":
                orders.trade_at_close(instrument, rng)
                self._tell_trade(instrument)
                continue
            up = orders.lean(instrument, self._fair_rung(instrument))
            if instrument.session in AUCTIONS:
                orders.auction(instrument, rng, up)
                self._tell_quote(instrument)
            elif rng.random() < _TRADE_SHARE and orders.trade(instrument, rng, up, bulk):
                self._tell_trade(instrument)
            else:
                orders.quote(instrument, rng, up)
                self._tell_quote(instrument)

    def _fair_rung(self, instrument: Instrument) -> float:
        """Where the crowd wants the price: futures along VN30 with their premium, all others as mood and drift say."""
        ladder, reference = instrument.ladder, instrument.reference
        if instrument.listing.kind == "future":
            vn30 = self._indices["VN30"]
            fair = vn30.figures.value / vn30.prior - 1 + instrument.drift / 20
        else:
            fair = self._mood + instrument.drift
        step = ladder.units[ladder.reference + 1] - reference
        return ladder.reference + fair * reference / step

    # What is told

    def _tell(self, message: Message) -> None:
        self._outbox.append(message)
        self._said.setdefault(message.data_type, {})[message.key] = message

    def _told(self) -> list[Message]:
        told, self._outbox = self._outbox, []
        return told

    def _tell_state(self, instrument: Instrument) -> None:
        self._tell(messages.status(instrument, self._stamp))
        self._tell_quote(instrument)

    def _tell_quote(self, instrument: Instrument) -> None:
        book = instrument.book.wire(instrument.ladder.wire)
        self._tell(messages.snapshot(instrument, self._stamp, book))
        self._tell(messages.quote(instrument, self._stamp, book))

    def _tell_trade(self, instrument: Instrument) -> None:
        """A match, the book after it, and now and then the foreign flow or an odd lot beside it."""
        rng, stamp, listing = self._rng, self._stamp, instrument.listing
        book = instrument.book.wire(instrument.ladder.wire)
        self._tell(messages.snapshot(instrument, stamp, book))
        self._tell(messages.trade(instrument, stamp))
        self._tell(messages.quote(instrument, stamp, book))
        self._tell(messages.bar(listing.symbol, instrument.last / instrument.scale, instrument.last_vol, stamp))
        if listing.foreign_limit_shares and rng.random() < _FOREIGN_SHARE:
            lots = instrument.last_vol // listing.lot
            shares = (1 + int(lots * rng.random() * 0.6)) * listing.lot
            if instrument.flow_abroad(shares, buying=rng.random() < 0.5):
                self._tell(messages.foreign(instrument, stamp))
        if listing.kind == "stock" and instrument.session == "LO" and rng.random() < _ODD_LOT_SHARE:
            instrument.execute_odd(rng.randrange(1, 100))
            if instrument.odd:
                self._tell(messages.odd_lots(instrument, instrument.odd, stamp, rng))

    def _publish_indices(self, *, always: bool = False) -> None:
        """Tell of indices that changed, at most once a second; of all of them when a day or a session begins."""
        if not always and self.now_s - self._published_s < _INDEX_INTERVAL_S:
            return
        self._published_s = self.now_s
        for index in self._indices.values():
            before = index.figures
            if not (index.refresh() or always):
                continue
            if index.id in _PUT_THROUGH and index.session == "LO" and self._rng.random() < _PUT_THROUGH_SHARE:
                shares = self._rng.randrange(20_000, 500_000)
                index.put_through_vol += shares
                index.put_through_vnd += shares * self._rng.randrange(8_000, 60_000)
            self._tell(messages.index(index, self._stamp))
            if index.figures.value != before.value:
                volume = index.figures.total_vol - before.total_vol
                self._tell(messages.bar(index.id, index.figures.value, volume, self._stamp))


_PUT_THROUGH = ("VNINDEX", "HNXIndex", "HNXUpcomIndex")


def _can_change(instrument: Instrument) -> bool:
    """Whether events can happen to an instrument in its present session."""
    if not instrument.listing.weight:
        return False
    if instrument.session == "PLO":
        return instrument.last > 0  # there must be a closing price to trade at
    return instrument.session in ("ATO", "LO", "ATC")
