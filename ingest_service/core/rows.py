"""
The rows that are published: one type a channel, each field with its meaning and unit.

Field names and units are public. Every field is always there; what is not known is null. Integers stay below 2^53.

The types describe plain dicts, which is what the hot path builds. `row_type` gives a row's checker; `core/schema.py`
makes of all types the document that readers get, and docs/tables.md is made of that one.
"""

from collections.abc import Mapping
from functools import cache
from typing import Annotated, Literal, NamedTuple, TypeAlias

from pydantic import ConfigDict, Field, TypeAdapter, ValidationError, with_config
from pydantic.config import JsonDict
from pydantic.fields import FieldInfo
from typing_extensions import TypedDict  # pydantic reads no other before Python 3.12

from ingest_service.core.rounding import Price
from ingest_service.core.sessions import Phase
from ingest_service.core.units import MarkedAverage, MarkedPrice, Unit, described
from shared.channels import Channel, Internal, Stored
from shared.table import Row

_STRICT = ConfigDict(strict=True, extra="forbid", allow_inf_nan=False)

Level: TypeAlias = list[Price | None]  # price (null: an auction order at whatever price), volume
FeedState: TypeAlias = Literal["live", "quiet", "stale", "down"]
Side: TypeAlias = Literal["active_buy", "active_sell", "neutral"]
AlertKind: TypeAlias = Literal["ceiling", "floor", "volume_spike", "foreign_acceleration", "basis_flip", "imbalance"]
InstrumentType: TypeAlias = Literal["stock", "warrant", "future", "etf", "bond", "fund", "other"]

# Keys of rows that stand beside those of symbols and exchanges.
TOTAL_KEY = "_total"
FEED_KEY = "feed"

_Natural: TypeAlias = Annotated[int, Field(ge=0)]
_Day: TypeAlias = Annotated[str, Field(json_schema_extra={"format": "date"})]


def _items(*items: JsonDict) -> JsonDict:
    """A list of just these: pydantic's word for that is a tuple, which no JSON reader makes."""
    return {"prefixItems": list(items), "items": False}


_PRICE_ITEM: JsonDict = {
    "unit": "price",
    "anyOf": [{"type": "integer", "unit": "VND"}, {"type": "number", "unit": "points", "decimals": 1}],
}
_BookLevel: TypeAlias = Annotated[
    Level,
    Field(
        min_length=2,
        max_length=2,
        json_schema_extra=_items(
            {
                "title": "price",
                "description": "`null`: auction orders at whatever price",
                "anyOf": [_PRICE_ITEM, {"type": "null"}],
                "unit": "price",
            },
            {"title": "volume", "description": "in all", "type": "integer", "unit": "shares or contracts"},
        ),
    ),
]
_TickSize: TypeAlias = Annotated[
    Level,
    Field(
        min_length=2,
        max_length=2,
        json_schema_extra=_items(
            {"title": "from_price", "description": "from this price on", **_PRICE_ITEM},
            {"title": "tick", "description": "the price step", **_PRICE_ITEM},
        ),
    ),
]

# Fields that several rows have.
_Exchange: TypeAlias = Annotated[str | None, described("where it is listed", "name")]
_TimeMs: TypeAlias = Annotated[int | None, described("the exchange's time of the last message", "Unix ms")]
_Reference: TypeAlias = Annotated[MarkedPrice | None, described("reference price of the day", "price")]
_Ceiling: TypeAlias = Annotated[MarkedPrice | None, described("highest price allowed today", "price")]
_Floor: TypeAlias = Annotated[MarkedPrice | None, described("lowest price allowed today", "price")]
_Last: TypeAlias = Annotated[MarkedPrice | None, described("price of the last match", "price")]
_Change: TypeAlias = Annotated[MarkedPrice | None, described("`last - reference`", "price")]
_ChangePct: TypeAlias = Annotated[float | None, described("`change / reference`", "per cent", 2)]
_SESSIONS = "`ATO`, `LO` (continuous), `BREAK`, `ATC`, `PT` (put-through), `PLO`, `C` (closed) or `H` (halted)"


@with_config(_STRICT)
class SideVolumes(TypedDict):
    """Volumes traded in one session, by the side that took the initiative."""

    active_buy: Annotated[_Natural, described("bought at the ask", "shares or contracts")]
    active_sell: Annotated[_Natural, described("sold at the bid", "shares or contracts")]
    neutral: Annotated[_Natural, described("auctions, and trades whose side is not known", "shares or contracts")]


