"""
Whatever happens between the writer and a client, the client ends with the writer's table, and is told of every gap.

Random walks against a naive model: commits, removals, rings, larger changes in parts, days that end, rows of another
form, losses, repeats, loads that overlap with commits or come from an older copy, several replicas, clients that join,
stall, watch two channels, return elsewhere with a position of any moment, change their keys, and groups that change. A
walk that fails names its seed, and the steps since all were last found to agree.
"""

import os
import random
from collections.abc import Collection
from dataclasses import dataclass, field
from typing import Any

import orjson
import pytest

from ingest_service.core import history as writing
from ingest_service.core.history import LASTING, Changes, History
from publisher_service import turns
from publisher_service.core import frames, kept_frames
from publisher_service.core.events import NOWHERE
from publisher_service.core.frames import Form
from publisher_service.core.position import Position
from publisher_service.core.replica import Gap
from publisher_service.core.selection import Selection
from shared.channels import Channel
from shared.table import JSON, REMOVED, Entry, Row
from shared.wire import Commit, Head, Heartbeat
from tests.fakes.door import FakeDoor, decode, id_of
from tests.fakes.publisher import FakePublisher
from tests.fakes.table_client import TableClient

#: More walks find rarer faults: CONTINUITY_WALKS=5000 takes some minutes.
WALKS = int(os.environ.get("CONTINUITY_WALKS", "60"))
STEPS = 600
#: All must agree after so many steps, at the latest.
STEPS_APART = 60
SYMBOLS = ["AAA", "BBB", "CCC", "DDD", "AAA#0", "AAA#1", "CCC#0"]
#: A change of more rows than this is several commits.
PART_ROWS = 2
#: In every other walk each row is a part of its own.
SMALL_FRAME_BYTES = 200
KEYS = ["", "", "AAA,CCC", "@G,BBB", "BBB,AAA#1"]
MODES = ["rows", "rows", "fields", "snapshot"]


@dataclass
class Copy:
    """What stands in Redis: the head, and the stored rows."""

    head: Head
    rows: dict[Channel, dict[str, tuple[bytes, int]]]

    def loaded(self, channel: Channel) -> list[tuple[str, Entry]]:
        """A channel's rows as a replica reads them."""
        return [(key, Entry(text, rev)) for key, (text, rev) in self.rows[channel].items()]


