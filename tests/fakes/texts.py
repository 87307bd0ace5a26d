"""Rows as commits and tables have them: JSON."""

from collections.abc import Iterable, Mapping

import orjson

from shared.table import Entry


def texts(rows: Mapping[str, Mapping[str, object] | None]) -> dict[str, bytes]:
    """By their keys; None: removed."""
    return {key: orjson.dumps(row) for key, row in rows.items()}


def entries(rows: Iterable[tuple[str, Mapping[str, object] | None, int]]) -> list[tuple[str, Entry]]:
    """With the revision of each."""
    return [(key, Entry(orjson.dumps(row), rev)) for key, row, rev in rows]
