"""
The rows that are published: one type a channel, each field with its meaning and unit.

Field names and units are public. Every field is always there; what is not known is null. Prices are VND as integers,
but for index futures: points, floats with one decimal. Volumes are shares or contracts, values VND, times Unix ms.
Integers stay below 2^53; points and per cents have two decimals, unless said otherwise.

The types describe plain dicts, which is what the hot path builds. `row_type` gives a row's checker and schema.
"""

from functools import cache
from hashlib import sha256
from typing import Annotated, Literal, TypeAlias

import orjson
from pydantic import ConfigDict, Field, TypeAdapter, ValidationError, with_config
from typing_extensions import TypedDict  # pydantic reads no other before Python 3.12

from ingest_service.core.rounding import Price
from ingest_service.core.sessions import Phase
from shared.channels import Channel, Internal, Stored
from shared.table import Row

_STRICT = ConfigDict(strict=True, extra="forbid", allow_inf_nan=False)

Level: TypeAlias = list[Price | None]  # price (null: an auction order at whatever price), volume
FeedState: TypeAlias = Literal["live", "quiet", "stale", "down"]
Side: TypeAlias = Literal["active_buy", "active_sell", "neutral"]
InstrumentType: TypeAlias = Literal["stock", "warrant", "future", "etf", "bond", "fund", "other"]

# Keys of rows that stand beside those of symbols and exchanges.
TOTAL_KEY = "_total"
FEED_KEY = "feed"

_ExchangeName = Annotated[str | None, Field(description="HOSE, HNX, UPCOM, DERIVATIVES or HNXBOND")]
_Session = Annotated[
    str | None, Field(description="session code: ATO, LO, BREAK, ATC, PT, PLO, C (closed), H (halted), or as sent")
]
_TimeMs = Annotated[int | None, Field(description="the exchange's time of the last message, Unix ms")]
_PriceField = Annotated[Price | None, Field(description="price: VND; index futures: points, 1 decimal")]
_Volume = Annotated[int, Field(ge=0, description="shares or contracts")]
_VolumeField = Annotated[int | None, Field(ge=0, description="shares or contracts")]
_ValueField = Annotated[int | None, Field(ge=0, description="VND")]
_Points = Annotated[float | None, Field(description="index points, 2 decimals")]
_Percent = Annotated[float | None, Field(description="per cent, 2 decimals")]
_Count = Annotated[int | None, Field(ge=0, description="number of symbols")]


@with_config(_STRICT)
class SideVolumes(TypedDict):
    """Volumes traded in one phase, by the side that took the initiative."""

    active_buy: _Volume
    active_sell: _Volume
    neutral: _Volume


@with_config(_STRICT)
class BarRow(TypedDict):
    """The matches of one minute. Keys: `SSI#0` for even minutes, `SSI#1` for odd ones; the newer is the present one."""

    start: Annotated[int, Field(description="begin of the minute, the exchange's time, Unix ms")]
    open: Annotated[Price, Field(description="price of the first match: VND; index futures: points, 1 decimal")]
    high: Annotated[Price, Field(description="highest price: VND; index futures: points, 1 decimal")]
    low: Annotated[Price, Field(description="lowest price: VND; index futures: points, 1 decimal")]
    close: Annotated[Price, Field(description="price of the last match: VND; index futures: points, 1 decimal")]
    volume: Annotated[int, Field(ge=0, description="shares or contracts")]
    value: Annotated[int, Field(ge=0, description="VND")]
    trades: Annotated[int, Field(ge=0, description="number of matches")]


@with_config(_STRICT)
class TradeRow(TypedDict):
    """
    One match. Keys: the symbol, `#` and a place in the ring of the newest ones, `number` modulo its size.

    A match is a rise of the day's total, so two matches that the feed tells by one message are one.
    """

    number: Annotated[int, Field(gt=0, description="counts the symbol's matches of the day, from 1")]
    time: _TimeMs
    price: _PriceField
    volume: Annotated[int, Field(gt=0, description="shares or contracts")]
    value: Annotated[int, Field(ge=0, description="VND; 0 if the feed did not tell")]
    side: Annotated[Side, Field(description="who took the initiative")]
    session: _Session


