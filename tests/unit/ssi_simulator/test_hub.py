"""Who gets what, in virtual time."""

import json
from uuid import uuid4

import pytest

from ssi_simulator.connection import MAX_BUFFERED_BYTES
from ssi_simulator.core.messages import Message
from ssi_simulator.faults import Faults
from ssi_simulator.hub import DISCONNECT_TIMEOUT_S, MAX_VANISHED, REPLAY_MESSAGES, Hub
from ssi_simulator.ledger import Ledger


class Clock:
    def __init__(self) -> None:
        self.now_s = 100.0

    def __call__(self) -> float:
        return self.now_s


class FakeSocket:
    """Keeps the texts of the frames written to it."""

    def __init__(self) -> None:
        self.texts: list[str] = []
        self.buffered_bytes = 0
        self.closed: int | None = None

    def write(self, finished_frames: bytes) -> None:
        while finished_frames:
            size, head = finished_frames[1], 2
            if size == 126:
                size, head = int.from_bytes(finished_frames[2:4], "big"), 4
            self.texts.append(finished_frames[head : head + size].decode())
            finished_frames = finished_frames[head + size :]

    def close(self, code: int) -> None:
        self.closed = code

    def cut(self) -> None:
        self.closed = 1006

    def freeze(self) -> None:
        self.texts = []

    def symbols(self) -> list[str]:
        """Of all messages, in their order."""
        return [
            json.loads(json.loads(invocation["A"][0])["Content"])["Symbol"]
            for text in self.texts
            for invocation in json.loads(text).get("M", [])
        ]


class Desk:
    """A hub on its own, with everything around it at hand."""

    def __init__(self, *, replay: bool = True) -> None:
        self.clock, self.ledger = Clock(), Ledger()
        self.hub = Hub(lambda _: [], Faults(self.clock), self.ledger, self.clock, replay=replay)

    def broadcast(self, *symbols: str) -> None:
        self.hub.broadcast([Message("X", symbol, {"Symbol": symbol}) for symbol in symbols])


CALL = '{"H":"FcMarketDataV2Hub","M":"SwitchChannels","A":["X:ALL"],"I":0}'


def test_a_message_reaches_those_who_want_it_and_no_others() -> None:
    desk, everything, one, none = Desk(), FakeSocket(), FakeSocket(), FakeSocket()
    desk.hub.receive(desk.hub.connect(str(uuid4()), everything), CALL)
    desk.hub.receive(desk.hub.connect(str(uuid4()), one), CALL.replace("ALL", "SSI"))
    desk.hub.connect(str(uuid4()), none)

    desk.broadcast("SSI", "HPG")

    assert (everything.symbols(), one.symbols(), none.symbols()) == (["SSI", "HPG"], ["SSI"], [])
    assert (desk.ledger.produced["X"], desk.ledger.sent["X"]) == (2, 3)


def test_who_comes_back_gets_what_was_missed_as_far_as_it_is_kept() -> None:
    desk, lost, found = Desk(), FakeSocket(), FakeSocket()
    connection = desk.hub.connect("a", lost)
    desk.hub.receive(connection, CALL)
    desk.broadcast("SSI")
    last_cursor = json.loads(lost.texts[-1])["C"]
    desk.hub.vanish(connection, lost)

    desk.broadcast(*[f"M{number}" for number in range(REPLAY_MESSAGES + 5)])
    desk.hub.reconnect("a", found, last_cursor)

    assert found.symbols() == [f"M{number}" for number in range(5, REPLAY_MESSAGES + 5)]


def test_who_stays_away_too_long_is_forgotten() -> None:
    desk, socket = Desk(), FakeSocket()
    desk.hub.vanish(desk.hub.connect("a", socket), socket)

    desk.clock.now_s += DISCONNECT_TIMEOUT_S
    desk.hub.turn()
    still = desk.hub.can_reconnect("a")
    desk.clock.now_s += 1
    desk.hub.turn()

    assert (still, desk.hub.can_reconnect("a")) == (True, False)
    with pytest.raises(KeyError):
        desk.hub.reconnect("a", FakeSocket(), "")


def test_only_so_many_vanished_connections_are_remembered() -> None:
    desk = Desk()
    for number in range(MAX_VANISHED + 1):
        socket = FakeSocket()
        desk.hub.vanish(desk.hub.connect(str(number), socket), socket)

    assert [desk.hub.can_reconnect(str(number)) for number in (0, 1, MAX_VANISHED)] == [False, True, True]


def test_a_socket_that_was_replaced_does_not_take_its_connection_along() -> None:
    desk, old, new = Desk(), FakeSocket(), FakeSocket()
    connection = desk.hub.connect("a", old)
    desk.hub.receive(connection, CALL)
    desk.hub.reconnect("a", new, "")

    desk.hub.vanish(connection, old)
    desk.broadcast("SSI")

    assert old.closed == 1006
    assert new.symbols() == ["SSI"]


def test_who_does_not_read_is_cut_and_counted_but_has_room_for_what_was_told_at_once() -> None:
    desk, socket = Desk(), FakeSocket()
    connection = desk.hub.connect("a", socket)
    desk.hub.receive(connection, CALL)
    desk.broadcast("SSI")

    socket.buffered_bytes = MAX_BUFFERED_BYTES + connection.most_bytes
    desk.broadcast("SSI")
    reading = socket.closed
    socket.buffered_bytes += 1
    desk.broadcast("HPG")

    assert connection.most_bytes > 0
    assert (reading, socket.closed, desk.ledger.slow_dropped) == (None, 1006, 1)


def test_a_keepalive_leaves_after_half_the_timeout_in_silence() -> None:
    desk, socket = Desk(), FakeSocket()
    desk.hub.receive(desk.hub.connect("a", socket), CALL)

    desk.clock.now_s += 9
    desk.broadcast("SSI")
    desk.clock.now_s += 9
    desk.hub.turn()
    early = socket.texts.count("{}")
    desk.clock.now_s += 1
    desk.hub.turn()
    desk.hub.turn()

    assert (early, socket.texts.count("{}")) == (0, 1)


@pytest.mark.parametrize("text", ["", "hello", "[]", "7", '{"I":1}', "{}", "\ud800"])
def test_what_is_no_invocation_is_ignored(text: str) -> None:
    desk, socket = Desk(), FakeSocket()
    connection = desk.hub.connect("a", socket)

    desk.hub.receive(connection, text)

    assert len(socket.texts) == 1  # the init frame
