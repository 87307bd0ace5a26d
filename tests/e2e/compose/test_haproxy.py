"""What only HAProxy does: it asks publishers whether they are well, and tells what it does."""

import asyncio
from contextlib import AsyncExitStack
from pathlib import Path

import pytest
from websockets.asyncio.client import connect
from websockets.exceptions import InvalidStatus

from tests.fakes.compose import IMAGE, ComposeProject

ECHO_PUBLISHER = Path(__file__).with_name("echo_publisher.py").read_text("utf-8")
HANDSHAKE = (
    "GET /ws/index HTTP/1.1\r\nHost: lb\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"
    "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"
)
#: How soon a publisher that says 503 may get no new client: two checks, and the answer to the second.
OUT_WITHIN_S = 2.5

pytestmark = pytest.mark.asyncio(loop_scope="session")


async def websocket_to_it(
    stack: ComposeProject, connections: AsyncExitStack
) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    """A websocket that the echo took; those that others took stay open, so that it has the fewest."""
    for _ in range(10):
        reader, writer = await asyncio.open_connection("127.0.0.1", stack.port)
        connections.callback(writer.close)
        writer.write(HANDSHAKE.encode())
        if b"x-echo" in (await asyncio.wait_for(reader.readuntil(b"\r\n\r\n"), 10)).lower():
            return reader, writer
    raise AssertionError("the one with the fewest websockets gets none")


async def test_a_publisher_that_is_unready_gets_no_new_client_and_keeps_those_it_has(stack: ComposeProject) -> None:
    command = ("--entrypoint", "python", IMAGE, "-c", ECHO_PUBLISHER)
    echo = await stack.start(*command, network="front", alias="publisher")

    async def reached(path: str = "/api/anything") -> bool:
        return "application/x-echo" in (await stack.ask(path))[1]

    async def unready() -> bool:
        return await reached("/api/unready")

    async def left_alone() -> bool:
        return not any([await reached() for _ in range(6)])

    async with AsyncExitStack() as connections:
        connections.push_async_callback(stack.remove, echo)
        await stack.until(reached)
        reader, writer = await websocket_to_it(stack, connections)
        await stack.until(unready)

        await stack.until(left_alone, within_s=OUT_WITHIN_S)

        writer.write(b"still there")
        assert await asyncio.wait_for(reader.readexactly(11), 5) == b"still there"
        assert await left_alone()


async def test_its_metrics_are_for_its_network_only(stack: ComposeProject) -> None:
    code = "from urllib.request import *; print(urlopen('http://lb:8405/metrics', timeout=5).read().decode())"
    lb, (publisher, *_) = await stack.container("lb"), await stack.containers("publisher")

    within = await stack.python_as_seen_by(publisher, code)

    assert 'haproxy_server_status{proxy="publishers",server="pub1",state="UP"} 1' in within.out
    bound = {port: [one["HostPort"] for one in to] for port, to in lb.facts["NetworkSettings"]["Ports"].items() if to}
    assert bound == {"8080/tcp": [str(stack.port)]}


async def test_it_takes_as_many_connections_as_its_descriptors_allow(stack: ComposeProject) -> None:
    code = "from urllib.request import *; print(urlopen('http://127.0.0.1:8405/metrics', timeout=5).read().decode())"

    said = await stack.python_as_seen_by(await stack.container("lb"), code)

    series = dict(line.rsplit(" ", 1) for line in said.out.splitlines() if line and not line.startswith("#"))
    assert 9_900 <= int(series["haproxy_process_max_connections"]) < 10_000


async def test_a_proxy_in_front_is_believed_about_its_clients_if_it_is_named(image: str) -> None:
    private = "10.0.0.0/8 172.16.0.0/12 192.168.0.0/16"  # the host, as containers see it
    async with ComposeProject(
        BANGGIA_IMAGE=image, PUBLISHERS="1", OUTER_PROXIES=private, MAX_CONNECTIONS_PER_ADDRESS="1"
    ) as project:
        await project.started()
        async with AsyncExitStack() as stack:
            answers = []
            for told in ("192.0.2.66, 203.0.113.1", "203.0.113.1", "203.0.113.2"):
                try:
                    await stack.enter_async_context(
                        connect(
                            project.websocket_url + "/ws/index",
                            proxy=None,
                            additional_headers={"X-Forwarded-For": told},
                        )
                    )
                    answers.append(101)
                except InvalidStatus as refused:
                    answers.append(refused.response.status_code)

    assert answers == [101, 429, 101]
