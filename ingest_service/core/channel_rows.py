"""Rows of one type, and which of them changed since the changes were last taken."""

from collections.abc import Mapping
from typing import Generic, TypeVar, cast

from pydantic import ValidationError

from ingest_service.core.invalid_row import InvalidRow
from ingest_service.core.rows import TABLES, AnyRow, row_type
from shared.channels import Stored
from shared.table import Row

# Ten times what is ever listed. Garbage must not fill the memory.
MAX_ROWS = 20_000

_RowT = TypeVar("_RowT", bound=AnyRow)


class ChannelRows(Generic[_RowT]):
    """
    Rows by key. Rows are values: to change one, put a new dict in its place.

    `special_key` restricts it to the one row of another type that a channel has beside its others; the others stand in
    a ChannelRows of their own.
    """

    def __init__(self, channel: Stored, special_key: str = "") -> None:
        self.channel = channel
        self.rows: dict[str, _RowT] = {}
        self._special_key = special_key
        self._changed: dict[str, None] = {}  # a set that keeps its order

    def get(self, key: str, otherwise: _RowT) -> _RowT:
        """The row of a key."""
        return self.rows.get(key, otherwise)

    def put(self, key: str, row: _RowT) -> None:
        """Take a row; an equal one is no change."""
        if self.rows.get(key) != row:
            self.rows[key] = row
            self._changed[key] = None

    def remove(self, key: str) -> None:
        """Let a row go; that is a change."""
        if self.rows.pop(key, None) is not None:
            self._changed[key] = None

    def clear(self) -> None:
        """Forget rows and changes without telling anyone: their history has ended."""
        self.rows.clear()
        self._changed.clear()

    def touch(self, key: str) -> None:
        """Count a row as changed."""
        self._changed[key] = None

    def touch_all(self) -> None:
        """Count all rows as changed."""
        self._changed |= dict.fromkeys(self.rows)

    def load(self, rows: Mapping[str, Row]) -> int:
        """
        Replace everything by published rows, which are no changes.

        Returns how many were left out, because they are not of this version's form.
        """
        self.clear()
        left_out, special = 0, TABLES[self.channel].special
        checked = row_type(self.channel, self._special_key).validate_python
        for key, row in rows.items():
            if (key if key in special else "") != self._special_key:
                continue
            try:
                self.rows[key] = cast("_RowT", checked(row))
            except ValidationError:
                left_out += 1
        return left_out

    def has_room(self, key: str) -> bool:
        """False if the key is new and there are too many already."""
        return key in self.rows or len(self.rows) < MAX_ROWS

    def get_with_room(self, key: str, otherwise: _RowT, data_type: str) -> _RowT:
        """The row of a key. Raises InvalidRow if it is new and there is no room."""
        held = self.rows.get(key)
        if held is None:
            if not self.has_room(key):
                raise InvalidRow("too_many_rows", data_type)
            return otherwise
        return held

    def take_changes(self) -> dict[str, Row | None]:
        """The rows that changed since the last call, None for those that left; to others they are plain JSON."""
        changed, self._changed = self._changed, {}
        return {key: cast("Row | None", self.rows.get(key)) for key in changed}
