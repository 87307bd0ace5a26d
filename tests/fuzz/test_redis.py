"""What stands in Redis, and comes from it. A replica that met any of it ends with the writer's table all the same."""

from collections.abc import Callable
from contextlib import suppress
from typing import cast

import orjson
from redis.asyncio import Redis

from ingest_service.core.history import History
from publisher_service.redis_source import RedisSource, StartOver
from shared.channels import Channel, RedisNames
from shared.table import Row
from shared.wire import (
    Commit,
    Envelope,
    Head,
    Heartbeat,
    InvalidEnvelope,
    NewerContract,
    Replaced,
    decode_entry,
    decode_envelope,
    decode_head,
    decode_key,
    decode_row,
    decode_schema,
    encode_envelope,
    encode_head,
    encode_row,
)
from tests.fakes.publisher import FakePublisher
from tests.fakes.table_client import TableClient
from tests.fakes.texts import texts
from tests.fuzz.fuzzing import fuzz
from tests.fuzz.mutator import Mutator

EPOCH = "20261123-aaaaaa"
ROW: Row = {"last": 31550, "bids": [[31500, 100]], "change_pct": 0.16, "name": "Chứng khoán SSI", "gone": None}
ENVELOPES: list[Envelope] = [
    Commit(
        EPOCH,
        3,
        5,
        7,
        {Channel.MARKET: texts({"SSI": ROW, "OLD": None}), Channel.INDEX: texts({"VN30": {"value": 1.5}})},
    ),
    Commit(EPOCH, 5, 6, 8, {Channel.GROUPS: texts({"VN30": {"keys": ["SSI", "VNM"]}})}, more=True),
    Heartbeat(EPOCH, 6, 9, {Channel.MARKET: 1924374018, Channel.INDEX: 0}),
    Replaced(EPOCH, 6, 10),
]
HEAD = {name: str(value) for name, value in encode_head(Head(EPOCH, 6, "c", 7, "s", more=False)).items()}
#: Whole numbers of the contract are below: JSON readers in browsers hold them exactly.
MAX_NUMBER = 2**53


class Decoders:
    """Whatever is read is refused, or can be handed on as it is."""

    def try_one(self, mutator: Mutator) -> None:
        text = mutator.text(orjson.loads(encode_envelope(mutator.random.choice(ENVELOPES))))
        message = text.encode("utf-8", "surrogatepass")
        with suppress(InvalidEnvelope, NewerContract):
            envelope = decode_envelope(message)
            if envelope is not None:
                self.check(envelope)
            if isinstance(envelope, Commit):
                self.check_rows(envelope, orjson.loads(message)["channels"])
        rev = mutator.random.choice(["12", "12", "12", str(mutator.odd())])
        with suppress(InvalidEnvelope):
            row, at = decode_row(f"{rev} {mutator.text(ROW)}".encode("utf-8", "surrogatepass"))
            assert 0 <= at < MAX_NUMBER
            encode_row(row, at)
        with suppress(InvalidEnvelope):
            orjson.dumps(decode_key(mutator.noise().encode("utf-8", "surrogatepass")))
        with suppress(InvalidEnvelope):
            identity, document = (mutator.noise().encode("utf-8", "surrogatepass") for _ in range(2))
            schema = decode_schema({b"identity": identity, b"document": document})
            assert schema is not None
            assert schema.identity.isprintable()
        with suppress(InvalidEnvelope, NewerContract):
            self.check_head(mutator)

    def check_rows(self, commit: Commit, sent: dict[str, dict[str, object]]) -> None:
        """Each is what another reader finds in the message, fits into an event, and can be written into a frame."""
        told = {
            channel: {key: orjson.loads(text) for key, text in rows.items()} for channel, rows in commit.rows.items()
        }
        assert told == {name: rows for name, rows in sent.items() if name in list(Channel)}
        for rows in commit.rows.values():
            assert not any(end in text for text in rows.values() for end in (b"\n", b"\r"))
            orjson.dumps([[[[orjson.loads(text)] for text in rows.values()]]])

    def check(self, envelope: Envelope) -> None:
        assert all(0 <= number < MAX_NUMBER for number in (envelope.rev, envelope.time_ms))
        assert envelope.epoch
        if isinstance(envelope, Commit):
            assert 0 <= envelope.from_rev < envelope.rev
        assert decode_envelope(encode_envelope(envelope)) == envelope

    def check_head(self, mutator: Mutator) -> None:
        fields = mutator.value(HEAD)
        if isinstance(fields, dict):
            stored = {
                name.encode("utf-8", "surrogatepass"): str(value).encode("utf-8", "surrogatepass")
                for name, value in fields.items()
            }
            head = decode_head(stored)
            if head is not None:
                assert all(0 <= number < MAX_NUMBER for number in (head.rev, head.time_ms))
                assert head.epoch

    def still_works(self) -> None:
        for envelope in ENVELOPES:
            assert decode_envelope(encode_envelope(envelope)) == envelope