@with_config(_STRICT)
class MarketRow(TypedDict):
    """
    One instrument today: shares, warrants, ETFs and futures alike.

    Always: `active_buy_volume + active_sell_volume + neutral_volume + unseen_volume = total_volume`, and each of the
    first three is the sum of its part in the four sessions. Values add up to `total_value` in the same way, and numbers
    of trades to `trades`, by side and by session.
    """

    exchange: _Exchange
    reference: _Reference
    ceiling: _Ceiling
    floor: _Floor
    open: Annotated[
        MarkedPrice | None,
        described("first price; `null` before the first trade, as are the other traded prices", "price"),
    ]
    high: Annotated[MarkedPrice | None, described("highest price", "price")]
    low: Annotated[MarkedPrice | None, described("lowest price", "price")]
    last: _Last
    last_volume: Annotated[_Natural | None, described("volume of the last match", "shares or contracts")]
    change: _Change
    change_pct: _ChangePct
    average: Annotated[MarkedAverage | None, described("value by volume; of index futures with 2 decimals", "price")]
    total_volume: Annotated[_Natural | None, described("matched today", "shares or contracts")]
    total_value: Annotated[_Natural | None, described("matched today", "VND")]
    bids: Annotated[
        list[_BookLevel],
        described(
            "best first, at most 10, without empty levels; a price of `null` is of auction orders at whatever price",
            None,
        ),
    ]
    asks: Annotated[list[_BookLevel], described("the same for offers", None)]
    expected_price: Annotated[
        MarkedPrice | None, described("expected price of the auction; `null` at other times", "price")
    ]
    session: Annotated[str | None, described(f"session of the instrument: {_SESSIONS}", "code")]
    status: Annotated[
        str | None, described("`N` normal, `H` halted, `S` suspended, `NL` newly listed, …, as sent", "code")
    ]
    time: _TimeMs
    active_buy_volume: Annotated[_Natural, described("bought at the ask", "shares or contracts")]
    active_sell_volume: Annotated[_Natural, described("sold at the bid", "shares or contracts")]
    neutral_volume: Annotated[
        _Natural, described("auctions, and trades whose side is not known", "shares or contracts")
    ]
    unseen_volume: Annotated[
        _Natural,
        described("traded while the ingest was not looking, or corrected by the exchange", "shares or contracts"),
    ]
    ato_volumes: Annotated[SideVolumes, described("the first three, in the opening auction", None)]
    continuous_volumes: Annotated[SideVolumes, described("the same, in continuous trading", None)]
    atc_volumes: Annotated[SideVolumes, described("the same, in the closing auction", None)]
    other_volumes: Annotated[SideVolumes, described("the same, in any other session", None)]
    active_buy_value: Annotated[_Natural, described("bought at the ask", "VND")]
    active_sell_value: Annotated[_Natural, described("sold at the bid", "VND")]
    neutral_value: Annotated[_Natural, described("auctions, and trades whose side is not known", "VND")]
    unseen_value: Annotated[
        _Natural, described("traded while the ingest was not looking, or corrected by the exchange", "VND")
    ]
    ato_value: Annotated[_Natural, described("of the first three, traded in the opening auction", "VND")]
    continuous_value: Annotated[_Natural, described("the same, in continuous trading", "VND")]
    atc_value: Annotated[_Natural, described("the same, in the closing auction", "VND")]
    other_value: Annotated[_Natural, described("the same, in any other session", "VND")]
    trades: Annotated[_Natural, described("matches that were seen today", "count")]
    active_buy_trades: Annotated[_Natural, described("matches at the ask", "count")]
    active_sell_trades: Annotated[_Natural, described("matches at the bid", "count")]
    neutral_trades: Annotated[_Natural, described("matches in auctions, and those whose side is not known", "count")]
    ato_trades: Annotated[_Natural, described("matches in the opening auction", "count")]
    continuous_trades: Annotated[_Natural, described("matches in continuous trading", "count")]
    atc_trades: Annotated[_Natural, described("matches in the closing auction", "count")]
    other_trades: Annotated[_Natural, described("matches in any other session", "count")]
    minute_start: Annotated[
        int | None, described("begin of the minute of the last match, by the exchange's time", "Unix ms")
    ]
    minute_open: Annotated[MarkedPrice | None, described("first price of that minute; its last one is `last`", "price")]
    minute_high: Annotated[MarkedPrice | None, described("highest price of that minute", "price")]
    minute_low: Annotated[MarkedPrice | None, described("lowest price of that minute", "price")]


