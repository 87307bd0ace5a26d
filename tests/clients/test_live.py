"""The client in TypeScript with real publishers and a real Redis."""

import asyncio
import re
from collections.abc import AsyncIterator
from functools import partial
from pathlib import Path

import pytest

from shared.channels import Channel
from shared.table import Row
from tests.clients.node import TYPESCRIPT, LiveClient, live_client, started
from tests.fakes.services import RunningPublisher, running, running_publisher, websocket_client
from tests.fakes.writer import LIVE, Writer, writing

pytestmark = pytest.mark.clients

SECRET = "thirty-two characters, or some more of them"


@pytest.fixture
async def writer(redis_url: str, redis_prefix: str) -> AsyncIterator[Writer]:
    """An ingest's hands; it has written two prices."""
    async with writing(redis_url, redis_prefix) as writer:
        await writer.price("SSI", 1)
        await writer.price("FPT", 2)
        yield writer


def prices(client: LiveClient) -> dict[str, int]:
    return {symbol: row["last"] for symbol, row in client.table("market")["rows"].items()}


def shows(client: LiveClient, last: int) -> bool:
    return prices(client)["SSI"] == last


@pytest.fixture
async def address(writer: Writer, redis_url: str, redis_prefix: str) -> AsyncIterator[str]:
    """That of a publisher, whose road is sound."""
    assert writer.publication.day is not None
    async with running_publisher(redis_url, redis_prefix) as publisher:
        async with websocket_client(f"{publisher.websocket_url}/ws") as client:
            await client.status(connected=True, within_s=10)
        yield publisher.url


async def test_a_table_is_what_was_written_as_rows_change_and_go(writer: Writer, address: str) -> None:
    async with live_client(address) as client:
        await client.follows("market", interval=100)
        held = [prices(client)]
        changes: list[dict[str, Row | None]] = [
            {"SSI": {"last": 3, "reference": 100}},
            {"FPT": None, "VNM": {"last": 4, "reference": 100}},
        ]
        for change in changes:
            await writer.commit({Channel.MARKET: change})
            await client.until(lambda: client.table("market")["rev"] == writer.publication.history.rev)
            held.append(prices(client))

    assert held == [{"SSI": 1, "FPT": 2}, {"SSI": 3, "FPT": 2}, {"SSI": 3, "VNM": 4}]
    assert client.table("market")["rows"]["SSI"] == {"last": 3, "reference": 100}
    assert [change["reset"] for change in client.changes] == [True, False, False]


async def test_a_table_that_comes_in_parts_is_taken_at_once(writer: Writer, address: str) -> None:
    symbols: dict[str, Row | None] = {f"S{number:04}": {"last": number, "reference": 100} for number in range(2500)}
    await writer.commit({Channel.MARKET: symbols})

    async with live_client(address) as first, live_client(address) as second:
        await first.follows("market")
        await first.until(lambda: len(prices(first)) == 2502)  # so the publisher has them all
        await second.follows("market")
        await second.until(lambda: bool(second.changes))

    assert (second.changes[0]["reset"], second.changes[0]["rows"]) == (True, 2502)
    assert prices(second) == prices(first)


async def test_several_tables_share_one_connection(writer: Writer, address: str) -> None:
    await writer.commit({Channel.GROUPS: {"VN30": {"keys": ["SSI"]}}})

    async with live_client(address) as client:
        await client.follows("groups")
        await client.follows("market", keys=["@VN30"])
        await client.follows("status")
        before = prices(client)
        await writer.commit({Channel.GROUPS: {"VN30": {"keys": ["FPT"]}}})
        await client.until(lambda: prices(client) == {"FPT": 2})
        links = client.now["links"]

    assert before == {"SSI": 1}
    assert links == 1


async def test_other_keys_are_followed_on_the_same_connection(writer: Writer, address: str) -> None:
    async with live_client(address) as client:
        await client.follows("market", keys=["SSI"])
        client.order("update", channel="market", keys=["FPT"])
        await client.until(lambda: prices(client) == {"FPT": 2})
        await writer.price("FPT", 5)
        await client.until(lambda: prices(client) == {"FPT": 5})

        assert client.now["links"] == 1


