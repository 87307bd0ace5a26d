"""Streams of server-sent events: the same tables, resumption, limits and ends as over websockets."""

import asyncio
import json
import signal
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import jwt
import pytest

from ingest_service.core.history import Changes
from publisher_service.core.events import NOWHERE
from shared.channels import Channel
from tests.eventually import eventually
from tests.fakes.event_client import EventClient
from tests.fakes.services import PATHS, RunningPublisher, running_publisher, websocket_client
from tests.fakes.writer import Writer

SECRET = "s" * 32
PING_S = {"PING_INTERVAL_S": "300", "PING_TIMEOUT_S": "300"}


def market(last: int, rows: int = 1500) -> Changes:
    """Some parts of a snapshot, and more than all buffers on the way hold."""
    return {Channel.MARKET: {f"S{n:04}": {"last": last, "filler": "x" * 600} for n in range(rows)}}


@asynccontextmanager
async def stream(publisher: RunningPublisher, path: str, **options: object) -> AsyncIterator[EventClient]:
    """A client that has read the head of its answer."""
    client = EventClient()
    try:
        yield await client.connect(publisher.url + path, **options)  # type: ignore[arg-type]  # (the caller's)
    finally:
        client.close()


@pytest.mark.parametrize("server", PATHS)
async def test_the_status_comes_first_then_the_snapshot_then_what_changes(
    redis_url: str, redis_prefix: str, writer: Writer, server: str
) -> None:
    async with (
        PATHS[server](redis_url, redis_prefix) as publisher,
        stream(publisher, "/sse/market?keys=SSI&interval=100") as client,
    ):
        await client.until(0)
        await writer.price("SSI", 2)
        update = await client.next("update")

    assert (client.status, client.headers["content-type"]) == (200, "text/event-stream")
    assert client.headers["cache-control"] == "no-store"
    assert [message["type"] for message in client.messages if message["type"] != "status"] == ["snapshot", "update"]
    assert client.messages[0]["type"] == "status"
    assert client.table.rows == {"SSI": {"last": 2, "reference": 100}}
    assert client.last_id == update["position"]
    assert client.retry_ms is not None


async def test_a_client_that_comes_back_to_another_replica_goes_on_where_it_was(
    redis_url: str, redis_prefix: str, writer: Writer
) -> None:
    async with (
        running_publisher(redis_url, redis_prefix) as first,
        running_publisher(redis_url, redis_prefix) as second,
    ):
        async with stream(first, "/sse/market?keys=SSI&since=made-up.1.00000000") as client:
            snapshot = await client.next("snapshot")
        await writer.price("SSI", 2)
        async with stream(
            second, "/sse/market?keys=SSI&since=made-up.1.00000000", headers={"Last-Event-ID": client.last_id}
        ) as again:
            again.table = client.table
            answer = await again.next("snapshot", "update")

    assert (answer["type"], answer["from"]) == ("update", snapshot["rev"])
    assert answer["data"]["SSI"]["last"] == 2


async def test_a_half_snapshot_is_no_position_whatever_the_address_says(
    redis_url: str, redis_prefix: str, writer: Writer
) -> None:
    await writer.commit(market(1))
    async with running_publisher(redis_url, redis_prefix) as publisher:
        async with stream(publisher, "/sse/market") as client:
            first = await client.next("snapshot")
            at_first = client.last_id
            while (await client.next("snapshot"))["part"] < first["parts"] - 1:
                assert client.last_id == NOWHERE
            last = await client.next("snapshot")
        path = f"/sse/market?since={last['position']}"
        async with stream(publisher, path, headers={"Last-Event-ID": at_first}) as again:
            answer = await again.next("snapshot", "update")

    assert first["parts"] > 2
    assert at_first == NOWHERE
    assert client.last_id == last["position"]
    assert answer["type"] == "snapshot"


async def test_streams_of_one_view_and_websockets_are_told_the_same(
    redis_url: str, redis_prefix: str, writer: Writer
) -> None:
    path = "market?keys=SSI&mode=fields&interval=100"
    async with (
        running_publisher(redis_url, redis_prefix) as publisher,
        stream(publisher, f"/sse/{path}") as events,
        websocket_client(publisher.websocket_url + f"/ws/{path}") as websocket,
    ):
        await asyncio.gather(events.next("snapshot"), websocket.next("snapshot"))
        for last in (2, 3):
            await writer.price("SSI", last)
            told = await asyncio.gather(events.next("update"), websocket.next("update"))
            assert told[0] == told[1]
            assert told[0]["data"] == {"SSI": {"last": last}}


