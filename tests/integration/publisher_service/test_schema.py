"""GET /api/schema: what the ingest says of its rows, handed on unread."""

import json
import signal
import time

import jwt
import pytest

from ingest_service.core.schema import SCHEMA
from shared.channels import RedisNames
from shared.redis_client import open_redis
from shared.wire import MAX_SCHEMA_BYTES, Schema
from tests.fakes.services import RunningPublisher, running_publisher, websocket_client
from tests.fakes.writer import writing
from tests.integration.private_broker import PrivateBroker

UNREADABLE = Schema("an-earlier-version", b"\xff\x00 neither JSON nor text")
SECRET = "s" * 32


async def loaded(publisher: RunningPublisher) -> None:
    """Until it shows rows."""
    async with websocket_client(publisher.websocket_url + "/ws/status") as client:
        await client.next("snapshot")


async def test_it_is_served_as_it_was_written_and_sent_again_only_to_who_has_another(
    redis_url: str, redis_prefix: str
) -> None:
    async with writing(redis_url, redis_prefix), running_publisher(redis_url, redis_prefix) as publisher:
        await loaded(publisher)

        full = await publisher.get("/api/schema")
        head = await publisher.get("/api/schema", method="HEAD")
        again = await publisher.get("/api/schema", {"If-None-Match": full.headers["etag"]})
        with_another = await publisher.get("/api/schema", {"If-None-Match": '"another"'})

    assert (full.status_code, full.content) == (200, SCHEMA.document)
    assert full.headers["content-type"] == "application/schema+json"
    assert full.headers["cache-control"] == "no-cache"
    assert full.headers["etag"] == f'"{SCHEMA.identity}"'
    assert (head.status_code, head.content, head.headers["etag"]) == (200, b"", full.headers["etag"])
    assert (again.status_code, again.content, again.headers["etag"]) == (304, b"", full.headers["etag"])
    assert (with_another.status_code, with_another.content) == (200, SCHEMA.document)


async def test_that_of_another_version_of_the_ingest_is_served_from_its_first_row_on(
    redis_url: str, redis_prefix: str
) -> None:
    async with running_publisher(redis_url, redis_prefix) as publisher:
        async with writing(redis_url, redis_prefix, owner="earlier", schema=UNREADABLE):
            await loaded(publisher)
            before = await publisher.get("/api/schema")
        async with websocket_client(publisher.websocket_url + "/ws/status") as client:
            epoch = (await client.next("snapshot"))["epoch"]
            async with writing(redis_url, redis_prefix, owner="later"):
                while (await client.next("snapshot"))["epoch"] == epoch:
                    pass
                after = await publisher.get("/api/schema")

    assert before.content == UNREADABLE.document
    assert after.content == SCHEMA.document


async def test_while_nothing_is_known_the_answer_is_503_and_says_when_to_ask_again(
    redis_url: str, redis_prefix: str
) -> None:
    async with running_publisher(redis_url, redis_prefix) as publisher:
        answer = await publisher.get("/api/schema")

    assert (answer.status_code, answer.headers["retry-after"]) == (503, "1")
    assert "has not described" in answer.json()["detail"]


@pytest.mark.parametrize(
    "fields",
    [
        {},
        {"identity": "of-another-version", "document": "{}"},
        {"document": "{}"},
        {"identity": SCHEMA.identity},
        {"identity": "a\r\nset-cookie: b", "document": "{}"},
        {"identity": SCHEMA.identity, "document": "x" * (MAX_SCHEMA_BYTES + 1)},
        "no hash",
    ],
    ids=["none", "another", "no identity", "no document", "no header's text", "too large", "another type"],
)
async def test_one_that_is_not_that_of_the_rows_is_not_served_and_the_rows_are(
    redis_url: str, redis_prefix: str, fields: dict[str, str] | str
) -> None:
    names = RedisNames(redis_prefix)
    async with writing(redis_url, redis_prefix) as writer, open_redis(redis_url) as redis:
        await writer.price("SSI", 1)
        await redis.delete(names.schema)
        if isinstance(fields, str):
            await redis.set(names.schema, fields)
        for name, value in fields.items() if isinstance(fields, dict) else ():
            await redis.hset(names.schema, name, value)
        async with running_publisher(redis_url, redis_prefix) as publisher:
            await loaded(publisher)

            schema = await publisher.get("/api/schema")
            rows = await publisher.get("/api/channels/market")

    assert schema.status_code == 503
    assert list(rows.json()["data"]) == ["SSI"]


async def test_it_needs_a_token_where_the_tables_do_and_any_scope_will_do(redis_url: str, redis_prefix: str) -> None:
    token = jwt.encode({"exp": time.time() + 60, "scope": "index"}, SECRET)
    async with (
        writing(redis_url, redis_prefix),
        running_publisher(redis_url, redis_prefix, JWT_SECRET=SECRET) as publisher,
    ):
        async with websocket_client(f"{publisher.websocket_url}/ws/index?token={token}") as client:
            await client.next("snapshot")

        without = await publisher.get("/api/schema")
        with_one = await publisher.get("/api/schema", {"Authorization": f"Bearer {token}"})

    assert without.status_code == 401
    assert (with_one.status_code, json.loads(with_one.content)["title"]) == (200, "The tables of banggia")


async def test_it_is_served_while_redis_is_away(broker: PrivateBroker) -> None:
    await broker.start()
    async with writing(broker.url, "schema"), running_publisher(broker.url, "schema") as publisher:
        await loaded(publisher)
        broker.signal(signal.SIGKILL)
        async with websocket_client(publisher.websocket_url + "/ws") as client:
            await client.status(connected=False, within_s=10)

        began_s = time.monotonic()
        answer = await publisher.get("/api/schema")
        took_s = time.monotonic() - began_s

        await broker.start()

    assert (answer.status_code, answer.content) == (200, SCHEMA.document)
    assert took_s < 2.0
