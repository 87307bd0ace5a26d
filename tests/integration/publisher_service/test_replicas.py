"""Several replicas over one Redis (the system before this one was a single process)."""

import asyncio
from contextlib import AsyncExitStack

from tests.fakes.services import running_publisher, websocket_client
from tests.fakes.writer import Writer

SYMBOLS = [f"S{number:02}" for number in range(20)]


async def test_three_replicas_show_the_same_values_at_the_same_positions(
    writer: Writer, redis_url: str, redis_prefix: str
) -> None:
    async with AsyncExitStack() as stack:
        publishers = [await stack.enter_async_context(running_publisher(redis_url, redis_prefix)) for _ in range(3)]
        clients = [
            await stack.enter_async_context(
                websocket_client(f"{publisher.websocket_url}/ws/market?interval={interval}&mode={mode}")
            )
            for publisher, interval, mode in zip(publishers, (100, 250, 500), ("rows", "fields", "rows"), strict=True)
        ]
        for client in clients:
            await client.next("snapshot")
        for last in range(2, 60):
            await writer.price(SYMBOLS[last % len(SYMBOLS)], last)
            await asyncio.sleep(0.02)  # the pace of the changes, not a wait
        end = writer.publication.history.rev
        for client in clients:
            while client.table.rev < end:
                await client.next("update")
        documents = [(await publisher.get("/api/channels/market")).json() for publisher in publishers]

    assert clients[0].table.rows == clients[1].table.rows == clients[2].table.rows
    assert len(clients[0].table.rows) == len(SYMBOLS) + 1
    assert len({client.table.position for client in clients}) == 1
    # One interval skips what another shows, but nobody is told of a revision that another does not know.
    assert all(message["rev"] <= end for client in clients for message in client.messages if "rev" in message)
    assert documents[0] == documents[1] == documents[2]


async def test_a_limit_counts_for_each_replica_by_itself_as_the_settings_page_says(
    writer: Writer, redis_url: str, redis_prefix: str
) -> None:
    assert writer.publication.day is not None
    limit = {"MAX_CONNECTIONS_PER_ADDRESS": "1"}
    async with (
        running_publisher(redis_url, redis_prefix, **limit) as first,
        running_publisher(redis_url, redis_prefix, **limit) as second,
        websocket_client(first.websocket_url + "/ws/market") as here,
        websocket_client(second.websocket_url + "/ws/market") as there,
    ):
        snapshots = [await client.next("snapshot") for client in (here, there)]

    assert snapshots[0]["data"] == snapshots[1]["data"]
