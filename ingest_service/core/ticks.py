"""
Ticks: what one message of the feed says, in our words. No other file knows the exchange's field names.

The feed is loose about its format, so this is tolerant: whatever can be understood of a message is kept, what was odd
about it is noted in the tick, and only a message that cannot be placed at all is refused. In a tick None means "not
told", and a price of 0 "none yet": the feed writes 0.0 before the first trade.

Nearly all messages are full ones of a security, or of foreigners' trades, with nothing odd about them. They have a
straight road: their text is decoded into a type, which asks of each field whether it is what it should be. It gives up
at the first doubt, and the careful road, which takes everything, says what is so.

Nobody changes a tick; yet they are not frozen, as other facts are: that took 1.1 µs each.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date
from functools import lru_cache
from typing import Annotated, Literal, NamedTuple, TypeAlias

from msgspec import Meta, defstruct
from msgspec.json import Decoder
from msgspec.structs import astuple

from ingest_service.core.book import Book
from ingest_service.core.content import Content, decoded
from ingest_service.core.futures import future_of
from ingest_service.core.invalid_row import InvalidRow as InvalidRow  # noqa: PLC0414 - who parses, catches it
from ingest_service.core.rounding import MAX_NUMBER, Price, rounded, whole
from ingest_service.core.sessions import midnight_ms

DataType: TypeAlias = Literal["F", "X", "X-QUOTE", "X-TRADE", "R", "MI", "B", "OL"]
TradeSide: TypeAlias = Literal["buy", "sell"]


@dataclass(slots=True)
class Head:
    """What all ticks have in common."""

    data_type: DataType
    key: str  # symbol, or index id as the feed spells it
    day: date | None  # trading day
    time_ms: int | None  # the exchange's time, Unix ms, to the second
    exchange: str | None  # HOSE, HNX, UPCOM, DERIVATIVES, HNXBOND
    session: str | None  # ATO, LO, BREAK, ATC, PT, PLO, C, H, or as sent
    oddities: Sequence[str]  # what was tolerated, by names from a closed list


class Prices(NamedTuple):
    """Prices of the day."""

    reference: Price | None
    ceiling: Price | None
    floor: Price | None
    open: Price | None
    high: Price | None
    low: Price | None
    average: Price | None
    expected: Price | None


class Trade(NamedTuple):
    """The last match, and the totals of the day, which alone tell whether there was a new one."""

    last: Price | None
    last_volume: int | None
    total_volume: int | None
    total_value: int | None
    side: TradeSide | None


@dataclass(slots=True)
class SecurityTick(Head):
    """X, or a part of it: X-QUOTE has the book only, X-TRADE all but the book."""

    status: str | None
    prices: Prices | None
    trade: Trade | None
    book: Book | None


@dataclass(slots=True)
class StatusTick(Head):
    """F: session and trading status of a symbol."""

    status: str | None


@dataclass(slots=True)
class ForeignTick(Head):
    """R: what foreigners bought and sold today, and may still buy."""

    total_room: int | None
    current_room: int | None
    buy_volume: int | None
    sell_volume: int | None
    buy_value: int | None
    sell_value: int | None


@dataclass(slots=True)
class IndexTick(Head):
    """MI: an index. Points have two decimals."""

    name: str | None
    value: float | None
    reference: float | None
    expected: float | None  # during auctions only
    total_volume: int | None
    total_value: int | None
    put_through_volume: int | None
    put_through_value: int | None
    trades: int | None
    advances: int | None
    unchanged: int | None
    declines: int | None
    ceilings: int | None
    floors: int | None


@dataclass(slots=True)
class BarTick(Head):
    """B: one bar a trade. It says nothing that X does not say; no table uses it."""


@dataclass(slots=True)
class OddLotTick(Head):
    """OL: the odd-lot board; its totals are those of round and odd lots together."""

    status: str | None
    prices: Prices
    trade: Trade
    book: Book | None


Tick: TypeAlias = SecurityTick | StatusTick | ForeignTick | IndexTick | BarTick | OddLotTick


def parse(argument: str | bytes | dict[str, object]) -> Tick:
    """
    The tick that one hub call `Broadcast` carries.

    Args:
        argument: JSON of {"DataType", "Content"}, or that object; Content is a string of JSON, or an object.

    Raises InvalidRow with reason json, no_content, unknown_type or no_key.
    """
    oddities: list[str] = []
    message = argument if isinstance(argument, dict) else decoded(argument, oddities)
    sent_type, sent = message.get("DataType"), message.get("Content")
    if sent_type is None or sent is None:
        sent_type, sent = _in_any_case(message, "datatype"), _in_any_case(message, "content")
        oddities.append("key_case")
    data_type = _data_type(sent_type, oddities)
    if isinstance(sent, str):
        usual = _USUAL_READERS.get(data_type)
        if usual is not None and not oddities and (tick := usual(sent)) is not None:
            return tick
        fields = decoded(sent, oddities)
    elif isinstance(sent, dict):
        fields = sent
        oddities.append("content_object")
    else:
        raise InvalidRow("no_content", data_type)
    renamed = _renamed(data_type, tuple(fields))
    if renamed.names:
        fields = {renamed.names.get(key, key): value for key, value in fields.items()}
        oddities += renamed.oddities
    return _READERS[data_type](data_type, Content(fields, oddities))


def _in_any_case(message: dict[str, object], wanted: str) -> object:
    return next((value for key, value in message.items() if key.lower() == wanted), None)


_DATA_TYPES: dict[str, DataType] = {
    "F": "F",
    "X": "X",
    "X-QUOTE": "X-QUOTE",
    "X-TRADE": "X-TRADE",
    "R": "R",
    "MI": "MI",
    "B": "B",
    "OL": "OL",
}
_OLD_DATA_TYPES: dict[str, DataType] = {"QUOTE": "X-QUOTE", "TRADE": "X-TRADE"}


def _data_type(sent: object, oddities: list[str]) -> DataType:
    name = sent.strip().upper() if isinstance(sent, str) else ""
    data_type = _DATA_TYPES.get(name)
    if data_type is None:
        data_type = _OLD_DATA_TYPES.get(name)
        if data_type is None:
            raise InvalidRow("unknown_type", sent if isinstance(sent, str) else "")
        oddities.append("old_type")
    return data_type


# Names on the wire


def _level_names(side: str) -> tuple[tuple[str, str], ...]:
    return tuple((f"{side}Price{level}", f"{side}Vol{level}") for level in range(1, 11))


_BID_LEVELS, _ASK_LEVELS = _level_names("Bid"), _level_names("Ask")
_HEAD_NAMES = ("Symbol", "TradingDate", "Time", "Exchange", "MarketId", "TradingSession")
_SECURITY_NAMES = (
    *_HEAD_NAMES,
    *("TradingStatus", "RefPrice", "Ceiling", "Floor", "Open", "High", "Low", "AvgPrice", "EstMatchedPrice"),
    *("LastPrice", "LastVol", "TotalVol", "TotalVal", "Side"),
    *(name for level in _BID_LEVELS + _ASK_LEVELS for name in level),
)
_NAMES: dict[DataType, tuple[str, ...]] = {
    "F": (*_HEAD_NAMES, "TradingStatus"),
    "X": _SECURITY_NAMES,
    "X-QUOTE": _SECURITY_NAMES,
    "X-TRADE": _SECURITY_NAMES,
    "R": (*_HEAD_NAMES, "TotalRoom", "CurrentRoom", "BuyVol", "SellVol", "BuyVal", "SellVal"),
    "MI": (
        *_HEAD_NAMES,
        *("IndexId", "IndexName", "IndexValue", "PriorIndexValue", "IndexValEst"),
        *("TotalQtty", "TotalValue", "TotalQttyPt", "TotalValuePt", "TotalTrade"),
        *("Advances", "NoChanges", "Declines", "Ceilings", "Floors"),
    ),
    "B": _HEAD_NAMES,
    "OL": (
        *_HEAD_NAMES,
        *("TradingStatus", "RefPrice", "Ceiling", "Floor", "Open", "High", "Low"),
        *("LastPrice", "LastVol", "TotalVol", "TotalVal"),
        *(name for level in _BID_LEVELS[:3] + _ASK_LEVELS[:3] for name in level),
    ),
}
# Other names for the same: X-TRADE's own for the extremes, the rest from documents and older messages.
_USUAL_ALIASES = {"highest": "High", "lowest": "Low"}
_OLD_ALIASES = {
    "tradingtime": "Time",
    "fbuyvol": "BuyVol",
    "fsellvol": "SellVol",
    "fbuyval": "BuyVal",
    "fsellval": "SellVal",
    "ceiling": "Ceilings",
    "floor": "Floors",
    "askprie9": "AskPrice9",
}


class _Renamed(NamedTuple):
    names: dict[str, str]  # as sent → as we know it
    oddities: tuple[str, ...]


@lru_cache(maxsize=256)  # a feed has a few shapes of messages; more of them would cost time only
def _renamed(data_type: DataType, keys: tuple[str, ...]) -> _Renamed:
    """The keys of a message of this shape that we know by another name. The usual spelling wins over any other."""
    names = _NAMES[data_type]
    known = {alias: name for alias, name in (_OLD_ALIASES | _USUAL_ALIASES).items() if name in names}
    known |= {name.lower(): name for name in names}
    taken, renamed, oddities = set(keys), {}, set()
    for key in keys:
        spelling = key.lower()
        name = known.get(spelling)
        if name is None or name in taken:
            continue
        taken.add(name)
        renamed[key] = name
        if spelling == name.lower():
            oddities.add("key_case")
        elif spelling in _OLD_ALIASES:
            oddities.add("old_name")
    return _Renamed(renamed, tuple(sorted(oddities)))


#: Names of exchanges on the wire and in lists → ours.
EXCHANGES = {
    "HOSE": "HOSE",
    "HNX": "HNX",
    "UPCOM": "UPCOM",
    "DERIVATIVES": "DERIVATIVES",
    "DER": "DERIVATIVES",
    "HNXBOND": "HNXBOND",
    "BOND": "HNXBOND",
}
_SESSIONS = {"CLOSE": "C", "HALT": "H"}
_STATUSES = {"NORMAL": "N", "ACTIVE": "N"}  # words used for futures
_SIDES: dict[str, TradeSide] = {"BU": "buy", "SD": "sell"}

# From content to ticks

_MAX_KEY, _MAX_NAME = 32, 200  # characters
# Marks of groups, sequences, lists and sums in what clients and services write: no key of the feed may look like one.
_NO_KEY_CHARACTERS = frozenset("@#,_")


def _key(data_type: DataType, content: Content, name: str) -> str:
    key = content.text(name, _MAX_KEY)
    if key is None or not key.isprintable() or not _NO_KEY_CHARACTERS.isdisjoint(key):
        raise InvalidRow("no_key", data_type, name)
    return key


def _symbol(data_type: DataType, content: Content) -> str:
    """The symbol. From here on the content reads prices in its unit."""
    symbol = _key(data_type, content, "Symbol")
    future = future_of(symbol)
    if future is not None and future.in_points:
        content.decimals = 1
    return symbol


def _exchange(content: Content) -> str | None:
    for name in ("Exchange", "MarketId"):
        text = content.text(name)
        if text is not None:
            exchange = EXCHANGES.get(text.upper())
            if exchange is not None:
                return exchange
            content.oddities.append("unknown_exchange")
    return None


_HeadFields: TypeAlias = tuple[DataType, str, date | None, int | None, str | None, str | None, Sequence[str]]


def _head(data_type: DataType, key: str, content: Content) -> _HeadFields:
    day, clock_ms = content.day("TradingDate"), content.clock_ms("Time")
    return (
        data_type,
        key,
        day,
        None if day is None or clock_ms is None else midnight_ms(day) + clock_ms,
        _exchange(content),
        content.code("TradingSession", _SESSIONS),
        content.oddities,  # further ones may be noted until the tick is complete
    )


def _security_tick(data_type: DataType, content: Content) -> SecurityTick:
    head = _head(data_type, _symbol(data_type, content), content)
    prices = trade = book = None
    if data_type != "X-QUOTE":
        prices = Prices(
            content.price("RefPrice"),
            content.price("Ceiling"),
            content.price("Floor"),
            content.price("Open"),
            content.price("High"),
            content.price("Low"),
            _average(content),
            content.price("EstMatchedPrice"),
        )
        trade = Trade(
            content.price("LastPrice"),
            content.quantity("LastVol"),
            content.quantity("TotalVol"),
            content.quantity("TotalVal"),
            _SIDES.get(content.text("Side") or ""),
        )
    # A message without any level says nothing about the book, rather than that it is empty.
    if data_type != "X-TRADE" and ("BidVol1" in content.fields or "AskVol1" in content.fields):
        book = Book(content.levels(_BID_LEVELS), content.levels(_ASK_LEVELS))
    return SecurityTick(*head, content.code("TradingStatus", _STATUSES), prices, trade, book)


def _average(content: Content) -> Price | None:
    """The average price. That of index futures comes in VND a contract, at 100,000 VND a point."""
    if not content.decimals:
        return content.price("AvgPrice")
    value = content.number("AvgPrice")
    return None if value is None else _average_in_points(value)


def _average_in_points(value: float) -> float:
    return rounded(value / 100_000, 2)


def _status_tick(data_type: DataType, content: Content) -> StatusTick:
    head = _head(data_type, _symbol(data_type, content), content)
    return StatusTick(*head, content.code("TradingStatus", _STATUSES))


def _foreign_tick(data_type: DataType, content: Content) -> ForeignTick:
    return ForeignTick(
        *_head(data_type, _symbol(data_type, content), content),
        content.quantity("TotalRoom"),
        content.quantity("CurrentRoom"),
        content.quantity("BuyVol"),
        content.quantity("SellVol"),
        content.quantity("BuyVal"),
        content.quantity("SellVal"),
    )


def _index_tick(data_type: DataType, content: Content) -> IndexTick:
    return IndexTick(
        *_head(data_type, _key(data_type, content, "IndexId"), content),
        name=content.text("IndexName", _MAX_NAME),
        value=content.points("IndexValue"),
        reference=content.points("PriorIndexValue"),
        expected=content.points("IndexValEst"),
        total_volume=content.quantity("TotalQtty"),
        total_value=content.quantity("TotalValue"),
        put_through_volume=content.quantity("TotalQttyPt"),
        put_through_value=content.quantity("TotalValuePt"),
        trades=content.quantity("TotalTrade"),
        advances=content.quantity("Advances"),
        unchanged=content.quantity("NoChanges"),
        declines=content.quantity("Declines"),
        ceilings=content.quantity("Ceilings"),
        floors=content.quantity("Floors"),
    )


def _bar_tick(data_type: DataType, content: Content) -> BarTick:
    return BarTick(*_head(data_type, _symbol(data_type, content), content))


def _odd_lot_tick(data_type: DataType, content: Content) -> OddLotTick:
    head = _head(data_type, _symbol(data_type, content), content)
    return OddLotTick(
        *head,
        content.code("TradingStatus", _STATUSES),
        Prices(
            content.price("RefPrice"),
            content.price("Ceiling"),
            content.price("Floor"),
            content.price("Open"),
            content.price("High"),
            content.price("Low"),
            average=None,
            expected=None,
        ),
        Trade(
            content.price("LastPrice"),
            content.quantity("LastVol"),
            content.quantity("TotalVol"),
            content.quantity("TotalVal"),
            side=None,
        ),
        # A message without any level says nothing about the book.
        Book(content.levels(_BID_LEVELS[:3]), content.levels(_ASK_LEVELS[:3])) if "BidVol1" in content.fields else None,
    )


_READERS: dict[DataType, Callable[[DataType, Content], Tick]] = {
    "F": _status_tick,
    "X": _security_tick,
    "X-QUOTE": _security_tick,
    "X-TRADE": _security_tick,
    "R": _foreign_tick,
    "MI": _index_tick,
    "B": _bar_tick,
    "OL": _odd_lot_tick,
}

# The straight road

_Number: TypeAlias = Annotated[float, Meta(ge=0, lt=MAX_NUMBER)]
# In the order of the wire, which is the quickest: any other is read as well.
_USUAL_BOOK = tuple(
    name for levels in (_BID_LEVELS, _ASK_LEVELS) for names in zip(*levels, strict=True) for name in names
)
_UsualSecurity = defstruct(
    "_UsualSecurity",
    [
        *((name, str | None) for name in ("TradingDate", "Time")),
        ("Symbol", str),
        *((name, _Number) for name in ("Ceiling", "Floor", "RefPrice", "Open", "High", "Low", "AvgPrice")),
        *((name, _Number) for name in ("LastPrice", "LastVol", "TotalVal", "TotalVol", *_USUAL_BOOK)),
        *((name, str | None) for name in ("MarketId", "Exchange", "TradingSession", "TradingStatus")),
        ("EstMatchedPrice", _Number),
        ("Side", str | None),
    ],
    gc=False,
)
_UsualForeign = defstruct(
    "_UsualForeign",
    [
        ("RType", str | None),
        *((name, str | None) for name in ("TradingDate", "Time")),
        ("Isin", str | None),
        ("Symbol", str),
        *((name, _Number) for name in ("TotalRoom", "CurrentRoom", "BuyVol", "SellVol", "BuyVal", "SellVal")),
        *((name, str | None) for name in ("MarketId", "Exchange")),
    ],
    gc=False,
    forbid_unknown_fields=True,  # it may be the session in an unusual spelling, which it has none of usually
)
_decode_security, _decode_foreign = Decoder(_UsualSecurity).decode, Decoder(_UsualForeign).decode


def usual_security_tick(content: str) -> SecurityTick | None:
    """
    The tick of a full message, if nothing about it is odd; None: only the careful road can tell.

    All names are there in their usual spelling, so no other spelling counts, and all numbers are numbers, within their
    limits. Fields that nobody reads are not looked at.
    """
    try:
        values = astuple(_decode_security(content))
        key, decimals = _usual_symbol(values[2])
        day, time_ms, exchange, session, status, side = _usual_head(*values[:2], *values[54:58], values[59])
    except (ValueError, RecursionError, InvalidRow):
        return None
    price: Callable[[float], Price] = _in_points if decimals else whole
    ceiling, floor, reference, opening, high, low = map(price, values[3:9])
    average = _average_in_points(values[9]) if decimals else whole(values[9])
    last, expected = price(values[10]), price(values[58])
    last_volume, value, volume = map(whole, values[11:14])
    return SecurityTick(
        "X", key, day, time_ms, exchange, session, [], status,
        Prices(reference, ceiling, floor, opening, high, low, average, expected),
        Trade(last, last_volume, volume, value, side),
        Book(columns=values[14:54], decimals=decimals),
    )  # fmt: skip


def usual_foreign_tick(content: str) -> ForeignTick | None:
    """As `usual_security_tick`, of foreigners' trades."""
    try:
        _, day_text, time_text, _, symbol, *numbers, market, exchange_text = astuple(_decode_foreign(content))
        key, _ = _usual_symbol(symbol)
        day, time_ms, exchange, session, _, _ = _usual_head(
            day_text, time_text, market, exchange_text, None, None, None
        )
    except (ValueError, RecursionError, InvalidRow):
        return None
    return ForeignTick("R", key, day, time_ms, exchange, session, [], *map(whole, numbers))


