"""The document that describes the rows: a stranger with nothing but it knows what each field is, and finds it true."""

from collections.abc import Iterator
from datetime import date
from itertools import chain
from typing import Any, cast

import orjson
import pytest
from jsonschema import Draft202012Validator, ValidationError
from jsonschema.validators import extend

from ingest_service.core import market, schema
from ingest_service.core.board import Board
from ingest_service.core.rows import TABLES, GroupRow, TableForm
from ingest_service.core.schema import SCHEMA
from ingest_service.core.sessions import midnight_ms
from ingest_service.core.symbols import Listing
from ingest_service.core.ticks import parse
from ingest_service.core.units import UNITS
from shared.channels import Channel, Internal, Stored
from shared.table import JSON, Row
from ssi_simulator.core.exchange import Exchange
from ssi_simulator.core.messages import content_text

DOCUMENT: dict[str, Any] = orjson.loads(SCHEMA.document)
ROWS: dict[str, dict[str, Any]] = DOCUMENT["$defs"]
FIELDS = [(row, name, field) for row, form in ROWS.items() for name, field in form["properties"].items()]
DAY = date(2026, 11, 23)
DATA_TYPES = ("F", "X", "R", "MI", "OL")


def decimals(_: object, most: int, value: object, __: object) -> Iterator[ValidationError]:
    """Our own word, as a reader would take it."""
    if isinstance(value, float) and round(value, most) != value:
        yield ValidationError(f"{value} has more than {most} decimals")


TABLES_VALIDATOR = extend(Draft202012Validator, {"decimals": decimals})(DOCUMENT)


