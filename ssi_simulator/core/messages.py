"""
The feed's messages: for each data type the exact keys, in wire order, and the numbers as the feed writes them.

Prices, volumes and values are floats, with a decimal always; counters, and all of the odd-lot board but its value, are
integers. Stock prices are in VND, futures and indices in points, volumes in shares or contracts, values in VND.
"""

from random import Random
from typing import NamedTuple, TypeAlias

import orjson

from ssi_simulator.core.book import LEVELS, WireBook
from ssi_simulator.core.index import Index
from ssi_simulator.core.instrument import Instrument, OddLots
from ssi_simulator.core.timetable import AUCTIONS

Content: TypeAlias = dict[str, str | int | float | None]


class Message(NamedTuple):
    """One message, before it is wrapped for the wire."""

    data_type: str  # "F", "X", "X-QUOTE", "X-TRADE", "R", "MI", "B", "OL"
    key: str  # symbol, or index id
    content: Content  # in wire order


class Stamp(NamedTuple):
    """Market time as messages carry it; local, to the second."""

    day: str  # "16/11/2026"
    time: str  # "10:42:17"


def _levels(*names: str) -> tuple[str, ...]:
    return tuple(f"{name}{level}" for name in names for level in range(1, LEVELS + 1))


_X = (
    "RType", "TradingDate", "Time", "Isin", "Symbol", "Ceiling", "Floor", "RefPrice", "Open", "High", "Low", "Close",
    "AvgPrice", "PriorVal", "LastPrice", "LastVol", "TotalVal", "TotalVol",
    *_levels("BidPrice", "BidVol", "AskPrice", "AskVol"),
    "MarketId", "Exchange", "TradingSession", "TradingStatus", "Change", "RatioChange", "EstMatchedPrice", "Side",
    "CloseQtty",
)  # fmt: skip
_X_QUOTE = (
    "TradingDate", "Time", "Exchange", "Symbol", "RType", *_levels("AskPrice", "AskVol", "BidPrice", "BidVol"),
    "TradingSession",
)  # fmt: skip


def content_text(content: Content) -> str:
    """A content as compact JSON text, key order kept. Model values stay below 1e16, where exponents would begin."""
    return orjson.dumps(content).decode()


def status(instrument: Instrument, stamp: Stamp) -> Message:
    """F: session and trading status."""
    listing = instrument.listing
    content: Content = {
        "RType": "F",
        "MarketId": listing.exchange,
        "TradingDate": stamp.day,
        "Time": stamp.time,
        "Symbol": listing.symbol,
        "TradingSession": instrument.session,
        "TradingStatus": _trading_status(instrument),
        "Exchange": listing.exchange,
        "TradingOlSession": "",
    }
    return Message("F", listing.symbol, content)


def snapshot(instrument: Instrument, stamp: Stamp, book: WireBook) -> Message:
    """X: everything about an instrument; what the last trade was is repeated when only a quote changed."""
    listing, scale = instrument.listing, instrument.scale
    symbol, exchange = listing.symbol, listing.exchange
    reference, last = instrument.reference / scale, instrument.last / scale
    content: Content = dict(
        zip(
            _X,
            (
                "X",
                stamp.day,
                stamp.time,
                symbol,
                symbol,
                instrument.ceiling / scale,
                instrument.floor / scale,
                reference,
                instrument.open / scale,
                instrument.high / scale,
                instrument.low / scale,
                last,
                _average(instrument, 7),
                reference,
                last,
                float(instrument.last_vol),
                float(instrument.total_vnd),
                float(instrument.total_vol),
                *book.bid_prices,
                *book.bid_vols,
                *book.ask_prices,
                *book.ask_vols,
                exchange,
                exchange,
                instrument.session,
                _trading_status(instrument),
                last - reference,
                round((last - reference) / reference * 100, 2),
                _expected(instrument),
                None,
                0.0,
            ),
            strict=True,
        )
    )
    return Message("X", symbol, content)


def quote(instrument: Instrument, stamp: Stamp, book: WireBook) -> Message:
    """X-QUOTE: the book."""
    listing = instrument.listing
    content: Content = dict(
        zip(
            _X_QUOTE,
            (
                stamp.day,
                stamp.time,
                listing.exchange,
                listing.symbol,
                "X-QUOTE",
                *book.ask_prices,
                *book.ask_vols,
                *book.bid_prices,
                *book.bid_vols,
                instrument.session,
            ),
            strict=True,
        )
    )
    return Message("X-QUOTE", listing.symbol, content)


def trade(instrument: Instrument, stamp: Stamp) -> Message:
    """X-TRADE: the last match and the day's totals."""
    listing, scale = instrument.listing, instrument.scale
    reference, last = instrument.reference / scale, instrument.last / scale
    content: Content = {
        "RType": "X-TRADE",
        "TradingDate": stamp.day,
        "Time": stamp.time,
        "Isin": listing.symbol,
        "Symbol": listing.symbol,
        "Ceiling": instrument.ceiling / scale,
        "Floor": instrument.floor / scale,
        "RefPrice": reference,
        "AvgPrice": _average(instrument, 3),
        "PriorVal": reference,
        "LastPrice": last,
        "LastVol": float(instrument.last_vol),
        "TotalVal": float(instrument.total_vnd),
        "TotalVol": float(instrument.total_vol),
        "MarketId": listing.exchange,
        "Exchange": listing.exchange,
        "TradingSession": instrument.session,
        "TradingStatus": _trading_status(instrument),
        "Change": last - reference,
        "RatioChange": round((last - reference) / reference * 100, 2),
        "EstMatchedPrice": _expected(instrument),
        "Highest": instrument.high if scale == 1 else instrument.high / scale,
        "Lowest": instrument.low if scale == 1 else instrument.low / scale,
        "Side": instrument.side,
    }
    return Message("X-TRADE", listing.symbol, content)


