"""
The form of all tables as one document, a JSON Schema of draft 2020-12: for programs, and for docs/tables.md.

It describes an object channel → key → row, so it can check a board, and a part of it one channel or one row. Beside
the standard's words there are `unit` and `decimals` (`core/units.py`), `units`, and `lasting`: whether the rows of a
channel outlive a trading day.
"""

from collections.abc import Iterable, Sequence
from hashlib import sha256
from typing import cast

import orjson
from pydantic import TypeAdapter
from pydantic.config import JsonDict
from pydantic.json_schema import GenerateJsonSchema

from ingest_service.core.history import LASTING
from ingest_service.core.rows import TABLES, AnyRow, TableForm
from ingest_service.core.units import UNITS
from shared.channels import Channel, Internal
from shared.wire import Schema

_ABOUT = """
Each channel is a table, key → row, as a snapshot brings it whole. Every field is always there; what is not known is
null. `unit` says what a value is (`units` lists them), `decimals` how many a number has at most. A property of a
channel that has a name is a row of another form than its others. `lasting`: the rows outlive a trading day; all others
go with the first message of the next one.
"""


class _PlainSchema(GenerateJsonSchema):
    """Without titles that only repeat the names of the fields."""

    def field_title_should_be_set(self, schema: object) -> bool:  # noqa: ARG002 (as pydantic has it)
        return False


def _schema() -> Schema:
    published = [TABLES[channel] for channel in Channel]
    document: JsonDict = {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "$id": "",
        "title": "The tables of banggia",
        "description": _flowing(_ABOUT),
        "units": {str(unit): meaning for unit, meaning in UNITS.items()},
        "type": "object",
        "properties": {channel.value: _table(TABLES[channel], lasting=channel in LASTING) for channel in Channel},
        "additionalProperties": False,
        "$defs": _definitions(published),
    }
    # Those that only ingests read are nobody else's business, but their form ends the epoch as well.
    internal = _definitions([TABLES[table] for table in Internal])
    identity = sha256(orjson.dumps([document, internal])).hexdigest()[:16]
    document["$id"] = f"urn:banggia:tables:{identity}"
    return Schema(identity, orjson.dumps(document))


def _table(form: TableForm, *, lasting: bool) -> JsonDict:
    return {
        "type": "object",
        "lasting": lasting,
        "propertyNames": {"description": form.key},
        "properties": {key: _reference(row) for key, row in form.special.items()},
        "additionalProperties": _reference(form.row),
    }


def _reference(row: type[AnyRow]) -> JsonDict:
    return {"$ref": f"#/$defs/{row.__name__}"}


def _definitions(forms: Iterable[TableForm]) -> JsonDict:
    rows: Sequence[type[AnyRow]] = [row for form in forms for row in (form.row, *form.special.values())]
    _, described = TypeAdapter.json_schemas(
        [(row.__name__, "validation", TypeAdapter(row)) for row in rows], schema_generator=_PlainSchema
    )
    definitions = cast("dict[str, JsonDict]", described["$defs"])
    for definition in definitions.values():
        definition["description"] = _flowing(str(definition["description"]))
    return {**definitions}


def _flowing(text: str) -> str:
    """Paragraphs without the line breaks of the source."""
    return "\n\n".join(" ".join(paragraph.split()) for paragraph in text.strip().split("\n\n"))


#: Rows of another identity than this one end the epoch: the fields, or what they mean, are others.
SCHEMA = _schema()
