"""
How many inputs a border is tried with, and what happens when it does not hold.

`FUZZ_INPUTS=1000000` tries so many for each test, `FUZZ_SEED` other ones. Inputs come in blocks: each has a seed of its
own and begins with everything new, so that a failure is repeated by the inputs of its block alone.
"""

import os
import random
from collections.abc import Callable
from typing import Protocol

import pytest

from tests.fuzz.mutator import Mutator


def _number(variable: str, default: int) -> int:
    text = os.environ.get(variable) or str(default)
    if not text.isdecimal():
        raise pytest.UsageError(f"{variable} is a whole number, not {text!r}")
    return int(text)


INPUTS = _number("FUZZ_INPUTS", 3000)
SEED = _number("FUZZ_SEED", 1)
BLOCK = 500


class Border(Protocol):
    """Something that takes whatever comes from outside."""

    def try_one(self, mutator: Mutator) -> None:
        """Make an input and let it in. Any exception is a failure."""

    def still_works(self) -> None:
        """After all of it: what is valid is served as ever."""


def fuzz(border: Callable[[], Border], record_property: Callable[[str, object], None]) -> None:
    """Try a border, new for each block, and note how many inputs there were."""
    for done in range(0, INPUTS, BLOCK):
        seed = SEED + done // BLOCK
        subject, mutator = border(), Mutator(random.Random(seed))
        try:
            for _ in range(min(BLOCK, INPUTS - done)):
                subject.try_one(mutator)
            subject.still_works()
        except Exception as error:
            error.add_note(
                f"the block again: FUZZ_SEED={seed} FUZZ_INPUTS={BLOCK}; its last text: {mutator.last[:2000]!r}"
            )
            raise
    record_property("fuzz_inputs", INPUTS)
