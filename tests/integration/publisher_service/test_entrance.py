"""Who may come in: by the address, the page, and how many there are already. Real sockets, one publisher each."""

import asyncio
import resource
from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from typing import NamedTuple

import pytest
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed, InvalidStatus

from tests.fakes.services import RunningPublisher, running_publisher

pytestmark = pytest.mark.usefixtures("writer")
BEHIND_A_BALANCER = {"TRUSTED_PROXIES": "127.0.0.1"}


class Answer(NamedTuple):
    """How a handshake was answered."""

    status: int
    text: str = ""
    retry_after: str | None = None


@asynccontextmanager
async def publishing(redis_url: str, redis_prefix: str, **settings: str) -> AsyncIterator[RunningPublisher]:
    async with running_publisher(redis_url, redis_prefix, **settings) as publisher:
        await publisher.line("rows loaded")
        yield publisher


async def knock(
    publisher: RunningPublisher, stack: AsyncExitStack, *, client: str = "", origin: str = "", path: str = "/ws/market"
) -> Answer:
    """Open a websocket that stays open until the stack ends; how that was answered."""
    headers = {"X-Forwarded-For": client} if client else {}
    if origin:
        headers["Origin"] = origin
    try:
        await stack.enter_async_context(connect(publisher.websocket_url + path, proxy=None, additional_headers=headers))
    except InvalidStatus as refused:
        response = refused.response
        return Answer(response.status_code, bytes(response.body).decode(), response.headers.get("retry-after"))
    return Answer(101)


async def statuses(publisher: RunningPublisher, stack: AsyncExitStack, clients: Sequence[str]) -> list[int]:
    """Of handshakes that are all made at the same time."""
    answers = await asyncio.gather(*(knock(publisher, stack, client=client) for client in clients))
    return sorted(answer.status for answer in answers)


# ---------------------------------------------------------------------------------------------------------- addresses


async def test_of_many_that_connect_at_the_same_time_exactly_as_many_are_let_in_as_may(
    redis_url: str, redis_prefix: str
) -> None:
    """The system before this one looked at the limit, waited, and counted then."""
    async with (
        publishing(redis_url, redis_prefix, MAX_CONNECTIONS_PER_ADDRESS="5") as publisher,
        AsyncExitStack() as stack,
    ):
        answers = await statuses(publisher, stack, [""] * 20)
        refused = await publisher.metric('publisher_refused_total{reason="address_connections"}')
        counted = await publisher.metric("publisher_clients")

    assert answers == [101] * 5 + [429] * 15
    assert (refused, counted) == (15, 5)


async def test_clients_behind_a_balancer_have_their_own_addresses(redis_url: str, redis_prefix: str) -> None:
    """In the system before this one all of them shared the proxy's address, and so its limit."""
    async with (
        publishing(redis_url, redis_prefix, MAX_CONNECTIONS_PER_ADDRESS="2", **BEHIND_A_BALANCER) as publisher,
        AsyncExitStack() as stack,
    ):
        first = await statuses(publisher, stack, ["203.0.113.1"] * 3)
        others = await statuses(publisher, stack, ["203.0.113.2", "203.0.113.3", "2001:db8::1"])

    assert first == [101, 101, 429]
    assert others == [101, 101, 101]


async def test_an_address_that_anybody_could_have_written_is_not_believed(redis_url: str, redis_prefix: str) -> None:
    async with (
        publishing(redis_url, redis_prefix, MAX_CONNECTIONS_PER_ADDRESS="2", TRUSTED_PROXIES="192.0.2.1") as publisher,
        AsyncExitStack() as stack,
    ):
        answers = await statuses(publisher, stack, ["203.0.113.1", "203.0.113.2", "203.0.113.3"])

    assert answers == [101, 101, 429]


async def test_a_balancer_may_be_trusted_by_its_name(redis_url: str, redis_prefix: str) -> None:
    async with (
        publishing(redis_url, redis_prefix, MAX_CONNECTIONS_PER_ADDRESS="1", TRUSTED_PROXIES="localhost") as publisher,
        AsyncExitStack() as stack,
    ):
        answers = await statuses(publisher, stack, ["203.0.113.1", "203.0.113.2", "203.0.113.2"])

    assert answers == [101, 101, 429]


# ------------------------------------------------------------------------------------------------------------- limits


async def test_a_full_replica_says_so_and_takes_the_next_when_one_has_gone(redis_url: str, redis_prefix: str) -> None:
    async with publishing(redis_url, redis_prefix, MAX_CONNECTIONS="2") as publisher:
        async with AsyncExitStack() as stack:
            for _ in range(2):
                await knock(publisher, stack)
            refused = await knock(publisher, stack)
        async with AsyncExitStack() as stack, asyncio.timeout(10):
            while (await knock(publisher, stack)).status != 101:  # noqa: ASYNC110 (it is another process)
                await asyncio.sleep(0.02)

    assert refused == Answer(503, '{"detail":"this replica is full (MAX_CONNECTIONS)","code":"connections"}', "5")


async def test_handshakes_beyond_the_rate_are_refused_with_a_time_to_come_back(
    redis_url: str, redis_prefix: str
) -> None:
    async with (
        publishing(redis_url, redis_prefix, HANDSHAKES_PER_ADDRESS_PER_S="2") as publisher,
        AsyncExitStack() as stack,
    ):
        answers = [await knock(publisher, stack) for _ in range(8)]

    refused = [answer for answer in answers if answer.status == 429]
    assert [answer.status for answer in answers[:4]] == [101] * 4
    assert refused
    assert "HANDSHAKES_PER_ADDRESS_PER_S" in refused[0].text
    assert refused[0].retry_after == "2"


