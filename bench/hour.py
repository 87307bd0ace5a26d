"""
Continuous trading of the simulated market, as the ingest commits it, in virtual time: an hour takes a minute or two.

The simulator's exchange and the ingest's core are called directly, turn by turn, as their loops call them: what the
market tells within a turn is read together, and what it changes is one commit.
"""

from collections.abc import Iterator, Sequence
from datetime import date, datetime, time
from itertools import count
from typing import NamedTuple

import orjson

from ingest_service.core.board import Board
from ingest_service.core.history import History, epoch_of
from ingest_service.core.sessions import Calendar
from ingest_service.core.ticks import parse
from shared.wire import Commit
from ssi_simulator.core.exchange import Exchange
from ssi_simulator.core.messages import Message, content_text
from ssi_simulator.market_clock import OPEN_S, VIETNAM
from ssi_simulator.ticker import TICK_S

DAY = date(2026, 11, 23)
#: What an ingest subscribes to unless told otherwise.
DATA_TYPES = ("F", "X", "R", "MI")
#: The longest stretch before lunch.
MAX_MINUTES = 90


class Moment(NamedTuple):
    """What was committed at one moment."""

    at_s: float  # since trading was first looked at
    commits: Sequence[Commit]  # more than one if the change was large


class Hour:
    """The market of a seed, from ten o'clock on."""

    def __init__(self, *, seed: int = 1, events_per_s: float = 200.0) -> None:
        self._exchange = Exchange(seed=seed, day=DAY)
        self._exchange.advance(OPEN_S, 0)
        self._events_per_s = events_per_s
        self._board = Board(Calendar())
        self._history = History(epoch_of(DAY, "bench0"))
        self._midnight_ms = int(datetime.combine(DAY, time(), VIETNAM).timestamp() * 1000)

    @property
    def symbols(self) -> list[str]:
        """What is traded, the busiest first."""
        listed = sorted(self._exchange.listings, key=lambda listing: -listing.weight)
        return [listing.symbol for listing in listed if listing.weight]

    def moments(self, minutes: float) -> Iterator[Moment]:
        """First all that is known at ten o'clock, then what changes. Once only."""
        for index in self._exchange.indices:
            if index.id == "VN30":
                self._board.set_components({index.id: list(index.symbols)})
        said = [message for data_type in DATA_TYPES for message in self._exchange.snapshot(data_type)]
        yield self._moment(0.0, said)
        owed = 0.0
        for turn in count(1):
            at_s = turn * TICK_S
            if at_s > minutes * 60:
                return
            owed += self._events_per_s * TICK_S
            events = int(owed)
            owed -= events
            yield self._moment(at_s, self._exchange.advance(OPEN_S + at_s, events))

    def _moment(self, at_s: float, said: Sequence[Message]) -> Moment:
        for message in said:
            if message.data_type in DATA_TYPES:
                argument = {"DataType": message.data_type, "Content": content_text(message.content)}
                self._board.apply(parse(orjson.dumps(argument)))
        self._history.stage(self._board.take_changes())
        time_ms = self._midnight_ms + round((OPEN_S + at_s) * 1000)
        return Moment(at_s, list(iter(lambda: self._history.next_commit(time_ms), None)))
