"""
Price rules: ticks, bands, and the ladder of every price that an order may have today.

Prices are whole units here, so that sums and comparisons are exact: 1 VND for stocks, 0.1 point for index futures.
"""

from typing import Literal, TypeAlias

from ssi_simulator.core.timetable import ExchangeName

Kind: TypeAlias = Literal["stock", "etf", "warrant", "future"]

# Width of the price band in per cent of the reference, on a normal day.
BAND_PERCENT: dict[ExchangeName, int] = {"HOSE": 7, "HNX": 10, "UPCOM": 15, "DERIVATIVES": 7}


def tick(exchange: ExchangeName, kind: Kind, price: int) -> int:
    """The price step at a price. Only stocks on HOSE have steps that depend on it."""
    if kind == "future":
        return 1  # unit: 0.1 point
    if exchange != "HOSE":
        return 1 if kind == "etf" else 100
    if kind != "stock" or price < 10_000:
        return 10
    return 50 if price < 50_000 else 100


def rounded(exchange: ExchangeName, kind: Kind, price: float) -> int:
    """The valid price nearest to a price, at least one tick."""
    step = tick(exchange, kind, int(price))
    return max(step, round(price / step) * step)


def band(exchange: ExchangeName, kind: Kind, reference: int) -> tuple[int, int]:
    """Floor and ceiling around a reference: the floor rounded up, the ceiling down, but each a tick away at least."""
    percent = BAND_PERCENT[exchange]
    return clipped(
        exchange, kind, reference, -(-reference * (100 - percent) // 100), reference * (100 + percent) // 100
    )


def warrant_band(reference: int, ratio: float, underlying: tuple[int, int, int]) -> tuple[int, int]:
    """Floor and ceiling of a covered warrant, from floor, reference and ceiling of the share that it is on."""
    floor, centre, ceiling = underlying
    down, up = int((centre - floor) / ratio), int((ceiling - centre) / ratio)
    return clipped("HOSE", "warrant", reference, reference - down, reference + up)


def clipped(exchange: ExchangeName, kind: Kind, reference: int, floor: int, ceiling: int) -> tuple[int, int]:
    """A raw band on valid prices: never narrower than one tick either way, never below one tick."""
    step = tick(exchange, kind, reference)
    low, high = tick(exchange, kind, floor), tick(exchange, kind, ceiling)
    lowest = max(step, min(-(-floor // low) * low, reference - step))
    return lowest, max(ceiling // high * high, reference + step)


class Ladder:
    """Every price between floor and ceiling. Elsewhere a price is named by its rung, the position in here."""

    __slots__ = ("reference", "top", "units", "wire")

    def __init__(self, exchange: ExchangeName, kind: Kind, reference: int, floor: int, ceiling: int) -> None:
        units = [floor]
        while units[-1] < ceiling:
            units.append(units[-1] + tick(exchange, kind, units[-1]))
        scale = 10 if kind == "future" else 1
        self.units = tuple(units)
        self.wire = tuple(price / scale for price in units)  # as the feed writes them: VND, or points
        self.top = len(units) - 1
        self.reference = units.index(reference)