def test_nothing_in_redis_does_worse_than_be_refused(record_property: Callable[[str, object], None]) -> None:
    fuzz(Decoders, record_property)


class Replicas:
    """A replica that follows a true history, with untrue envelopes in between."""

    def __init__(self) -> None:
        self.history = History(EPOCH, 1)
        self.publisher = FakePublisher(epoch="")
        # Redis is only asked when there is something to load, and that is done here.
        redis = cast("Redis", None)
        self.source = RedisSource(
            redis,
            RedisNames("fuzz"),
            self.publisher.replica,
            self.publisher.metrics,
            changed=self.publisher.hub.changed,
            link=self.publisher.hub.link,
        )
        self.time_ms = 1_795_405_337_000
        self.load()
        self.door = self.publisher.client("market")
        self.table = TableClient()

    def load(self) -> None:
        """As after each order to start over: the truth, as it stands in Redis."""
        head = Head(self.history.epoch, self.history.rev, "c", self.time_ms, "s", more=False)
        rows = {
            channel: [(key, decode_entry(stored)) for key, stored in self.history.stored_rows(channel)]
            for channel in Channel
        }
        self.publisher.hub.changed(self.publisher.replica.load(head, rows, head))

    def try_one(self, mutator: Mutator) -> None:
        if mutator.chance(0.3):
            self.change(mutator.random.choice(["SSI", "VNM"]), mutator.random.random())
        rev = self.publisher.replica.heard_rev
        told = orjson.loads(encode_envelope(mutator.random.choice(ENVELOPES)))
        told |= {"rev": rev + mutator.random.randrange(3), "time": self.time_ms + mutator.random.randrange(3)}
        told["epoch"] = mutator.random.choice([EPOCH, EPOCH, "another"])
        if told["type"] == "commit":
            told["from"] = told["rev"] - 1
        self.hear(mutator.text(told).encode("utf-8", "surrogatepass"))
        if mutator.chance(0.05):
            self.publisher.clock.advance(1)
            self.publisher.hub.tick()
            for message in self.door.take("snapshot", "update"):
                self.table.take(message)

    def change(self, symbol: str, last: float) -> None:
        """The writer goes on."""
        self.history.stage({Channel.MARKET: {symbol: {"last": last}}})
        self.time_ms += 1
        commit = self.history.next_commit(self.time_ms)
        assert commit is not None
        self.hear(encode_envelope(commit))

    def hear(self, message: bytes) -> None:
        """As the source does with each message: take it, or start over. What is refused changes nothing."""
        replica = self.publisher.replica
        before = self.state()
        try:
            envelope = self.source._decode(message)
            change = None if envelope is None else self.source._apply(envelope)
        except (StartOver, NewerContract):
            assert self.state() == before
            self.load()
            return
        if envelope is None:
            assert self.state() == before
        if change is not None:
            self.publisher.hub.changed(change)
        assert replica.loaded

    def state(self) -> tuple[object, ...]:
        replica = self.publisher.replica
        return (
            replica.epoch,
            replica.rev,
            replica.heard_rev,
            replica.settled,
            *(table.checksum() for table in replica.tables.values()),
        )

    def still_works(self) -> None:
        """The next commits and heartbeats tell whoever differs, and the next epoch ends whatever is left."""
        self.time_ms += 1000
        # A commit of the far future would have to be disproved by a heartbeat from beyond it.
        disproved = self.publisher.replica.time_ms < self.time_ms
        for last in (1.0, 2.0):
            self.change("SSI", last)
            self.hear(encode_envelope(Heartbeat(EPOCH, self.history.rev, self.time_ms, self.history.checksums())))
        if disproved:
            self.agree()
        self.history = self.history.successor("20261124-bbbbbb", keep=Channel)
        self.hear(encode_envelope(Replaced(self.history.epoch, self.history.rev, self.time_ms)))
        self.change("SSI", 3.0)
        self.agree()

    def agree(self) -> None:
        self.publisher.clock.advance(1)
        for message in self.door.take("snapshot", "update"):
            self.table.take(message)
        assert self.table.rows == dict(self.history.tables[Channel.MARKET].live())


def test_a_replica_that_heard_any_envelopes_ends_with_the_writers_table(
    record_property: Callable[[str, object], None],
) -> None:
    fuzz(Replicas, record_property)
