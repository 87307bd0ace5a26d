"""Clients need a token once a key is set: websockets and HTTP, by header, address or first message."""

import asyncio
import json
import time
from collections.abc import AsyncIterator

import jwt
import pytest
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed, InvalidStatus

from shared.channels import Channel
from tests.fakes.services import RunningPublisher, RunningService, running, running_publisher
from tests.fakes.writer import Writer

SECRET = "a secret of a test that is long enough for it"


def token(seconds: float = 600, **claims: object) -> str:
    return jwt.encode({"exp": int(time.time() + seconds), **claims}, SECRET, "HS256")


@pytest.fixture
async def publisher(writer: Writer, redis_url: str, redis_prefix: str) -> AsyncIterator[RunningPublisher]:
    """A replica that asks for tokens."""
    await writer.commit({Channel.GROUPS: {"VN30": {"keys": ["SSI"]}}})
    async with running_publisher(redis_url, redis_prefix, JWT_SECRET=SECRET) as publisher:
        await publisher.line("rows loaded")
        yield publisher


async def refused(publisher: RunningPublisher, path: str, bearer: str = "") -> tuple[int, str]:
    """Status and text of a handshake that is refused."""
    headers = {"Authorization": f"Bearer {bearer}"} if bearer else {}
    with pytest.raises(InvalidStatus) as answer:
        await connect(publisher.websocket_url + path, proxy=None, additional_headers=headers)
    return answer.value.response.status_code, bytes(answer.value.response.body).decode()


async def first(socket: ClientConnection, kind: str) -> dict[str, object]:
    """The first message of a type."""
    async with asyncio.timeout(10):
        while True:
            message: dict[str, object] = json.loads(await socket.recv())
            if message["type"] == kind:
                return message


async def close_of(socket: ClientConnection) -> tuple[int, str] | None:
    """Read to the end; the server's close."""
    try:
        async with asyncio.timeout(30):
            while True:
                await socket.recv()
    except ConnectionClosed as closed:
        return (closed.rcvd.code, closed.rcvd.reason) if closed.rcvd else None


async def test_without_a_token_that_counts_a_websocket_is_refused_with_401(publisher: RunningPublisher) -> None:
    none = await refused(publisher, "/ws/market")
    bad = await refused(publisher, "/ws/market", "nonsense")
    bad_address = await refused(publisher, "/ws?token=nonsense")
    expired = await refused(publisher, "/ws/market", token(-15))
    count = await publisher.metric('publisher_refused_total{reason="token"}')

    assert (none[0], bad[0], bad_address[0], expired[0], count) == (401, 401, 401, 401, 4)
    assert "Authorization: Bearer" in none[1]
    assert "expired" in expired[1]


@pytest.mark.parametrize("path", ["/api/channels", "/api/channels/market", "/api/channels/market/SSI"])
async def test_without_a_token_that_counts_http_is_refused_with_401(publisher: RunningPublisher, path: str) -> None:
    none = await publisher.get(path)
    bad = await publisher.get(path, {"Authorization": "Bearer nonsense"})
    by_header = await publisher.get(path, {"Authorization": f"bearer {token()}"})
    by_address = await publisher.get(f"{path}?token={token()}")

    assert [answer.status_code for answer in (none, bad, by_header, by_address)] == [401, 401, 200, 200]
    assert none.headers["www-authenticate"] == "Bearer"


@pytest.mark.parametrize("path", ["/", "/web/main.js", "/livez", "/readyz", "/metrics"])
async def test_what_has_no_market_data_needs_no_token(publisher: RunningPublisher, path: str) -> None:
    assert (await publisher.get(path)).status_code == 200


async def test_a_token_is_taken_from_header_address_and_first_message(publisher: RunningPublisher) -> None:
    url = publisher.websocket_url
    async with (
        connect(url + "/ws/market", proxy=None, additional_headers={"Authorization": f"Bearer {token()}"}) as by_header,
        connect(f"{url}/ws/market?token={token()}", proxy=None) as by_address,
        connect(url + "/ws", proxy=None) as by_message,
    ):
        await by_message.send(json.dumps({"type": "auth", "id": 1, "token": token()}))
        heard = [json.loads(await by_message.recv()) for _ in range(2)]
        await by_message.send('{"type":"subscribe","channel":"market"}')

        snapshots = [await first(socket, "snapshot") for socket in (by_header, by_address, by_message)]

    assert [message["type"] for message in heard] == ["status", "authenticated"]
    assert [snapshot["data"] for snapshot in snapshots] == [{"SSI": {"last": 1, "reference": 100}}] * 3