@with_config(_STRICT)
class MinutesRow(TypedDict):
    """The complete bars of one symbol in one hour of the day. Key: `SSI#9`. Internal."""

    bars: Annotated[list[BarRow], Field(max_length=60, description="oldest first")]


@with_config(_STRICT)
class MarketRow(TypedDict):
    """
    One instrument today. Key: its symbol.

    `active_buy_volume + active_sell_volume + neutral_volume + unseen_volume = total_volume`, always; each of the first
    three is the sum of its part in the four phases. Values and numbers of trades add up in the same way: the values of
    the sides and `unseen_value` to `total_value`, the trades of sides, and those of phases, to `trades`.
    """

    exchange: _ExchangeName
    reference: _PriceField
    ceiling: _PriceField
    floor: _PriceField
    open: Annotated[_PriceField, Field(description="first price; null before the first trade, as are all of these")]
    high: _PriceField
    low: _PriceField
    last: _PriceField
    last_volume: Annotated[int | None, Field(ge=0, description="volume of the last match")]
    change: Annotated[Price | None, Field(description="last - reference, exact in ticks")]
    change_pct: _Percent
    average: Annotated[
        Price | None, Field(description="value / volume: VND, rounded; index futures: points, 2 decimals")
    ]
    total_volume: Annotated[int | None, Field(ge=0, description="matched volume of the day")]
    total_value: Annotated[int | None, Field(ge=0, description="matched value of the day, VND")]
    bids: Annotated[list[Level], Field(description="[price, volume], best first, at most 10, without empty levels")]
    asks: Annotated[list[Level], Field(description="[price, volume], best first, at most 10, without empty levels")]
    expected_price: Annotated[Price | None, Field(description="expected auction price; null in continuous trading")]
    session: _Session
    status: Annotated[str | None, Field(description="N normal, H halted, S suspended, NL newly listed, …, as sent")]
    time: _TimeMs
    active_buy_volume: Annotated[int, Field(ge=0, description="bought at the ask")]
    active_sell_volume: Annotated[int, Field(ge=0, description="sold at the bid")]
    neutral_volume: Annotated[int, Field(ge=0, description="auctions, and trades whose side is not known")]
    unseen_volume: Annotated[int, Field(ge=0, description="traded while the ingest was not looking, or corrected")]
    ato_volumes: Annotated[SideVolumes, Field(description="opening auction")]
    continuous_volumes: SideVolumes
    atc_volumes: Annotated[SideVolumes, Field(description="closing auction")]
    other_volumes: Annotated[SideVolumes, Field(description="any other session")]
    active_buy_value: Annotated[int, Field(ge=0, description="bought at the ask, VND")]
    active_sell_value: Annotated[int, Field(ge=0, description="sold at the bid, VND")]
    neutral_value: Annotated[int, Field(ge=0, description="auctions, and trades whose side is not known, VND")]
    unseen_value: Annotated[int, Field(ge=0, description="as unseen_volume, VND")]
    ato_value: Annotated[int, Field(ge=0, description="opening auction, all sides, VND")]
    continuous_value: Annotated[int, Field(ge=0, description="VND")]
    atc_value: Annotated[int, Field(ge=0, description="closing auction, VND")]
    other_value: Annotated[int, Field(ge=0, description="any other session, VND")]
    trades: Annotated[int, Field(ge=0, description="number of matches that were seen today")]
    active_buy_trades: Annotated[int, Field(ge=0, description="number of matches at the ask")]
    active_sell_trades: Annotated[int, Field(ge=0, description="number of matches at the bid")]
    neutral_trades: Annotated[int, Field(ge=0, description="number of the others")]
    ato_trades: Annotated[int, Field(ge=0, description="number of matches, opening auction")]
    continuous_trades: Annotated[int, Field(ge=0, description="number of matches")]
    atc_trades: Annotated[int, Field(ge=0, description="number of matches, closing auction")]
    other_trades: Annotated[int, Field(ge=0, description="number of matches, any other session")]
    minute_start: Annotated[
        int | None, Field(description="begin of the minute of the last match, the exchange's time, Unix ms")
    ]
    minute_open: Annotated[_PriceField, Field(description="first price of that minute; its last one is `last`")]
    minute_high: Annotated[_PriceField, Field(description="highest price of that minute")]
    minute_low: Annotated[_PriceField, Field(description="lowest price of that minute")]


