"""Shapes: keys, their order and how numbers are written, held against an example of each type."""

import re
from datetime import date

import orjson
import pytest

from ssi_simulator.core.exchange import Exchange
from ssi_simulator.core.messages import content_text
from tests.unit.ssi_simulator.core import examples

MONDAY = date(2026, 11, 23)
MORNING_S = 10.5 * 3600

EXAMPLES = {
    "F": examples.STATUS,
    "X": examples.SNAPSHOT_OF_A_STOCK,
    "X-QUOTE": examples.QUOTE,
    "X-TRADE": examples.TRADE,
    "R": examples.FOREIGN,
    "MI": examples.INDEX,
    "B": examples.BAR,
    "OL": examples.ODD_LOTS,
}


def shape(text: str) -> list[tuple[str, str]]:
    """Keys in order, each with the way its value is written: a string, null, an integer or a float."""
    pairs = re.findall(r'"(\w+)":("[^"]*"|null|-?\d+\.\d+|-?\d+)(?=[,}])', text)
    kinds = [(key, "text" if value[0] == '"' else "null" if value == "null" else "number") for key, value in pairs]
    return [
        (key, ("float" if "." in value else "int") if kind == "number" else kind)
        for (key, kind), (_, value) in zip(kinds, pairs, strict=True)
    ]


def a_morning() -> Exchange:
    exchange = Exchange(seed=7, day=MONDAY, stocks=60)
    exchange.advance(MORNING_S, 3000)
    return exchange


@pytest.mark.parametrize("data_type", EXAMPLES)
def test_every_type_has_the_shape_of_its_example(data_type: str) -> None:
    exchange = a_morning()

    text = next(
        content_text(message.content)
        for message in exchange.snapshot(data_type)
        if message.key in ("SSI", "VNINDEX") or data_type == "OL"
    )

    assert shape(text) == shape(EXAMPLES[data_type])


@pytest.mark.parametrize("text", [*EXAMPLES.values(), examples.SNAPSHOT_OF_A_FUTURE])
def test_an_example_read_and_written_again_is_the_same_text(text: str) -> None:
    content = orjson.loads(text)

    assert content_text(content) == text


def test_a_future_has_the_words_and_the_shape_of_its_example() -> None:
    example = orjson.loads(examples.SNAPSHOT_OF_A_FUTURE)

    content = next(message.content for message in a_morning().snapshot("X") if message.key == "41I1GC000")

    assert shape(content_text(content)) == shape(examples.SNAPSHOT_OF_A_FUTURE)
    for word in ("MarketId", "Exchange", "TradingSession", "TradingStatus", "Side", "CloseQtty"):
        assert content[word] == example[word]
    assert content["EstMatchedPrice"] == content["LastPrice"]


def test_before_the_first_trade_a_snapshot_reads_as_the_example_does() -> None:
    exchange = Exchange(seed=7, day=MONDAY, stocks=30)
    example = orjson.loads(examples.SNAPSHOT_BEFORE_THE_FIRST_TRADE)
    own = {"TradingDate", "Time", "Ceiling", "Floor", "RefPrice", "PriorVal", "Change"}

    content = next(message.content for message in exchange.snapshot("X") if message.key == "41I1GC000")

    assert list(content) == list(example)
    assert {key: content[key] for key in example if key not in own} == {
        key: example[key] for key in example if key not in own
    }
    assert isinstance(content["RefPrice"], float)
    assert content["Change"] == -content["RefPrice"]


def test_no_number_is_written_with_an_exponent() -> None:
    exchange = a_morning()

    texts = [content_text(message.content) for data_type in EXAMPLES for message in exchange.snapshot(data_type)]

    assert len(texts) > 300
    assert not [text for text in texts if re.search(r"\d[eE][+-]?\d", re.sub(r'"[^"]*"', "", text))]


def test_vn30_sends_no_breadth_and_others_do() -> None:
    counts = {
        message.key: [message.content[key] for key in ("Advances", "NoChanges", "Declines")]
        for message in a_morning().snapshot("MI")
    }

    assert counts["VN30"] == [0, 0, 0]
    assert counts["VNINDEX"] != [0, 0, 0]
