"""docs/tables.md from the schema of the rows. What stands before the first section is written by hand."""

from collections.abc import Iterator
from typing import Any

import orjson

from tools.documents.markdown_table import markdown_table

#: A part of a JSON Schema; the schema is our own, so what it may hold is known.
Node = dict[str, Any]


def tables_page(page: str, document: bytes) -> str:
    """The page that is due, from the one there is and the schema's document."""
    schema: Node = orjson.loads(document)
    by_hand = page.partition("\n## ")[0].rstrip()
    return "\n\n".join([by_hand, *_sections(schema)]) + "\n"


def _sections(schema: Node) -> Iterator[str]:
    """Each row type under its channel, then what several of them hold, then the units."""
    definitions: dict[str, Node] = dict(schema["$defs"])
    for channel, table in schema["properties"].items():
        lasting = " The rows outlive a trading day." if table["lasting"] else ""
        row = definitions.pop(_name(table["additionalProperties"]))
        yield from _section(channel, row, f" Key: {table['propertyNames']['description']}.{lasting}")
        for key, special in table["properties"].items():
            yield from _section(f"{channel}: `{key}`", definitions.pop(_name(special)), f" Key: `{key}`.{lasting}")
    for name, part in definitions.items():
        yield from _section(name, part, "")
    yield "## Units"
    yield markdown_table(("unit", "what it is"), list(schema["units"].items()))


def _section(heading: str, row: Node, key: str) -> Iterator[str]:
    about, *more = row["description"].split("\n\n")
    yield f"## {heading}"
    yield about + key
    yield markdown_table(
        ("field", "meaning", "type", "unit"),
        [(f"`{name}`", field["description"], _type(field), _unit(field)) for name, field in row["properties"].items()],
    )
    yield from more


def _name(reference: Node) -> str:
    return str(reference["$ref"]).rpartition("/")[2]


def _type(node: Node) -> str:
    if "$ref" in node:
        return f"[{_name(node)}](#{_name(node).lower()})"
    if "anyOf" in node:
        kinds = list(dict.fromkeys(map(_type, node["anyOf"])))
        return " or ".join(kind for kind in kinds if kind != "integer" or "number" not in kinds)
    if "enum" in node:
        *most, last = (f"`{value}`" for value in node["enum"])
        return f"{', '.join(most)} or {last}"
    if "prefixItems" in node:
        return f"`[{', '.join(item['title'] for item in node['prefixItems'])}]`"
    if node["type"] == "array":
        return f"list of {_type(node['items'])}"
    return "`null`" if node["type"] == "null" else str(node["type"])


def _unit(node: Node) -> str:
    """Of a list: those of what stands in it. Of an object: it is told there."""
    if "unit" in node:
        decimals = node.get("decimals")
        if decimals is None:
            return str(node["unit"])
        return f"{node['unit']}, {decimals} decimal{'s' if decimals != 1 else ''}"
    if "prefixItems" in node:
        return ", ".join(dict.fromkeys(map(_unit, node["prefixItems"])))
    return _unit(node["items"]) if node.get("type") == "array" else ""