@with_config(_STRICT)
class ForeignRow(TypedDict):
    """What foreigners traded today in one symbol, and may still buy. Key: the symbol."""

    buy_volume: _VolumeField
    sell_volume: _VolumeField
    net_volume: Annotated[int | None, Field(description="bought - sold, shares")]
    buy_value: _ValueField
    sell_value: _ValueField
    net_value: Annotated[int | None, Field(description="bought - sold, VND")]
    total_room: Annotated[int | None, Field(ge=0, description="shares that foreigners may hold together")]
    current_room: Annotated[int | None, Field(ge=0, description="shares that foreigners may still buy")]
    buy_speed_per_min: Annotated[int, Field(ge=0, description="shares a minute over the last five minutes")]
    sell_speed_per_min: Annotated[int, Field(ge=0, description="shares a minute over the last five minutes")]
    time: _TimeMs


@with_config(_STRICT)
class NetFlow(TypedDict):
    """One line of the lists of the most bought and most sold."""

    symbol: str
    net_value: Annotated[int, Field(description="bought - sold, VND")]
    net_volume: Annotated[int, Field(description="bought - sold, shares")]


@with_config(_STRICT)
class ForeignTotalRow(TypedDict):
    """The sums over all symbols. Key: `_total`."""

    buy_volume: _Volume
    sell_volume: _Volume
    net_volume: Annotated[int, Field(description="bought - sold, shares")]
    buy_value: Annotated[int, Field(ge=0, description="VND")]
    sell_value: Annotated[int, Field(ge=0, description="VND")]
    net_value: Annotated[int, Field(description="bought - sold, VND")]
    top_buyers: Annotated[list[NetFlow], Field(max_length=5, description="most bought on balance, by value")]
    top_sellers: Annotated[list[NetFlow], Field(max_length=5, description="most sold on balance, by value")]
    time: _TimeMs


@with_config(_STRICT)
class IndexRow(TypedDict):
    """One index. Key: its id as the stream spells it."""

    name: str | None
    exchange: _ExchangeName
    value: _Points
    reference: Annotated[float | None, Field(description="previous close, points, 2 decimals")]
    change: _Points
    change_pct: _Percent
    total_volume: Annotated[int | None, Field(ge=0, description="order-matched, shares")]
    total_value: Annotated[int | None, Field(ge=0, description="order-matched, VND")]
    put_through_volume: _VolumeField
    put_through_value: _ValueField
    trades: Annotated[int | None, Field(ge=0, description="number of trades; the feed often says 0")]
    advances: _Count
    unchanged: _Count
    declines: _Count
    ceilings: Annotated[_Count, Field(description="of the advances, those at the ceiling price")]
    floors: Annotated[_Count, Field(description="of the declines, those at the floor price")]
    expected_value: Annotated[float | None, Field(description="expected value, during auctions only; 2 decimals")]
    session: _Session
    time: _TimeMs


@with_config(_STRICT)
class DerivativesRow(TypedDict):
    """One futures contract with its basis. Key: its code. `basis` moves with the contract and with the index."""

    name: Annotated[str, Field(description="the familiar name: VN30F2612 for 41I1GC000")]
    last: _PriceField
    reference: _PriceField
    ceiling: _PriceField
    floor: _PriceField
    change: _PriceField
    change_pct: _Percent
    bid_price: _PriceField
    bid_volume: _VolumeField
    ask_price: _PriceField
    ask_volume: _VolumeField
    total_volume: _VolumeField
    total_value: _ValueField
    underlying: Annotated[str, Field(description="VN30, VN100; GB05, GB10: government bonds")]
    underlying_value: _Points
    basis: Annotated[float | None, Field(description="last - underlying_value, points, 2 decimals")]
    basis_pct: Annotated[float | None, Field(description="basis / underlying_value, per cent, 2 decimals")]
    premium: Annotated[bool | None, Field(description="true: above the index, false: below, null: at it or unknown")]
    expiry: Annotated[str | None, Field(description="last trading day, ISO date")]
    time: _TimeMs


