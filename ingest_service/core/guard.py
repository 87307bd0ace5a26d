"""
The guard: what no message may say, wherever it comes from.

A traded price beyond the day's band, or between two price steps; a total of the day that falls; a time that has not
come yet. Nothing of such a message is taken. But exchanges do correct totals, and what is known here of bands, price
steps and clocks may be wrong: what several messages in a row agree upon is the new truth.
"""

import math
from collections import Counter
from collections.abc import Iterable, Mapping
from typing import Literal, TypeAlias

from ingest_service.core.invalid_row import InvalidRow
from ingest_service.core.rounding import Price
from ingest_service.core.rows import Level, MarketRow, OddLotRow, SymbolRow
from ingest_service.core.sessions import midnight_ms
from ingest_service.core.symbols import ticks_of, type_of
from ingest_service.core.ticks import OddLotTick, SecurityTick, Tick

Crime: TypeAlias = Literal["off_band", "off_tick", "falling_total", "future_time"]
#: The numbers behind it, by name.
Facts: TypeAlias = Mapping[str, Price]
#: Totals of the day, None for one that is not told.
Totals: TypeAlias = tuple[int | None, ...]

#: So many messages in a row that agree with one another are believed.
AGREEING = 5
#: After so many in a row, be they as different as they like, the rules are wrong: no symbol is stopped for good.
ENOUGH = 4 * AGREEING
#: … if they came over so long a time at least: a burst of nonsense in a busy minute is no rule.
ENOUGH_MS = 60_000
#: Times so far ahead may be right: clocks differ.
AHEAD_MS = 60_000
#: Prices that differ by no more than this part of the first agree: 7 %, the narrowest band of shares.
_AGREEING_PART = 0.07
#: How many symbols with offences are remembered: ten times what is ever listed.
MAX_OFFENDERS = 20_000

#: What is counted when it is believed.
_ODDITIES: dict[Crime, str] = {
    "off_band": "new_band",
    "off_tick": "new_price_step",
    "falling_total": "volume_correction",
    "future_time": "new_clock",
}
_Verdict: TypeAlias = tuple[Crime, Facts] | None
_TradedTick: TypeAlias = SecurityTick | OddLotTick
_TradedRow: TypeAlias = MarketRow | OddLotRow
#: Whose row a message would change: what type of tick, and its key in capitals.
_Who: TypeAlias = tuple[type[Tick], str]


class Offence(InvalidRow):
    """A message that the guard does not let pass. `facts` are the numbers that tell why."""

    def __init__(self, crime: Crime, tick: Tick, facts: Facts) -> None:
        super().__init__(crime, tick.data_type)
        self.key = tick.key
        self.time_ms = tick.time_ms  # the exchange's, Unix ms
        self.facts = facts


class _Offender:
    """What one symbol said against the rules since its last good message, and what was learned of it today."""

    __slots__ = ("agreeing", "began_ms", "crime", "facts", "false_band", "in_a_row", "steps_are_unknown")

    def __init__(self) -> None:
        self.in_a_row = 0
        self.began_ms = 0  # when the first of them came
        self.agreeing = 0  # the last ones of them
        self.crime: Crime | None = None  # the last one
        self.facts: Facts = {}
        self.false_band: tuple[Price, Price] | None = None  # the ceiling and floor that its prices do not keep
        self.steps_are_unknown = False

    @property
    def has_taught(self) -> bool:
        """Something was learned that counts for the rest of the day."""
        return self.steps_are_unknown or self.false_band is not None

    def is_believed(self, crime: Crime, facts: Facts, now_ms: int) -> bool:
        """Take one more offence; True if it and those before it are enough."""
        if not self.in_a_row:
            self.began_ms = now_ms
        agrees = crime == self.crime and _agree(self.facts, facts)
        self.agreeing = self.agreeing + 1 if agrees else 1
        self.in_a_row += 1
        self.crime, self.facts = crime, facts
        is_enough = self.in_a_row >= ENOUGH and now_ms - self.began_ms >= ENOUGH_MS
        return self.agreeing >= AGREEING or is_enough


def _agree(before: Facts, facts: Facts) -> bool:
    """Whether two offences of one kind can be of one truth: a total grows, time passes, prices move a little."""
    if "total" in facts:
        return facts["total"] >= before["total"]
    if "time" in facts:
        return facts["time"] >= before["time"] - AHEAD_MS
    same_band = all(facts.get(limit) == before.get(limit) for limit in ("ceiling", "floor"))
    return same_band and abs(facts["price"] - before["price"]) <= _AGREEING_PART * before["price"]


