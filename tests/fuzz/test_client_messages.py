"""What clients say: messages, positions, addresses, tokens. Nothing of it harms the hub, or anybody else."""

import base64
import hashlib
import hmac
import json
from collections.abc import Callable
from contextlib import suppress
from typing import Any

from starlette.datastructures import QueryParams

from publisher_service.core.grant import Grant, InvalidToken
from publisher_service.core.position import InvalidPosition, Position
from publisher_service.core.requests import AddressQuery, Intervals, InvalidRequest, Subscribe, parse, parse_since
from publisher_service.core.views import Mode
from publisher_service.tokens import LATEST_S, LEEWAY_S, Tokens
from shared.channels import Channel
from shared.table import Row
from tests.fakes.door import FakeDoor, decode
from tests.fakes.publisher import EPOCH, TIERS_MS, FakePublisher
from tests.fakes.table_client import TableClient
from tests.fuzz.fuzzing import fuzz
from tests.fuzz.mutator import Mutator
from tests.unit.test_docs import section, table_rows

CODES = {name for name, _ in table_rows(section("protocol.md", "Errors"))}
SECRET = "a secret of a test, long enough for HS512 as well, which needs 64 bytes"
MESSAGES: list[dict[str, Any]] = [
    {"type": "subscribe", "channel": "market"},
    {"type": "subscribe", "id": 1, "channel": "market", "keys": ["SSI", "@VN30"], "interval": 500, "mode": "fields"},
    {"type": "subscribe", "id": "a", "channel": "index", "mode": "snapshot", "since": f"{EPOCH}.2.5f0c19aa"},
    {"type": "subscribe", "id": 2, "channel": "groups", "mode": "rows", "keys": ["VN30", "SSI#1"]},
    {"type": "unsubscribe", "id": 3, "channel": "market"},
    {"type": "ping", "id": 4},
    {"type": "auth", "id": 5, "token": "a.b.c"},
]
ROWS: dict[Channel, dict[str, Row | None]] = {
    Channel.MARKET: {"SSI": {"last": 1}, "SSI#1": {"last": 2}, "VNM": {"last": 3}},
    Channel.GROUPS: {"VN30": {"keys": ["SSI", "VNM"]}},
    Channel.STATUS: {"feed": {"state": "live"}},
}


class Messages:
    """A hub with some who say anything, and one who only listens."""

    def __init__(self) -> None:
        self.publisher = FakePublisher(epoch="")
        self.publisher.load(EPOCH, 1, ROWS)
        self.intervals = Intervals(TIERS_MS, 500, {})
        self.listener = self.publisher.client("market")
        self.table = TableClient()
        self.talkers = [self.talker() for _ in range(3)]
        self.price = 0

    def talker(self) -> FakeDoor:
        door = self.publisher.client()
        door.take()
        return door

    def try_one(self, mutator: Mutator) -> None:
        text = None if mutator.chance(0.005) else mutator.text(mutator.random.choice(MESSAGES))
        request = self.parsed(text)
        at = mutator.random.randrange(len(self.talkers))
        door = self.talkers[at]
        door.take()  # updates of what it watches
        before = self.subscriptions(door)

        self.publisher.hub.receive(door, text)

        answers = door.take()
        if request is None:
            assert [answer["type"] for answer in answers] == (["error"] if door.ready else [])
            assert self.subscriptions(door) == before or door.closed == (1008, "asks more than it reads")
        assert all(answer["code"] in CODES for answer in answers if answer["type"] == "error")
        if mutator.chance(0.1):
            self.change(door, mutator)
        if door.closed is not None:
            self.publisher.hub.leave(door)
            self.talkers[at] = self.talker()

    def parsed(self, text: str | None) -> object:
        """The request; None if it is refused in the documented way."""
        try:
            request = parse(text)
            if isinstance(request, Subscribe):
                self.intervals.view_key(request)
                parse_since(request)
        except InvalidRequest:
            return None
        return request

    def change(self, door: FakeDoor, mutator: Mutator) -> None:
        """Something happens meanwhile: a price, time, a client that stops reading or goes on."""
        self.price += 1
        self.publisher.market(mutator.random.choice(["SSI", "VNM", "SSI#1"]), self.price)
        self.publisher.clock.advance(mutator.random.choice([0.01, 0.5, 3.0]))
        self.publisher.hub.tick()
        if door.paused_since_s is not None:
            door.paused_since_s = None
            self.publisher.hub.drained(door)
        elif mutator.chance(0.3):
            door.paused_since_s = self.publisher.clock.time()

    def subscriptions(self, door: FakeDoor) -> dict[Channel, object]:
        client = self.publisher.hub._clients.get(door)
        return {} if client is None else dict(client.subscriptions)

    def still_works(self) -> None:
        for door in self.talkers:
            self.publisher.hub.leave(door)
        self.publisher.market("VNM", 4711)
        self.publisher.clock.advance(1.0)
        messages = self.listener.take()
        for message in messages:
            self.table.take(message)
        newcomer = TableClient()
        for message in self.publisher.client("market").take():
            newcomer.take(message)

        assert {message["type"] for message in messages} <= {"status", "snapshot", "update", "heartbeat"}
        market = dict(self.publisher.replica.tables[Channel.MARKET].live())
        assert self.table.rows == newcomer.rows == market
        assert market["VNM"]["last"] == 4711
        assert self.publisher.value("publisher_views") == 1
        assert self.publisher.value("publisher_clients") == 2


