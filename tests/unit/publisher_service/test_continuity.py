"""
Whatever happens between the writer and a client, the client ends with the writer's table, and is told of every gap.

Random walks against a naive model: commits, removals, larger changes in parts, new epochs, losses, repeats, loads that
overlap with commits, several replicas, clients that join, stall, return elsewhere, change their keys, and groups that
change. A walk that fails names its seed, and the steps since all were last found to agree.
"""

import os
import random
from dataclasses import dataclass, field
from typing import Any

import pytest

from ingest_service.core import history as writing
from ingest_service.core.history import Changes, History
from publisher_service.core import frames
from publisher_service.core.replica import Gap
from shared.channels import Channel
from shared.table import JSON, Row
from shared.wire import Commit, Head, Heartbeat
from tests.fakes.door import FakeDoor
from tests.fakes.publisher import FakePublisher
from tests.fakes.table_client import TableClient

#: More walks find rarer faults: CONTINUITY_WALKS=5000 takes some minutes.
WALKS = int(os.environ.get("CONTINUITY_WALKS", "60"))
STEPS = 600
#: All must agree after so many steps, at the latest.
STEPS_APART = 60
SYMBOLS = ["AAA", "BBB", "CCC", "DDD"]
#: A change of more rows than this is several commits.
PART_ROWS = 2
#: In every other walk each row is a part of its own.
SMALL_FRAME_BYTES = 200
KEYS = ["", "", "AAA,CCC", "@G,BBB"]
MODES = ["rows", "rows", "fields", "snapshot"]


class Writer:
    """An ingest with its Redis: what is stored, and what was published."""

    def __init__(self) -> None:
        self.epochs = 0
        self.log: list[Commit | Heartbeat] = []  # a heartbeat with another epoch stands for "replaced"
        self.history = History("")
        self.stored: dict[Channel, dict[str, tuple[Row | None, int]]] = {}
        self.more = False
        # (epoch, revision) → the rows of market and groups then; of whole changes only.
        self.past: dict[tuple[str, int], dict[Channel, dict[str, Row]]] = {}
        self.open_epoch()

    def open_epoch(self) -> None:
        self.epochs += 1
        epoch = f"20261123-{self.epochs:06}"
        self.history = self.history.successor(epoch, keep=Channel) if self.epochs > 1 else History(epoch, 1)
        self.stored = {
            channel: {key: (entry.row, entry.rev) for key, entry in self.history.tables[channel].entries()}
            for channel in Channel
        }
        self.more = False
        self._remember()
        self.log.append(self.heartbeat())

    def change(self, rows: Changes) -> None:
        self.history.stage(rows)

    def commit(self) -> None:
        commit = self.history.next_commit(len(self.log))
        if commit is None:
            return
        for channel, rows in commit.rows.items():
            self.stored[channel] |= {key: (row, commit.rev) for key, row in rows.items()}
        self.more = commit.more
        if not commit.more:
            self._remember()
        self.log.append(commit)

    def head(self) -> Head:
        return Head(self.history.epoch, self.history.rev, "c", len(self.log), "server", self.more)

    def heartbeat(self) -> Heartbeat:
        return Heartbeat(self.history.epoch, self.history.rev, len(self.log), self.history.checksums())

    def rows(self, channel: Channel) -> list[tuple[str, Row | None, int]]:
        return [(key, row, rev) for key, (row, rev) in self.stored[channel].items()]

    def table(self, keys: str, epoch: str, rev: int) -> dict[str, Any]:
        """What a client of these keys must hold at that revision. Raises KeyError if nobody may have been shown it."""
        past = self.past[epoch, rev]
        if not keys:
            return dict(past[Channel.MARKET])
        names = set(keys.split(","))
        members = past[Channel.GROUPS].get("G", {}).get("keys", [])
        names |= {str(member) for member in members} if "@G" in names and isinstance(members, list) else set()
        return {key: row for key, row in past[Channel.MARKET].items() if key in names}

    def _remember(self) -> None:
        self.past[self.history.epoch, self.history.rev] = {
            channel: {key: row for key, (row, _) in self.stored[channel].items() if row is not None}
            for channel in (Channel.MARKET, Channel.GROUPS)
        }


@dataclass
class Loading:
    """A load that has begun: the head before it, and the rows that were read so far."""

    before: Head
    rows: dict[Channel, list[tuple[str, Row | None, int]]]
    heard: int  # what was published before it began is not heard any more


