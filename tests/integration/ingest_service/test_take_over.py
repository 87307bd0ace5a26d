"""What a new leader makes of what it finds in Redis."""

import asyncio

import pytest

from ingest_service.core.history import Changes
from ingest_service.metrics import Metrics
from ingest_service.publication import Publication
from ingest_service.redis_sink import RedisSink, StoredHistory
from shared.channels import Channel, Internal, RedisNames
from shared.redis_client import open_redis
from shared.table import Row
from shared.wire import SILENCE_S, Heartbeat, Schema, decode_envelope
from tests.eventually import eventually
from tests.fakes.services import running_publisher, websocket_client
from tests.fakes.writer import writing

EARLIER = Schema("of-an-earlier-version", b"{}")
OF_THIS_FORM: Row = {"phase": "continuous", "changed_at": 1}
OF_ANOTHER_FORM: Row = {"phase": "continuous", "since": "noon"}


async def test_rows_of_another_version_end_the_epoch_and_those_that_still_fit_are_kept(
    redis_url: str, redis_prefix: str
) -> None:
    async with writing(redis_url, redis_prefix, owner="earlier", schema=EARLIER) as writer:
        await writer.commit({Channel.STATUS: {"HOSE": OF_THIS_FORM, "HNX": OF_ANOTHER_FORM}})
        epoch = writer.publication.history.epoch
    async with (
        running_publisher(redis_url, redis_prefix) as publisher,
        websocket_client(publisher.websocket_url + "/ws/status") as client,
    ):
        before = await client.next("snapshot")

        async with writing(redis_url, redis_prefix, owner="later") as writer:
            after = await client.next("snapshot")

            assert before["position"].startswith(epoch)
            assert not after["position"].startswith(epoch)
            assert after["position"].startswith(writer.publication.history.epoch)
            assert sorted(before["data"]) == ["HNX", "HOSE", "feed"]
            assert after["data"].items() >= {"HOSE": OF_THIS_FORM}.items()
            assert "HNX" not in after["data"]
            async with websocket_client(f"{publisher.websocket_url}/ws/status?since={before['position']}") as returning:
                assert (await returning.next("snapshot", "update"))["type"] == "snapshot"


async def test_an_internal_table_reaches_the_next_leader_and_nobody_else(redis_url: str, redis_prefix: str) -> None:
    changes: Changes = {Internal.WINDOWS: {"SSI": {"steps": [[1, 2, 3]]}}, Channel.INDEX: {"VNINDEX": {"value": 1.5}}}
    names = RedisNames(redis_prefix)
    async with (
        open_redis(redis_url) as redis,
        redis.pubsub() as updates,
        running_publisher(redis_url, redis_prefix) as publisher,
    ):
        await updates.subscribe(names.updates)
        async with writing(redis_url, redis_prefix, owner="first") as first:
            await first.commit(changes)
            heard = b""
            async with asyncio.timeout(10):
                while heard.count(b'"heartbeat"') < 2:  # the second has the checksums of all that is published
                    message = await updates.get_message(ignore_subscribe_messages=True, timeout=1)
                    heard += message["data"] if message else b""
            listed = await publisher.get("/api/channels")
            refused = await publisher.get("/api/channels/windows")
            divergences = (await publisher.get("/metrics")).text.count("publisher_divergences_total{")
        async with writing(redis_url, redis_prefix, owner="second") as second:
            table = second.publication.history.tables[Internal.WINDOWS]

            assert dict(table.live()) == changes[Internal.WINDOWS]
    assert b"VNINDEX" in heard
    assert b"windows" not in heard
    assert b"steps" not in heard
    assert "windows" not in listed.text
    assert refused.status_code == 404
    assert divergences == 0


class SlowSink(RedisSink):
    """Reads the rows when it may."""

    asked: asyncio.Event
    may_read: asyncio.Event

    async def load(self) -> StoredHistory | None:
        """Wait, and read."""
        self.asked.set()
        await self.may_read.wait()
        return await super().load()


@pytest.mark.parametrize(
    ("source", "silent_ms"), [("an exchange", 0), ("an exchange", round(1000 * SILENCE_S)), ("another exchange", 0)]
)
async def test_a_leader_is_heard_of_before_it_has_read_all_rows_if_readers_go_on_and_miss_nobody_yet(
    redis_url: str, redis_prefix: str, source: str, silent_ms: int
) -> None:
    names = RedisNames(redis_prefix)
    async with open_redis(redis_url) as redis, redis.pubsub() as updates:
        async with writing(redis_url, redis_prefix, owner="first", source="an exchange") as first:
            before = first.publication.history
        await redis.hincrby(names.head, "time", -silent_ms)
        await updates.subscribe(names.updates)
        sink = SlowSink(redis, names, token="second", lease_ms=5000, source=source)
        sink.asked, sink.may_read = asyncio.Event(), asyncio.Event()
        leading = asyncio.create_task(lead_once(Publication(sink, Metrics(), random=lambda: 0.5)))

        async with asyncio.timeout(10):
            await sink.asked.wait()
        confirmed, heard = [await updates.get_message(timeout=0.5) for _ in range(2)]
        sink.may_read.set()
        await leading

    assert confirmed is not None
    if source == "an exchange" and not silent_ms:
        assert heard is not None
        message = decode_envelope(heard["data"])
        assert isinstance(message, Heartbeat)
        assert (message.epoch, message.rev, message.checksums) == (before.epoch, before.rev, None)
    else:
        assert heard is None


async def lead_once(publication: Publication) -> None:
    """Until all was read."""
    async with publication.leading():
        pass
    await publication.resign()


async def stand_by(redis_url: str, redis_prefix: str) -> None:
    """Until the lease is taken."""
    async with writing(redis_url, redis_prefix, owner="standby"):
        pass


@pytest.mark.parametrize("lost", ["all", "the newest commits"])
async def test_of_a_redis_that_lost_something_the_leader_is_first_to_write(
    redis_url: str, redis_prefix: str, lost: str, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("INFO")
    names = RedisNames(redis_prefix)
    async with open_redis(redis_url) as redis, writing(redis_url, redis_prefix, owner="leader") as leader:
        epoch = leader.publication.history.epoch
        standing_by = asyncio.create_task(stand_by(redis_url, redis_prefix))
        await eventually(lambda: "another ingest leads" in caplog.text)

        if lost == "all":
            await redis.delete(names.head, names.lease)
        else:  # as if another server stood at this address now
            await redis.hset(names.head, "server", "another")
            await redis.delete(names.lease)
        async with asyncio.timeout(10):
            while await redis.get(names.lease) is None:  # noqa: ASYNC110 (it is another's work)
                await asyncio.sleep(0.01)

        assert await redis.get(names.lease) == b"leader"
        await leader.price("SSI", 1)
        assert leader.publication.history.epoch == epoch
        standing_by.cancel()
        await asyncio.wait([standing_by])


async def test_without_a_leader_a_standby_writes_to_a_redis_that_lost_something_after_seconds(
    redis_url: str, redis_prefix: str, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("INFO")
    names = RedisNames(redis_prefix)
    async with open_redis(redis_url) as redis:
        await redis.set(names.lease, "somebody who dies", px=60_000)
        standing_by = asyncio.create_task(stand_by(redis_url, redis_prefix))
        await eventually(lambda: "another ingest leads" in caplog.text)

        await redis.delete(names.lease)
        await asyncio.wait_for(standing_by, 10)

        assert (await redis.hget(names.head, "epoch")) is not None
