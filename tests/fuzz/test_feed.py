"""
What the exchange sends: frames, negotiations, messages.

A board that took all of it goes on as ever, and what leaves it is of its type, in numbers that every reader holds.
"""

import json
import math
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import replace
from typing import Any

import orjson
import pytest

from ingest_service.core import channel_rows
from ingest_service.core.board import Board
from ingest_service.core.history import History
from ingest_service.core.invalid_row import InvalidRow
from ingest_service.core.rounding import MAX_NUMBER
from ingest_service.core.rows import row_type
from ingest_service.core.signalr import (
    Broadcast,
    FrameError,
    connect_url,
    parse_frame,
    parse_negotiation,
    start_url,
)
from ingest_service.core.ticks import parse, usual_foreign_tick, usual_security_tick
from shared.channels import Channel, Stored
from shared.table import JSON, Row
from shared.wire import decode_envelope, encode_envelope
from tests.fuzz.fuzzing import fuzz
from tests.fuzz.mutator import Mutator
from tests.unit.ingest_service.core.a_feed import (
    FUTURE_X,
    MI,
    OL,
    UNTRADED,
    X_QUOTE,
    X_TRADE,
    B,
    F,
    R,
    X,
    a_tick,
    argument,
    assert_totals_add_up,
    at_ms,
)

FRAMES: list[dict[str, Any]] = [
    {"C": "d-1", "M": [{"H": "FcMarketDataV2Hub", "M": "Broadcast", "A": [argument("X", X)]}]},
    {"C": "d-2", "M": [{"H": "FcMarketDataV2Hub", "M": "Broadcast", "A": [{"DataType": "R", "Content": R}]}]},
    {"C": "d-3", "M": [{"H": "FcMarketDataV2Hub", "M": "Error", "A": ["quota"]}], "T": 1},
    {"C": "d-4", "S": 1, "M": []},
    {"I": "0", "E": "refused", "G": "token", "D": 1},
    {},
]
NEGOTIATION: dict[str, Any] = {
    "ConnectionToken": "AQ+A/%2B==",
    "KeepAliveTimeout": 20.0,
    "DisconnectTimeout": 30.0,
    "ProtocolVersion": "1.5",
    "TryWebSockets": True,
    "TransportConnectTimeout": 5.0,
}
MESSAGES: list[dict[str, JSON]] = [X, X | UNTRADED, X_QUOTE, X_TRADE, FUTURE_X, R, MI, F, B, OL]
#: No message that is changed at random names it.
UNTOUCHED = {**X, "Symbol": "UNTOUCHED"}


class Frames:
    """The frames of a connection, and the answer that it began with."""

    def try_one(self, mutator: Mutator) -> None:
        text = mutator.text(mutator.random.choice(FRAMES))
        frame: str | bytes = text.encode("utf-8", "surrogatepass") if mutator.chance(0.2) else text
        with suppress(FrameError):
            for event in parse_frame(frame):
                if isinstance(event, Broadcast):
                    with suppress(InvalidRow):
                        parse(event.argument)
        with suppress(FrameError):
            negotiation = parse_negotiation(mutator.text(NEGOTIATION))
            connect_url("http://exchange", negotiation).encode("ascii")
            start_url("http://exchange", negotiation).encode("ascii")

    def still_works(self) -> None:
        assert parse_frame("{}")


def test_no_frame_and_no_negotiation_does_worse_than_be_refused(record_property: Callable[[str, object], None]) -> None:
    fuzz(Frames, record_property)


