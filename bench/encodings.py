"""
What other encodings of the same updates would cost: none of them is spoken by the publisher.

Each is counted as a whole message, compressed as ours is, over updates that were recorded.
"""

from collections.abc import Callable, Iterator, Mapping
from typing import NamedTuple

import orjson

from bench.centrifugo import Recorded
from shared.table import JSON, Row


class Told(NamedTuple):
    """An update of one row."""

    before: Row
    after: Row


Update = Mapping[str, Told]
Encoding = Callable[[int, Update], JSON]  # the number of the update, and what it tells → a message


def updates(recorded: Recorded) -> Iterator[dict[str, Told]]:
    """Each row with the one that the client held before."""
    held: dict[str, Row] = {key: orjson.loads(row) for key, row in recorded.first.items()}
    for update in recorded.updates:
        rows: dict[str, Row] = {key: orjson.loads(row) for key, row in update.items()}
        yield {key: Told(held.get(key, {}), row) for key, row in rows.items()}
        held |= rows


def fields(told: Told) -> Row:
    """The changed fields, whole: `mode=fields`."""
    return {name: value for name, value in told.after.items() if told.before.get(name) != value}


def cells(before: JSON, after: JSON) -> JSON:
    """What is different inside lists of one length and inside objects, by place or name; else all of it."""
    if isinstance(before, dict) and isinstance(after, dict):
        return {name: cells(before.get(name), value) for name, value in after.items() if before.get(name) != value}
    if isinstance(before, list) and isinstance(after, list) and len(before) == len(after):
        pairs = enumerate(zip(before, after, strict=True))
        return {str(at): cells(old, new) for at, (old, new) in pairs if old != new}
    return after


def _head(number: int) -> dict[str, JSON]:
    rev = 1000 + 25 * number
    return {
        "type": "update", "channel": "market", "from": rev - 25, "rev": rev,
        "position": f"20261123-bench0.{rev}.5f0c19aa", "time": 1_795_405_330_000 + 500 * number,
    }  # fmt: skip


def _short_head(number: int) -> dict[str, JSON]:
    rev = 1000 + 25 * number
    return {"from": rev - 25, "rev": rev}


def _as_now(number: int, update: Update) -> JSON:
    return {**_head(number), "data": {key: fields(told) for key, told in update.items()}}


def _book_by_level(number: int, update: Update) -> JSON:
    def row(told: Told) -> JSON:
        return {
            name: cells(told.before.get(name), value) if name in ("bids", "asks") else value
            for name, value in fields(told).items()
        }

    return {**_head(number), "data": {key: row(told) for key, told in update.items()}}


def _by_cell(number: int, update: Update) -> JSON:
    return {**_head(number), "data": {key: cells(told.before, told.after) for key, told in update.items()}}


def _short_head_by_cell(number: int, update: Update) -> JSON:
    return {**_short_head(number), "data": {key: cells(told.before, told.after) for key, told in update.items()}}


def _short_names(number: int, update: Update) -> JSON:
    def row(told: Told) -> JSON:
        places = {name: str(place) for place, name in enumerate(told.after)}
        return {places[name]: value for name, value in fields(told).items()}

    return {**_head(number), "data": {key: row(told) for key, told in update.items()}}


ENCODINGS: dict[str, Encoding] = {
    "as now": _as_now,
    "numbers for names of fields": _short_names,
    "of the book the changed levels": _book_by_level,
    "of all fields the changed cells": _by_cell,
    "changed cells, only revisions in the head": _short_head_by_cell,
}


def sizes(recorded: Recorded, size: Callable[[bytes], int]) -> dict[str, int]:
    """Bytes of all updates together, by encoding; `size` is that of a message on the wire."""
    totals = dict.fromkeys(ENCODINGS, 0)
    for number, update in enumerate(updates(recorded)):
        for name, encode in ENCODINGS.items():
            totals[name] += size(orjson.dumps(encode(number, update)))
    return totals
