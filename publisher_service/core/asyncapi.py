"""The protocol as an AsyncAPI 3 document, made from the types of its messages: for generators of code and of pages."""

from collections.abc import Iterable, Mapping
from typing import Any, Final

import orjson
from pydantic import BaseModel, TypeAdapter
from pydantic.json_schema import JsonSchemaMode

from publisher_service.core.messages import TO_STREAMS, TO_WEBSOCKETS, Snapshot
from publisher_service.core.requests import MODELS
from publisher_service.core.views import Mode
from shared.channels import Channel
from shared.version import VERSION

Json = dict[str, Any]  # Any: a document of many shapes, written here and read by tools

_ABOUT: Final = """\
A channel is a table, key → row: you get it once, then what changes in it. The rows are described at /api/schema, the
rules of clients in docs/protocol.md. Frames are JSON texts over websockets, and the same texts as server-sent events.
Ignore types and fields that you do not know."""
_CLIENT: Final = "ToServer"
_QUERY: Final[Json] = {
    "type": "object",
    "properties": {
        "keys": {"type": "string", "description": "symbols and groups, joined by commas: SSI,@VN30; absent: all rows"},
        "interval": {"type": "integer", "minimum": 1, "description": "ms; rounded up to a tier"},
        "mode": {"type": "string", "enum": [mode.value for mode in Mode], "default": Mode.ROWS.value},
        "since": {"type": "string", "description": "the position of your last frame"},
        "token": {"type": "string", "description": "where one is needed, and no header can be set"},
    },
}


def document(*, needs_token: bool) -> bytes:
    """The document, as JSON text."""
    schemas: Json = {}
    for name, kind in MODELS.items():
        _add(schemas, name.capitalize() + _CLIENT, kind, "validation")
    for said in dict.fromkeys((*TO_WEBSOCKETS, *TO_STREAMS)):
        _add(schemas, said.__name__, said, "serialization")
    rows = [{"$ref": f"/api/schema#/properties/{channel.value}"} for channel in Channel]
    schemas[Snapshot.__name__]["properties"]["data"] |= {"anyOf": rows}
    to_websockets = [kind.__name__ for kind in TO_WEBSOCKETS]
    to_streams = [kind.__name__ for kind in TO_STREAMS]
    asked = [name.capitalize() + _CLIENT for name in MODELS]
    messages = [*asked, *dict.fromkeys(to_websockets + to_streams)]
    channel = {"channel": {"enum": [each.value for each in Channel], "description": "the table to follow"}}
    body: Json = {
        "asyncapi": "3.0.0",
        "info": {
            "title": "banggia publisher",
            "version": VERSION,
            "description": _ABOUT,
            "license": {"name": "Apache-2.0", "url": "https://www.apache.org/licenses/LICENSE-2.0"},
        },
        "defaultContentType": "application/json",
        "servers": {
            "websockets": _server("ws", needs_token=needs_token),
            "streams": _server("http", needs_token=needs_token),
        },
        "channels": {
            "messages": {
                "address": "/ws",
                "title": "Several channels on one websocket, by messages",
                "servers": _references("servers", ["websockets"]),
                "messages": _by_name([*asked, *to_websockets]),
                "bindings": {"ws": {"method": "GET", "query": {"type": "object", "properties": _token()}}},
            },
            "websocket": {
                "address": "/ws/{channel}",
                "title": "One channel on a websocket, by its address; messages may follow",
                "servers": _references("servers", ["websockets"]),
                "parameters": channel,
                "messages": _by_name([*asked, *to_websockets]),
                "bindings": {"ws": {"method": "GET", "query": _QUERY}},
            },
            "stream": {
                "address": "/sse/{channel}",
                "title": "One channel as server-sent events; Last-Event-ID is the position",
                "servers": _references("servers", ["streams"]),
                "parameters": channel,
                "messages": _by_name(to_streams),
            },
        },
        "operations": {
            "ask": _operation("receive", "messages", asked, "What clients ask for"),
            "askMore": _operation("receive", "websocket", asked, "The same, beside the subscription of the address"),
            "tell": _operation("send", "messages", to_websockets, "The status first, then answers and data"),
            "tellWebsocket": _operation("send", "websocket", to_websockets, "The same"),
            "tellStream": _operation("send", "stream", to_streams, "The same, as events")
            | {"bindings": {"http": {"method": "GET", "query": _QUERY}}},
        },
        "components": {
            "schemas": schemas,
            "messages": {name: _message(name, schemas[name]) for name in messages},
            "securitySchemes": {
                "bearer": {"type": "http", "scheme": "bearer", "bearerFormat": "JWT"},
                "query": {"type": "httpApiKey", "name": "token", "in": "query"},
            },
        },
    }
    return orjson.dumps(body)


def _add(schemas: Json, name: str, kind: type[BaseModel] | type[Mapping[str, Any]], mode: JsonSchemaMode) -> None:
    """Put the schema of a type among the others, and what it refers to."""
    schema = TypeAdapter(kind).json_schema(ref_template="#/components/schemas/{model}", mode=mode)
    schemas |= schema.pop("$defs", {})
    schemas[name] = schema


def _server(protocol: str, *, needs_token: bool) -> Json:
    about = "a publisher, or what stands before several"
    server: Json = {
        "host": "{host}",
        "protocol": protocol,
        "variables": {"host": {"default": "localhost:8000", "description": about}},
    }
    if needs_token:
        server["security"] = _references("components/securitySchemes", ["bearer", "query"])
    return server


def _message(name: str, schema: Json) -> Json:
    kind = schema["properties"]["type"]["const"]
    return {
        "name": kind,
        "title": kind,
        "summary": " ".join(schema.get("description", "").split()),
        "payload": {"$ref": f"#/components/schemas/{name}"},
    }


def _operation(action: str, channel: str, names: Iterable[str], summary: str) -> Json:
    return {
        "action": action,
        "channel": {"$ref": f"#/channels/{channel}"},
        "summary": summary,
        "messages": _references(f"channels/{channel}/messages", names),
    }


def _by_name(names: Iterable[str]) -> Json:
    return {name: {"$ref": f"#/components/messages/{name}"} for name in names}


def _references(where: str, names: Iterable[str]) -> list[dict[str, str]]:
    return [{"$ref": f"#/{where}/{name}"} for name in names]


def _token() -> Json:
    return {"token": _QUERY["properties"]["token"]}
