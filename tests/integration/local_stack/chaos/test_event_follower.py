"""What judges streams of events comes back as browsers do: with the id of the last event."""

import asyncio
import random
from typing import Any, cast

import orjson

from local_stack.chaos.event_follower import EventFollower
from local_stack.chaos.oracle import Oracle
from shared.channels import Channel
from tests.eventually import eventually
from tests.fakes.services import running_publisher
from tests.fakes.writer import writing


class Notes:
    """In the place of an oracle."""

    def __init__(self) -> None:
        self.told: list[dict[str, Any]] = []
        self.ends = 0
        self.missing: Channel | None = None
        self.since: str | None = None

    def opened(self, now_s: float) -> list[dict[str, object]]:  # noqa: ARG002 (as an oracle has it)
        wish = {"channel": "market", "mode": "fields", "interval": 100, "keys": ["SSI"]}
        return [wish | ({} if self.since is None else {"since": self.since})]

    def take(self, message: bytes, now_s: float, wall_ms: float) -> Channel | None:  # noqa: ARG002 (as above)
        self.told.append(orjson.loads(message))
        missing, self.missing = self.missing, None
        return missing

    def closed(self) -> None:
        self.ends += 1

    @property
    def data(self) -> list[dict[str, Any]]:
        return [message for message in self.told if "data" in message]


async def test_it_goes_on_where_it_was_and_from_its_table_after_a_gap(redis_url: str, redis_prefix: str) -> None:
    notes = Notes()
    async with writing(redis_url, redis_prefix) as writer, running_publisher(redis_url, redis_prefix) as publisher:
        await writer.price("SSI", 1)
        follower = EventFollower(publisher.url, cast("Oracle", notes), random.Random(1))
        following = asyncio.create_task(follower.follow())
        await eventually(lambda: len(notes.data) == 1)
        assert follower.reset()
        await eventually(lambda: notes.ends == 1)
        await writer.price("SSI", 2)
        await eventually(lambda: len(notes.data) == 2)
        notes.missing, notes.since = Channel.MARKET, notes.data[0]["position"]
        await writer.price("SSI", 3)
        await eventually(lambda: len(notes.data) >= 4)
        following.cancel()

    snapshot, resumed, refused, again = notes.data[:4]
    assert all(message["type"] != "error" for message in notes.told)
    assert (snapshot["type"], resumed["from"], refused["from"]) == ("snapshot", snapshot["rev"], resumed["rev"])
    assert again["from"] == snapshot["rev"]
    assert [message["data"]["SSI"]["last"] for message in notes.data[:4]] == [1, 2, 3, 3]