@with_config(_STRICT)
class SymbolRow(TypedDict):
    """What an instrument is. Key: its symbol."""

    name_vi: str | None
    name_en: str | None
    exchange: _ExchangeName
    type: InstrumentType
    lot_size: Annotated[int | None, Field(gt=0, description="board lot, shares or contracts")]
    ticks: Annotated[
        list[Level], Field(description="[from_price, tick]: the price step from this price on; empty if not known")
    ]
    underlying: Annotated[str | None, Field(description="futures: the index; warrants: the share")]
    expiry: Annotated[str | None, Field(description="last trading day of futures and warrants, ISO date")]


@with_config(_STRICT)
class GroupRow(TypedDict):
    """A list of symbols that clients select by name. Key: VN30, HOSE, futures, …"""

    keys: list[str]


@with_config(_STRICT)
class FeedRow(TypedDict):
    """The link to the exchange. Key: `feed`."""

    state: Annotated[
        FeedState, Field(description="live; quiet: no data expected now; stale: data expected, none comes; down")
    ]
    reason: str | None
    changed_at: Annotated[int, Field(description="when state or reason changed, Unix ms")]
    day: Annotated[str | None, Field(description="trading day of the rows, ISO date")]
    simulated: Annotated[bool, Field(description="the exchange is a simulator: prices are invented")]


@with_config(_STRICT)
class PhaseRow(TypedDict):
    """The phase an exchange is in. Key: HOSE, HNX, UPCOM or DERIVATIVES."""

    phase: Phase
    changed_at: Annotated[int, Field(description="when it was noticed, Unix ms")]


@with_config(_STRICT)
class WindowRow(TypedDict):
    """What foreigners had bought and sold in one symbol at the steps behind its speeds. Key: the symbol. Internal."""

    steps: Annotated[
        list[Annotated[list[int], Field(min_length=3, max_length=3)]],
        Field(description="[step, shares bought, shares sold], oldest first"),
    ]


AlertKind: TypeAlias = Literal["ceiling", "floor", "volume_spike", "foreign_acceleration", "basis_flip", "imbalance"]


@with_config(_STRICT)
class OddLotRow(TypedDict):
    """The odd-lot board of one instrument: orders of less than a board lot. Key: its symbol."""

    exchange: _ExchangeName
    reference: Annotated[Price | None, Field(description="reference price of the day, VND")]
    ceiling: Annotated[Price | None, Field(description="highest price allowed today, VND")]
    floor: Annotated[Price | None, Field(description="lowest price allowed today, VND")]
    open: Annotated[Price | None, Field(description="first price of an odd lot, VND; null before the first match")]
    high: Annotated[Price | None, Field(description="highest price of an odd lot, VND")]
    low: Annotated[Price | None, Field(description="lowest price of an odd lot, VND")]
    last: Annotated[Price | None, Field(description="price of the last match of an odd lot, VND")]
    last_volume: Annotated[int | None, Field(ge=0, description="volume of the last match of an odd lot, shares")]
    change: Annotated[Price | None, Field(description="last - reference, VND")]
    change_pct: Annotated[float | None, Field(description="change / reference, per cent, 2 decimals")]
    total_volume: Annotated[int | None, Field(ge=0, description="matched today, round and odd lots together, shares")]
    total_value: Annotated[int | None, Field(ge=0, description="matched today, round and odd lots together, VND")]
    bids: Annotated[list[Level], Field(description="odd lots, [price, volume], best first, at most 3, no empty levels")]
    asks: Annotated[list[Level], Field(description="odd lots, [price, volume], best first, at most 3, no empty levels")]
    session: _Session
    status: Annotated[str | None, Field(description="N normal, H halted, S suspended, …, as sent")]
    time: _TimeMs