@with_config(_STRICT)
class ForeignRow(TypedDict):
    """What foreigners traded today in one symbol, and may still buy."""

    buy_volume: Annotated[_Natural | None, described("bought", "shares")]
    sell_volume: Annotated[_Natural | None, described("sold", "shares")]
    net_volume: Annotated[int | None, described("bought - sold", "shares")]
    buy_value: Annotated[_Natural | None, described("bought", "VND")]
    sell_value: Annotated[_Natural | None, described("sold", "VND")]
    net_value: Annotated[int | None, described("bought - sold", "VND")]
    total_room: Annotated[_Natural | None, described("what foreigners may hold together", "shares")]
    current_room: Annotated[_Natural | None, described("what foreigners may still buy", "shares")]
    buy_speed_per_min: Annotated[
        _Natural,
        described("bought a minute, over the last five minutes", "shares a minute"),
    ]
    sell_speed_per_min: Annotated[_Natural, described("sold a minute, likewise", "shares a minute")]
    buy_acceleration: Annotated[
        int, described("`buy_speed_per_min`, less what it was five minutes before", "shares a minute")
    ]
    sell_acceleration: Annotated[
        int, described("`sell_speed_per_min`, less what it was five minutes before", "shares a minute")
    ]
    time: _TimeMs


@with_config(_STRICT)
class NetFlow(TypedDict):
    """One line of the lists of the most bought and most sold."""

    symbol: Annotated[str, described("which", "symbol")]
    net_value: Annotated[int, described("bought - sold", "VND")]
    net_volume: Annotated[int, described("bought - sold", "shares")]


@with_config(_STRICT)
class ForeignTotalRow(TypedDict):
    """The sums over all symbols."""

    buy_volume: Annotated[_Natural, described("bought", "shares")]
    sell_volume: Annotated[_Natural, described("sold", "shares")]
    net_volume: Annotated[int, described("bought - sold", "shares")]
    buy_value: Annotated[_Natural, described("bought", "VND")]
    sell_value: Annotated[_Natural, described("sold", "VND")]
    net_value: Annotated[int, described("bought - sold", "VND")]
    top_buyers: Annotated[
        list[NetFlow], Field(max_length=5), described("the five symbols most bought on balance, by value", None)
    ]
    top_sellers: Annotated[
        list[NetFlow], Field(max_length=5), described("the five most sold on balance, likewise", None)
    ]
    time: Annotated[int | None, described("the newest time of its rows", "Unix ms")]


@with_config(_STRICT)
class IndexRow(TypedDict):
    """One index."""

    name: Annotated[str | None, described("its name in the feed", "text")]
    exchange: Annotated[str | None, described("whose index it is", "name")]
    value: Annotated[float | None, described("its value", "points", 2)]
    reference: Annotated[float | None, described("previous close", "points", 2)]
    change: Annotated[float | None, described("`value - reference`", "points", 2)]
    change_pct: _ChangePct
    total_volume: Annotated[_Natural | None, described("order-matched", "shares")]
    total_value: Annotated[_Natural | None, described("order-matched", "VND")]
    put_through_volume: Annotated[_Natural | None, described("put through", "shares")]
    put_through_value: Annotated[_Natural | None, described("put through", "VND")]
    trades: Annotated[_Natural | None, described("number of trades; the feed often says 0", "count")]
    advances: Annotated[
        _Natural | None,
        described(
            "symbols above their reference; counted from the components where the feed does not count (VN30)", "count"
        ),
    ]
    unchanged: Annotated[_Natural | None, described("symbols at their reference", "count")]
    declines: Annotated[_Natural | None, described("symbols below their reference", "count")]
    ceilings: Annotated[_Natural | None, described("of the advances, those at the ceiling price", "count")]
    floors: Annotated[_Natural | None, described("of the declines, those at the floor price", "count")]
    expected_value: Annotated[float | None, described("expected value; during auctions only", "points", 2)]
    session: Annotated[str | None, described(f"session of the index: {_SESSIONS}", "code")]
    time: _TimeMs