class Node:
    """A publisher, and how far it has read what was published."""

    def __init__(self, writer: Writer) -> None:
        self.writer = writer
        self.publisher = FakePublisher(epoch="")
        self.read = 0
        self.loading: Loading | None = None
        self.load()

    def load(self) -> None:
        self.begin_load(set(Channel))
        self.end_load()

    def begin_load(self, first: set[Channel]) -> None:
        writer = self.writer
        self.loading = Loading(writer.head(), {channel: writer.rows(channel) for channel in first}, len(writer.log))

    def end_load(self) -> None:
        loading, self.loading = self.loading, None
        assert loading is not None
        after = self.writer.head()
        if after.epoch != loading.before.epoch:
            self.load()
            return
        rows = {channel: loading.rows.get(channel) or self.writer.rows(channel) for channel in Channel}
        self.read = loading.heard
        self.publisher.hub.changed(self.publisher.replica.load(loading.before, rows, after))

    def hear(self, *, lost: bool = False) -> None:
        """The next thing that was published, unless it is lost."""
        if self.loading is not None or self.read == len(self.writer.log):
            return
        envelope = self.writer.log[self.read]
        self.read += 1
        if not lost:
            self._take(envelope)

    def hear_again(self, back: int) -> None:
        """Something that was published earlier comes once more."""
        if self.loading is None and self.read > back:
            self._take(self.writer.log[self.read - 1 - back])

    def _take(self, envelope: Commit | Heartbeat) -> None:
        replica = self.publisher.replica
        if isinstance(envelope, Commit):
            try:
                change = replica.apply(envelope)
            except Gap:
                self.load()
            else:
                self.publisher.hub.changed(change)
        elif envelope.epoch != replica.epoch:
            self.load()

    def catch_up(self) -> None:
        if self.loading is not None:
            self.end_load()
        while self.read < len(self.writer.log):
            self.hear()
        self._take(self.writer.heartbeat())
        if self.publisher.replica.heard_rev < self.writer.history.rev:
            self.load()  # as the heartbeat would have it do
        assert self.publisher.replica.differences(self.writer.heartbeat()) == []


@dataclass
class Client:
    """A client by the protocol alone, wherever it is connected."""

    node: Node
    keys: str
    mode: str
    door: FakeDoor = field(default_factory=FakeDoor)
    table: TableClient = field(default_factory=TableClient)
    parts_of: tuple[str, int] = ("", 0)  # epoch and revision of the last frame that came in parts

    def connect(self, node: Node) -> None:
        self.read()
        self.node.publisher.hub.leave(self.door)
        self.node = node
        self.subscribe()

    def subscribe(self) -> None:
        query = {"mode": self.mode} | ({"keys": self.keys} if self.keys else {})
        if self.table.position:
            query["since"] = self.table.position
        self.door = self.node.publisher.client("market", **query)

    def read(self) -> None:
        """Whatever has been shown at any moment is what the writer had at that revision."""
        for message in self.door.take():
            assert message["type"] != "error", message
            self.table.take(message)
            if message["type"] not in ("snapshot", "update"):
                continue
            epoch, rev = message["position"].split(".")[0], message["rev"]
            if message.get("parts", 1) > 1:
                # If the rest does not come, or came late, some rows are newer than the position says.
                replica = self.node.publisher.replica
                self.parts_of = (epoch, max(rev, replica.rev if replica.epoch == epoch else 0))
            if message.get("part", 1) < message.get("parts", 1):
                continue
            if "part" not in message and message["type"] == "snapshot":
                self.parts_of = ("", 0)
            if self.parts_of[0] != epoch or self.parts_of[1] <= rev:
                then = self.node.writer.table(self.keys, epoch, rev)
                assert self.table.rows == then, (self.keys, self.mode, message)

    def read_on(self) -> None:
        """As one that was stalled and reads again; too late, perhaps: then it comes back."""
        self.read()
        if self.door.closed is not None:
            assert self.door.closed[0] == 1013
            self.subscribe()
        self.door.paused_since_s = self.door.pause_after = None
        self.node.publisher.hub.drained(self.door)