async def test_who_says_something_else_first_learns_nothing_and_is_closed_with_4401(
    publisher: RunningPublisher,
) -> None:
    async with connect(publisher.websocket_url + "/ws", proxy=None) as socket:
        await socket.send('{"type":"subscribe","channel":"market"}')
        error = json.loads(await socket.recv())
        closed = await close_of(socket)

    assert (error["type"], error["code"]) == ("error", "unauthenticated")
    assert closed is not None
    assert closed[0] == 4401


async def test_who_says_nothing_is_closed_with_4401_after_ten_seconds(publisher: RunningPublisher) -> None:
    async with connect(publisher.websocket_url + "/ws", proxy=None) as silent:
        closed = await close_of(silent)

    assert closed == (4401, "no token was told")
    assert await publisher.metric('publisher_closed_total{code="4401"}') == 1


async def test_a_token_that_expires_ends_the_connection_with_4401_unless_it_is_renewed(
    publisher: RunningPublisher,
) -> None:
    url = f"{publisher.websocket_url}/ws/market?token={token(2)}"
    async with connect(url, proxy=None) as renewing, connect(url, proxy=None) as expiring:
        await renewing.send(json.dumps({"type": "auth", "token": token(600)}))
        closed = await close_of(expiring)
        await renewing.send('{"type":"ping","id":1}')
        pong = await first(renewing, "pong")

    assert closed == (4401, "the token has expired")
    assert pong["id"] == 1


async def test_a_scope_is_held_against_each_subscription_and_each_http_request(publisher: RunningPublisher) -> None:
    bearer = {"Authorization": f"Bearer {token(scope='market:@VN30')}"}
    async with connect(publisher.websocket_url + "/ws", proxy=None, additional_headers=bearer) as socket:
        await socket.send('{"type":"subscribe","id":1,"channel":"market"}')
        error = await first(socket, "error")
        await socket.send('{"type":"subscribe","id":2,"channel":"market","keys":["@VN30"]}')
        snapshot = await first(socket, "snapshot")
    async with connect(publisher.websocket_url + "/ws/index", proxy=None, additional_headers=bearer) as socket:
        closed = await close_of(socket)
    http = [
        (await publisher.get(path, bearer)).status_code
        for path in (
            "/api/channels/market",
            "/api/channels/market?keys=@VN30",
            "/api/channels/market/SSI",
            "/api/channels/index",
        )
    ]
    listed = (await publisher.get("/api/channels", bearer)).json()["channels"]

    assert (error["id"], error["code"], snapshot["id"]) == (1, "forbidden", 2)
    assert closed is not None
    assert closed[0] == 4403
    assert http == [403, 200, 200, 403]
    assert list(listed) == ["market"]


async def test_no_token_ever_stands_in_the_log(publisher: RunningPublisher) -> None:
    good, bad = token(), "secret-nonsense"
    async with connect(f"{publisher.websocket_url}/ws/market?token={good}", proxy=None) as socket:
        await socket.send(json.dumps({"type": "auth", "token": bad}))
        await first(socket, "error")
    await refused(publisher, f"/ws/market?token={bad}")
    await publisher.get(f"/api/channels?token={bad}")
    publisher.process.terminate()
    await publisher.ended()

    assert good not in publisher.log
    assert bad not in publisher.log
    assert SECRET not in publisher.log
    assert "token=" not in publisher.log


async def test_a_key_that_cannot_be_used_ends_the_publisher_with_one_line(redis_url: str, redis_prefix: str) -> None:
    code, lines = await start(redis_url, redis_prefix, JWT_SECRET="too short")
    both = await start(redis_url, redis_prefix, JWT_SECRET=SECRET, JWT_PUBLIC_KEY_FILE="/dev/null")
    no_key = await start(redis_url, redis_prefix, JWT_PUBLIC_KEY_FILE="pyproject.toml")

    assert (code, len(lines), "JWT_SECRET" in lines[0], "too short" in lines[0]) == (2, 1, True, False)
    assert both[0] == no_key[0] == 2
    assert "JWT_PUBLIC_KEY_FILE: holds no public key" in no_key[1][-1]


async def start(redis_url: str, redis_prefix: str, **settings: str) -> tuple[int, list[str]]:
    """Exit code and output of a publisher that cannot start."""
    async with running(
        RunningService, "publisher_service", "--port", "0", REDIS_URL=redis_url, REDIS_PREFIX=redis_prefix, **settings
    ) as publisher:
        return await publisher.ended(), publisher.lines