@with_config(_STRICT)
class DerivativesRow(TypedDict):
    """One futures contract with its basis, which moves with the contract and with the index."""

    name: Annotated[str, described("the familiar name: `VN30F2612` for `41I1GC000`", "text")]
    last: _Last
    reference: _Reference
    ceiling: _Ceiling
    floor: _Floor
    change: _Change
    change_pct: _ChangePct
    bid_price: Annotated[MarkedPrice | None, described("best bid", "price")]
    bid_volume: Annotated[_Natural | None, described("volume at the best bid", "contracts")]
    ask_price: Annotated[MarkedPrice | None, described("best ask", "price")]
    ask_volume: Annotated[_Natural | None, described("volume at the best ask", "contracts")]
    total_volume: Annotated[_Natural | None, described("matched today", "contracts")]
    total_value: Annotated[_Natural | None, described("matched today", "VND")]
    underlying: Annotated[str, described("`VN30`, `VN100`; `GB05`, `GB10`: government bonds", "symbol")]
    underlying_value: Annotated[float | None, described("value of the underlying index", "points", 2)]
    basis: Annotated[float | None, described("`last - underlying_value`", "points", 2)]
    basis_pct: Annotated[float | None, described("`basis / underlying_value`", "per cent", 2)]
    premium: Annotated[
        bool | None, described("`true` above the index, `false` below, `null` at it or not known", "true or false")
    ]
    expiry: Annotated[_Day | None, described("last trading day", "day")]
    active: Annotated[
        bool,
        described(
            "of the contracts on this underlying the one with the largest volume today; before any has traded, and "
            "among equals, the first to expire",
            "true or false",
        ),
    ]
    time: Annotated[int | None, described("the newer of the contract's and the index's time", "Unix ms")]


@with_config(_STRICT)
class TradeRow(TypedDict):
    """
    One match: the tape holds the newest ones of each symbol.

    Each has its number, so whoever is told less often than matches come sees by the numbers how many are missing. A
    match is a rise of the day's total: two of them that the feed tells by one message are one.
    """

    number: Annotated[Annotated[int, Field(gt=0)], described("counts the symbol's matches of the day, from 1", "count")]
    time: Annotated[int | None, described("the exchange's time", "Unix ms")]
    price: Annotated[MarkedPrice | None, described("price", "price")]
    volume: Annotated[Annotated[int, Field(gt=0)], described("volume", "shares or contracts")]
    value: Annotated[_Natural, described("value; 0 if the feed did not tell", "VND")]
    side: Annotated[Side, described("who took the initiative", "name")]
    session: Annotated[str | None, described(f"session of the instrument: {_SESSIONS}", "code")]


@with_config(_STRICT)
class BarRow(TypedDict):
    """
    The matches of one minute: of the present one and of the one before.

    The whole day of a symbol is at `GET /api/bars/{symbol}`.
    """

    start: Annotated[int, described("begin of the minute, by the exchange's time", "Unix ms")]
    open: Annotated[MarkedPrice, described("price of the first match", "price")]
    high: Annotated[MarkedPrice, described("highest price", "price")]
    low: Annotated[MarkedPrice, described("lowest price", "price")]
    close: Annotated[MarkedPrice, described("price of the last match", "price")]
    volume: Annotated[_Natural, described("matched", "shares or contracts")]
    value: Annotated[_Natural, described("matched, as far as the feed told", "VND")]
    trades: Annotated[_Natural, described("matches", "count")]


@with_config(_STRICT)
class Mover(TypedDict):
    """One line of the lists of movers."""

    symbol: Annotated[str, described("which", "symbol")]
    last: _Last
    change: _Change
    change_pct: _ChangePct
    total_volume: Annotated[_Natural | None, described("matched today", "shares")]
    total_value: Annotated[_Natural | None, described("matched today", "VND")]


@with_config(_STRICT)
class MoversRow(TypedDict):
    """
    The shares of one market that moved most, ten a list at most; neither warrants nor ETFs, funds and bonds.

    Among equals those with more value lead, then the alphabet. Each list is made anew once a second of the market's
    time, from the rows of `market` or `foreign` as they stand then.
    """

    gainers: Annotated[
        list[Mover], Field(max_length=10), described("above their reference, by `change_pct`, the largest first", None)
    ]
    losers: Annotated[
        list[Mover], Field(max_length=10), described("below their reference, by `change_pct`, the least first", None)
    ]
    by_value: Annotated[
        list[Mover], Field(max_length=10), described("traded today, by `total_value`, the largest first", None)
    ]
    by_volume: Annotated[
        list[Mover], Field(max_length=10), described("traded today, by `total_volume`, the largest first", None)
    ]
    foreign_bought: Annotated[
        list[NetFlow], Field(max_length=10), described("most bought by foreigners on balance, by `net_value`", None)
    ]
    foreign_sold: Annotated[
        list[NetFlow], Field(max_length=10), described("most sold by foreigners on balance, by `net_value`", None)
    ]


