"""A corpus of bad ticks: none changes a table, each is counted under its reason, and the good ones go on."""

import random
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import get_args

import orjson
import pytest

from ingest_service.core.board import Board
from ingest_service.core.invalid_row import InvalidRow, Reason
from ingest_service.core.ticks import parse
from shared.channels import Stored
from shared.table import JSON, Row
from tests.unit.ingest_service.core.a_feed import FUTURE_X, MI, OL, X_QUOTE, X_TRADE, B, F, R, X, argument, at_ms

_FILE = Path(__file__).parents[3] / "data" / "bad_ticks.jsonl"
CORPUS = [orjson.loads(line) for line in _FILE.read_bytes().splitlines()]
SHS: dict[str, JSON] = {
    **X,
    "Symbol": "SHS",
    "Exchange": "HNX",
    "MarketId": "HNX",
    "TotalVol": 4_000_000.0,
    "RefPrice": 18200.0,
    "Ceiling": 20000.0,
    "Floor": 16400.0,
    "Open": 18300.0,
    "High": 18600.0,
    "Low": 18100.0,
    "LastPrice": 18500.0,
    "BidPrice1": 18400.0,
    "AskPrice1": 18500.0,
}
GOOD = [X, X_QUOTE, X_TRADE, FUTURE_X, SHS, R, MI, F, B, OL]
TOTALS = ("TotalVol", "BuyVol", "SellVol", "TotalQtty")


def a_board() -> Board:
    """It has heard of most of what the corpus speaks of."""
    board = Board(now_ms=at_ms(10, 42, 30))
    for template in GOOD:
        board.apply(parse(argument(str(template["RType"]), template)))
    return board


def good_messages(rng: random.Random) -> Iterator[str]:
    """Without end; totals never fall."""
    risen: Counter[str] = Counter()
    while True:
        template = rng.choice(GOOD)
        changes: dict[str, JSON] = {}
        for total in TOTALS:
            if total in template:
                whose = f"{template.get('Symbol')} {template['RType'] == 'OL'} {total}"
                risen[whose] += rng.choice([0, 100])
                start = template[total]
                assert isinstance(start, int | float)
                changes[total] = start + risen[whose]
        yield argument(str(template["RType"]), {**template, **changes})


def told(board: Board, messages: list[str]) -> tuple[dict[Stored, dict[str, Row | None]], Counter[str]]:
    """What a board tells after these messages, and how often it refused one."""
    refused: Counter[str] = Counter()
    for message in messages:
        try:
            board.apply(parse(message))
        except InvalidRow as invalid:
            refused[invalid.reason] += 1
    return board.take_changes(), refused


@pytest.mark.parametrize("bad", CORPUS, ids=lambda bad: f"{bad['reason']}: {bad['why']}")
def test_nothing_of_a_bad_tick_is_taken_and_it_is_refused_for_its_reason(bad: dict[str, str]) -> None:
    board = a_board()
    board.take_changes()

    with pytest.raises(InvalidRow) as refused:
        board.apply(parse(bad["message"]))

    assert refused.value.reason == bad["reason"]
    assert board.take_changes() == {}


@pytest.mark.parametrize("seed", range(30))
def test_good_messages_with_bad_ones_among_them_end_with_the_tables_of_the_good_ones_alone(seed: int) -> None:
    rng = random.Random(seed)
    corpus, good, mixed = rng.sample(CORPUS, len(CORPUS)), list[str](), list[str]()
    for bad, message in zip(corpus, good_messages(rng), strict=False):
        good.append(message)
        mixed += [message, bad["message"]] if rng.random() < 0.5 else [bad["message"], message]

    tables, refused = told(a_board(), mixed)

    assert tables == told(a_board(), good)[0]
    assert refused == Counter(bad["reason"] for bad in CORPUS)


def test_each_way_to_be_refused_is_in_the_corpus() -> None:
    reasons = {bad["reason"] for bad in CORPUS}

    # no_day needs a board without a day, too_many_rows a full one: they have tests of their own.
    assert set(get_args(Reason)) - reasons == {"no_day", "too_many_rows"}
