"""Rows as comma-separated values (RFC 4180), for spreadsheets."""

import csv
import io
from collections.abc import Iterable

import orjson

from shared.table import Entry

#: What a cell begins with that spreadsheets take for a formula.
FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n")


def csv_table(rows: Iterable[tuple[str, Entry]]) -> bytes:
    """
    A line of names, `key` first, then one line a row, ordered by key.

    A row that lacks a field leaves its place empty, as `null` does. Lists and objects are JSON text, true and false
    are in small letters. A text that a spreadsheet would reckon with gets an apostrophe before it; numbers never.
    """
    loaded = {key: orjson.loads(entry.json) for key, entry in sorted(rows, key=lambda row: row[0])}
    fields = list(dict.fromkeys(name for row in loaded.values() for name in row))
    text = io.StringIO()
    writer = csv.writer(text)
    writer.writerow(("key", *map(_text, fields)))
    writer.writerows((_text(key), *(_cell(row.get(name)) for name in fields)) for key, row in loaded.items())
    return text.getvalue().encode()


def _cell(value: object) -> object:
    if isinstance(value, str):
        return _text(value)
    return orjson.dumps(value).decode() if isinstance(value, (bool, list, dict)) else value


def _text(value: str) -> str:
    return f"'{value}" if value.startswith(FORMULA) else value