def leaves(field: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """What a field is made of in the end: numbers, texts, booleans. Objects are looked at as rows of their own."""
    if "$ref" not in field and field.get("type") != "array":
        yield field
    for part in [*field.get("prefixItems", []), field.get("items")]:
        if part:
            yield from leaves(part)


def test_it_is_a_json_schema() -> None:
    Draft202012Validator.check_schema(DOCUMENT)


def test_it_names_its_identity() -> None:
    assert DOCUMENT["$id"] == f"urn:banggia:tables:{SCHEMA.identity}"


def test_each_channel_says_what_its_keys_and_its_rows_are() -> None:
    special = {
        channel: list(table["properties"]) for channel, table in DOCUMENT["properties"].items() if table["properties"]
    }

    assert list(DOCUMENT["properties"]) == list(Channel)
    assert special == {"foreign": ["_total"], "status": ["feed"]}
    for table in DOCUMENT["properties"].values():
        assert table["propertyNames"]["description"]
        for row in (table["additionalProperties"], *table["properties"].values()):
            assert ROWS[row["$ref"].removeprefix("#/$defs/")]["properties"]


@pytest.mark.parametrize(("row", "name", "field"), FIELDS, ids=[f"{row}.{name}" for row, name, _ in FIELDS])
def test_each_field_has_a_meaning_and_a_unit(row: str, name: str, field: dict[str, Any]) -> None:
    assert len(field["description"]) > 3
    assert {leaf["unit"] for leaf in leaves(field)} <= UNITS.keys()
    assert name in ROWS[row]["required"]


def test_each_unit_is_that_of_a_field_and_is_explained() -> None:
    used = {leaf["unit"] for _, _, field in FIELDS for leaf in leaves(field)}

    assert used == UNITS.keys() == DOCUMENT["units"].keys()
    assert all(UNITS.values())


def test_each_number_that_is_not_whole_has_its_decimals() -> None:
    kinds = [
        (leaf, kind) for _, _, field in FIELDS for leaf in leaves(field) for kind in (leaf, *leaf.get("anyOf", []))
    ]
    numbers = [(leaf, kind) for leaf, kind in kinds if kind.get("type") == "number"]

    assert len(numbers) > 20
    assert [kind for leaf, kind in numbers if not isinstance(kind.get("decimals", leaf.get("decimals")), int)] == []


def test_what_only_ingests_read_is_not_told_and_yet_is_a_part_of_the_identity(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(TABLES, Internal.WINDOWS, TableForm("another", GroupRow))
    other = schema._schema()

    assert b"WindowRow" not in SCHEMA.document
    assert other.identity != SCHEMA.identity
    assert other.document == SCHEMA.document.replace(SCHEMA.identity.encode(), other.identity.encode())


@pytest.mark.parametrize("lost", [{"description": "where it is listed"}, {"unit": "price"}, {"decimals": 2}])
def test_another_meaning_is_another_identity(lost: dict[str, JSON], monkeypatch: pytest.MonkeyPatch) -> None:
    ((mark, value),) = lost.items()
    definitions = schema._definitions

    def without(forms: list[TableForm]) -> dict[str, Any]:
        made: dict[str, Any] = definitions(forms)
        for field in chain.from_iterable(row["properties"].values() for row in made.values()):
            if field.get(mark) == value:
                del field[mark]
        return made

    monkeypatch.setattr(schema, "_definitions", without)

    assert schema._schema().identity != SCHEMA.identity


@pytest.mark.parametrize(
    "change",
    [
        {"last": "31500"},
        {"last": 1894.25},
        {"change_pct": 0.123},
        {"total_volume": 1.5},
        {"total_volume": -1},
        {"bids": [[31500]]},
        {"bids": [[31500, "many"]]},
        {"bids": [[31500, 100, 3]]},
        {"ato_volumes": {}},
        {"surprise": 1},
    ],
    ids=str,
)
def test_a_row_that_is_not_as_described_is_found(change: dict[str, JSON]) -> None:
    right = cast("Row", market.EMPTY)

    assert TABLES_VALIDATOR.is_valid({"market": {"SSI": right}})
    assert not TABLES_VALIDATOR.is_valid({"market": {"SSI": {**right, **change}}})


class SimulatedDay:
    """A small market from before its opening to after its close; every row that it makes is held against the schema."""

    def __init__(self) -> None:
        self.exchange = Exchange(seed=7, day=DAY, stocks=60)
        self.board = Board(simulated=True, now_ms=midnight_ms(DAY))
        self.checked: dict[Stored, int] = dict.fromkeys(Channel, 0)
        self.board.set_components({index.id: list(index.symbols) for index in self.exchange.indices})
        self.board.set_symbols(Listing(listing.symbol) for listing in self.exchange.listings)

    def live(self) -> None:
        """To the evening, in steps of some minutes."""
        self.board.set_feed("down", "not connected yet", midnight_ms(DAY))
        self.take_changes()
        told = [message for kind in DATA_TYPES for message in self.exchange.snapshot(kind)]
        for minutes in range(8 * 60 + 30, 15 * 60 + 30, 5):
            told += self.exchange.advance(minutes * 60.0, 40)
            for message in told:
                if message.data_type in DATA_TYPES:
                    self.board.apply(
                        parse(orjson.dumps({"DataType": message.data_type, "Content": content_text(message.content)}))
                    )
            told = []
            now_ms = midnight_ms(DAY) + minutes * 60_000
            self.board.set_feed("live", None, now_ms)
            self.board.set_time(now_ms, now_ms)
            self.take_changes()

    def take_changes(self) -> None:
        """Check what changed, as JSON has it."""
        for channel, rows in self.board.take_changes().items():
            if isinstance(channel, Channel):
                told = orjson.loads(orjson.dumps({key: row for key, row in rows.items() if row is not None}))
                TABLES_VALIDATOR.validate({channel: told})
                self.checked[channel] += len(told)


def test_every_row_of_a_simulated_day_is_as_described() -> None:
    day = SimulatedDay()

    day.live()

    assert all(day.checked.values())
    assert day.checked[Channel.MARKET] > 1000
    assert day.checked[Channel.FOREIGN] > 300