def test_no_message_of_a_client_harms_the_hub_or_anybody_else(record_property: Callable[[str, object], None]) -> None:
    fuzz(Messages, record_property)


class Positions:
    """Clients come back with a position, true or not; past tables are known."""

    def __init__(self) -> None:
        self.publisher = FakePublisher(epoch="")
        self.publisher.load(EPOCH, 1, ROWS)
        self.past: dict[int, dict[str, Any]] = {0: {}}
        self.positions: dict[str, list[str]] = {"": [], "SSI,VNM": []}
        for rev in range(1, 40):
            if rev > 1:
                rows: dict[str, Row | None] = {"SSI": {"last": rev}, "VNM": None if rev % 3 else {"last": rev}}
                self.publisher.commit({Channel.MARKET: rows})
            self.past[rev] = dict(self.publisher.replica.tables[Channel.MARKET].live())
            for keys, positions in self.positions.items():
                query = {"keys": keys} if keys else {}
                door = self.publisher.client("market", **query)
                positions.append(door.messages("snapshot")[0]["position"])
                self.publisher.hub.leave(door)

    def try_one(self, mutator: Mutator) -> None:
        keys = mutator.random.choice(list(self.positions))
        since = self.since(mutator, keys)
        mode = mutator.random.choice(list(Mode))
        door = self.publisher.client()
        door.take()

        wish = {"type": "subscribe", "channel": "market", "mode": mode, "since": since}
        self.publisher.hub.receive(door, mutator.encoded(wish | ({"keys": keys.split(",")} if keys else {})))
        if not door.frames:
            self.publisher.clock.advance(3.0)  # it is waited for a position that is still to come
            self.publisher.hub.tick()

        (answer,) = door.take("snapshot", "update", "error")
        self.publisher.hub.leave(door)
        position = self.parsed(since)
        if position is None:
            assert (answer["type"], answer["code"]) in [("error", "invalid_position"), ("error", "invalid_json")]
            return
        table = TableClient()
        if answer["type"] == "update":
            assert answer["from"] == position.rev
            assert position.epoch == EPOCH
            table.rev, table.rows = position.rev, self.selected(keys, position.rev)
        table.take(answer)
        assert table.rows == self.selected(keys, self.publisher.replica.rev)

    def since(self, mutator: Mutator, keys: str) -> str:
        """A position given out, with something changed in most cases."""
        text = mutator.random.choice(self.positions[keys])
        dice = mutator.random.random()
        if dice < 0.3:
            return mutator.scratched(text)
        if dice < 0.6:
            parts: list[object] = [*text.split(".")]
            parts[mutator.random.randrange(3)] = mutator.odd()
            return ".".join(str(part) for part in parts)
        if dice < 0.8:
            return f"{EPOCH}.{mutator.random.randrange(60)}.{text.rpartition('.')[2]}"
        return mutator.noise() if dice < 0.85 else text

    def parsed(self, text: str) -> Position | None:
        """The position; None if it is refused in the documented way, or cannot be told in JSON."""
        with suppress(InvalidPosition, UnicodeEncodeError):
            text.encode()
            return Position.parse(text)
        return None

    def selected(self, keys: str, rev: int) -> dict[str, Any]:
        names = keys.split(",")
        return {key: row for key, row in self.past[rev].items() if not keys or key.partition("#")[0] in names}

    def still_works(self) -> None:
        assert self.publisher.value("publisher_views") == 0