@with_config(_STRICT)
class BreadthRow(TypedDict):
    """
    How many symbols of one market went which way: of an exchange its shares, of an index its components.

    Counted from the rows of `market` once a second of the market's time; the exchange's own counts, where it has some,
    are in `index`. Always: `advances + unchanged + declines + untraded = symbols`.
    """

    symbols: Annotated[_Natural, described("symbols that the feed has told of today", "count")]
    advances: Annotated[_Natural, described("symbols above their reference", "count")]
    unchanged: Annotated[_Natural, described("symbols at their reference", "count")]
    declines: Annotated[_Natural, described("symbols below their reference", "count")]
    ceilings: Annotated[_Natural, described("of the advances, those at the ceiling price", "count")]
    floors: Annotated[_Natural, described("of the declines, those at the floor price", "count")]
    untraded: Annotated[_Natural, described("symbols without a match today", "count")]


@with_config(_STRICT)
class SectorRow(BreadthRow):
    """
    What the shares of one sector of HOSE do together.

    A sector has a row once the components of its index are known; the index itself, weighted by capitalisation, is in
    `index`. Made anew once a second of the market's time, from the rows of `market` and `foreign`.
    """

    change_pct: Annotated[
        float | None,
        described("mean of `change_pct` of its shares, weighted by `total_value`; `null`: none traded", "per cent", 2),
    ]
    total_volume: Annotated[_Natural, described("matched today", "shares")]
    total_value: Annotated[_Natural, described("matched today", "VND")]
    foreign_net_value: Annotated[int, described("bought - sold by foreigners today", "VND")]


@with_config(_STRICT)
class FlowRow(TypedDict):
    """
    The order flow of one instrument over the last five minutes, from its first match on.

    Made of the totals by side in `market`, at most once a second, in steps of ten seconds of the feed's time, of which
    the present one counts whole. Falls back to zero when nothing more is matched. Auctions are on neither side.
    """

    buy_speed_per_min: Annotated[_Natural, described("bought at the ask a minute", "shares or contracts a minute")]
    sell_speed_per_min: Annotated[_Natural, described("sold at the bid a minute", "shares or contracts a minute")]
    net_speed_per_min: Annotated[
        int, described("`buy_speed_per_min - sell_speed_per_min`", "shares or contracts a minute")
    ]
    buy_trades_per_min: Annotated[
        Annotated[float, Field(ge=0)], described("matches at the ask a minute", "matches a minute", 1)
    ]
    sell_trades_per_min: Annotated[
        Annotated[float, Field(ge=0)], described("matches at the bid a minute", "matches a minute", 1)
    ]
    imbalance: Annotated[
        Annotated[float, Field(ge=0)] | None,
        described("volume bought by volume sold; `null` if nothing was sold", "ratio", 2),
    ]
    acceleration: Annotated[
        int, described("`net_speed_per_min`, less what it was five minutes before", "shares or contracts a minute")
    ]


@with_config(_STRICT)
class BasisRow(TypedDict):
    """
    The basis of one futures contract in one minute: in the present one and in the one before.

    It moves with the contract and with its index; a minute without news of either has no row. The whole day of a
    contract is at `GET /api/basis/{symbol}`.
    """

    start: Annotated[
        int, described("begin of the minute, by the newer of the contract's and the index's time", "Unix ms")
    ]
    last: Annotated[MarkedPrice, described("price of the contract at the end of the minute", "price")]
    underlying_value: Annotated[float, described("value of the index at the end of the minute", "points", 2)]
    basis: Annotated[float, described("`last - underlying_value`", "points", 2)]
    basis_pct: Annotated[float | None, described("`basis / underlying_value`", "per cent", 2)]
    high: Annotated[float, described("highest basis of the minute", "points", 2)]
    low: Annotated[float, described("lowest basis of the minute", "points", 2)]


