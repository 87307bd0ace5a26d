"""Client libraries that others wrote, against our side of the standard; and what a connection leaves behind."""

import asyncio
import gc
import socket
from typing import Any

import pytest
import websocket
from websockets.asyncio.client import connect
from websockets.extensions.permessage_deflate import ClientPerMessageDeflateFactory

from publisher_service.__main__ import listen
from publisher_service.core.frames import Form
from publisher_service.settings import PublisherSettings
from publisher_service.shared_frames import SEND_BUFFER_BYTES
from tests.eventually import eventually
from tests.fakes.echo_site import echo_site

TEXTS = ["", "x", "Bảng giá €𝄞", "x" * 125, "x" * 126, "x" * 60_000]
OFFERS: dict[str, Any] = {
    "none": None,
    "the library's": [ClientPerMessageDeflateFactory()],
    "without takeover": [
        ClientPerMessageDeflateFactory(server_no_context_takeover=True, client_no_context_takeover=True)
    ],
    "a small window of the client": [ClientPerMessageDeflateFactory(client_max_window_bits=9)],
}


@pytest.mark.parametrize("offer", OFFERS)
async def test_websockets_is_understood_whatever_it_offers(offer: str) -> None:
    async with (
        echo_site() as site,
        connect(f"ws://127.0.0.1:{site.port}/", proxy=None, compression=None, extensions=OFFERS[offer]) as client,
    ):
        for text in TEXTS:
            await client.send(text)
            assert await client.recv() == text
        await client.send(["in ", "", "pieces"])
        assert await client.recv() == "in pieces"
        await client.send(b"\xff" * 1000)
        assert await client.recv() == "binary"
        await (await client.ping())
        await client.send("close")
        await client.wait_closed()

    assert (client.close_code, client.close_reason) == (4000, "as you said")
    assert (site.doors[0].form is Form.DEFLATED) == (offer != "none")


def converse(port: int) -> tuple[list[str | bytes], bytes]:
    """The same with `websocket-client`: echoes, and the last frame."""
    client = websocket.create_connection(f"ws://127.0.0.1:{port}/", timeout=10)
    echoes: list[str | bytes] = []
    for text in TEXTS:
        client.send(text)
        echoes.append(client.recv())
    client.send_binary(b"\xff")
    echoes.append(client.recv())
    client.ping("still here?")
    _, pong = client.recv_data(control_frame=True)
    client.close(1001, b"bye")
    return echoes, pong


async def test_websocket_client_is_understood() -> None:
    async with echo_site() as site:
        echoes, pong = await asyncio.to_thread(converse, site.port)
        await eventually(lambda: site.connections == 0)

    assert echoes == [*TEXTS, "binary"]
    assert pong == b"still here?"
    assert site.left == site.doors


def living() -> list[str]:
    """What there is of our connections, garbage included."""
    ours = ("SharedFramesProtocol", "BoundedHttpProtocol", "Opening", "Inbound")
    return [type(each).__name__ for each in gc.get_objects() if type(each).__name__ in ours]


async def test_what_has_ended_is_freed_without_a_collection() -> None:
    async with echo_site() as site:
        gc.collect()
        before = living()  # what other tests have left
        gc.disable()
        try:
            for _ in range(20):
                async with connect(f"ws://127.0.0.1:{site.port}/", proxy=None) as client:
                    await client.send("x")
                    await client.recv()
            await eventually(lambda: site.connections == 0)
            for kept in (site.doors, site.left, site.scopes):
                kept.clear()
            await eventually(lambda: len(living()) <= len(before))  # the loop itself holds the last one for a moment
        finally:
            gc.enable()


def test_each_connection_has_the_small_buffer_of_the_listening_socket() -> None:
    with (
        listen(PublisherSettings(port=0)) as listener,
        socket.create_connection(listener.getsockname()),
    ):
        accepted, _ = listener.accept()
        with accepted:
            size = accepted.getsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF)

    assert size in (SEND_BUFFER_BYTES, 2 * SEND_BUFFER_BYTES)  # Linux doubles it
