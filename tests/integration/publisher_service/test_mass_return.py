"""A replica dies, and all its clients come to another at once."""

import asyncio

from shared.channels import Channel
from tests.eventually import eventually
from tests.fakes.crowd import crowd
from tests.fakes.services import running_publisher, websocket_client
from tests.fakes.writer import Writer

CLIENTS = 300
UNLIMITED = {"MAX_CONNECTIONS_PER_ADDRESS": "0", "HANDSHAKES_PER_ADDRESS_PER_S": "0", "HANDSHAKES_PER_S": "0"}


async def test_all_clients_of_a_replica_that_died_go_on_at_another_without_a_snapshot_or_a_gap(
    writer: Writer, redis_url: str, redis_prefix: str
) -> None:
    async with (
        running_publisher(redis_url, redis_prefix, **UNLIMITED) as dying,
        running_publisher(redis_url, redis_prefix, **UNLIMITED) as other,
        websocket_client(other.websocket_url + "/ws/market?interval=100") as there,
    ):
        await there.next("snapshot")
        async with crowd(CLIENTS, dying.websocket_url + "/ws/market?interval=500") as many:
            for client in many.clients:
                client._url = other.websocket_url + "/ws/market?interval=500"  # where a balancer would send it
            dying.kill()
            last = 1
            async with asyncio.timeout(60):
                while sum(client.resumes for client in many.clients) < CLIENTS:
                    last += 1
                    await writer.price("SSI", last)
                    while there.table.rows["SSI"]["last"] != last:
                        await there.next("update")  # who was here before gets every change
            await writer.commit({Channel.MARKET: {"END": {"last": 1}}})
            end = writer.publication.history.rev
            await eventually(lambda: all(client.table.rev >= end for client in many.clients), within_s=30)
            rows = {"SSI": {"last": last, "reference": 100}, "END": {"last": 1}}
            differences = many.differences(rows)

    assert differences == []
    assert [client.snapshots for client in many.clients] == [1] * CLIENTS  # that of the first connection
    assert [client.resumes for client in many.clients] == [1] * CLIENTS
