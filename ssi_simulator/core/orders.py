"""
The order flow: what a crowd does with an instrument. Random, but leaning towards a fair price.

Every function changes the instrument and leaves its book uncrossed and inside the band.
"""

from random import Random

from ssi_simulator.core.instrument import Instrument, Side

_MAX_ORDER_SHARES = 500_000  # the largest order on HOSE
_MAX_CONTRACTS = 500


def lean(instrument: Instrument, fair: float) -> float:
    """The probability that the next impulse is upwards, given the rung that would be fair."""
    return min(0.92, max(0.08, 0.5 + 0.06 * (fair - instrument.rung)))


def open_day(instrument: Instrument, rng: Random, fair: float) -> None:
    """
    The first orders of the day: dense for busy instruments, next to nothing for idle ones.

    The price opens more than half way to where the crowd wants it, so some open at the end of the band.
    """
    gap = 0.6 * (fair - instrument.rung)
    instrument.rung = min(instrument.ladder.top, max(0, instrument.rung + round(gap)))
    density = 1.0 if instrument.listing.weight > 0.002 else 0.6 if instrument.listing.weight else 0.15
    centre, top = instrument.rung, instrument.ladder.top
    for distance in range(1, instrument.book.depth + 3):
        for rung, buying in ((centre - distance, True), (centre + distance, False)):
            if 0 <= rung <= top and rng.random() < density:
                instrument.book.put(rung, _resting(instrument, rng), buying=buying)


def expect(instrument: Instrument, rng: Random) -> None:
    """An auction begins: busy instruments will match, around where the price stands; of the others, a few."""
    if rng.random() < instrument.listing.weight * 300:
        instrument.expected = instrument.rung
        instrument.book.split(instrument.rung)


def auction(instrument: Instrument, rng: Random, up: float) -> None:
    """One order comes into an auction: the expected price may move by a tick, and what would be left over changes."""
    if instrument.expected is None:
        quote(instrument, rng, up)
        return
    top = instrument.ladder.top
    if rng.random() < 0.5:
        instrument.expected = min(top, max(0, instrument.expected + (1 if rng.random() < up else -1)))
        instrument.rung = instrument.expected
        instrument.book.split(instrument.expected)
    distance = 1 + int(instrument.book.depth * rng.random() ** 2)
    buying = rng.random() < 0.5
    rung = min(top, max(0, instrument.expected + (-distance if buying else distance)))
    if rung == instrument.expected:  # the price has come to the end of the ladder: only the stronger side is left
        buying = rung == top
    instrument.book.put(rung, _resting(instrument, rng), buying=buying)


def uncross(instrument: Instrument, rng: Random) -> bool:
    """An auction ends in one match at the expected price; False if none was expected."""
    rung, instrument.expected = instrument.expected, None
    if rung is None:
        return False
    instrument.execute(rung, _size(instrument, rng, 30), None)
    return True


def quote(instrument: Instrument, rng: Random, up: float) -> None:
    """One order that does not match: into the spread, to a level near the best, or a level that is taken away."""
    book, top = instrument.book, instrument.ladder.top
    buying = rng.random() < up
    best = book.bid if buying else book.ask
    outwards = -1 if buying else 1
    if not 0 <= best <= top:  # nobody on this side: start where the price stands, but not across the other side
        rung = min(instrument.rung, book.ask - 1) if buying else max(instrument.rung, book.bid + 1)
        if not 0 <= rung <= top:  # the other side is locked at the end of the ladder
            buying, rung = not buying, top if rung > top else 0
    elif book.ask - book.bid > 1 and rng.random() < 0.7:
        rung = best - outwards
    else:
        rung = best + outwards * int(book.depth * rng.random() ** 2)
        if not 0 <= rung <= top:
            rung = best
        if book.volumes[rung] and rng.random() < 0.25 and _has_other(instrument, rung):
            book.remove(rung, book.volumes[rung])
            return
    book.put(rung, _resting(instrument, rng), buying=buying)


def trade(instrument: Instrument, rng: Random, up: float, bulk: int = 1) -> bool:
    """
    One order that hits the best price on the other side, for what rests there at most; False if nobody is there.

    With bulk, the match is that many times larger than what it takes from the book: more orders stand behind the
    visible ones.
    """
    book = instrument.book
    buying = rng.random() < up
    side: Side = "BU" if buying else "SD"
    rung = book.ask if buying else book.bid
    if not 0 <= rung <= instrument.ladder.top:
        return False
    shares = min(_size(instrument, rng, 1), book.volumes[rung])
    instrument.execute(rung, shares * bulk, side)
    book.remove(rung, shares)
    # The crowd's opinion wanders with each trade, and wears off.
    instrument.drift = instrument.drift * 0.9995 + (rng.random() - 0.5) * 0.001
    return True


def trade_at_close(instrument: Instrument, rng: Random) -> None:
    """A match in the session after the close: at the closing price, with no book."""
    instrument.execute(instrument.rung, _size(instrument, rng, 1), None)


def _has_other(instrument: Instrument, rung: int) -> bool:
    """Whether the side of a rung has more than this one level; the last one is never taken away."""
    shown = instrument.book.wire(instrument.ladder.wire)
    return (shown.bid_vols if rung <= instrument.book.bid else shown.ask_vols)[1] > 0


def _size(instrument: Instrument, rng: Random, times: int) -> int:
    lot = instrument.listing.lot
    shares = int(1 + rng.expovariate(1.0) * instrument.typical_shares * times / lot) * lot
    return min(shares, _MAX_CONTRACTS if lot == 1 else _MAX_ORDER_SHARES)


def _resting(instrument: Instrument, rng: Random) -> int:
    return _size(instrument, rng, 15 if instrument.listing.weight > 0.002 else 4)
