"""What one message, or several merged, did to a table."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, TypeAlias

#: Field → value: numbers, texts, lists. All fields are always there; what is not known is None.
Row: TypeAlias = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Change:
    """
    Told after the table took it.

    `rows` has the rows that changed: the changed fields in mode "fields", else whole; None: the row is gone. With
    `reset` the table was replaced, and `rows` is all of it.
    """

    reset: bool
    rows: Mapping[str, Row | None]
    from_rev: int  # holds all that changed after this revision; 0 with a reset
    rev: int
    time_ms: int  # the ingest's clock when the newest feed message in it was read, Unix ms

    def then(self, later: "Change") -> "Change":
        """Both in one, for who was slow."""
        if later.reset:
            return later
        rows = dict(self.rows)
        for key, fields in later.rows.items():
            known = rows.get(key)
            if fields is None and self.reset:
                rows.pop(key, None)
            elif fields is None or known is None:
                rows[key] = fields
            else:
                rows[key] = {**known, **fields}
        return Change(self.reset, rows, self.from_rev, later.rev, later.time_ms)