async def test_a_client_that_floods_is_closed_with_4429_and_one_that_says_too_much_at_once_with_1009(
    redis_url: str, redis_prefix: str
) -> None:
    async with publishing(redis_url, redis_prefix, MESSAGES_PER_S="5", MAX_MESSAGE_BYTES="2048") as publisher:
        flooding = await connect(publisher.websocket_url + "/ws", proxy=None)
        verbose = await connect(publisher.websocket_url + "/ws", proxy=None)
        with pytest.raises(ConnectionClosed) as flooded:
            await flood(flooding)
        await verbose.send("x" * 2049)
        with pytest.raises(ConnectionClosed) as too_big:
            await read(verbose)
        closed = [await publisher.metric(f'publisher_closed_total{{code="{code}"}}') for code in (4429,)]

    assert flooded.value.rcvd is not None
    assert flooded.value.rcvd.code == 4429
    assert "MESSAGES_PER_S" in flooded.value.rcvd.reason
    assert too_big.value.rcvd is not None
    assert too_big.value.rcvd.code == 1009
    assert closed == [1]


async def flood(socket: ClientConnection) -> None:
    for _ in range(50):
        await socket.send('{"type":"ping"}')
    await read(socket)


async def read(socket: ClientConnection) -> None:
    """Until the server closes."""
    async with asyncio.timeout(10):
        while True:
            await socket.recv()


async def test_a_publisher_tells_how_many_connections_fit(redis_url: str, redis_prefix: str) -> None:
    async with publishing(redis_url, redis_prefix) as publisher:
        line = await publisher.line(r"capacity connections=(\d+) descriptors=(\d+)")
        capacity = await publisher.metric("publisher_capacity")

    assert int(line[2]) == resource.getrlimit(resource.RLIMIT_NOFILE)[1]  # raised to what is allowed
    assert capacity == int(line[1]) == int(line[2]) - 200


async def test_more_connections_than_descriptors_are_not_promised(redis_url: str, redis_prefix: str) -> None:
    async with publishing(redis_url, redis_prefix, MAX_CONNECTIONS="100000000") as publisher:
        await publisher.line("MAX_CONNECTIONS is more than the descriptor limit allows")

        assert await publisher.metric("publisher_capacity") < 100_000_000


# ------------------------------------------------------------------------------------------------------------ origins


async def test_only_pages_of_the_same_origin_may_connect_unless_others_are_named(
    redis_url: str, redis_prefix: str
) -> None:
    async with publishing(redis_url, redis_prefix) as publisher, AsyncExitStack() as stack:
        same = await knock(publisher, stack, origin=publisher.url)
        program = await knock(publisher, stack)
        foreign = await knock(publisher, stack, origin="https://evil.example")
        refused = await publisher.metric('publisher_refused_total{reason="origin"}')

    assert (same.status, program.status, foreign.status, refused) == (101, 101, 403, 1)
    assert "https://evil.example" in foreign.text
    assert "ALLOWED_ORIGINS" in foreign.text


async def test_the_same_list_of_pages_governs_websockets_and_http(redis_url: str, redis_prefix: str) -> None:
    friend, foe = {"Origin": "https://friend.example"}, {"Origin": "https://foe.example"}
    async with (
        publishing(redis_url, redis_prefix, ALLOWED_ORIGINS="https://friend.example") as publisher,
        AsyncExitStack() as stack,
    ):
        sockets = [(await knock(publisher, stack, origin=who["Origin"])).status for who in (friend, foe)]
        answers = [await publisher.get("/api/channels/market", who) for who in (friend, foe)]
        plain = await publisher.get("/api/channels/market")
        board = await publisher.get("/", foe)

    assert sockets == [101, 403]
    assert [answer.status_code for answer in answers] == [200, 403]
    assert answers[0].headers["access-control-allow-origin"] == "https://friend.example"
    assert "etag" in answers[0].headers["access-control-expose-headers"]
    assert "origin" in answers[0].headers["vary"].lower()
    assert "ALLOWED_ORIGINS" in answers[1].json()["detail"]
    assert "access-control-allow-origin" not in answers[1].headers
    assert (plain.status_code, "access-control-allow-origin" in plain.headers) == (200, False)
    assert board.status_code == 200  # a link from another page leads here


async def test_a_browser_that_asks_before_it_asks_is_told_what_its_page_may(redis_url: str, redis_prefix: str) -> None:
    preflight = {"Access-Control-Request-Method": "GET", "Access-Control-Request-Headers": "authorization"}
    async with publishing(
        redis_url, redis_prefix, ALLOWED_ORIGINS="https://friend.example", JWT_SECRET="s" * 32
    ) as publisher:
        friend = await publisher.get(
            "/api/channels/market", preflight | {"Origin": "https://friend.example"}, method="OPTIONS"
        )
        foe = await publisher.get(
            "/api/channels/market", preflight | {"Origin": "https://foe.example"}, method="OPTIONS"
        )

    assert friend.status_code == 204
    assert friend.headers["access-control-allow-methods"] == "GET"
    assert "authorization" in friend.headers["access-control-allow-headers"]
    assert foe.status_code == 403
