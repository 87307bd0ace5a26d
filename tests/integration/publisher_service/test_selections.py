"""Groups, keys and rows that change, seen through a publisher as a process by a client that listens or was away."""

import asyncio
import json

import pytest

from shared.channels import Channel
from shared.table import JSON
from tests.fakes.services import PATHS, RunningPublisher, WebsocketClient, websocket_client
from tests.fakes.writer import Writer

GROUP = "keys=@VN30&interval=100"


def prices(client: WebsocketClient) -> dict[str, JSON]:
    return {key: row["last"] for key, row in client.table.rows.items()}


async def until(client: WebsocketClient, held: dict[str, JSON]) -> None:
    """Read until the client's table is this one. Raises TimeoutError if nothing more comes."""
    while prices(client) != held:
        await client.next("snapshot", "update")


async def group(writer: Writer, *members: JSON) -> None:
    await writer.commit({Channel.GROUPS: {"VN30": {"keys": list(members)}}})


async def has_come_as_far(publisher: RunningPublisher, writer: Writer) -> None:
    """Return when the publisher holds all that was committed: a client that comes later is told from there."""
    async with asyncio.timeout(10):
        while (await publisher.get("/api/channels")).json()["rev"] < writer.publication.history.rev:  # noqa: ASYNC110 (it is another process)
            await asyncio.sleep(0.02)


@pytest.mark.parametrize("path", PATHS)
async def test_a_clients_table_is_right_after_its_group_its_keys_and_its_rows_changed_live_and_while_it_was_away(
    writer: Writer, redis_url: str, redis_prefix: str, path: str
) -> None:
    await writer.price("VNM", 2)
    await writer.price("SSI#0", 3)
    await group(writer, "SSI")
    async with PATHS[path](redis_url, redis_prefix) as publisher:
        await publisher.line("rows loaded")
        address = f"{publisher.websocket_url}/ws/market?{GROUP}"
        async with websocket_client(address) as client:
            await until(client, {"SSI": 1, "SSI#0": 3})  # with the ring of that name

            await group(writer, "VNM")
            await until(client, {"VNM": 2})
            await writer.commit({Channel.MARKET: {"VNM": None}})
            await until(client, {})
            await writer.price("VNM", 4)
            await until(client, {"VNM": 4})

            held = client.table.position
            wish = {"type": "subscribe", "channel": "market", "keys": ["SSI"], "since": held}
            await client.socket.send(json.dumps(wish))
            other_keys = await client.next("snapshot", "update")
            await until(client, {"SSI": 1, "SSI#0": 3})
            await writer.price("VNM", 5)
            await writer.price("SSI", 6)
            await until(client, {"SSI": 6, "SSI#0": 3})

        await group(writer, "VNM", "SSI#0")
        await has_come_as_far(publisher, writer)
        async with websocket_client(f"{address}&since={held}") as returned:
            after_a_change = await returned.next("snapshot", "update")
            await until(returned, {"VNM": 5, "SSI#0": 3})
        await writer.commit({Channel.MARKET: {"VNM": None}})
        await writer.price("VNM", 5)
        await has_come_as_far(publisher, writer)
        async with websocket_client(f"{address}&since={returned.table.position}") as back:
            back.table = returned.table
            after_no_change = await back.next("snapshot", "update")

    assert (other_keys["type"], after_a_change["type"]) == ("snapshot", "snapshot")
    assert (after_no_change["type"], after_no_change["data"]) == ("update", {"VNM": {"last": 5, "reference": 100}})