class Messages:
    """A board, its history, and messages of all types on the wire."""

    def __init__(self) -> None:
        self.board = Board(now_ms=at_ms(10, 42))
        self.history = History("20261116-aaaaaa", 1)
        self.board.apply(a_tick(X))
        self.publish()

    def try_one(self, mutator: Mutator) -> None:
        sent = self.message(mutator)
        try:
            tick = parse(sent)
        except InvalidRow:
            return
        try:
            self.board.apply(tick)
        except InvalidRow:
            assert self.of_messages(self.board.take_changes()) == {}
        else:
            self.publish()

    def message(self, mutator: Mutator) -> str:
        content = mutator.random.choice(MESSAGES)
        told: dict[str, Any] = {"DataType": content["RType"], "Content": mutator.text(content)}
        if mutator.chance(0.1):
            told["Content"] = mutator.value(content)
        return mutator.text(told) if mutator.chance(0.1) else mutator.encoded(told)

    def publish(self) -> None:
        """What leaves is of its type, in plain numbers, and reads back as it was."""
        changes = self.board.take_changes()
        for channel, rows in changes.items():
            for key, row in rows.items():
                if row is not None:
                    row_type(channel, key).validate_python(row)
                    assert_plain(row)
                    if channel is Channel.MARKET:
                        assert_totals_add_up(row)
        self.history.stage(changes)
        while (commit := self.history.next_commit(0)) is not None:
            read = decode_envelope(encode_envelope(commit))
            assert read is not None
            assert (read.rev, getattr(read, "rows", None)) == (commit.rev, commit.rows)

    def of_messages(self, changes: Mapping[Stored, Mapping[str, Row | None]]) -> dict[Stored, object]:
        """Without the speeds and sums of `foreign`, which fall with time alone."""
        return {channel: rows for channel, rows in changes.items() if channel is not Channel.FOREIGN}

    def still_works(self) -> None:
        day = self.board.day
        assert day is not None
        good = {**UNTOUCHED, "TradingDate": f"{day:%d/%m/%Y}"}
        fresh = Board()
        for board in (self.board, fresh):
            board.apply(a_tick(good))

        row = self.board.take_changes()[Channel.MARKET]["UNTOUCHED"]

        assert row == fresh.take_changes()[Channel.MARKET]["UNTOUCHED"]
        assert row is not None
        assert row["last"] == 31500


def assert_plain(value: JSON) -> None:
    """Numbers that every reader of JSON holds exactly, and texts that can be written."""
    if isinstance(value, dict):
        for inner in value.values():
            assert_plain(inner)
    elif isinstance(value, list):
        for inner in value:
            assert_plain(inner)
    elif isinstance(value, float):
        assert math.isfinite(value)
        assert b"e" not in orjson.dumps(value), value
    elif isinstance(value, int):
        assert abs(value) < MAX_NUMBER, value


class Roads:
    """Messages of types with a road for usual ones, each read twice: as it comes, and with that road closed to it."""

    def try_one(self, mutator: Mutator) -> None:
        usual = mutator.random.choice((X, X | UNTRADED, FUTURE_X, FUTURE_X | {"BidPrice1": 1890}, R))
        content = mutator.text(usual)

        assert self.outcome("DataType", usual["RType"], content) == self.outcome("datatype", usual["RType"], content)

    def outcome(self, name: str, data_type: JSON, content: str) -> object:
        try:
            tick = parse(json.dumps({name: data_type, "Content": content}))
        except InvalidRow as refused:
            return refused.reason, refused.data_type, refused.field
        # A name in another case is odd, so nothing else is looked at in haste. A number without end in a field that
        # nobody reads is noticed on the careful road only.
        oddities = tick.oddities if name == "DataType" else tick.oddities[1:]
        told = replace(tick, oddities=[oddity for oddity in oddities if oddity != "bare_nan"])
        return repr(told)  # in which 1, 1.0 and True differ

    def still_works(self) -> None:
        assert usual_security_tick(json.dumps(X)) is not None
        assert usual_foreign_tick(json.dumps(R)) is not None


def test_the_straight_road_tells_what_the_careful_one_tells(record_property: Callable[[str, object], None]) -> None:
    fuzz(Roads, record_property)


def test_no_message_of_the_feed_breaks_the_board_or_leaves_out_of_form(
    record_property: Callable[[str, object], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(channel_rows, "MAX_ROWS", 40)  # so that it is full at times

    fuzz(Messages, record_property)