@with_config(_STRICT)
class SymbolRow(TypedDict):
    """What an instrument is."""

    name_vi: Annotated[str | None, described("Vietnamese name", "text")]
    name_en: Annotated[str | None, described("English name", "text")]
    exchange: _Exchange
    type: Annotated[InstrumentType, described("what kind of instrument", "name")]
    lot_size: Annotated[Annotated[int, Field(gt=0)] | None, described("board lot", "shares or contracts")]
    ticks: Annotated[list[_TickSize], described("the price step from each price on; empty if not known", None)]
    underlying: Annotated[str | None, described("of futures the index, of warrants the share", "symbol")]
    expiry: Annotated[_Day | None, described("last trading day of futures and warrants", "day")]


@with_config(_STRICT)
class GroupRow(TypedDict):
    """A list of symbols that clients select by name (`@VN30`)."""

    keys: Annotated[
        list[Annotated[str, Field(json_schema_extra={"unit": "symbol"})]],
        described("the symbols; of futures the front month first", None),
    ]


@with_config(_STRICT)
class FeedRow(TypedDict):
    """
    The link from the ingest to the exchange.

    Clients are told of it by the message `status`, with the rest of the road.
    """

    state: Annotated[FeedState, described("`quiet`: no data is due now; `stale`: data is due, none comes", "name")]
    reason: Annotated[str | None, described("why, in words; `null` if all is well", "text")]
    changed_at: Annotated[int, described("when state or reason changed", "Unix ms")]
    day: Annotated[_Day | None, described("trading day of the rows", "day")]
    simulated: Annotated[bool, described("the exchange is a simulator, and its prices are invented", "true or false")]
    replay_time: Annotated[
        int | None, described("a recording is played: its time, in whole seconds; `null`: the feed is live", "Unix ms")
    ]


@with_config(_STRICT)
class PhaseRow(TypedDict):
    """The phase an exchange is in."""

    phase: Annotated[Phase, described("what may be done there now", "name")]
    changed_at: Annotated[int, described("when it was noticed", "Unix ms")]


_Steps: TypeAlias = Annotated[list[int], described("numbers of steps of 10 s since 1970, oldest first", "count")]


def _before_steps(meaning: str, unit: Unit) -> FieldInfo:
    return described(f"{meaning} before each of the steps", unit)


@with_config(_STRICT)
class WindowRow(TypedDict):
    """What foreigners had bought and sold in one symbol before each of the steps behind its speeds."""

    steps: _Steps
    bought: Annotated[list[int], _before_steps("bought", "shares")]
    sold: Annotated[list[int], _before_steps("sold", "shares")]


@with_config(_STRICT)
class FlowWindowRow(TypedDict):
    """The totals of one symbol before each of the steps behind its order flow."""

    steps: _Steps
    bought: Annotated[list[int], _before_steps("bought at the ask", "shares or contracts")]
    sold: Annotated[list[int], _before_steps("sold at the bid", "shares or contracts")]
    buys: Annotated[list[int], _before_steps("matches at the ask", "count")]
    sells: Annotated[list[int], _before_steps("matches at the bid", "count")]


@with_config(_STRICT)
class MinutesRow(TypedDict):
    """The complete bars of one symbol in one hour of the day."""

    bars: Annotated[list[BarRow], Field(max_length=60), described("oldest first", None)]


@with_config(_STRICT)
class BasisMinutesRow(TypedDict):
    """The complete points of the basis of one contract in one hour of the day."""

    points: Annotated[list[BasisRow], Field(max_length=60), described("oldest first", None)]


@with_config(_STRICT)
class OddLotRow(TypedDict):
    """
    The odd-lot board of one instrument: orders of less than a board lot.

    It is empty if `OL` is not among the ingest's `SSI_CHANNELS`.
    """

    exchange: _Exchange
    reference: _Reference
    ceiling: _Ceiling
    floor: _Floor
    open: Annotated[
        MarkedPrice | None,
        described("first price of an odd lot; `null` before the first match, as are the other traded prices", "price"),
    ]
    high: Annotated[MarkedPrice | None, described("highest price of an odd lot", "price")]
    low: Annotated[MarkedPrice | None, described("lowest price of an odd lot", "price")]
    last: Annotated[MarkedPrice | None, described("price of the last match of an odd lot", "price")]
    last_volume: Annotated[_Natural | None, described("volume of that match", "shares")]
    change: _Change
    change_pct: _ChangePct
    total_volume: Annotated[_Natural | None, described("matched today, round and odd lots together", "shares")]
    total_value: Annotated[_Natural | None, described("matched today, round and odd lots together", "VND")]
    bids: Annotated[list[_BookLevel], described("of odd lots, best first, at most 3, without empty levels", None)]
    asks: Annotated[list[_BookLevel], described("the same for offers", None)]
    session: Annotated[str | None, described(f"session of the instrument: {_SESSIONS}", "code")]
    status: Annotated[str | None, described("`N` normal, `H` halted, `S` suspended, …, as sent", "code")]
    time: _TimeMs


