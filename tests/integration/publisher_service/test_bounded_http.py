"""HTTP connections that ask too much, say nothing, or do not read: cut, and counted. Others notice nothing."""

import asyncio
from asyncio import StreamReader, StreamWriter
from collections.abc import AsyncIterator, Awaitable
from contextlib import asynccontextmanager
from typing import NamedTuple

import pytest
import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route, WebSocketRoute
from starlette.websockets import WebSocket
from websockets.asyncio.client import connect

from publisher_service import bounded_http
from publisher_service.bounded_http import MAX_PIPELINED, MAX_REQUEST_BYTES, BoundedHttpProtocol
from publisher_service.http_routes import Document
from publisher_service.metrics import Metrics
from tests.eventually import eventually

GET = b"GET / HTTP/1.1\r\nHost: x\r\n\r\n"
#: More than kernels keep for two sockets.
LARGE_BYTES = 30_000_000


class Site(NamedTuple):
    """A server in this process."""

    port: int
    metrics: Metrics
    asked: list[str]  # paths, in order; an answer that was read to its end adds its path again

    def cut(self, reason: str) -> float:
        """How many connections were."""
        return self.metrics.registry.get_sample_value("publisher_http_cut_total", {"reason": reason}) or 0.0

    @asynccontextmanager
    async def connection(self) -> AsyncIterator[tuple[StreamReader, StreamWriter]]:
        """Without a word."""
        reader, writer = await asyncio.open_connection("127.0.0.1", self.port)
        yield reader, writer
        writer.transport.abort()


@pytest.fixture
async def site(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Site]:
    """Requests have a second."""
    monkeypatch.setattr(bounded_http, "DEADLINE_S", 1.0)
    asked: list[str] = []

    async def small(_: Request) -> Response:
        asked.append("/")
        return Response("ok")

    async def slow(_: Request) -> Response:
        asked.append("/slow")
        await asyncio.sleep(0.3)
        return Response("ok")

    class Large(Document):
        async def __call__(self, *arguments: object) -> None:
            asked.append("/large")
            await super().__call__(*arguments)  # type: ignore[arg-type]  # (handed on as they came)
            asked.append("/large")

    async def large(_: Request) -> Response:
        return Large(bytes(LARGE_BYTES))

    async def echo(websocket: WebSocket) -> None:
        await websocket.accept()
        while (event := await websocket.receive())["type"] != "websocket.disconnect":
            await websocket.send_text(event["text"])

    routes = [Route("/", small), Route("/slow", slow), Route("/large", large), WebSocketRoute("/ws", echo)]
    app = Starlette(routes=routes)
    app.state.metrics = Metrics()
    config = uvicorn.Config(
        app, port=0, http=BoundedHttpProtocol, ws="websockets-sansio", lifespan="off", log_config=None
    )
    server = uvicorn.Server(config)
    serving = asyncio.create_task(server.serve())
    await eventually(lambda: server.started)
    yield Site(server.servers[0].sockets[0].getsockname()[1], app.state.metrics, asked)
    server.should_exit = True
    await serving


async def ended(reading: Awaitable[bytes]) -> bytes:
    """What came before the end, by whichever way it ended."""
    async with asyncio.timeout(10):
        try:
            return await reading
        except ConnectionError:
            return b""


async def test_a_head_without_an_end_is_cut_at_its_greatest_size(site: Site) -> None:
    async with site.connection() as (reader, writer):
        writer.write(b"GET / HTTP/1.1\r\nHost: x\r\nX-Endless: ")
        for _ in range(MAX_REQUEST_BYTES // 1000 + 1):
            writer.write(b"x" * 1000)
        answer = await ended(reader.read())

    assert answer == b""
    assert (site.cut("size"), site.asked) == (1, [])


async def test_one_who_says_nothing_is_cut_when_the_time_is_over(site: Site) -> None:
    async with site.connection() as (reader, _):
        answer = await ended(reader.read())

    assert (answer, site.cut("time")) == (b"", 1)


async def test_one_who_trickles_a_request_is_cut_when_the_time_is_over(site: Site) -> None:
    async with site.connection() as (reader, writer):
        writer.write(GET[:10])
        await eventually(lambda: site.cut("time") == 1)
        answer = await ended(reader.read())

    assert (answer, site.asked) == (b"", [])


async def test_one_who_does_not_read_is_cut_and_its_request_ends(site: Site) -> None:
    async with site.connection() as (_, writer):
        writer.write(GET.replace(b"/", b"/large", 1))
        await eventually(lambda: site.cut("time") == 1)
        await eventually(lambda: site.asked == ["/large", "/large"])


async def test_one_who_reads_gets_all_of_a_large_answer(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bounded_http, "DEADLINE_S", 60.0)

    async with site.connection() as (reader, writer):
        writer.write(GET.replace(b"/", b"/large", 1))
        head = await ended(reader.readuntil(b"\r\n\r\n"))
        body = await ended(reader.readexactly(LARGE_BYTES))

    assert head.startswith(b"HTTP/1.1 200")
    assert len(body) == LARGE_BYTES


async def test_requests_far_ahead_of_their_answers_end_the_connection(site: Site) -> None:
    async with site.connection() as (reader, writer):
        writer.write(GET.replace(b"/", b"/slow", 1) * (2 * MAX_PIPELINED))
        answer = await ended(reader.read())

    assert b"400 Bad Request" in answer
    assert len(site.asked) <= MAX_PIPELINED


async def test_a_connection_that_goes_on_asking_lives_longer_than_one_request_may(site: Site) -> None:
    async with site.connection() as (reader, writer):
        for _ in range(5):  # of a third of a second each
            writer.write(GET.replace(b"/", b"/slow", 1))
            assert (await ended(reader.readuntil(b"ok"))).startswith(b"HTTP/1.1 200")

    assert (site.cut("time"), site.cut("size")) == (0, 0)


async def test_a_websocket_lives_longer_than_a_request(site: Site) -> None:
    async with connect(f"ws://127.0.0.1:{site.port}/ws", proxy=None) as socket, site.connection():
        await eventually(lambda: site.cut("time") == 1)  # that was the other one
        await socket.send("still here")
        echoed = await asyncio.wait_for(socket.recv(), 10)

    assert echoed == "still here"
