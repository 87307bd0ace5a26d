"""The book's laws, whatever orders come."""

from random import Random

from hypothesis import given
from hypothesis import strategies as st

from ssi_simulator.core import orders
from ssi_simulator.core.book import Book
from ssi_simulator.core.instrument import Instrument
from ssi_simulator.core.listing import Listing
from ssi_simulator.core.prices import band

PRICES = tuple(float(price) for price in range(100, 120))


def an_instrument(reference: int) -> Instrument:
    listing = Listing("AAA", "", "", "HNX", "stock", reference, stock_no=1, weight=1.0)
    return Instrument(listing, reference, band("HNX", "stock", reference), foreign_room=0, drift=0.0)


def test_a_book_shows_its_best_levels_first_and_zeros_beyond() -> None:
    book = Book(rungs=20, depth=3)
    for rung in (3, 5, 6, 8):
        book.put(rung, 100 * rung, buying=True)
    book.put(10, 700, buying=False)

    shown = book.wire(PRICES)

    assert shown.bid_prices == [108.0, 106.0, 105.0, *[0.0] * 7]
    assert shown.bid_vols == [800.0, 600.0, 500.0, *[0.0] * 7]
    assert shown.ask_prices == [110.0, *[0.0] * 9]
    assert shown.ask_vols == [700.0, *[0.0] * 9]


def test_a_level_that_is_used_up_makes_the_next_one_best() -> None:
    book = Book(rungs=20, depth=3)
    book.put(10, 700, buying=False)
    book.put(12, 300, buying=False)

    book.remove(10, 700)

    assert book.ask == 12


def test_an_empty_side_is_just_off_the_ladder() -> None:
    book = Book(rungs=20, depth=3)
    book.put(4, 100, buying=True)

    book.remove(4, 500)

    assert (book.bid, book.ask) == (-1, 20)


@given(
    st.integers(2, 80).map(lambda hundreds: hundreds * 100),
    st.integers(),
    st.lists(st.tuples(st.sampled_from("qqttau"), st.floats(0, 1)), max_size=120),
)
def test_no_order_crosses_the_book_or_leaves_the_band(reference: int, seed: int, flow: list[tuple[str, float]]) -> None:
    instrument, rng = an_instrument(reference), Random(seed)
    orders.open_day(instrument, rng, instrument.ladder.reference)

    for kind, up in flow:
        if kind == "a" and instrument.expected is None:
            orders.expect(instrument, rng)
        elif kind == "u" and instrument.expected is not None:
            orders.uncross(instrument, rng)
        elif instrument.expected is not None:
            orders.auction(instrument, rng, up)
        elif kind == "t":
            orders.trade(instrument, rng, up)
        else:
            orders.quote(instrument, rng, up)

        book, volumes = instrument.book, instrument.book.volumes
        assert book.bid < book.ask
        assert min(volumes) >= 0
        assert not any(volumes[book.bid + 1 : book.ask])
        assert book.bid == -1 or volumes[book.bid] > 0
        assert book.ask == len(volumes) or volumes[book.ask] > 0
        assert not instrument.last or instrument.floor <= instrument.low <= instrument.high <= instrument.ceiling