_USUAL_READERS: dict[DataType, Callable[[str], Tick | None]] = {"X": usual_security_tick, "R": usual_foreign_tick}


@lru_cache(maxsize=1024)  # all messages of a second have the same few; the last ones of each symbol have their own
def _usual_head(
    *texts: object,
) -> tuple[date | None, int | None, str | None, str | None, str | None, TradeSide | None]:
    """What these texts say. Raises ValueError, and keeps nothing, if something about them is odd."""
    names = ("TradingDate", "Time", "MarketId", "Exchange", "TradingSession", "TradingStatus", "Side")
    content = Content(dict(zip(names, texts, strict=True)), [])
    _, _, day, time_ms, exchange, session, oddities = _head("X", "", content)
    status, side = content.code("TradingStatus", _STATUSES), _SIDES.get(content.text("Side") or "")
    if oddities:
        raise ValueError
    return day, time_ms, exchange, session, status, side


@lru_cache(maxsize=8192)
def _usual_symbol(sent: str) -> tuple[str, int]:
    """A symbol, and the decimals of its prices. Raises InvalidRow."""
    content = Content({"Symbol": sent}, [])
    return _symbol("X", content), content.decimals


@lru_cache(maxsize=8192)  # quicker than rounding anew, and a future has a few hundred
def _in_points(price: float) -> float:
    return rounded(price, 1)
