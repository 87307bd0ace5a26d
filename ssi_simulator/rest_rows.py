"""The rows of REST answers: every number a string, the keys as FastConnect spells them."""

from collections.abc import Mapping, Sequence
from datetime import date
from typing import TypeAlias

from ssi_simulator.core.index import IndexListing
from ssi_simulator.core.listing import Listing

Row: TypeAlias = Mapping[str, object]

_SECURITY_TYPES = {"stock": "ST", "etf": "EF", "warrant": "CW", "future": "FU"}


def market_of(listing: Listing) -> str:
    """The market's name in REST: futures are in DER there, and DERIVATIVES in the stream."""
    return "DER" if listing.exchange == "DERIVATIVES" else listing.exchange


def security(listing: Listing) -> Row:
    """A row of `Securities`."""
    return {
        "Market": market_of(listing),
        "Symbol": listing.symbol,
        "StockName": listing.name_vi,
        "StockEnName": listing.name_en,
    }


def details(listings: Sequence[Listing], day: date) -> Row:
    """The one row of `SecuritiesDetails`: a report on the securities of the page."""
    return {
        "RType": "y",
        "ReportDate": _date(day),
        "TotalNoSym": str(len(listings)),
        "RepeatedInfo": [_details(listing) for listing in listings],
    }


def index(listing: IndexListing) -> Row:
    """A row of `IndexList`."""
    return {"IndexCode": listing.id, "IndexName": listing.name, "Exchange": listing.exchange}


def components(listing: IndexListing) -> Row:
    """A row of `IndexComponents`; the components are one level down."""
    return {
        **index(listing),
        "TotalSymbolNo": str(len(listing.symbols)),
        "IndexComponent": [{"Isin": symbol, "StockSymbol": symbol} for symbol in listing.symbols],
    }


def _details(listing: Listing) -> Row:
    warrant, future = listing.kind == "warrant", listing.kind == "future"
    return {
        "Isin": listing.symbol,
        "Symbol": listing.symbol,
        "SymbolName": listing.name_vi,
        "SymbolEngName": listing.name_en,
        "SecType": _SECURITY_TYPES[listing.kind],
        "MarketId": market_of(listing),
        "Exchange": market_of(listing),
        "Issuer": listing.issuer or None,
        "LotSize": str(listing.lot),
        "IssueDate": _date(listing.first_day) if warrant else "",
        "MaturityDate": _date(listing.last_day),
        "FirstTradingDate": _date(listing.first_day),
        "LastTradingDate": _date(listing.last_day),
        "ContractMultiplier": str(listing.multiplier_vnd) if future else None,
        "SettlMethod": "C" if warrant or future else None,
        "Underlying": listing.underlying or None,
        "PutOrCall": "C" if warrant else None,
        "ExercisePrice": str(listing.exercise_price_vnd) if warrant else "0",
        "ExerciseStyle": "E" if warrant else None,
        "ExcerciseRatio": f"{listing.ratio:g}:1" if warrant else None,
        "ListedShare": str(listing.listed_shares),
        # Often null in the real answers too.
        **{f"{name}{level}": None for name in ("TickPrice", "TickIncrement") for level in range(1, 5)},
    }


def _date(day: date | None) -> str:
    return "" if day is None else f"{day:%d/%m/%Y}"
