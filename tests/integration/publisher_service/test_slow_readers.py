"""Clients that read slowly, or not at all: what they get, and what the others notice."""

import asyncio
import contextlib
import json
import signal
import socket
import sys
from pathlib import Path
from typing import Any

import pytest

from ingest_service.core.history import Changes
from publisher_service.core.kept_frames import MAX_BYTES
from shared.channels import Channel
from tests.fakes.services import ROOT, RunningPublisher, running_publisher, websocket_client
from tests.fakes.table_client import TableClient
from tests.fakes.writer import Writer

#: Some parts of a snapshot, and more than all buffers on the way hold.
ROWS = 1500
NEVER = {"PING_INTERVAL_S": "300", "PING_TIMEOUT_S": "300"}
HANDSHAKE = (
    b"GET /ws/market?interval=100 HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
    b"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"
)
#: A client in a process of its own, to be frozen: nothing in it closes the socket, and nothing answers.
CLIENT = """
import sys
from websockets.sync.client import connect
with connect(sys.argv[1], proxy=None) as client:
    for message in client:
        print(len(message), flush=True)
"""


def market(last: int) -> Changes:
    return {Channel.MARKET: {f"S{n:04}": {"last": last, "filler": "x" * 600} for n in range(ROWS)}}


class RawClient:
    """A websocket client whose reading a test decides, with a small buffer of its own."""

    def __init__(self, publisher: RunningPublisher) -> None:
        host, port = publisher.url.removeprefix("http://").split(":")
        self._socket = socket.socket()
        self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 8192)
        self._socket.connect((host, int(port)))
        self._socket.setblocking(False)  # noqa: FBT003 (as the standard library has it)
        self._socket.send(HANDSHAKE)
        self._received = b""
        self.messages: list[dict[str, Any]] = []
        self.table = TableClient()

    async def read(self, size: int = 65_536) -> None:
        """Once, so many bytes at most."""
        loop = asyncio.get_running_loop()
        self._received += await asyncio.wait_for(loop.sock_recv(self._socket, size), 10)
        if not self.messages and self._received.startswith(b"HTTP"):
            head, end, rest = self._received.partition(b"\r\n\r\n")
            if not end:
                return
            assert b" 101 " in head
            self._received = rest
        while (message := self._message()) is not None:
            self.messages.append(message)
            self.table.take(message)

    def _message(self) -> dict[str, Any] | None:
        data = self._received
        start = {126: 4, 127: 10}.get(data[1], 2) if len(data) > 1 else 2
        if len(data) < start:
            return None
        size = data[1] if start == 2 else int.from_bytes(data[2:start], "big")
        if len(data) < start + size:
            return None
        self._received = data[start + size :]
        if data[0] == 0x89:  # a ping, which comes at any moment
            self._socket.send(b"\x8a\x80" + bytes(4))
            return self._message()
        assert data[0] == 0x81, "a text message"
        message: dict[str, Any] = json.loads(data[start : start + size])
        return message

    async def until(self, rev: int) -> None:
        """Read until the table stands there."""
        while self.table.rev < rev:
            await self.read()

    def close(self) -> None:
        self._socket.close()


async def test_a_client_that_stopped_reading_inside_a_snapshot_and_reads_on_is_brought_to_now(
    writer: Writer, redis_url: str, redis_prefix: str
) -> None:
    await writer.commit(market(0))
    joined_at = writer.publication.history.rev
    async with running_publisher(redis_url, redis_prefix, **NEVER) as publisher:
        await publisher.line("rows loaded")
        with contextlib.closing(RawClient(publisher)) as slow:
            async with websocket_client(publisher.websocket_url + "/ws/market?interval=100") as other:
                while other.table.rev < writer.publication.history.rev:
                    await other.next()
                for last in range(1, 11):
                    await writer.commit(market(last))
                    while other.table.rev < writer.publication.history.rev:
                        await other.next()  # who reads gets every change
            await slow.until(writer.publication.history.rev)
            kept = await publisher.metric("publisher_kept_frame_bytes")

    first = next(message for message in slow.messages if message["type"] == "snapshot")
    updates = {message["rev"] for message in slow.messages if message["type"] == "update"}
    assert (first["rev"], first["part"]) == (joined_at, 1)
    assert {row["last"] for key, row in slow.table.rows.items() if key != "SSI"} == {10}
    assert len(slow.table.rows) == ROWS + 1
    assert len(updates) <= 2  # nothing of what was replaced meanwhile
    assert kept <= MAX_BYTES


async def test_a_client_that_reads_byte_by_byte_holds_a_true_table_and_others_notice_nothing(
    writer: Writer, redis_url: str, redis_prefix: str
) -> None:
    async with running_publisher(redis_url, redis_prefix) as publisher:
        await publisher.line("rows loaded")
        async with websocket_client(publisher.websocket_url + "/ws/market?interval=100") as other:
            await other.next("snapshot")
            with contextlib.closing(RawClient(publisher)) as slow:
                for last in range(100, 110):
                    await writer.price("SSI", last)
                    assert (await other.next("update"))["data"]["SSI"]["last"] == last
                    for _ in range(100):
                        await slow.read(1)
                while slow.table.rows.get("SSI", {}).get("last") != 109:
                    await slow.read(1)

    assert slow.table.rows == other.table.rows


async def test_a_client_that_does_not_read_beyond_the_grace_time_is_closed_and_counted(
    writer: Writer, redis_url: str, redis_prefix: str
) -> None:
    await writer.commit(market(0))
    async with running_publisher(redis_url, redis_prefix, SLOW_CLIENT_S="1", **NEVER) as publisher:
        await publisher.line("rows loaded")
        with contextlib.closing(RawClient(publisher)):
            await publisher.has_clients(1)
            await publisher.has_clients(0)
        closed = await publisher.metric('publisher_closed_total{code="1013"}')

    assert closed == 1


@pytest.mark.skipif(sys.platform == "win32", reason="there is no SIGSTOP")
async def test_a_client_whose_process_is_frozen_is_found_by_ping_and_forgotten(
    writer: Writer, redis_url: str, redis_prefix: str
) -> None:
    assert writer.publication.day is not None
    eager = {"PING_INTERVAL_S": "0.3", "PING_TIMEOUT_S": "2"}
    async with running_publisher(redis_url, redis_prefix, **eager) as publisher:
        await publisher.line("rows loaded")
        url = publisher.websocket_url + "/ws/market?keys=SSI"
        client = await asyncio.create_subprocess_exec(
            sys.executable, "-c", CLIENT, url, cwd=Path(ROOT), stdout=asyncio.subprocess.PIPE
        )
        try:
            assert client.stdout is not None
            async with asyncio.timeout(20):
                await client.stdout.readline()  # it reads
            client.send_signal(signal.SIGSTOP)
            await publisher.has_clients(0)
        finally:
            client.kill()
            await client.communicate()

        assert await publisher.metric('publisher_subscriptions{channel="market"}') == 0
