"""The application on a server that offers no door: bounds, tokens, slow clients and the end of a connection."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import pytest
from websockets.asyncio.client import connect
from websockets.exceptions import InvalidStatus

from publisher_service import portable_door
from publisher_service.client import Door
from publisher_service.core.frames import text_frame
from publisher_service.portable_door import PortableDoor
from tests.eventually import eventually
from tests.fakes.services import portable_publisher, websocket_client
from tests.fakes.writer import writing


class Server:
    """The other side of ASGI, and the owner of the door."""

    def __init__(self) -> None:
        self.said: asyncio.Queue[dict[str, Any]] = asyncio.Queue()
        self.sent: list[dict[str, Any]] = []
        self.takes = asyncio.Event()
        self.takes.set()
        self.events: list[object] = []
        self.door = PortableDoor(self.said.get, self._send)

    async def _send(self, message: Any) -> None:
        await self.takes.wait()
        self.sent.append(message)

    def receive(self, _: Door, text: str | None) -> None:
        self.events.append(text)
        if text == "fail":
            raise ValueError("on purpose")

    def paused(self, _: Door) -> None:
        self.events.append("paused")

    def drained(self, _: Door) -> None:
        self.events.append("drained")

    def leave(self, _: Door) -> None:
        self.events.append("left")


@pytest.fixture
async def server() -> AsyncIterator[Server]:
    """A connection that is open and lives until the test ends."""
    server = Server()
    server.said.put_nowait({"type": "websocket.connect"})
    await server.door.accept()
    server.door.open(server)
    living = asyncio.create_task(server.door.live())
    yield server
    server.takes.set()
    server.said.put_nowait({"type": "websocket.disconnect"})
    await asyncio.wait_for(living, 10)


async def test_one_frame_is_on_its_way_at_a_time(server: Server) -> None:
    server.takes.clear()

    server.door.write(text_frame(b"1"))
    with pytest.raises(RuntimeError):
        server.door.write(text_frame(b"2"))
    paused = (server.door.ready, server.door.paused_since_s is not None)
    server.takes.set()
    await eventually(lambda: server.door.ready)

    assert paused == (False, True)
    assert server.sent[1:] == [{"type": "websocket.send", "text": "1"}]
    assert server.events == ["paused", "drained"]


@pytest.mark.parametrize("size", [0, 125, 126, 65_535, 65_536])
async def test_a_finished_frame_is_sent_as_the_text_in_it(server: Server, size: int) -> None:
    server.door.write(text_frame(b"x" * size))
    await eventually(lambda: server.door.ready)

    assert server.sent[1] == {"type": "websocket.send", "text": "x" * size}


async def test_a_close_comes_after_the_frame_that_is_on_its_way(server: Server) -> None:
    server.door.write(text_frame(b"last words"))
    server.door.close(4401, "no token")
    server.door.close(1012, "again")
    await eventually(lambda: len(server.sent) == 3)

    assert server.sent[2] == {"type": "websocket.close", "code": 4401, "reason": "no token"}
    assert server.events == ["paused"]


async def test_a_server_that_takes_nothing_does_not_hold_a_connection_that_was_closed(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(portable_door, "CLOSE_TIMEOUT_S", 0.1)
    server = Server()
    server.said.put_nowait({"type": "websocket.connect"})
    await server.door.accept()
    server.takes.clear()

    server.door.write(text_frame(b"stuck"))
    server.door.close(1013, "too slow")

    await asyncio.wait_for(server.door.live(), 10)


async def test_a_message_that_cannot_be_carried_out_closes_and_is_logged(
    server: Server, caplog: pytest.LogCaptureFixture
) -> None:
    server.said.put_nowait({"type": "websocket.receive", "text": "fail"})
    server.said.put_nowait({"type": "websocket.receive", "text": "after"})
    await eventually(lambda: len(server.sent) == 2)

    assert server.sent[1]["code"] == 1011
    assert server.events == ["fail", "left"]
    assert "a message could not be carried out" in caplog.text


async def test_a_peer_that_goes_is_told_to_the_owner_once(server: Server) -> None:
    server.said.put_nowait({"type": "websocket.receive", "bytes": b"x"})
    server.said.put_nowait({"type": "websocket.disconnect"})
    await eventually(lambda: "left" in server.events)

    assert server.events == [None, "left"]


async def test_limits_tokens_and_counts_hold_on_another_server_too(redis_url: str, redis_prefix: str) -> None:
    settings = {"JWT_SECRET": "s" * 32, "MAX_CONNECTIONS_PER_ADDRESS": "1"}
    async with (
        writing(redis_url, redis_prefix),
        portable_publisher(redis_url, redis_prefix, **settings) as publisher,
    ):
        async with websocket_client(publisher.websocket_url + "/ws") as client:
            with pytest.raises(InvalidStatus, match="429"):
                await connect(publisher.websocket_url + "/ws", proxy=None)
            await client.socket.send('{"type":"ping"}')
            error = await client.next("error")
            closed = await client.until_closed()
        clients = await publisher.metric("publisher_clients")

    assert (error["code"], closed, clients) == ("unauthenticated", 4401, 0)
