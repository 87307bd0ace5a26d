"""Clients that are mute, and clients that are merely quiet."""

import socket

from tests.fakes.services import running_publisher, websocket_client
from tests.fakes.writer import writing

EAGER = {"PING_INTERVAL_S": "0.3", "PING_TIMEOUT_S": "3"}


async def test_a_mute_client_is_closed_and_forgotten_and_a_quiet_one_that_answers_pings_stays(
    redis_url: str, redis_prefix: str
) -> None:
    async with (
        writing(redis_url, redis_prefix),
        running_publisher(redis_url, redis_prefix, **EAGER) as publisher,
        websocket_client(publisher.websocket_url + "/ws/market?keys=NONE") as quiet,
    ):
        host, port = publisher.url.removeprefix("http://").split(":")
        with socket.create_connection((host, int(port))) as mute:
            # It shakes hands, and then neither reads nor answers.
            mute.sendall(
                b"GET /ws/market HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
                b"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"
            )
            await publisher.has_clients(2)
            await publisher.has_clients(1)

        await quiet.next("snapshot")
        await quiet.socket.send('{"type":"ping","id":"still here"}')
        assert (await quiet.next("pong"))["id"] == "still here"


async def test_a_client_that_vanishes_is_forgotten(redis_url: str, redis_prefix: str) -> None:
    async with writing(redis_url, redis_prefix), running_publisher(redis_url, redis_prefix) as publisher:
        async with websocket_client(publisher.websocket_url + "/ws/market") as client:
            await client.next("snapshot")
            client.socket.transport.abort()
            await publisher.has_clients(0)

        assert await publisher.metric('publisher_subscriptions{channel="market"}') == 0


async def test_a_flood_of_pings_ends_the_connection(redis_url: str, redis_prefix: str) -> None:
    async with (
        writing(redis_url, redis_prefix),
        running_publisher(redis_url, redis_prefix) as publisher,
        websocket_client(publisher.websocket_url + "/ws/market?keys=NONE") as client,
    ):
        await client.next("snapshot")
        for _ in range(300):
            client.socket.protocol.send_ping(b"x")
        client.socket.send_data()

        assert await client.until_closed() == 1008