class Guard:
    """
    Judges each message before it changes anything; one `judge_…` for each, which raises Offence.

    `oddities`: where it counts what it came to believe. `now_ms`: the machine's time, Unix ms; until it is known, times
    are not judged. Nor are they with `any_time`: a simulated market has a clock of its own.
    """

    def __init__(self, oddities: Counter[str], now_ms: int | None = None, *, any_time: bool = False) -> None:
        self._oddities = oddities
        self._any_time = any_time
        self._now_ms = now_ms or 0
        self._newest_ms = 0  # the latest time that was told and believed
        self._limit_ms: float = math.inf if now_ms is None or any_time else now_ms + AHEAD_MS
        self._ahead_in_a_row = self._ahead_ms = 0  # messages with a time beyond the limit, whatever their symbols
        self._offenders: dict[_Who, _Offender] = {}
        self._unheard: set[_Who] = set()  # those with totals from before the link was opened

    def set_time(self, now_ms: int, market_ms: int) -> None:
        """The machine's time, and the market's: what the feed told last, and what has passed since. Unix ms."""
        self._now_ms = now_ms
        if not self._any_time:
            self._limit_ms = max(now_ms, market_ms, self._newest_ms) + AHEAD_MS

    def start_day(self) -> None:
        """What was learned on the day before is void."""
        self._offenders.clear()
        self._unheard.clear()

    def link_restored(self, held: Iterable[_Who]) -> None:
        """
        Nobody was looking for a while: what is told first of what is held, is so, be it less.

        Unless it is older than what is held: then it is an old message, repeated.
        """
        self._unheard = {(kind, key.upper()) for kind, key in held}

    def judge_trade(self, tick: _TradedTick, held: _TradedRow, known: Mapping[str, SymbolRow]) -> None:
        """Judge a message of prices and totals by the row that it would change, and by what instruments are known."""
        trade = tick.trade
        if trade is None:
            if (verdict := self._judge_time(tick)) is not None:
                self._accuse(tick, *verdict)
            return  # it proves nothing about prices and totals
        if self._is_usual(tick, held):
            verdict = None if trade.last == held["last"] else self._judge_price_step(tick, held, known)
        else:
            verdict = (
                self._judge_time(tick)
                or self._judge_total(tick, trade.total_volume, held["total_volume"], held["time"])
                or self._judge_price(tick, held, known)
            )
        if verdict is not None:
            self._accuse(tick, *verdict)
        else:
            self._acquit(tick)

    def judge_totals(self, tick: Tick, told: Totals = (), held: Totals = (), held_ms: int | None = None) -> None:
        """Judge any other message by its totals, and the same ones, and the time, of the row that it would change."""
        verdict = self._judge_time(tick)
        if verdict is None:
            for total, before in zip(told, held, strict=True):
                verdict = verdict or self._judge_total(tick, total, before, held_ms)
        if verdict is not None:
            self._accuse(tick, *verdict)
        else:
            self._acquit(tick)

    def _is_usual(self, tick: _TradedTick, held: _TradedRow) -> bool:
        """Nothing is wrong with it, the price step aside: at a glance, as nearly all messages are."""
        trade, prices, time_ms = tick.trade, tick.prices, tick.time_ms
        if trade is None or prices is None or time_ms is None or time_ms > self._newest_ms or self._ahead_in_a_row:
            return False
        last, _, total, _, _ = trade
        _, ceiling, floor, first, high, low, _, _ = prices
        if not (last and total and floor and first and high and low and ceiling):
            return False
        if ceiling != held["ceiling"] or floor != held["floor"]:
            return False
        return total >= (held["total_volume"] or 0) and floor <= low <= last <= high <= ceiling and low <= first <= high

    def _judge_time(self, tick: Tick) -> _Verdict:
        time_ms = tick.time_ms
        if time_ms is None:
            if tick.day is None or midnight_ms(tick.day) <= self._limit_ms:
                return None
            time_ms = midnight_ms(tick.day)
        elif time_ms <= self._newest_ms:
            self._ahead_in_a_row = 0
            return None
        elif time_ms <= self._limit_ms or self._is_new_clock(time_ms):
            self._newest_ms = time_ms
            self._limit_ms = max(self._limit_ms, time_ms + AHEAD_MS)
            self._ahead_in_a_row = 0
            return None
        return "future_time", {"time": time_ms, "latest": round(self._limit_ms)}

    def _is_new_clock(self, time_ms: int) -> bool:
        """Several messages in a row were ahead, of whatever symbols: it is our own clock that is wrong."""
        agrees = time_ms >= self._ahead_ms - AHEAD_MS
        self._ahead_in_a_row = self._ahead_in_a_row + 1 if agrees else 1
        self._ahead_ms = time_ms
        if self._ahead_in_a_row < AGREEING:
            return False
        self._oddities["new_clock"] += 1
        return True

    def _judge_total(self, tick: Tick, total: int | None, before: int | None, held_ms: int | None) -> _Verdict:
        if total is None or before is None or total >= before:
            return None
        # A simulated market may begin its day once more.
        is_older = not self._any_time and tick.time_ms is not None and held_ms is not None and tick.time_ms < held_ms
        if _who(tick) in self._unheard and not is_older:
            self._oddities["volume_correction"] += 1
            return None
        return "falling_total", {"total": total, "held": before}

    def _judge_price(self, tick: _TradedTick, held: _TradedRow, known: Mapping[str, SymbolRow]) -> _Verdict:
        trade, prices = tick.trade, tick.prices
        if trade is None or not trade.last or trade.total_volume == 0:
            return None  # before the first match the feed writes zeros, or a price of yesterday
        last = trade.last
        ceiling, floor = held["ceiling"] or 0, held["floor"] or 0
        bands = [(ceiling, floor)]
        told: tuple[Price | None, ...] = (last,)
        if prices is not None:
            # Where all prices are in another unit, so is the band that comes with them.
            bands.append((prices.ceiling or ceiling, prices.floor or floor))
            told = last, prices.high, prices.low, prices.open
        for ceiling, floor in bands:
            for price in told:
                if price and not floor <= price <= (ceiling or price):
                    if self._keeps_no_band(tick, held, (ceiling, floor)):
                        break
                    return "off_band", {"price": price, "ceiling": ceiling, "floor": floor}
        return None if last == held["last"] else self._judge_price_step(tick, held, known)

    def _keeps_no_band(self, tick: _TradedTick, held: _TradedRow, band: tuple[Price, Price]) -> bool:
        """On its first day an instrument may have another band than is told; what was put through is no match."""
        if (tick.status or held["status"]) == "NL" or _is_put_through(tick, held):
            return True
        offender = self._offenders.get(_who(tick))
        return offender is not None and offender.false_band == band

    def _judge_price_step(self, tick: _TradedTick, held: _TradedRow, known: Mapping[str, SymbolRow]) -> _Verdict:
        last = tick.trade and tick.trade.last
        if not isinstance(last, int):
            return None  # points: rounded to their step, 0.1, when they were read
        exchange, listed = tick.exchange or held["exchange"], known.get(tick.key)
        if listed is not None and exchange in (None, listed["exchange"]):
            levels = listed["ticks"]
        else:
            levels = ticks_of(tick.key, listed["type"] if listed else type_of(tick.key, exchange), exchange)
        step = _step_at(last, levels)
        if not step or last % step == 0 or _is_put_through(tick, held):
            return None
        offender = self._offenders.get(_who(tick))
        if offender is not None and offender.steps_are_unknown:
            return None
        return "off_tick", {"price": last, "tick": step}

    def _accuse(self, tick: Tick, crime: Crime, facts: Facts) -> None:
        """Raises Offence, unless the message is one of several in a row that agree."""
        who = _who(tick)
        offender = self._offenders.get(who)
        if offender is None:
            if len(self._offenders) >= MAX_OFFENDERS:
                del self._offenders[next(iter(self._offenders))]
            offender = self._offenders[who] = _Offender()
        if not offender.is_believed(crime, facts, self._now_ms):
            raise Offence(crime, tick, facts)
        self._oddities[_ODDITIES[crime]] += 1
        if offender.agreeing < AGREEING:
            return  # that so many are wrong does not say what is right: it teaches nothing that outlasts a good message
        if crime == "off_band":
            offender.false_band = facts["ceiling"], facts["floor"]
        elif crime == "off_tick":
            offender.steps_are_unknown = True

    def _acquit(self, tick: Tick) -> None:
        """A good message: what was said against the rules before it was wrong."""
        if not self._offenders and not self._unheard:
            return
        who = _who(tick)
        self._unheard.discard(who)
        offender = self._offenders.get(who)
        if offender is None:
            return
        offender.in_a_row = offender.agreeing = 0
        if not offender.has_taught:
            del self._offenders[who]


def _who(tick: Tick) -> _Who:
    return type(tick), tick.key.upper()  # ids of indices come in any case


def _is_put_through(tick: _TradedTick, held: _TradedRow) -> bool:
    return (tick.session or held["session"]) == "PT"


def _step_at(price: Price, levels: list[Level]) -> Price | None:
    """The price step at a price; None if it is not known."""
    found = None
    for start, step in levels:
        if start is not None and price >= start:
            found = step
    return found