@with_config(_STRICT)
class AlertRow(TypedDict):
    """
    One thing that happened. Keys: `alert#` and a place in the ring of the newest ones, `number` modulo its size.

    The values behind it are null in alerts of other kinds.
    """

    number: Annotated[int, Field(gt=0, description="counts the alerts of the day, from 1")]
    time: Annotated[int, Field(description="the exchange's time of the message that brought it, Unix ms")]
    kind: Annotated[
        AlertKind,
        Field(
            description="ceiling, floor: the price touched it; volume_spike: much was traded in this minute; "
            "foreign_acceleration: foreigners' balance of the day moved much within five minutes; basis_flip: the "
            "future went from above its index to below, or back; imbalance: one side traded much more than the other "
            "within five minutes"
        ),
    ]
    symbol: str
    severity: Annotated[Literal["critical", "warning"], Field(description="critical: ceiling, floor, volume_spike")]
    price: Annotated[Price | None, Field(description="last price then: VND; index futures: points, 1 decimal")]
    minute_volume: Annotated[
        int | None, Field(ge=0, description="volume_spike: traded in this minute so far, shares or contracts")
    ]
    usual_volume: Annotated[
        int | None,
        Field(ge=0, description="volume_spike: mean of the last 20 minutes with trades, shares or contracts"),
    ]
    net_value: Annotated[
        int | None, Field(description="foreign_acceleration: bought - sold by foreigners today until then, VND")
    ]
    earlier_net_value: Annotated[
        int | None, Field(description="foreign_acceleration: the same five minutes earlier, VND")
    ]
    basis: Annotated[float | None, Field(description="basis_flip: price - underlying_value, points, 2 decimals")]
    underlying_value: Annotated[
        float | None, Field(description="basis_flip: value of the underlying index, points, 2 decimals")
    ]
    buy_value: Annotated[int | None, Field(ge=0, description="imbalance: bought at the ask within five minutes, VND")]
    sell_value: Annotated[int | None, Field(ge=0, description="imbalance: sold at the bid within five minutes, VND")]


@with_config(_STRICT)
class LookbackRow(TypedDict):
    """Totals of the day of one symbol at the steps of the last minutes. Key: `SSI#imbalance`. Internal."""

    steps: Annotated[list[list[int]], Field(description="[step, totals at its end or until now, …], oldest first")]


@with_config(_STRICT)
class ToldRow(TypedDict):
    """What was told by the alerts of one kind and symbol. Key: `SSI#imbalance`. Internal."""

    time: Annotated[int | None, Field(description="time of the last one, Unix ms; null: none was told today")]
    state: Annotated[int, Field(ge=-1, le=1, description="0: it does not hold now; 1, -1: it does, upwards, downwards")]


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
    | OddLotRow
    | AlertRow
    | LookbackRow
    | ToldRow
)

_ROW_TYPES: dict[tuple[Stored, str], type[AnyRow]] = {
    (Channel.MARKET, ""): MarketRow,
    (Channel.FOREIGN, ""): ForeignRow,
    (Channel.FOREIGN, TOTAL_KEY): ForeignTotalRow,
    (Channel.INDEX, ""): IndexRow,
    (Channel.DERIVATIVES, ""): DerivativesRow,
    (Channel.TRADES, ""): TradeRow,
    (Channel.BARS, ""): BarRow,
    (Channel.SYMBOLS, ""): SymbolRow,
    (Channel.GROUPS, ""): GroupRow,
    (Channel.STATUS, ""): PhaseRow,
    (Channel.STATUS, FEED_KEY): FeedRow,
    (Internal.WINDOWS, ""): WindowRow,
    (Internal.MINUTES, ""): MinutesRow,
    (Channel.ODDLOT, ""): OddLotRow,
    (Channel.ALERTS, ""): AlertRow,
    (Internal.LOOKBACKS, ""): LookbackRow,
    (Internal.TOLD, ""): ToldRow,
}


def row_type(channel: Stored, key: str = "") -> TypeAdapter[AnyRow]:
    """
    The type of a row: `.validate_python(row)` checks it strictly, `.json_schema()` describes it.

    Two channels have one row of another type than their others: foreign has `_total`, status has `feed`.
    """
    return _adapter(channel, key if (channel, key) in _ROW_TYPES else "")


@cache
def _adapter(channel: Stored, special_key: str) -> TypeAdapter[AnyRow]:
    return TypeAdapter(_ROW_TYPES[channel, special_key])


def is_of_this_form(channel: Stored, key: str, row: Row) -> bool:
    """Whether a stored row is one that this version could have written."""
    try:
        row_type(channel, key).validate_python(row)
    except ValidationError:
        return False
    return True


def _schema() -> str:
    described = {f"{channel} {key}": row_type(channel, key).json_schema() for channel, key in _ROW_TYPES}
    return sha256(orjson.dumps(described, option=orjson.OPT_SORT_KEYS)).hexdigest()[:16]


#: Identity of all rows' fields and what they mean, by their descriptions: rows of another one end the epoch.
SCHEMA = _schema()