async def test_a_stream_that_is_not_read_holds_nothing_up_and_is_brought_to_now_when_it_reads(
    redis_url: str, redis_prefix: str, writer: Writer
) -> None:
    await writer.commit(market(0))
    async with (
        running_publisher(redis_url, redis_prefix) as publisher,
        stream(publisher, "/sse/market?interval=100", receive_buffer=8192) as client,
        stream(publisher, "/sse/market?keys=SSI&interval=100") as other,
    ):
        await other.next("snapshot")
        for last in range(1, 12):
            await writer.commit(market(last))
            await writer.price("SSI", 100 + last)
            await other.next("update")
        await client.until(other.table.rev)

    # Eleven updates of a megabyte were due; a few buffers' worth of the first snapshot, and what is new, came.
    assert client.table.rows["S0000"]["last"] == 11
    parts = [message for message in client.messages if message["type"] == "update"]
    assert len({message["rev"] for message in parts}) <= 4


async def test_a_stream_that_is_not_read_for_too_long_is_closed(
    redis_url: str, redis_prefix: str, writer: Writer
) -> None:
    await writer.commit(market(0))
    async with (
        running_publisher(redis_url, redis_prefix, SLOW_CLIENT_S="1", **PING_S) as publisher,
        stream(publisher, "/sse/market", receive_buffer=8192),
    ):
        await publisher.has_clients(1)
        await publisher.has_clients(0)
        closed = await publisher.metric('publisher_closed_total{code="1013"}')

    assert closed == 1


#: What is wrong in an address, and how it is refused.
WRONG = {
    "/sse/nothing": (404, "unknown_channel"),
    "/sse/": (404, "unknown_channel"),
    "/sse/market/SSI": (404, "unknown_channel"),
    "/sse/trades": (400, "keys_required"),
    "/sse/market?keys=": (400, "invalid_keys"),
    "/sse/market?interval=0": (400, "invalid_interval"),
    "/sse/market?interval=soon": (400, "invalid_interval"),
    "/sse/market?mode=all": (400, "invalid_mode"),
    "/sse/market?since=yesterday": (400, "invalid_position"),
    "/sse/market?key=SSI": (400, "unknown_parameter"),
    "/sse/market?keys=SSI&intervall=100": (400, "unknown_parameter"),
}


@pytest.mark.parametrize("server", PATHS)
async def test_what_is_wrong_in_an_address_is_an_answer_after_which_browsers_do_not_come_again(
    redis_url: str, redis_prefix: str, server: str
) -> None:
    answers = {}
    async with PATHS[server](redis_url, redis_prefix) as publisher:
        for path in WRONG:
            async with stream(publisher, path) as client:
                answers[path] = (client.status, json.loads(await client.whole_body())["code"])
        counted = await publisher.metric('publisher_invalid_messages_total{reason="unknown_parameter"}')
        clients = await publisher.metric("publisher_clients")

    assert answers == WRONG
    assert (counted, clients) == (2, 0)


@pytest.mark.parametrize("server", PATHS)
async def test_who_comes_back_with_what_is_no_position_gets_a_snapshot_as_a_browser_would_not_come_again(
    redis_url: str, redis_prefix: str, writer: Writer, server: str
) -> None:
    foreign = ["yesterday", "42", "{}", "a.b.c", "é" * 30, "x" * 3000, f"{writer.publication.history.epoch}.-1.0"]
    answers = []
    async with PATHS[server](redis_url, redis_prefix) as publisher:
        for last_id in foreign:
            headers = {"Last-Event-ID": last_id}
            async with stream(publisher, "/sse/market?keys=SSI&since=made-up.1.00000000", headers=headers) as client:
                answers.append((client.status, (await client.next("snapshot"))["data"]))
        counted = await publisher.metric('publisher_invalid_messages_total{reason="invalid_position"}')

    assert answers == [(200, {"SSI": {"last": 1, "reference": 100}})] * len(foreign)
    assert counted == len(foreign)


@pytest.mark.usefixtures("writer")
async def test_only_get_begins_a_stream_and_a_group_that_nobody_knows_is_empty_as_over_websockets(
    redis_url: str, redis_prefix: str
) -> None:
    async with running_publisher(redis_url, redis_prefix) as publisher:
        answers = [await publisher.get("/sse/market", method=method) for method in ("HEAD", "POST", "OPTIONS")]
        async with (
            stream(publisher, "/sse/market?keys=@NO") as events,
            websocket_client(publisher.websocket_url + "/ws/market?keys=@NO") as websocket,
        ):
            told = await asyncio.gather(events.next("snapshot"), websocket.next("snapshot"))

    assert [(answer.status_code, answer.headers["allow"]) for answer in answers] == [(405, "GET")] * 3
    assert answers[1].json()["code"] == "wrong_method"
    assert told[0] == told[1]
    assert told[0]["data"] == {}


@pytest.mark.usefixtures("writer")
async def test_tokens_and_scopes_are_those_of_websockets_and_a_stream_ends_with_its_token(
    redis_url: str, redis_prefix: str
) -> None:
    def token(scope: str, lives_s: float = 60) -> str:
        return jwt.encode({"exp": int(time.time() + lives_s), "scope": scope}, SECRET, "HS256")

    async with running_publisher(redis_url, redis_prefix, JWT_SECRET=SECRET) as publisher:
        async with stream(publisher, "/sse/market?keys=SSI") as client:
            without = client.status
        async with stream(publisher, f"/sse/market?keys=FPT&token={token('market:SSI')}") as client:
            beyond = client.status
        bearer = {"Authorization": f"Bearer {token('market:SSI', -9)}"}  # within the leeway of ten seconds
        async with stream(publisher, "/sse/market?keys=SSI", headers=bearer) as client:
            await client.next("snapshot")
            last = await client.until_closed()

    assert (without, beyond) == (401, 403)
    assert last == {"type": "closed", "code": 4401, "reason": "the token has expired"}


