"""What an oracle finds wrong, and what excuses it."""

from dataclasses import dataclass, field
from enum import StrEnum
from typing import NamedTuple


class Kind(StrEnum):
    """What a complaint is about."""

    DIVERGENCE = "divergence"  # a value that is not the ledger's
    GAP = "gap"  # a frame that does not follow what is held
    STATUS = "status"  # a status that was not true
    NUMBERS = "numbers"  # a row that cannot be right, whoever wrote it
    RULE = "rule"  # anything else that the protocol does not allow
    DELAY = "delay"  # data that came late in calm weather


class Complaint(NamedTuple):
    """Something that a publisher should not have said, or should have."""

    kind: Kind
    text: str


@dataclass(slots=True)
class Weather:
    """What everybody knows about the faults now."""

    calm: bool = False  # none is in force, and all have recovered
    silence_s: float = 8.0  # without data for longer, a status must not say that all is well
    # Days (as an epoch begins) in which another market took the place of the first: totals begin anew.
    mixed_days: set[str] = field(default_factory=set)
