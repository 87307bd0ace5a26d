"""In which order faults come: by decks, each holding every kind once, shuffled; so that none is left out by chance."""

import random
from collections.abc import Iterator, Sequence
from typing import NamedTuple


class Card(NamedTuple):
    """One fault to come."""

    name: str
    victim: int  # whom it hits, by a number that the fault reads


def cards(names: Sequence[str], seed: int) -> Iterator[Card]:
    """Deck after deck, without end; the same for the same seed."""
    rng = random.Random(seed)  # noqa: S311 (no secret: it has to be the same again)
    while True:
        deck = sorted(names)
        rng.shuffle(deck)
        yield from (Card(name, rng.randrange(2**16)) for name in deck)
