"""
The instruments: who is listed, where, and how large. Everything here is invented, from a seed.

A listing is what does not change during a day; what does is the instrument's (`instrument.py`).
"""

from dataclasses import dataclass, replace
from datetime import date, timedelta
from random import Random

from ssi_simulator.core import contracts, names
from ssi_simulator.core.prices import Kind, rounded
from ssi_simulator.core.timetable import ExchangeName

# How many of 1,600 stocks are on each exchange; the rest is on UPCOM. About as in the real market.
_OF, _HOSE, _HNX = 1600, 403, 302
MAX_STOCKS = 10_000  # three-letter tickers must remain easy to find


@dataclass(frozen=True, slots=True)
class Listing:
    """One instrument. Prices are whole units: VND, or tenths of a point for futures."""

    symbol: str
    name_vi: str
    name_en: str
    exchange: ExchangeName
    kind: Kind
    reference: int  # reference price of its first day here
    stock_no: int  # the exchange's internal number
    weight: float  # share of the market's events, relative to the others; 0: never trades
    sector: str = ""  # sector index; stocks only
    listed_shares: int = 0  # 0 for futures
    foreign_limit_shares: int = 0  # what foreigners may hold together; 0: no foreign flow is published
    issuer: str = ""  # warrants
    underlying: str = ""  # warrants and futures: share or index
    ratio: float = 1.0  # warrants: how many of them make one share
    exercise_price_vnd: int = 0  # warrants
    first_day: date | None = None
    last_day: date | None = None  # warrants and futures

    @property
    def lot(self) -> int:
        """Board lot: 100 shares, or one contract."""
        return 1 if self.kind == "future" else 100

    @property
    def multiplier_vnd(self) -> int:
        """VND per point and contract for futures; 1 for all others."""
        return 100_000 if self.kind == "future" else 1

    @property
    def unit_vnd(self) -> int:
        """What one price unit of one share or contract is worth."""
        return 10_000 if self.kind == "future" else 1


def securities(rng: Random, day: date, stocks: int) -> list[Listing]:
    """
    All stocks, ETFs and covered warrants, as many of the latter as befits the number of stocks.

    ValueError if stocks is not between 1 and MAX_STOCKS.
    """
    if not 1 <= stocks <= MAX_STOCKS:
        raise ValueError(f"stocks is {stocks}: a market needs 1 to {MAX_STOCKS} of them")
    shares = _shares(rng, stocks)
    etfs = [_etf(rng, symbol) for symbol in names.ETF_TICKERS[: max(1, round(stocks * 12 / _OF))]]
    warrants = _warrants(rng, day, shares[: len(names.VN30_SECTORS)], max(1, round(stocks * 100 / _OF)))
    return _weighted(rng, [*shares, *etfs, *warrants])


def futures(day: date, vn30: float) -> list[Listing]:
    """The contracts that trade on a day, priced off a value of VN30. The front month is the busiest of all symbols."""
    return [
        Listing(
            symbol=contract.symbol,
            name_vi=f"Hợp đồng tương lai {contract.display}",
            name_en=f"VN30 index futures {contract.display}",
            exchange="DERIVATIVES",
            kind="future",
            # A premium that grows with the time to expiry.
            reference=round(vn30 * 10 * (1 + 0.00002 * (contract.last_day - day).days)),
            stock_no=9000 + place,
            weight=weight,
            underlying="VN30",
            first_day=contract.last_day - timedelta(days=210),
            last_day=contract.last_day,
        )
        for place, (contract, weight) in enumerate(
            zip(contracts.listed(day), (1.0, 0.05, 0.02, 0.01), strict=True), start=1
        )
    ]


def _shares(rng: Random, stocks: int) -> list[Listing]:
    # A small market still has its VN30.
    hose = max(min(stocks, len(names.VN30_SECTORS)), round(stocks * _HOSE / _OF))
    hnx = round((stocks - hose) * _HNX / (_OF - _HOSE))
    counts: dict[ExchangeName, int] = {"HOSE": hose, "HNX": hnx, "UPCOM": stocks - hose - hnx}
    known: dict[ExchangeName, tuple[str, ...]] = {
        "HOSE": tuple(names.VN30_SECTORS),
        "HNX": names.HNX_TICKERS,
        "UPCOM": names.UPCOM_TICKERS,
    }
    taken = {ticker for tickers in known.values() for ticker in tickers}
    return [
        _share(rng, symbol, exchange)
        for exchange, count in counts.items()
        for symbol in [
            *known[exchange][:count],
            *names.tickers(rng, taken, max(0, count - len(known[exchange]))),
        ]
    ]