@pytest.mark.usefixtures("writer")
@pytest.mark.parametrize("server", PATHS)
async def test_limits_and_origins_are_those_of_websockets_and_places_are_free_again(
    redis_url: str, redis_prefix: str, server: str
) -> None:
    settings = {"MAX_CONNECTIONS_PER_ADDRESS": "1", "ALLOWED_ORIGINS": "https://board.example"}
    async with PATHS[server](redis_url, redis_prefix, **settings) as publisher:
        async with stream(publisher, "/sse/market", headers={"Origin": "https://else.example"}) as client:
            foreign = client.status
        async with stream(publisher, "/sse/market", headers={"Origin": "https://board.example"}) as client:
            await client.next("snapshot")
            async with stream(publisher, "/sse/market") as second:
                too_many = second.status
        await publisher.has_clients(0)

        async def again() -> int:
            async with stream(publisher, "/sse/market") as third:
                return third.status

        async with asyncio.timeout(10):
            while (status := await again()) != 200:
                assert status == 429

    assert (foreign, client.status, too_many) == (403, 200, 429)
    assert client.headers["access-control-allow-origin"] == "https://board.example"


@pytest.mark.usefixtures("writer")
async def test_who_gets_no_data_hears_heartbeats(redis_url: str, redis_prefix: str) -> None:
    async with (
        running_publisher(redis_url, redis_prefix, HEARTBEAT_MS="1000") as publisher,
        stream(publisher, "/sse/market?keys=NONE") as client,
    ):
        heartbeat = await client.next("heartbeat")

    assert heartbeat["time"] > 0


@pytest.mark.usefixtures("writer")
async def test_a_publisher_that_stops_says_goodbye_and_when_to_come_back(redis_url: str, redis_prefix: str) -> None:
    async with (
        running_publisher(redis_url, redis_prefix, DRAIN_NOTICE_S="0", DRAIN_S="0") as publisher,
        stream(publisher, "/sse/market") as client,
    ):
        await client.next("snapshot")
        publisher.process.send_signal(signal.SIGTERM)
        goodbye = await client.next("goodbye")
        last = await client.until_closed()
        client.close()
        code = await publisher.ended()

    assert client.retry_ms == goodbye["reconnect_after_ms"]
    assert (last["code"], code) == (1012, 0)


async def test_a_peer_that_talks_is_cut_and_one_that_goes_is_forgotten(
    redis_url: str, redis_prefix: str, writer: Writer
) -> None:
    async with running_publisher(redis_url, redis_prefix) as publisher:
        async with stream(publisher, "/sse/market") as client:
            await client.next("snapshot")
            client.send(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n")  # not answered any more
            await writer.price("SSI", 2)
            await client.next("update")
            for _ in range(3):
                client.send(b"x" * 30_000)
            await publisher.has_clients(0)
        async with stream(publisher, "/sse/market") as client:
            await client.next("snapshot")
        await publisher.has_clients(0)


@pytest.mark.usefixtures("writer")
async def test_a_stream_between_requests_that_were_sent_together_is_whole_and_the_last_word(
    redis_url: str, redis_prefix: str
) -> None:
    asked = [f"GET {path} HTTP/1.1\r\nHost: x\r\n\r\n" for path in ("/livez", "/sse/market?keys=SSI", "/livez")]
    async with running_publisher(redis_url, redis_prefix) as publisher:
        reader, to_it = await asyncio.open_connection(*publisher.url.removeprefix("http://").split(":"))
        to_it.write("".join(asked).encode())
        async with asyncio.timeout(10):
            first = await reader.readuntil(b'{"status":"ok"}')
            second = await reader.readuntil(b"\r\n\r\n")
            events = await reader.readuntil(b'"type":"snapshot"')
        to_it.close()
        await publisher.has_clients(0)

    assert (first[:12], second[:12]) == (b"HTTP/1.1 200", b"HTTP/1.1 200")
    assert b"transfer-encoding" not in second.lower()
    assert events.startswith(b"retry: ")
    assert b"HTTP/1.1" not in events
    assert "without completing" not in publisher.log


@pytest.mark.usefixtures("writer")
async def test_streams_that_end_leave_nothing_in_the_log(redis_url: str, redis_prefix: str) -> None:
    async with running_publisher(redis_url, redis_prefix) as publisher:
        for _ in range(3):
            async with stream(publisher, "/sse/market") as client:
                await client.next("snapshot")
        await publisher.has_clients(0)
        await eventually(lambda: "capacity" in publisher.log)

    assert "ERROR" not in publisher.log.upper().replace("ERRORS", "")