class Writer:
    """An ingest with its Redis: what is stored, and what was published."""

    def __init__(self) -> None:
        self.epochs = 1
        self.log: list[Commit | Heartbeat] = []  # a heartbeat with another epoch stands for "replaced"
        self.history = History("20261123-000001", 1)
        self.stored: dict[Channel, dict[str, tuple[bytes, int]]] = {channel: {} for channel in Channel}
        self.more = False
        self.fields = ["last", "high"]  # of the rows of market; within an epoch there are only ever more
        # (epoch, revision) → the rows of all channels then; of whole changes only.
        self.past: dict[tuple[str, int], dict[Channel, dict[str, Row]]] = {}
        self.older = self.copy()
        self._remember()

    def open_epoch(self, keep: Collection[Channel], fields: list[str] | None = None) -> None:
        """Go on with the rows of some channels, if they have these fields."""
        self.epochs += 1
        self.fields = fields or self.fields
        self.history = self.history.successor(
            f"20261123-{self.epochs:06}",
            keep=keep,
            fits=lambda channel, _, row: fields is None or channel is not Channel.MARKET or list(row) == fields,
        )
        self.stored = {
            channel: {key: (entry.json, entry.rev) for key, entry in self.history.tables[channel].entries()}
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
            self.stored[channel] |= {key: (text, commit.rev) for key, text in rows.items()}
        self.more = commit.more
        if not commit.more:
            self._remember()
        self.log.append(commit)

    def head(self) -> Head:
        return Head(self.history.epoch, self.history.rev, "c", len(self.log), "server", self.more)

    def heartbeat(self) -> Heartbeat:
        return Heartbeat(self.history.epoch, self.history.rev, len(self.log), self.history.checksums())

    def copy(self) -> Copy:
        return Copy(self.head(), {channel: dict(rows) for channel, rows in self.stored.items()})

    def table(self, channel: Channel, keys: str, epoch: str, rev: int) -> dict[str, Any]:
        """What a client of these keys must hold at that revision. Raises KeyError if nobody may have been shown it."""
        past = self.past[epoch, rev]
        if not keys:
            return dict(past[channel])
        names = set(keys.split(","))
        members = past[Channel.GROUPS].get("G", {}).get("keys", [])
        names |= {str(member) for member in members} if "@G" in names and isinstance(members, list) else set()
        return {key: row for key, row in past[channel].items() if key in names or key.split("#")[0] in names}

    def _remember(self) -> None:
        self.past[self.history.epoch, self.history.rev] = {
            channel: {key: orjson.loads(text) for key, (text, _) in rows.items() if text != REMOVED}
            for channel, rows in self.stored.items()
        }


@dataclass
class Loading:
    """A load that has begun: what stood in Redis then, and the rows that were read so far."""

    begun: Copy
    read: Copy
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
        self.begin_load(set(SYMBOLS))
        self.end_load()

    def begin_load(self, first: set[str]) -> None:
        """Read the head, and these rows, in whatever channel they are."""
        begun = self.writer.copy()
        read = {channel: {key: rows[key] for key in rows if key in first} for channel, rows in begun.rows.items()}
        self.loading = Loading(begun, Copy(begun.head, read), len(self.writer.log))

    def end_load(self, *, meets_new_keys: bool = True) -> None:
        """Read the other rows, and the head. Whether keys that came meanwhile are met, no one can tell."""
        loading, self.loading = self.loading, None
        assert loading is not None
        now = self.writer.copy()
        if now.head.epoch != loading.begun.head.epoch:
            self.load()
            return
        for channel, rows in now.rows.items():
            for key, stored in rows.items():
                if meets_new_keys or key in loading.begun.rows[channel]:
                    loading.read.rows[channel].setdefault(key, stored)
        self.read = loading.heard
        rows_read = {channel: loading.read.loaded(channel) for channel in Channel}
        self.publisher.hub.changed(self.publisher.replica.load(loading.begun.head, rows_read, now.head))

    def load_older(self) -> None:
        """From a server that fell back to what it was some time ago; the commits since are not repeated."""
        older = self.writer.older
        if self.loading is None and older.head.epoch == self.publisher.replica.epoch:
            rows = {channel: older.loaded(channel) for channel in Channel}
            self.publisher.hub.changed(self.publisher.replica.load(older.head, rows, older.head))

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
class Watch:
    """What a client watches in one channel, and the table that it holds."""

    channel: Channel
    keys: str
    mode: str
    table: TableClient = field(default_factory=TableClient)
    since: str = ""  # instead of the table's own position
    last_id: str = ""  # of its events: what a browser would come back with
    parts_of: tuple[str, int] = ("", 0)  # epoch and revision of the last frame that came in parts

    @property
    def query(self) -> dict[str, str]:
        since = self.since or self.table.position
        return {"mode": self.mode} | ({"keys": self.keys} if self.keys else {}) | ({"since": since} if since else {})

    def stand_at(self, epoch: str, rev: int, rows: dict[str, Any]) -> None:
        """Hold what was shown to others at that moment, with the position that goes with it."""
        selection = Selection.of(self.keys.split(",") if self.keys else None)
        self.table = TableClient()
        self.table.rows, self.table.rev = rows, rev
        self.table.position = str(Position(epoch, rev, selection.fingerprint(self.channel)))
        self.parts_of = ("", 0)

    def take(self, message: dict[str, Any], node: Node) -> None:
        """Whatever has been shown at any moment is what the writer had at that revision."""
        self.table.take(message)
        self.since = ""
        epoch, rev = message["position"].split(".")[0], message["rev"]
        if message["type"] == "snapshot" and message.get("part", 1) == 1:
            self.parts_of = ("", 0)
        if message.get("parts", 1) > 1:
            # If the rest does not come, or came late, some rows are newer than the position says.
            replica = node.publisher.replica
            newest = max(rev, replica.rev if replica.epoch == epoch else 0)
            self.parts_of = (epoch, max(newest, self.parts_of[1] if self.parts_of[0] == epoch else 0))
        if message.get("part", 1) < message.get("parts", 1):
            return
        if self.parts_of[0] != epoch or self.parts_of[1] <= rev:
            then = node.writer.table(self.channel, self.keys, epoch, rev)
            assert self.table.rows == then, (self.keys, self.mode, message)


@dataclass
class Client:
    """A client by the protocol alone, wherever it is connected."""

    node: Node
    watches: dict[Channel, Watch]
    door: FakeDoor = field(default_factory=FakeDoor)

    def connect(self, node: Node) -> None:
        self.read()
        self.node.publisher.hub.leave(self.door)
        self.node = node
        self.subscribe()

    def subscribe(self) -> None:
        first, *others = self.watches.values()
        first.last_id = first.table.position
        self.door = self.node.publisher.client(first.channel, **first.query)
        for watch in others:
            self.ask(watch)

    def ask(self, watch: Watch) -> None:
        """By a message, on the connection that stands."""
        wish: dict[str, Any] = dict(watch.query)
        if watch.keys:
            wish["keys"] = watch.keys.split(",")
        watch.last_id = watch.table.position
        self.node.publisher.say(self.door, type="subscribe", channel=watch.channel, **wish)

    def read(self) -> None:
        for frame in self.door.frames:
            message = decode(frame)
            assert message["type"] != "error", message
            if message["type"] in ("snapshot", "update"):
                watch = self.watches[Channel(message["channel"])]
                watch.take(message, self.node)
                if self.door.form is Form.EVENT:
                    watch.last_id = id_of(frame) or watch.last_id
                    # Who had no position yet needs no frame to say that there is none.
                    assert (watch.last_id or NOWHERE) == (watch.table.position or NOWHERE), message
        self.door.frames.clear()

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
            self.keep_a_copy,
            self.load_an_older_copy,
            self.watch_another_channel,
            self.unwatch_another_channel,
            self.return_from_another_moment,
        ]
        steps += [self.return_elsewhere, self.change_keys, self.ask_again_unread, self.stall, self.read] * 2
        ends = [self.open_an_epoch, self.end_the_day, self.change_the_form]
        for number in range(STEPS):
            step = self.random.choice(ends if self.random.random() < 0.01 else steps)
            self.taken.append(f"{step.__name__}: {step()}")
            self.nobody_is_ahead()
            self.who_is_in_step_can_be_written_to()
            if number % STEPS_APART == STEPS_APART - 1 or self.random.random() < 0.03:
                self.all_agree()
                self.taken.clear()
        self.no_flush_has_failed()

    @property
    def node(self) -> Node:
        return self.random.choice(self.nodes)

    # ------------------------------------------------------------------------------------------------------- writer

    def change_rows(self) -> object:
        symbols = self.random.sample(SYMBOLS, self.random.randint(1, len(SYMBOLS)))
        rows: dict[str, Row | None] = {
            symbol: None
            if self.random.random() < 0.2
            else {name: self.random.randint(0, 2) for name in self.writer.fields}
            for symbol in symbols
        }
        self.writer.change({Channel.MARKET: rows})
        return rows

    def change_a_group(self) -> object:
        members: list[JSON] = list(self.random.sample(SYMBOLS, self.random.randint(0, 3)))
        row: Row | None = None if self.random.random() < 0.1 else {"keys": members}
        self.writer.change({Channel.GROUPS: {"G": row}})
        return row

    def change_another_channel(self) -> object:
        value = self.random.randint(0, 9)
        self.writer.change({Channel.INDEX: {"VNINDEX": {"value": value}}})
        return value

    def commit(self) -> object:
        for _ in range(times := self.random.randint(1, 3)):
            self.writer.commit()
        return times

    def open_an_epoch(self) -> object:
        self.writer.open_epoch(list(Channel))
        return self.writer.history.epoch

    def end_the_day(self) -> object:
        self.writer.open_epoch(LASTING)
        return self.writer.history.epoch

    def change_the_form(self) -> object:
        """To fields that only few rows have, or to more of them, which needs no other epoch."""
        if self.random.random() < 0.5:
            self.writer.fields = [*self.writer.fields, f"field{len(self.writer.fields)}"]
        else:
            self.writer.open_epoch(list(Channel), self.random.choice([["last", "high"], ["last", "low"]]))
        return self.writer.fields

    def keep_a_copy(self) -> object:
        self.writer.older = self.writer.copy()
        return self.writer.older.head

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
        first = {key for key in (*SYMBOLS, "G", "VNINDEX") if self.random.random() < 0.5}
        self.node.begin_load(first)
        return first

    def end_loading(self) -> object:
        if (node := self.node).loading is not None:
            node.end_load(meets_new_keys=self.random.random() < 0.5)
        return None

    def load_an_older_copy(self) -> object:
        self.node.load_older()
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
        watch = Watch(Channel.MARKET, self.random.choice(KEYS), self.random.choice(MODES))
        client = Client(self.node, {Channel.MARKET: watch})
        client.node.publisher.form = self.random.choice(list(Form))
        client.subscribe()
        self.clients.append(client)
        return watch.keys, watch.mode

    def return_elsewhere(self) -> object:
        if self.clients:
            self.random.choice(self.clients).connect(self.node)
        return None

    def return_from_another_moment(self) -> object:
        """With what it held at some time, yesterday perhaps; or with a position that nobody gave out."""
        if not self.clients:
            return None
        client = self.random.choice(self.clients)
        client.read()
        for watch in client.watches.values():
            epoch, rev = self.random.choice(list(self.writer.past)[-30:])
            watch.stand_at(epoch, rev, self.writer.table(watch.channel, watch.keys, epoch, rev))
            if self.random.random() < 0.3:
                fingerprint = watch.table.position.rpartition(".")[2]
                watch.table = TableClient()
                watch.since = self.random.choice(
                    [f"{epoch}.{10**15}.{fingerprint}", f"made-up.{rev}.{fingerprint}", f"{epoch}.{rev}.00000000"]
                )
        client.node.publisher.hub.leave(client.door)
        client.node = self.node
        client.subscribe()
        return [watch.query for watch in client.watches.values()]

    def change_keys(self) -> object:
        """To other ones, or to the same: as after a gap, or because a person clicked twice."""
        if (client := self.ready_client()) is None:
            return None
        client.read()
        held = client.watches[Channel.MARKET]
        client.watches[Channel.MARKET] = watch = Watch(
            Channel.MARKET, self.random.choice([held.keys, *KEYS]), held.mode
        )
        client.ask(watch)
        client.read()
        return watch.keys, watch.mode

    def ask_again_unread(self) -> object:
        """Before it reads what is on its way, perhaps the beginning of a snapshot."""
        if (client := self.ready_client()) is None:
            return None
        watch = client.watches[Channel.MARKET]
        if any(message["rev"] < watch.table.rev for message in client.door.messages("snapshot")):
            return None  # of a replica that is behind: what follows is a gap, which the client sees
        if self.random.random() < 0.3:
            client.node.publisher.say(client.door, type="unsubscribe", channel=Channel.MARKET)
        client.ask(watch)
        return watch.query

    def watch_another_channel(self) -> object:
        if (client := self.ready_client()) is None:
            return None
        client.read()
        watch = Watch(self.random.choice([Channel.INDEX, Channel.GROUPS]), "", self.random.choice(MODES))
        client.watches[watch.channel] = watch
        client.ask(watch)
        return watch.channel, watch.mode

    def unwatch_another_channel(self) -> object:
        if (client := self.ready_client()) is None or len(client.watches) == 1:
            return None
        client.read()
        channel, _ = client.watches.popitem()
        client.node.publisher.say(client.door, type="unsubscribe", channel=channel)
        return channel

    def ready_client(self) -> Client | None:
        ready = [client for client in self.clients if client.door.ready]
        return self.random.choice(ready) if ready else None

    def stall(self) -> object:
        if self.clients and (client := self.random.choice(self.clients)).door.ready:
            client.door.pause_after = self.random.randint(1, 3)
            client.door.takes = self.random.choice([0.0, 0.5, 0.99])
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

    def who_is_in_step_can_be_written_to(self) -> None:
        for client in self.clients:
            held = client.node.publisher.hub._clients.get(client.door)
            watched = held.subscriptions.values() if held else ()
            for subscription in watched:
                if subscription.in_step:
                    assert held is not None
                    assert held.clear
                    assert client.door.ready
                    assert len(watched) == 1
                    assert not subscription.sending

    def no_flush_has_failed(self) -> None:
        for node in self.nodes:
            for channel in Channel:
                assert node.publisher.value("publisher_flush_errors_total", channel=channel) == 0

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
            for watch in client.watches.values():
                now = self.writer.table(watch.channel, watch.keys, self.writer.history.epoch, self.writer.history.rev)
                assert watch.table.rows == now, (watch.channel, watch.keys, watch.mode)