@with_config(_STRICT)
class AlertRow(TypedDict):
    """
    What happened that one may want to know at once; the newest 200 of the day.

    `ceiling`, `floor`: the last price has come to that limit.

    `volume_spike`: a minute of continuous trading has more than three times the mean volume of the last 20 minutes with
    trades, 10 at least.

    `foreign_acceleration`: foreigners' balance of the day has moved within five minutes by more than 30 % of what it
    was, and by 1 billion VND at least.

    `basis_flip`: an index future has come from above its index to below, or back.

    `imbalance`: one side has traded more than three times the value of the other within five minutes, and both together
    5 billion VND at least.

    The figures are settings of the ingest. The five minutes are counted in steps of 30 s, so they may be half a minute
    shorter. The last three kinds are states, and told when they begin. Of one kind and symbol at most one a minute is
    told. Whichever ingest leads, numbers go on, and nothing is told twice. What is behind an alert is `null` in those
    of other kinds.
    """

    number: Annotated[int, Field(gt=0), described("counts the alerts of the day, from 1", "count")]
    time: Annotated[int, described("the exchange's time of the message that brought it", "Unix ms")]
    kind: Annotated[AlertKind, described("what happened", "name")]
    symbol: Annotated[str, described("of which instrument; clients filter by it", "symbol")]
    severity: Annotated[
        Literal["critical", "warning"], described("`critical`: limits and spikes of the volume", "name")
    ]
    price: Annotated[MarkedPrice | None, described("last price then", "price")]
    minute_volume: Annotated[
        _Natural | None, described("`volume_spike`: traded in this minute so far", "shares or contracts")
    ]
    usual_volume: Annotated[
        _Natural | None, described("`volume_spike`: the mean that it is compared with", "shares or contracts")
    ]
    net_value: Annotated[int | None, described("`foreign_acceleration`: bought - sold by foreigners today", "VND")]
    earlier_net_value: Annotated[int | None, described("`foreign_acceleration`: the same five minutes earlier", "VND")]
    basis: Annotated[float | None, described("`basis_flip`: `price - underlying_value`", "points", 2)]
    underlying_value: Annotated[float | None, described("`basis_flip`: value of the underlying index", "points", 2)]
    buy_value: Annotated[_Natural | None, described("`imbalance`: bought at the ask within five minutes", "VND")]
    sell_value: Annotated[_Natural | None, described("`imbalance`: sold at the bid within five minutes", "VND")]


@with_config(_STRICT)
class LookbackRow(TypedDict):
    """Totals of the day of one symbol at the steps of the last minutes, for its alerts of one kind."""

    steps: Annotated[
        list[Annotated[list[int], Field(min_length=2, max_length=3)]],
        Field(min_length=1),
        described("[step of 30 s since 1970, totals at its end or until now, …], VND, oldest first", None),
    ]


@with_config(_STRICT)
class ToldRow(TypedDict):
    """What was told by the alerts of one kind and symbol."""

    time: Annotated[int | None, described("of the last one; `null`: none was told today", "Unix ms")]
    state: Annotated[
        int, Field(ge=-1, le=1), described("0: it does not hold now; 1, -1: it does, upwards, downwards", "count")
    ]


AnyRow: TypeAlias = (
    MarketRow
    | ForeignRow
    | ForeignTotalRow
    | IndexRow
    | DerivativesRow
    | SymbolRow
    | GroupRow
    | FeedRow
    | PhaseRow
    | TradeRow
    | BarRow
    | MinutesRow
    | WindowRow
    | MoversRow
    | BreadthRow
    | SectorRow
    | FlowRow
    | FlowWindowRow
    | BasisRow
    | BasisMinutesRow
    | OddLotRow
    | AlertRow
    | LookbackRow
    | ToldRow
)