async def test_what_cannot_be_followed_is_told_and_harms_nothing_else(writer: Writer, address: str) -> None:
    async with live_client(address) as client:
        client.order("table", channel="trades")
        await client.until(lambda: "trades" in client.now["tables"] and client.table("trades")["state"] == "failed")
        await client.follows("market")
        await writer.price("SSI", 6)
        await client.until(lambda: prices(client)["SSI"] == 6)

        assert client.table("trades")["error"] == "keys_required"


async def test_a_broken_feed_makes_tables_stale_until_it_is_back(writer: Writer, address: str) -> None:
    async with live_client(address) as client:
        await client.follows("market")
        await writer.commit({Channel.STATUS: {"feed": {"state": "down", "reason": "no data for 30 s"}}})
        await client.until(lambda: client.table("market")["state"] == "stale")
        connected, held = client.now["connected"], prices(client)
        await writer.commit(LIVE)
        await client.until(lambda: client.table("market")["state"] == "live")

    assert (connected, held) == (False, {"SSI": 1, "FPT": 2})


@pytest.mark.parametrize("end", ["killed", "stopped"])
async def test_a_client_goes_on_at_another_publisher_where_it_stood(
    writer: Writer, redis_url: str, redis_prefix: str, end: str
) -> None:
    async with running_publisher(redis_url, redis_prefix) as first, live_client(first.url) as client:
        await client.follows("market", interval=100)
        first.kill() if end == "killed" else first.process.terminate()
        await client.until(lambda: client.now["state"] == "waiting")
        state, held = client.table("market")["state"], prices(client)
        await first.ended(20)
        await writer.price("SSI", 7)
        async with running(
            RunningPublisher, "publisher_service", "--port", first.url.rpartition(":")[2],
            REDIS_URL=redis_url, REDIS_PREFIX=redis_prefix,
        ):  # fmt: skip
            await client.until(lambda: len(client.changes) == 2 and client.table("market")["state"] == "live", 40)

            assert client.now["links"] == 2
            assert await client.ends() == 0

    assert prices(client) == {"SSI": 7, "FPT": 2}
    assert (state, held) == ("stale", {"SSI": 1, "FPT": 2})
    assert [change["reset"] for change in client.changes] == [True, False]


async def test_the_program_in_the_readme_prints_prices_as_they_come(
    writer: Writer, address: str, tmp_path: Path
) -> None:
    await writer.commit({Channel.GROUPS: {"VN30": {"keys": ["SSI"]}}})
    (code,) = re.findall(r"```js\n(.*?)```", (TYPESCRIPT / "README.md").read_text("utf-8"), re.DOTALL)
    program = tmp_path / "example.mjs"
    code = code.replace("./lib/banggia.js", (TYPESCRIPT / "lib" / "banggia.js").as_uri())
    program.write_text(code.replace("ws://localhost:8000", address), "utf-8")

    process = await started(program)
    assert process.stdout is not None
    try:
        async with asyncio.timeout(20):
            lines = [await process.stdout.readline()]
            await writer.price("SSI", 8)
            lines.append(await process.stdout.readline())
    finally:
        process.kill()
        await process.communicate()

    assert lines == [b"SSI 1 live\n", b"SSI 8 live\n"]


async def test_a_token_is_renewed_before_it_expires_so_the_connection_lasts(
    writer: Writer, redis_url: str, redis_prefix: str
) -> None:
    loop = asyncio.get_running_loop()
    async with (
        running_publisher(redis_url, redis_prefix, JWT_SECRET=SECRET) as publisher,
        live_client(publisher.url, SECRET) as client,
    ):
        began_s = loop.time()
        await client.follows("market", interval=100)
        last = 10
        # Each token is good for three seconds at most.
        while loop.time() - began_s < 4.0:
            last += 1
            await writer.price("SSI", last)
            await client.until(partial(shows, client, last))

        assert client.now["tokens"] >= 2
        assert client.now["links"] == 1
