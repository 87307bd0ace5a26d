"""The access rules that docs/redis.md shows: enough for each service, and no more."""

import re
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from redis.asyncio import Redis
from redis.exceptions import NoPermissionError

from shared.channels import Channel, RedisNames
from shared.redis_client import open_redis
from tests.fakes.services import running_publisher, websocket_client
from tests.fakes.writer import writing
from tests.integration.private_broker import PrivateBroker

ROOT = Path(__file__).parents[2]
PREFIX = "banggia"
NAMES = RedisNames(PREFIX)


@pytest.fixture
async def urls(broker: PrivateBroker) -> dict[str, str]:
    """A broker with the documented rules: user → address."""
    users = re.findall(r"^user (?!default)(\w+) (on >(\S+) .*)$", (ROOT / "docs/redis.md").read_text(), re.MULTILINE)
    await broker.start()
    async with open_redis(broker.url) as redis:
        for name, rules, _ in users:
            await redis.execute_command("ACL", "SETUSER", name, "reset", *rules.split())  # type: ignore[no-untyped-call]  # redis-py leaves it untyped
    parts = urlsplit(broker.url)
    place = f"{parts.hostname}:{parts.port}{parts.path}"
    return {name: f"redis://{name}:{password}@{place}" for name, _, password in users}


async def test_services_with_the_documented_rules_carry_a_price_to_a_client(urls: dict[str, str]) -> None:
    async with (
        writing(urls["ingest"], PREFIX) as writer,
        running_publisher(urls["publisher"], PREFIX) as publisher,
        websocket_client(publisher.websocket_url + "/ws/market?interval=100") as client,
    ):
        await client.status(connected=True, within_s=10)
        await writer.price("SSI", 42)
        while client.table.rows.get("SSI", {}).get("last") != 42:
            await client.next()

        assert (await publisher.get("/readyz")).status_code == 200
        assert (await publisher.get("/api/schema")).status_code == 200


@pytest.mark.parametrize(
    "command",
    [
        ("SET", NAMES.lease, "mine"),
        ("DEL", NAMES.head),
        ("HSET", NAMES.rows(Channel.MARKET), "SSI", '9 {"last":1}'),
        ("PUBLISH", NAMES.updates, "{}"),
        ("EVAL", "return 1", "0"),
        ("FLUSHALL",),
        ("HGETALL", "somebody:else"),
        ("SUBSCRIBE", "somebody:else"),
        ("CONFIG", "GET", "*"),
        ("ACL", "LIST"),
        ("KEYS", "*"),
    ],
    ids=lambda command: command[0],
)
async def test_a_publisher_can_neither_write_nor_read_what_is_not_its_own(
    urls: dict[str, str], command: tuple[str, ...]
) -> None:
    async with Redis.from_url(urls["publisher"], protocol=2) as redis:
        with pytest.raises(NoPermissionError):
            await redis.execute_command(*command)  # type: ignore[no-untyped-call]  # as above