class TableForm(NamedTuple):
    """What stands in a table."""

    key: str  # what the key of a row is
    row: type[AnyRow]
    special: Mapping[str, type[AnyRow]] = {}  # by key: the rows of another type than the others


#: Of each table, in the order of the documents.
TABLES: dict[Stored, TableForm] = {
    Channel.MARKET: TableForm("its symbol", MarketRow),
    Channel.FOREIGN: TableForm("the symbol", ForeignRow, {TOTAL_KEY: ForeignTotalRow}),
    Channel.INDEX: TableForm(
        "its id as the feed spells it (`VNINDEX`, `VN30`, `HNXIndex`, `HNX30`, `HNXUpcomIndex`, …)", IndexRow
    ),
    Channel.DERIVATIVES: TableForm("its code (`41I1GC000`)", DerivativesRow),
    Channel.TRADES: TableForm(
        "the symbol and a place in its ring, `SSI#0` to `SSI#19`; clients name `SSI` for all of them", TradeRow
    ),
    Channel.BARS: TableForm(
        "the symbol, and whether the minute is even or odd, `SSI#0` or `SSI#1`; clients name `SSI` for both", BarRow
    ),
    Channel.MOVERS: TableForm("the exchanges `HOSE`, `HNX`, `UPCOM`; the index `VN30`", MoversRow),
    Channel.BREADTH: TableForm("the exchanges `HOSE`, `HNX`, `UPCOM`; the indices `VN30` and `HNX30`", BreadthRow),
    Channel.SECTORS: TableForm(
        "the sector's index: `VNCOND`, `VNCONS`, `VNENE`, `VNFIN`, `VNHEAL`, `VNIND`, `VNIT`, `VNMAT`, `VNREAL` or "
        "`VNUTI`",
        SectorRow,
    ),
    Channel.FLOW: TableForm("its symbol", FlowRow),
    Channel.BASIS: TableForm(
        "the contract's code, and whether the minute is even or odd, `41I1GC000#0` or `41I1GC000#1`; clients name "
        "`41I1GC000` for both",
        BasisRow,
    ),
    Channel.ODDLOT: TableForm("its symbol", OddLotRow),
    Channel.ALERTS: TableForm("`alert` and a place in the ring of the newest ones, `alert#0` to `alert#199`", AlertRow),
    Channel.SYMBOLS: TableForm("its symbol", SymbolRow),
    Channel.GROUPS: TableForm(
        "the indices `VN30` and `HNX30` and those of `sectors`; the exchanges `HOSE`, `HNX`, `UPCOM`; `futures`, "
        "`warrants`, `etfs`",
        GroupRow,
    ),
    Channel.STATUS: TableForm("`HOSE`, `HNX`, `UPCOM` or `DERIVATIVES`", PhaseRow, {FEED_KEY: FeedRow}),
    Internal.WINDOWS: TableForm("the symbol", WindowRow),
    Internal.LOOKBACKS: TableForm("the symbol and the kind of alert: `SSI#imbalance`", LookbackRow),
    Internal.TOLD: TableForm("the symbol and the kind of alert: `SSI#imbalance`", ToldRow),
    Internal.MINUTES: TableForm("the symbol and the hour in Vietnam: `SSI#9`", MinutesRow),
    Internal.FLOW_WINDOWS: TableForm("the symbol", FlowWindowRow),
    Internal.BASIS_MINUTES: TableForm("the contract's code and the hour in Vietnam: `41I1GC000#9`", BasisMinutesRow),
}


def row_type(channel: Stored, key: str = "") -> TypeAdapter[AnyRow]:
    """
    The type of a row: `.validate_python(row)` checks it strictly.

    Two channels have one row of another type than their others: foreign has `_total`, status has `feed`.
    """
    return _adapter(channel, key if key in TABLES[channel].special else "")


@cache
def _adapter(channel: Stored, special_key: str) -> TypeAdapter[AnyRow]:
    form = TABLES[channel]
    return TypeAdapter(form.special.get(special_key, form.row))


def is_of_this_form(channel: Stored, key: str, row: Row) -> bool:
    """Whether a stored row is one that this version could have written."""
    try:
        row_type(channel, key).validate_python(row)
    except ValidationError:
        return False
    return True
