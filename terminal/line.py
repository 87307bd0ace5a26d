"""A row as a line of text, and a change as a line of JSON."""

import json
from collections.abc import Mapping, Sequence

from clients.python.banggia_client import Change, Problem, Row, Status
from terminal import formats


def text_line(key: str, row: Row | None, fields: Sequence[str] | None) -> str:
    """`SSI last=31550 change=50`, with values as on the wire; of these fields, or of all that are known."""
    if row is None:
        return f"{key} is gone"
    names = [name for name in fields if name in row] if fields else [name for name in row if row[name] is not None]
    return " ".join([key, *(f"{name}={_value(row[name])}" for name in names)])


def change_lines(change: Change, fields: Sequence[str] | None) -> list[str]:
    """The time of the data, and a line of each row; of rows that have none of the fields, nothing."""
    clock = formats.clock(change.time_ms)
    return [f"{clock} {text_line(key, row, fields)}" for key, row in _having(change.rows, fields).items()]


def change_json(channel: str, change: Change, fields: Sequence[str] | None) -> str:
    """One object, without the rows that have none of the fields; it may be left without any."""
    body = {"type": "change", "channel": channel, "reset": change.reset, "from": change.from_rev, "rev": change.rev}
    return to_json(body | {"time": change.time_ms, "rows": chosen(_having(change.rows, fields), fields)})


def status_json(status: Status | None, error: Problem | None) -> str:
    """One object; without a link, `status` is null, and `error` says why."""
    body = None if status is None else {name: getattr(status, name) for name in Status.__slots__}
    return to_json({"type": "status", "status": body, "error": None if error is None else error._asdict()})


def chosen(rows: Mapping[str, Row | None], fields: Sequence[str] | None) -> dict[str, Row | None]:
    """The rows with these fields only."""
    if not fields:
        return dict(rows)
    return {key: row and {name: row[name] for name in fields if name in row} for key, row in rows.items()}


def _having(rows: Mapping[str, Row | None], fields: Sequence[str] | None) -> dict[str, Row | None]:
    """Those that have one of the fields, or are gone."""
    return {key: row for key, row in rows.items() if row is None or not fields or row.keys() & set(fields)}


def to_json(body: object) -> str:
    """On one line."""
    return json.dumps(body, ensure_ascii=False, separators=(",", ":"))


def _value(value: object) -> str:
    return value if isinstance(value, str) and " " not in value else to_json(value)