class Walk:
    """One walk: everything, and the steps that may be taken."""

    def __init__(self, seed: int) -> None:
        self.random = random.Random(seed)
        self.writer = Writer()
        self.nodes = [Node(self.writer) for _ in range(self.random.randint(1, 3))]
        self.clients: list[Client] = []
        self.taken: list[str] = []  # since all were last found to agree

    def run(self) -> None:
        steps = [self.change_rows, self.commit, self.hear, self.pass_time, self.join] * 3
        steps += [
            self.change_another_channel,
            self.change_another_channel,
            self.change_a_group,
            self.lose,
            self.repeat,
            self.begin_to_load,
            self.end_loading,
        ]
        steps += [self.return_elsewhere, self.change_keys, self.stall, self.read] * 2
        for number in range(STEPS):
            step = self.open_an_epoch if self.random.random() < 0.01 else self.random.choice(steps)
            self.taken.append(f"{step.__name__}: {step()}")
            self.nobody_is_ahead()
            if number % STEPS_APART == STEPS_APART - 1 or self.random.random() < 0.03:
                self.all_agree()
                self.taken.clear()

    @property
    def node(self) -> Node:
        return self.random.choice(self.nodes)

    # ------------------------------------------------------------------------------------------------------- writer

    def change_rows(self) -> object:
        symbols = self.random.sample(SYMBOLS, self.random.randint(1, len(SYMBOLS)))
        rows: dict[str, Row | None] = {
            symbol: None
            if self.random.random() < 0.2
            else {"last": self.random.randint(0, 2), "high": self.random.randint(0, 2)}
            for symbol in symbols
        }
        self.writer.change({Channel.MARKET: rows})
        return rows

    def change_a_group(self) -> object:
        members: list[JSON] = list(self.random.sample(SYMBOLS, self.random.randint(0, 3)))
        self.writer.change({Channel.GROUPS: {"G": {"keys": members}}})
        return members

    def change_another_channel(self) -> object:
        value = self.random.randint(0, 9)
        self.writer.change({Channel.INDEX: {"VNINDEX": {"value": value}}})
        return value

    def commit(self) -> object:
        for _ in range(times := self.random.randint(1, 3)):
            self.writer.commit()
        return times

    def open_an_epoch(self) -> object:
        self.writer.open_epoch()
        return self.writer.history.epoch

    # ----------------------------------------------------------------------------------------------------- replicas

    def hear(self) -> object:
        node = self.node
        for _ in range(times := self.random.randint(1, 4)):
            node.hear()
        return times

    def lose(self) -> object:
        self.node.hear(lost=True)
        return None

    def repeat(self) -> object:
        self.node.hear_again(self.random.randint(0, 5))
        return None

    def begin_to_load(self) -> object:
        first = {channel for channel in (Channel.MARKET, Channel.GROUPS) if self.random.random() < 0.5}
        self.node.begin_load(first)
        return first

    def end_loading(self) -> object:
        if (node := self.node).loading is not None:
            node.end_load()
        return None

    def pass_time(self) -> object:
        seconds = self.random.choice([0.0, 0.1, 0.5, 3.0, 11.0, 11.0])
        for node in self.nodes:
            node.publisher.clock.advance(seconds)
            node.publisher.hub.tick()
        return seconds

    # ------------------------------------------------------------------------------------------------------ clients

    def join(self) -> object:
        if len(self.clients) == 6:
            gone = self.clients.pop(self.random.randrange(6))
            gone.node.publisher.hub.leave(gone.door)
        client = Client(self.node, self.random.choice(KEYS), self.random.choice(MODES))
        client.subscribe()
        self.clients.append(client)
        return client.keys, client.mode

    def return_elsewhere(self) -> object:
        if self.clients:
            self.random.choice(self.clients).connect(self.node)
        return None

    def change_keys(self) -> object:
        """To other ones, or to the same: as after a gap, or because a person clicked twice."""
        ready = [client for client in self.clients if client.door.ready]
        if not ready:
            return None
        client = self.random.choice(ready)
        client.read()
        client.keys, client.table = self.random.choice([client.keys, *KEYS]), TableClient()
        wish = {"type": "subscribe", "channel": "market", "mode": client.mode}
        client.node.publisher.say(client.door, **wish, **({"keys": client.keys.split(",")} if client.keys else {}))
        client.read()
        return client.keys, client.mode

    def stall(self) -> object:
        if self.clients and (client := self.random.choice(self.clients)).door.ready:
            client.door.pause_after = self.random.randint(1, 3)
        return None

    def read(self) -> object:
        if self.clients:
            self.random.choice(self.clients).read_on()
        return None

    # --------------------------------------------------------------------------------------------------------- laws

    def nobody_is_ahead(self) -> None:
        for client in self.clients:
            for message in client.door.messages("snapshot", "update"):
                if message["position"].startswith(self.writer.history.epoch):
                    assert message["rev"] <= self.writer.history.rev

    def all_agree(self) -> None:
        """When nothing changes any more, everybody reads, and time passes."""
        for _ in range(10):
            self.writer.commit()
        for node in self.nodes:
            node.catch_up()
        for _ in range(3):
            for client in self.clients:
                client.read_on()
            for node in self.nodes:
                node.publisher.clock.advance(3)
                node.publisher.hub.tick()
        for client in self.clients:
            client.read()
            now = self.writer.table(client.keys, self.writer.history.epoch, self.writer.history.rev)
            assert client.table.rows == now, (client.keys, client.mode)


@pytest.mark.parametrize("seed", range(WALKS))
def test_every_client_ends_with_the_writers_table_and_hears_of_every_gap(
    seed: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(writing, "MAX_ROWS", PART_ROWS)
    if seed % 2:
        monkeypatch.setattr(frames, "MAX_FRAME_BYTES", SMALL_FRAME_BYTES)
    walk = Walk(seed)

    try:
        walk.run()
    except AssertionError as error:
        steps = "\n".join(walk.taken)
        raise AssertionError(f"{error}\nseed {seed}; the steps since all agreed:\n{steps}") from error