@pytest.mark.parametrize("seed", range(WALKS))
def test_every_client_ends_with_the_writers_table_and_hears_of_every_gap(
    seed: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(writing, "MAX_ROWS", PART_ROWS)
    if seed % 2:
        monkeypatch.setattr(frames, "MAX_FRAME_BYTES", SMALL_FRAME_BYTES)
    if seed % 3 == 0:
        monkeypatch.setattr(turns, "TURN_BYTES", 1)  # one client a turn
    if seed % 5 == 0:
        monkeypatch.setattr(kept_frames, "MAX_BYTES", 0)  # every frame is made anew
    if seed % 7 == 0:
        monkeypatch.setattr(frames, "DEFLATE_FROM_BYTES", 0)
    walk = Walk(seed)

    try:
        walk.run()
    except AssertionError as error:
        steps = "\n".join(walk.taken)
        raise AssertionError(f"{error}\nseed {seed}; the steps since all agreed:\n{steps}") from error


def test_an_answer_that_was_let_go_before_it_was_read_comes_with_the_rows_and_the_revision_of_now(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(kept_frames, "MAX_BYTES", 0)
    publisher = FakePublisher()
    door = publisher.client()
    door.take()
    door.paused_since_s = publisher.clock.time()
    publisher.say(door, type="subscribe", channel="market")
    publisher.market("SSI", 1)

    door.paused_since_s = None
    publisher.hub.drained(door)

    (snapshot,) = door.take()
    assert (snapshot["rev"], snapshot["data"]) == (publisher.replica.rev, {"SSI": {"last": 1, "reference": 100}})