def foreign(instrument: Instrument, stamp: Stamp) -> Message:
    """R: what foreigners bought and sold today, and what they may still buy."""
    listing = instrument.listing
    content: Content = {
        "RType": "R",
        "TradingDate": stamp.day,
        "Time": stamp.time,
        "Isin": listing.symbol,
        "Symbol": listing.symbol,
        "TotalRoom": float(listing.foreign_limit_shares),
        "CurrentRoom": float(instrument.foreign_room),
        "BuyVol": float(instrument.foreign_bought),
        "SellVol": float(instrument.foreign_sold),
        "BuyVal": float(instrument.foreign_bought_vnd),
        "SellVal": float(instrument.foreign_sold_vnd),
        "MarketId": listing.exchange,
        "Exchange": listing.exchange,
    }
    return Message("R", listing.symbol, content)


def bar(symbol: str, price: float, volume_shares: int, stamp: Stamp) -> Message:
    """B: one match as a bar whose four prices are equal; of an index, one new value."""
    content: Content = {
        "RType": "B",
        "TradingDate": stamp.day,
        "Time": stamp.time,
        "Symbol": symbol,
        "Open": price,
        "High": price,
        "Low": price,
        "Close": price,
        "Volume": float(volume_shares),
        "Value": 0.0,
    }
    return Message("B", symbol, content)


def index(index: Index, stamp: Stamp) -> Message:
    """MI: an index; the expected value during auctions only, and no breadth for VN30, as the feed has it."""
    figures, breadth = index.figures, index.figures.breadth
    put_through_vol, put_through_vnd = index.put_through_vol, index.put_through_vnd
    content: Content = {"IndexId": index.id}
    if index.session in AUCTIONS:
        content["IndexValEst"] = figures.expected
    content |= {
        "IndexValue": figures.value,
        "PriorIndexValue": index.prior,
        "TradingDate": stamp.day,
        "Time": stamp.time,
        "TotalTrade": 0.0,
        "TotalQtty": float(figures.total_vol),
        "TotalValue": float(figures.total_vnd),
        "IndexName": index.id,
        "Advances": breadth.advances,
        "NoChanges": breadth.no_changes,
        "Declines": breadth.declines,
        "Ceilings": breadth.ceilings,
        "Floors": breadth.floors,
        "Change": round(figures.value - index.prior, 2),
        "RatioChange": round((figures.value - index.prior) / index.prior * 100, 2),
        "TotalQttyPt": float(put_through_vol),
        "TotalValuePt": float(put_through_vnd),
        "Exchange": index.exchange,
        "AllQty": float(figures.total_vol + put_through_vol),
        "AllValue": float(figures.total_vnd + put_through_vnd),
        "IndexType": index.kind,
        "TradingSession": index.session,
        "MarketId": index.exchange,
        "RType": "MI",
        "TotalQttyOd": 0.0,
        "TotalValueOd": 0.0,
    }
    return Message("MI", index.id, content)


def odd_lots(instrument: Instrument, odd: OddLots, stamp: Stamp, rng: Random) -> Message:
    """OL: the odd-lot board, around the book of whole lots; its totals include the whole lots' totals."""
    listing, units = instrument.listing, instrument.ladder.units
    bids = [*units[max(0, instrument.rung - 3) : instrument.rung][::-1], 0, 0, 0][:3]
    asks = [*units[instrument.rung + 1 : instrument.rung + 4], 0, 0, 0][:3]
    change = odd.last - instrument.reference
    content: Content = {
        "RType": "OL",
        "TradingDate": stamp.day,
        "Time": stamp.time,
        "StockNo": listing.stock_no,
        "Symbol": listing.symbol,
        "Ceiling": instrument.ceiling,
        "Floor": instrument.floor,
        "RefPrice": instrument.reference,
        "Open": odd.open,
        "High": odd.high,
        "Low": odd.low,
        "LastPrice": odd.last,
        "LastVol": odd.last_vol,
        "TotalVal": float(instrument.total_vnd + odd.total_vnd),
        "TotalVol": instrument.total_vol + odd.total_vol,
        **{f"BidPrice{level}": price for level, price in enumerate(bids, start=1)},
        **{f"BidVol{level}": rng.randrange(1, 400) if price else 0 for level, price in enumerate(bids, start=1)},
        **{f"AskPrice{level}": price for level, price in enumerate(asks, start=1)},
        **{f"AskVol{level}": rng.randrange(1, 400) if price else 0 for level, price in enumerate(asks, start=1)},
        "Exchange": listing.exchange,
        "TradingSession": instrument.session,
        "TradingStatus": _trading_status(instrument),
        "Change": change,
        "RatioChange": round(change / instrument.reference * 100, 2),
        "StockType": "Stock",
    }
    return Message("OL", listing.symbol, content)


def _trading_status(instrument: Instrument) -> str:
    return "Normal" if instrument.listing.kind == "future" else "N"


def _average(instrument: Instrument, decimals: int) -> float | str:
    """VND per share or contract, hence points times 100,000 for futures."""
    if not instrument.total_vol:
        return "NaN"
    return round(instrument.total_vnd / instrument.total_vol, decimals)


def _expected(instrument: Instrument) -> float:
    """The price an auction would match at; for futures the last price at other times."""
    if instrument.expected is not None:
        return instrument.ladder.wire[instrument.expected]
    return instrument.last / instrument.scale if instrument.listing.kind == "future" else 0.0
