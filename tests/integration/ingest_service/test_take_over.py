"""What a new leader makes of what it finds in Redis."""

import asyncio

import pytest

from ingest_service import redis_sink
from ingest_service.core.history import Changes
from shared.channels import Channel, Internal, RedisNames
from shared.redis_client import open_redis
from shared.table import Row
from tests.fakes.services import running_publisher, websocket_client
from tests.fakes.writer import writing

OF_THIS_FORM: Row = {"phase": "continuous", "changed_at": 1}
OF_ANOTHER_FORM: Row = {"phase": "continuous", "since": "noon"}


async def test_rows_of_another_version_end_the_epoch_and_those_that_still_fit_are_kept(
    redis_url: str, redis_prefix: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as earlier:
        earlier.setattr(redis_sink, "SCHEMA", "of an earlier version")
        async with writing(redis_url, redis_prefix, owner="earlier") as writer:
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
                while b'"heartbeat"' not in heard:  # the checksums of all that is published
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
