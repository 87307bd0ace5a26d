"""The order of faults."""

from itertools import islice

from local_stack.chaos.deck import cards

NAMES = ("killed", "frozen", "cut", "flushed")


def test_each_deck_holds_every_fault_once() -> None:
    drawn = [card.name for card in islice(cards(NAMES, seed=1), 12)]

    assert [sorted(drawn[at : at + 4]) for at in (0, 4, 8)] == [sorted(NAMES)] * 3


def test_the_same_seed_brings_the_same_faults_upon_the_same_victims() -> None:
    one, same, other = (
        list(islice(cards(names, seed), 20)) for names, seed in ((NAMES, 7), (NAMES[::-1], 7), (NAMES, 8))
    )

    assert one == same
    assert one != other