def test_a_position_whatever_it_says_brings_the_client_to_the_table(
    record_property: Callable[[str, object], None],
) -> None:
    fuzz(Positions, record_property)


class Addresses(Messages):
    """A hub whose clients come by addresses that say anything."""

    def try_one(self, mutator: Mutator) -> None:
        channel = mutator.random.choice([*Channel, "", "Market", "market ", "\0", "bonds", "%"])
        fields = {"keys": "SSI,@VN30", "interval": "500", "mode": "rows", "since": f"{EPOCH}.2.5f0c19aa"}
        for name in list(fields):
            if mutator.chance(0.4):
                del fields[name]
            elif mutator.chance(0.4):
                fields[name] = mutator.random.choice([str(mutator.odd()), mutator.scratched(fields[name])])
        query = "&".join(f"{name}={value}" for name, value in fields.items()).encode("utf-8", "surrogatepass")
        told = QueryParams(query if mutator.chance(0.8) else mutator.noise().encode("utf-8", "surrogatepass"))
        named = {name: told.get(name) for name in ("keys", "interval", "mode", "since")}
        door = FakeDoor()

        self.publisher.hub.join(door, query=AddressQuery(channel, **named))
        if len(door.frames) < 2:
            self.publisher.clock.advance(3.0)  # as above
            self.publisher.hub.tick()

        # In parts, perhaps, with the first one in front.
        status, first = map(decode, door.frames[:2])
        assert status["type"] == "status"
        assert (first["type"] == "error") == (door.closed is not None)
        assert first["type"] in ("error", "snapshot", "update")
        self.publisher.hub.leave(door)


def test_no_address_harms_the_hub_or_anybody_else(record_property: Callable[[str, object], None]) -> None:
    fuzz(Addresses, record_property)


def signed(claims: str, header: str = '{"alg":"HS256","typ":"JWT"}') -> str:
    """A token with a true signature, whatever it says."""
    parts = [encoded(part.encode("utf-8", "surrogatepass")) for part in (header, claims)]
    return ".".join([*parts, encoded(hmac.digest(SECRET.encode(), ".".join(parts).encode(), hashlib.sha256))])


def encoded(part: bytes) -> str:
    return base64.urlsafe_b64encode(part).rstrip(b"=").decode()


class SaidTokens:
    """A hub that asks for tokens."""

    def __init__(self) -> None:
        self.tokens = Tokens(SECRET, issuer=None, audience=None)
        self.publisher = FakePublisher(read_token=self.tokens.read)

    def try_one(self, mutator: Mutator) -> None:
        claims = {"exp": 4_000_000_000, "nbf": 1, "iat": 1, "sub": "me", "scope": "index market:@VN30,SSI foreign:SSI"}
        token = signed(mutator.text(claims))
        if mutator.chance(0.1):
            token = signed(mutator.text(claims), mutator.text({"alg": "HS256", "typ": "JWT", "crit": ["b64"]}))
        if mutator.chance(0.1):
            token = mutator.scratched(token).encode(errors="replace").decode()  # JSON has no half characters
        grant = self.granted(token)
        door = FakeDoor()
        self.publisher.hub.expect(door)
        text = mutator.encoded({"type": "auth", "id": 1, "token": token})

        self.publisher.hub.receive(door, text)

        joined = bool(door.messages("authenticated"))
        assert joined == (grant is not None)
        assert door.closed is None if joined else door.closed is not None and door.closed[0] == 4401
        if joined and mutator.chance(0.5):
            self.publisher.say(door, type="subscribe", channel=mutator.random.choice(list(Channel)), keys=["SSI"])
            assert door.messages()[-1]["type"] in ("snapshot", "error")
        self.publisher.hub.leave(door)

    def granted(self, token: str) -> Grant | None:
        """What it permits; None if it is refused in the documented way."""
        try:
            grant = self.tokens.read(token)
        except InvalidToken:
            return None
        assert isinstance(grant.expires_ms, int)
        assert grant.expires_ms <= (LATEST_S + LEEWAY_S) * 1000
        return grant

    def still_works(self) -> None:
        door, token = FakeDoor(), signed('{"exp":4000000000}')
        self.publisher.hub.expect(door)

        self.publisher.hub.receive(door, json.dumps({"type": "auth", "token": token}))

        assert door.messages("authenticated")
        assert self.publisher.value("publisher_clients") == 1


def test_no_token_whatever_it_claims_does_worse_than_be_refused(
    record_property: Callable[[str, object], None],
) -> None:
    fuzz(SaidTokens, record_property)
