"""clients/typescript/src/rows.ts from the schema of the rows: types alone, so nothing of it is left when it runs."""

from collections.abc import Iterator
from textwrap import wrap
from typing import Any

import orjson

#: A part of a JSON Schema; the schema is our own, so what it may hold is known.
Node = dict[str, Any]

_WORDS = {"integer": "number", "number": "number", "string": "string", "boolean": "boolean", "null": "null"}


def row_types(document: bytes) -> str:
    """The file that is due, from the schema's document."""
    schema: Node = orjson.loads(document)
    return "\n".join(_lines(schema))


def _lines(schema: Node) -> Iterator[str]:
    yield "/** The rows of all channels. Written by `python3 run.py docs` from the schema that `/api/schema` serves. */"
    yield ""
    yield from _comment("Each channel: its key, and the type of its rows.", "")
    yield "export interface Tables {"
    for channel, table in schema["properties"].items():
        special = "".join(f" `{key}` is a row of its own." for key in table["properties"])
        yield from _comment(f"Key: {table['propertyNames']['description']}.{special}", "  ")
        kinds = [table["additionalProperties"], *table["properties"].values()]
        yield f"  {channel}: {' | '.join(map(_type, kinds))};"
    yield "}"
    for name, row in schema["$defs"].items():
        yield ""
        yield from _comment(row["description"], "")
        yield f"export interface {name} {{"
        for field, node in row["properties"].items():
            yield from _comment(_meaning(node), "  ")
            yield f"  readonly {field}: {_type(node)};"
        yield "}"
    yield ""


def _meaning(node: Node) -> str:
    """What the field is, and its unit."""
    decimals = f", {node['decimals']} decimals" if "decimals" in node else ""
    unit = f" ({node['unit']}{decimals})" if "unit" in node else ""
    about: str = node["description"]
    return f"{about[:1].upper()}{about[1:]}{unit}."


def _type(node: Node) -> str:
    if "$ref" in node:
        return str(node["$ref"]).rpartition("/")[2]
    if "anyOf" in node or "enum" in node:
        kinds = map(_type, node["anyOf"]) if "anyOf" in node else (f'"{value}"' for value in node["enum"])
        return " | ".join(dict.fromkeys(kinds))
    if "prefixItems" in node:
        items = ", ".join(f"{item['title']}: {_type(item)}" for item in node["prefixItems"])
        return f"readonly [{items}]"
    if node["type"] == "array":
        item = _type(node["items"])
        return f"readonly ({item})[]" if " " in item else f"readonly {item}[]"
    return _WORDS[node["type"]]


def _comment(text: str, indent: str) -> Iterator[str]:
    """Of one line if that is enough."""
    paragraphs = [wrap(paragraph, 116 - len(indent), break_on_hyphens=False) for paragraph in text.split("\n\n")]
    if len(paragraphs) == 1 and len(paragraphs[0]) == 1 and len(text) < 110:
        yield f"{indent}/** {text} */"
        return
    yield f"{indent}/**"
    for at, paragraph in enumerate(paragraphs):
        if at:
            yield f"{indent} *"
        for line in paragraph:
            yield f"{indent} * {line}"
    yield f"{indent} */"
