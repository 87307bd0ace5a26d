"""Where a client stands, as an opaque text that any replica understands."""

from typing import NamedTuple

#: Twice as long as any that is given out. It is kept until the subscription is answered.
MAX_LENGTH = 100


class InvalidPosition(ValueError):  # noqa: N818 (the name says what it is)
    """Not a position that a publisher gave out."""


class Position(NamedTuple):
    """What the text `20261123-k3f9q2.1234.5f0c19aa` says. Revisions compare only within one epoch."""

    epoch: str
    rev: int
    fingerprint: str  # of channel and key expression: a position is of no use for others

    def __str__(self) -> str:
        """The text."""
        return f"{self.epoch}.{self.rev}.{self.fingerprint}"

    @classmethod
    def parse(cls, text: str) -> "Position":
        """The inverse of `str`. Raises InvalidPosition."""
        epoch, _, rest = text.partition(".")
        rev, _, fingerprint = rest.partition(".")
        # Twenty digits: more than any revision, less than makes int() slow.
        is_one = epoch and fingerprint and rev.isascii() and rev.isdecimal() and len(rev) <= 20
        if not is_one or len(text) > MAX_LENGTH:
            raise InvalidPosition("since is not a position; use the `position` of the last frame, as it is")
        return cls(epoch, int(rev), fingerprint)
