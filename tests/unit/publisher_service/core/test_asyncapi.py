"""The description of the protocol is valid, and says what is said."""

from hashlib import sha256
from pathlib import Path
from typing import Any

import orjson
import pytest
from jsonschema import Draft7Validator, Draft202012Validator

from publisher_service.core.asyncapi import document
from publisher_service.core.frames import MAX_FRAME_BYTES, Form
from publisher_service.core.requests import MODELS
from shared.channels import Channel
from tests.fakes.door import FakeDoor
from tests.fakes.publisher import FakePublisher

FOLDER = Path(__file__).parents[3] / "data" / "asyncapi"
STANDARD = FOLDER / "asyncapi-3.0.0.json"
DOCUMENT: dict[str, Any] = orjson.loads(document(needs_token=True))
SCHEMAS: dict[str, Any] = DOCUMENT["components"]["schemas"]


def test_the_standard_is_the_one_that_was_published() -> None:
    assert sha256(STANDARD.read_bytes()).hexdigest() in (FOLDER / "README.md").read_text(encoding="utf-8")


@pytest.mark.parametrize("needs_token", [False, True])
def test_the_document_is_valid_asyncapi(*, needs_token: bool) -> None:
    described = orjson.loads(document(needs_token=needs_token))

    Draft7Validator(orjson.loads(STANDARD.read_bytes())).validate(described)

    assert all(("security" in server) is needs_token for server in described["servers"].values())


def test_all_that_is_referred_to_is_there() -> None:
    def references(node: object) -> list[str]:
        if isinstance(node, list):
            return [found for each in node for found in references(each)]
        if not isinstance(node, dict):
            return []
        return [value for key, value in node.items() if key == "$ref"] + references(list(node.values()))

    inside = [found for found in references(DOCUMENT) if found.startswith("#/")]
    for reference in inside:
        node: Any = DOCUMENT
        for name in reference.removeprefix("#/").split("/"):
            node = node[name]

    assert len(inside) > 50
    outside = {found for found in references(DOCUMENT) if not found.startswith("#/")}
    assert outside == {f"/api/schema#/properties/{channel}" for channel in Channel}


def test_each_request_and_each_channel_is_described() -> None:
    asked = {message["name"] for name, message in DOCUMENT["components"]["messages"].items() if "ToServer" in name}

    assert asked == set(MODELS)
    assert DOCUMENT["channels"]["stream"]["parameters"]["channel"]["enum"] == [channel.value for channel in Channel]


def said(door: FakeDoor, seen: set[str]) -> None:
    """Everything that was said is described, field by field."""
    for message in door.messages():
        name = message["type"].capitalize()
        schema = SCHEMAS[name]
        rows = {"data": {"type": "object"}} if message["type"] == "snapshot" else {}
        strict = schema | {"additionalProperties": False, "properties": schema["properties"] | rows}
        Draft202012Validator(strict | {"components": DOCUMENT["components"]}).validate(message)
        seen.add(name)


def test_what_is_said_is_what_is_described() -> None:
    publisher, seen = FakePublisher(), set[str]()
    publisher.live()
    publisher.commit({Channel.MARKET: {f"S{at}": {"filler": "x" * 500} for at in range(MAX_FRAME_BYTES // 400)}})
    publisher.form = Form.EVENT
    stream = publisher.client("market")
    publisher.form = Form.PLAIN
    door = publisher.client()
    for wish in (
        {"type": "subscribe", "id": 1, "channel": "market"},
        {"type": "subscribe", "id": "b", "channel": "index"},
        {"type": "unsubscribe", "id": 2, "channel": "index"},
        {"type": "ping", "id": 3},
        {"type": "ping"},
        {"type": "auth", "token": "x"},
        {"type": "subscribe", "id": 4, "channel": "nothing"},
    ):
        publisher.say(door, **wish)
    publisher.clock.advance(1)
    publisher.market("S1", 2)
    publisher.commit({Channel.MARKET: {"S1": None}})
    for _ in range(20):
        publisher.clock.advance(1)
        publisher.hub.tick()
    publisher.hub.stop()

    said(door, seen)
    said(stream, seen)

    described = {name for name in DOCUMENT["components"]["messages"] if "ToServer" not in name}
    assert described - seen == {"Closed"}  # which a door says itself
