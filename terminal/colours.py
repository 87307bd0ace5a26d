"""What a price means, and how that is shown: the rule of Vietnamese boards, never by colour alone."""

from collections.abc import Mapping
from enum import Enum


class Meaning(Enum):
    """Of a price: its colour (of the 256 of terminals) and its mark."""

    CEILING = ("38;5;201", "CE")  # purple
    FLOOR = ("38;5;51", "FL")  # cyan
    REFERENCE = ("38;5;220", "■")  # yellow
    UP = ("38;5;40", "▲")  # green
    DOWN = ("38;5;203", "▼")  # red
    NONE = ("", "")

    @property
    def colour(self) -> str:
        """The parameters of an SGR sequence."""
        return self.value[0]

    @property
    def mark(self) -> str:
        """For who sees no colours."""
        return self.value[1]


def meaning(price: object, row: Mapping[str, object]) -> Meaning:
    """Ceiling and floor before the direction; both come from the row, and an index has none."""
    reference = row.get("reference")
    if not isinstance(price, int | float) or not isinstance(reference, int | float) or not price:
        return Meaning.NONE
    if price == row.get("ceiling"):
        return Meaning.CEILING
    if price == row.get("floor"):
        return Meaning.FLOOR
    if price == reference:
        return Meaning.REFERENCE
    return Meaning.UP if price > reference else Meaning.DOWN