def _share(rng: Random, symbol: str, exchange: ExchangeName) -> Listing:
    large = names.VN30_SECTORS.get(symbol) if exchange == "HOSE" else None
    sector = large or rng.choice(names.SECTORS)
    typical_vnd = 40_000 if large else 16_000
    typical_shares = 2_500_000_000 if large else 90_000_000 if exchange == "HOSE" else 30_000_000
    # 2,000 is where HNX and UPCOM, with ticks of 100, still have a band worth the name.
    price = min(250_000.0, max(2_000.0, rng.lognormvariate(0, 0.7) * typical_vnd))
    listed = round(rng.lognormvariate(0, 0.6) * typical_shares / 100) * 100
    # Banks 30 %, some 100 %, most 49 %.
    limit = 0.3 if sector == "VNFIN" else rng.choice((0.49, 0.49, 1.0))
    vietnamese, english = names.company(rng, sector)
    return Listing(
        symbol=symbol,
        name_vi=vietnamese,
        name_en=english,
        exchange=exchange,
        kind="stock",
        reference=rounded(exchange, "stock", price),
        stock_no=0,
        weight=0.0,
        sector=sector,
        listed_shares=listed,
        foreign_limit_shares=int(listed * limit),
        first_day=date(2006, 1, 2) + timedelta(days=rng.randrange(6500)),
    )


def _etf(rng: Random, symbol: str) -> Listing:
    listed = rng.randrange(50_000, 4_000_000) * 100
    return Listing(
        symbol=symbol,
        name_vi=f"Quỹ ETF {symbol}",
        name_en=f"{symbol} exchange-traded fund",
        exchange="HOSE",
        kind="etf",
        reference=rounded("HOSE", "etf", rng.uniform(9_000, 35_000)),
        stock_no=0,
        weight=0.0,
        listed_shares=listed,
        foreign_limit_shares=listed,
        first_day=date(2014, 10, 6) + timedelta(days=rng.randrange(3500)),
    )


def _warrants(rng: Random, day: date, shares: list[Listing], count: int) -> list[Listing]:
    """CFPT2601 is the first warrant on FPT that was issued in 2026."""
    on: dict[str, int] = {}
    warrants = []
    for _ in range(count):
        share = rng.choice(shares)
        number = on[share.symbol] = on.get(share.symbol, 0) + 1
        issuer, ratio = rng.choice(names.WARRANT_ISSUERS), rng.choice((2.0, 4.0, 5.0, 8.0, 10.0))
        first_day = day - timedelta(days=rng.randrange(10, 120))
        listing = Listing(
            symbol=f"C{share.symbol}{day.year % 100:02}{number:02}",
            name_vi=f"Chứng quyền {share.symbol} {issuer} {day.year}.{number:02}",
            name_en=f"{share.symbol} covered warrant {names.without_accents(issuer)} {day.year}.{number:02}",
            exchange="HOSE",
            kind="warrant",
            reference=rounded("HOSE", "warrant", share.reference / ratio * rng.uniform(0.05, 0.3)),
            stock_no=0,
            weight=0.0,
            listed_shares=rng.randrange(20, 200) * 100_000,
            issuer=f"Công ty Cổ phần Chứng khoán {issuer}",
            underlying=share.symbol,
            ratio=ratio,
            exercise_price_vnd=rounded("HOSE", "stock", share.reference * rng.uniform(0.85, 1.15)),
            first_day=first_day,
            last_day=first_day + timedelta(days=270),
        )
        warrants.append(listing)
    return warrants


def _weighted(rng: Random, listings: list[Listing]) -> list[Listing]:
    """
    Activity by rank, roughly as Zipf found it: VN30 first, then the others of HOSE and HNX, UPCOM at the end.

    Nearly half of UPCOM never trades.
    """

    def rank(listing: Listing) -> float:
        if listing.exchange == "UPCOM":
            return 3 + rng.random()
        return rng.random() if listing.symbol in names.VN30_SECTORS else 1 + 2 * rng.random()

    places = {listing.symbol: place for place, listing in enumerate(sorted(listings, key=rank), start=2)}
    return [
        replace(
            listing,
            stock_no=number,
            weight=0.0 if listing.exchange == "UPCOM" and rng.random() < 0.45 else places[listing.symbol] ** -0.9,
        )
        for number, listing in enumerate(listings, start=1)
    ]
