"""A publisher that is told to stop: what balancers, clients and supervisors see."""

import asyncio
import signal
import socket
import time

import pytest
from websockets.asyncio.client import connect
from websockets.exceptions import ConnectionClosed, InvalidStatus

from tests.fakes.services import running_publisher, websocket_client
from tests.fakes.writer import Writer

#: What an orchestrator grants before it kills: the compose file and the manifests say the same.
GRACE_S = 30.0
UNLIMITED = {"MAX_CONNECTIONS_PER_ADDRESS": "0", "HANDSHAKES_PER_ADDRESS_PER_S": "0", "HANDSHAKES_PER_S": "0"}
HANDSHAKE = (
    b"GET /ws/market HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
    b"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"
)


async def test_a_replica_is_unready_at_once_and_serves_on_until_balancers_have_seen_it(
    writer: Writer, redis_url: str, redis_prefix: str
) -> None:
    async with (
        running_publisher(redis_url, redis_prefix, DRAIN_NOTICE_S="4") as publisher,
        websocket_client(publisher.websocket_url + "/ws/market?interval=100") as client,
    ):
        await client.next("snapshot")
        ready = await publisher.get("/readyz")
        publisher.process.terminate()
        told_s = time.monotonic()
        await publisher.line("draining: unready")
        unready = await publisher.get("/readyz")
        live = await publisher.get("/livez")
        await writer.price("SSI", 2)
        update = await client.next("update")
        async with websocket_client(publisher.websocket_url + "/ws/market") as late:
            await late.next("snapshot")
        await client.next("goodbye")
        noticed_s = time.monotonic() - told_s
        code = await client.until_closed()
        exit_code = await publisher.ended()

    assert (ready.status_code, unready.status_code, unready.json()["reason"]) == (200, 503, "draining")
    assert live.status_code == 200
    assert update["data"]["SSI"]["last"] == 2
    assert noticed_s >= 4
    assert (code, exit_code) == (1012, 0)


async def closed_at(url: str, clock_s: float) -> tuple[float, int, int | None]:
    """When the server closed a connection, with which code, and when it asked to come back."""
    after_ms = None
    async with connect(url, proxy=None) as client:
        try:
            async for message in client:
                if '"goodbye"' in str(message):
                    after_ms = int(str(message).partition('"reconnect_after_ms":')[2].rstrip("}"))
        except ConnectionClosed:
            pass
    return time.monotonic() - clock_s, client.close_code or 0, after_ms


async def test_clients_are_closed_with_1012_at_a_pace_and_asked_to_come_back_at_different_times(
    writer: Writer, redis_url: str, redis_prefix: str
) -> None:
    assert writer.publication.day is not None
    async with running_publisher(redis_url, redis_prefix, DRAIN_S="2", **UNLIMITED) as publisher:
        await publisher.line("rows loaded")
        began_s = time.monotonic()
        clients = [asyncio.create_task(closed_at(publisher.websocket_url + "/ws/market", began_s)) for _ in range(300)]
        await publisher.has_clients(300)
        publisher.process.terminate()
        ends = await asyncio.gather(*clients)
        await publisher.ended()

    times_s = sorted(at_s for at_s, _, __ in ends)
    assert {code for _, code, __ in ends} == {1012}
    assert times_s[-1] - times_s[0] > 1.5
    assert times_s[149] - times_s[0] > 0.5  # not most of them at the beginning
    assert len({after_ms for _, __, after_ms in ends}) > 200


async def test_neither_mute_clients_nor_handlers_that_hang_keep_a_replica_beyond_its_grace(
    writer: Writer, redis_url: str, redis_prefix: str
) -> None:
    assert writer.publication.day is not None
    async with running_publisher(redis_url, redis_prefix, DRAIN_S="1", **UNLIMITED) as publisher:
        await publisher.line("rows loaded")
        host, port = publisher.url.removeprefix("http://").split(":")
        mute = [socket.create_connection((host, int(port))) for _ in range(20)]
        half = socket.create_connection((host, int(port)))
        try:
            for each in mute:
                each.sendall(HANDSHAKE)
            half.sendall(b"GET /api/channels/market HTTP/1.1\r\nHost: x\r\n")  # a request that never ends
            await publisher.has_clients(20)
            publisher.process.terminate()
            began_s = time.monotonic()
            code = await publisher.ended(within_s=GRACE_S)
            took_s = time.monotonic() - began_s
        finally:
            for each in (*mute, half):
                each.close()

    assert code == 0
    assert took_s < 1 + 8  # the pace, and what docs/settings.md promises beyond it


async def test_a_second_signal_ends_a_replica_without_further_leave(
    writer: Writer, redis_url: str, redis_prefix: str
) -> None:
    assert writer.publication.day is not None
    async with running_publisher(redis_url, redis_prefix, DRAIN_NOTICE_S="60") as publisher:
        await publisher.line("rows loaded")
        await publisher.get("/readyz")
        publisher.process.terminate()
        await publisher.line("draining: unready")
        publisher.process.terminate()

        assert await publisher.ended(within_s=10) == 0


async def test_nobody_is_let_in_while_clients_are_sent_away(writer: Writer, redis_url: str, redis_prefix: str) -> None:
    assert writer.publication.day is not None
    async with running_publisher(redis_url, redis_prefix, DRAIN_S="5", **UNLIMITED) as publisher:
        await publisher.line("rows loaded")
        url = publisher.websocket_url + "/ws/market"
        clients = [asyncio.create_task(closed_at(url, 0.0)) for _ in range(200)]
        await publisher.has_clients(200)
        publisher.process.terminate()
        await publisher.line("draining: clients are sent away")
        try:
            async with connect(url, proxy=None):
                status = 101
        except InvalidStatus as refused:
            status = refused.response.status_code
        await asyncio.gather(*clients)

    assert status == 503


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT], ids=["SIGTERM", "SIGINT"])
async def test_an_ordered_stop_ends_with_exit_code_zero(
    writer: Writer, redis_url: str, redis_prefix: str, number: signal.Signals
) -> None:
    assert writer.publication.day is not None
    async with running_publisher(redis_url, redis_prefix) as publisher:
        await publisher.line("rows loaded")
        publisher.process.send_signal(number)

        assert await publisher.ended() == 0
