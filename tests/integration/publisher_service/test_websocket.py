"""A publisher as a process over a real Redis, seen by real websocket clients."""

import asyncio
import json
import re
from collections.abc import AsyncIterator

import pytest
from websockets.asyncio.client import connect
from websockets.exceptions import InvalidStatus

from shared.channels import Channel
from shared.table import Row
from tests.fakes.services import PATHS, RunningPublisher, running_publisher, websocket_client
from tests.fakes.writer import Writer, writing


@pytest.fixture(params=PATHS)
async def publisher(
    writer: Writer, redis_url: str, redis_prefix: str, request: pytest.FixtureRequest
) -> AsyncIterator[RunningPublisher]:
    """A replica that has loaded what the writer wrote, served in one of the two ways."""
    assert writer.publication.day is not None
    async with PATHS[request.param](redis_url, redis_prefix) as publisher:
        await publisher.line("rows loaded")
        yield publisher


async def test_a_client_by_address_gets_status_and_snapshot_at_once_and_then_two_updates_a_second_at_most(
    writer: Writer, publisher: RunningPublisher
) -> None:
    async with websocket_client(publisher.websocket_url + "/ws/market?keys=SSI") as client:
        first = [(await client.next(within_s=2))["type"] for _ in range(2)]
        clock = asyncio.get_running_loop().time
        began_s = clock()
        for last in range(10, 40):
            await writer.price("SSI", last)
            await writer.price("VNM", last)
            await asyncio.sleep(0.05)  # the pace of the changes, not a wait
        while client.table.rows["SSI"]["last"] != 39:
            await client.next("update")
        took_s = clock() - began_s

    updates = [message for message in client.messages if message["type"] == "update"]
    assert first == ["status", "snapshot"]
    # The leading edge, and one at the end of each window of half a second; clocks of timers tick in milliseconds.
    assert 2 <= len(updates) <= 2 * (took_s + 0.1) + 1
    assert all(list(message["data"]) == ["SSI"] for message in updates)


async def test_ten_changes_in_one_window_are_two_frames_and_the_second_holds_the_last_values(
    writer: Writer, publisher: RunningPublisher
) -> None:
    async with websocket_client(publisher.websocket_url + "/ws/market?keys=SSI&interval=2000") as client:
        await client.next("snapshot")
        await writer.price("SSI", 101)
        first = await client.next("update")
        for last in range(102, 111):
            await writer.price("SSI", last)
        second = await client.next("update")
        with pytest.raises(TimeoutError):
            await client.next("update", within_s=2.5)

    assert first["data"]["SSI"]["last"] == 101
    assert second["data"]["SSI"]["last"] == 110
    assert second["from"] == first["rev"]


async def test_ten_lines_with_the_defaults_of_websockets_hold_the_whole_market(
    writer: Writer, publisher: RunningPublisher
) -> None:
    rows: dict[str, Row | None] = {f"S{n:04}": {"last": n, "filler": "x" * 900} for n in range(2000)}
    await writer.commit({Channel.MARKET: rows})

    table: dict[str, Row] = {}
    async with connect(publisher.websocket_url + "/ws/market", proxy=None) as websocket:
        async for text in websocket:
            message = json.loads(text)
            if message["type"] == "snapshot" and message.get("part", 1) == 1:
                table = {}
            for key, row in message.get("data", {}).items():
                table[key] = table.get(key, {}) | row
            # The rows may come after the snapshot: the commit is in Redis, and on its way to the publisher.
            if message.get("part") == message.get("parts") and len(table) > 1:
                break

    assert len(table) == 2001
    assert table["S1999"] == rows["S1999"]


GARBAGE: dict[str, tuple[str | bytes, str]] = {
    "binary": (b"\x00\x01\x02", "binary_message"),
    "broken JSON": ('{"type":"subscribe"', "invalid_json"),
    "unknown channel": ('{"type":"subscribe","channel":"bonds"}', "unknown_channel"),
    "interval -1": ('{"type":"subscribe","channel":"market","interval":-1}', "invalid_interval"),
    "deep JSON": ("[" * 5000, "invalid_json"),
}


@pytest.mark.parametrize("garbage", GARBAGE)
async def test_garbage_is_answered_by_an_error_and_counted_and_others_notice_nothing(
    writer: Writer, publisher: RunningPublisher, garbage: str
) -> None:
    message, code = GARBAGE[garbage]
    async with (
        websocket_client(publisher.websocket_url + "/ws/market?interval=100") as other,
        websocket_client(publisher.websocket_url + "/ws") as client,
    ):
        await other.next("snapshot")
        lines = len(publisher.lines)
        for _ in range(20):
            await client.socket.send(message)
            assert (await client.next("error"))["code"] == code
        await writer.price("SSI", 777)

        assert (await other.next("update"))["data"]["SSI"]["last"] == 777
        await client.socket.send('{"type":"ping","id":1}')
        assert (await client.next("pong"))["id"] == 1

    assert await publisher.metric(f'publisher_invalid_messages_total{{reason="{code}"}}') == 20
    assert len(publisher.lines) == lines


async def test_a_megabyte_of_text_closes_the_connection_cleanly_and_others_notice_nothing(
    writer: Writer, publisher: RunningPublisher
) -> None:
    async with (
        websocket_client(publisher.websocket_url + "/ws/market?interval=100") as other,
        websocket_client(publisher.websocket_url + "/ws") as client,
    ):
        await other.next("snapshot")
        await client.socket.send("x" * 1_000_000)
        closed_with = await client.until_closed()
        await writer.price("SSI", 778)

        assert (await other.next("update"))["data"]["SSI"]["last"] == 778

    assert closed_with == 1009


async def test_a_client_that_resumes_on_another_replica_gets_exactly_what_it_missed(
    writer: Writer, publisher: RunningPublisher, redis_url: str, redis_prefix: str
) -> None:
    async with websocket_client(publisher.websocket_url + "/ws/market") as client:
        await client.next("snapshot")
    await writer.price("VNM", 5)
    await writer.price("VNM", 6)

    async with (
        running_publisher(redis_url, redis_prefix) as second,
        websocket_client(f"{second.websocket_url}/ws/market?since={client.table.position}") as returned,
    ):
        returned.table = client.table
        answer = await returned.next("update", "snapshot")

    assert (answer["type"], answer["from"]) == ("update", 3)
    assert answer["data"] == {"VNM": {"last": 6, "reference": 100}}


async def test_http_gives_channels_snapshots_and_rows(writer: Writer, publisher: RunningPublisher) -> None:
    channels = (await publisher.get("/api/channels")).json()
    snapshot = await publisher.get("/api/channels/market?keys=SSI")
    await writer.commit({Channel.INDEX: {"VN30": {"value": 1.0}}})
    unchanged = await publisher.get("/api/channels/market?keys=SSI", {"If-None-Match": snapshot.headers["etag"]})
    row = await publisher.get("/api/channels/market/SSI")
    missing = await publisher.get("/api/channels/market/NONE")

    assert channels["channels"]["market"] == {"rows": 1}
    assert snapshot.json()["data"] == {"SSI": {"last": 1, "reference": 100}}
    assert unchanged.status_code == 304
    assert row.json() == {"last": 1, "reference": 100}
    assert (missing.status_code, missing.json()["code"]) == (404, "unknown_key")


#: What cannot be answered over HTTP, and how that is told.
FAULTS = {
    "/api/channels/bonds": (404, "unknown_channel"),
    "/api/channels/market/NONE": (404, "unknown_key"),
    "/api/channels/market/ssi": (404, "unknown_key"),
    "/api/nothing": (404, "unknown_address"),
    "/api/channels/market?keys=,": (400, "invalid_keys"),
    "/api/channels/trades": (400, "keys_required"),
    "/api/channels/market?format=xls": (400, "invalid_format"),
    "/api/channels/market?key=SSI": (400, "unknown_parameter"),
    "/api/channels/market?fromat=csv": (400, "unknown_parameter"),
    "/api/channels?keys=SSI": (400, "unknown_parameter"),
    "/api/channels/market/SSI?interval=100": (400, "unknown_parameter"),
    "/api/bars/SSI?from=1": (400, "unknown_parameter"),
    "/api/basis/VN30F1M?keys=SSI": (400, "unknown_parameter"),
    "/api/schema?version=2": (400, "unknown_parameter"),
    "/ws": (426, "upgrade_required"),
    "/ws/market?keys=SSI": (426, "upgrade_required"),
    "/sse/market?key=SSI": (400, "unknown_parameter"),
}


@pytest.mark.usefixtures("writer")
async def test_all_that_cannot_be_answered_over_http_is_told_in_one_form(publisher: RunningPublisher) -> None:
    answers = {path: await publisher.get(path) for path in FAULTS}
    posted = await publisher.get("/api/channels", method="POST")
    with_token = await publisher.get("/api/channels/market?token=any")
    counted = await publisher.metric('publisher_invalid_messages_total{reason="unknown_parameter"}')

    assert {path: (answer.status_code, answer.json()["code"]) for path, answer in answers.items()} == FAULTS
    assert all(answer.json().keys() == {"detail", "code"} for answer in [*answers.values(), posted])
    assert (posted.status_code, posted.json()["code"]) == (405, "wrong_method")
    assert posted.headers["allow"] == "GET, HEAD"
    assert answers["/api/channels/market?key=SSI"].json()["detail"].endswith("did you mean keys?")
    assert answers["/api/channels/market?format=xls"].json()["detail"] == "format must be 'json' or 'csv'"
    assert answers["/api/channels/market?fromat=csv"].json()["detail"].endswith("did you mean format?")
    assert answers["/api/channels/market/ssi"].json()["detail"].endswith("no row ssi; did you mean SSI?")
    assert answers["/api/schema?version=2"].json()["detail"] == "there is no parameter version; there is only token"
    assert answers["/ws/market?keys=SSI"].headers["upgrade"] == "websocket"
    assert "the board is at /," in answers["/ws"].json()["detail"]
    assert with_token.status_code == 200
    assert counted == [code for _, code in FAULTS.values()].count("unknown_parameter")


@pytest.mark.usefixtures("writer")
async def test_a_misspelt_parameter_of_a_websocket_is_told_rather_than_passed_over(publisher: RunningPublisher) -> None:
    async with connect(publisher.websocket_url + "/ws/market?intervall=100", proxy=None) as websocket:
        told = [json.loads(await websocket.recv()) for _ in range(2)]
        await websocket.wait_closed()
        code = websocket.close_code
    with pytest.raises(InvalidStatus) as refused:
        await connect(publisher.websocket_url + "/ws?keys=SSI", proxy=None)

    assert [(message["type"], message.get("code")) for message in told] == [
        ("status", None),
        ("error", "unknown_parameter"),
    ]
    assert told[1]["message"] == "there is no parameter intervall; did you mean interval?"
    assert code == 1008
    assert refused.value.response.status_code == 400
    assert json.loads(refused.value.response.body or b"")["code"] == "unknown_parameter"


async def test_the_board_and_its_parts_are_served(publisher: RunningPublisher) -> None:
    page = await publisher.get("/")
    address = re.findall(r'src="(web/[0-9a-f]{12}/main.js)"', page.text)
    script, plain = await publisher.get(f"/{address[0]}"), await publisher.get("/web/main.js")
    held = await publisher.get("/web/main.js", {"If-None-Match": plain.headers["etag"]})
    missing = await publisher.get("/web/../app.py")

    assert [answer.status_code for answer in (page, script, plain, held, missing)] == [200, 200, 200, 304, 404]
    assert "default-src 'none'" in page.headers["content-security-policy"]
    assert (script.text, script.headers["content-encoding"]) == (plain.text, "gzip")
    assert "immutable" in script.headers["cache-control"]
    assert plain.headers["cache-control"] == page.headers["cache-control"] == "no-cache"
    assert plain.headers["access-control-allow-origin"] == "*", "pages of other sites may be made with our client"


async def test_a_publisher_says_goodbye_to_idle_clients_and_ends_when_told_to(
    writer: Writer, redis_url: str, redis_prefix: str
) -> None:
    assert writer.publication.day is not None
    async with (
        running_publisher(redis_url, redis_prefix) as publisher,
        websocket_client(publisher.websocket_url + "/ws/market") as client,
    ):
        await client.next("snapshot")
        publisher.process.terminate()
        goodbye = await client.next("goodbye")
        closed_with = await client.until_closed()
        code = await publisher.ended(within_s=8)

    assert closed_with == 1012
    assert 0 <= goodbye["reconnect_after_ms"] < 10_000
    assert code in (0, -15)


async def test_a_replica_is_unready_until_something_was_loaded(redis_url: str, redis_prefix: str) -> None:
    async with running_publisher(redis_url, redis_prefix) as publisher:
        async with asyncio.timeout(10):
            while (before := await publisher.get("/readyz")).json()["reason"] == "nothing loaded yet":  # noqa: ASYNC110 (it is another process)
                await asyncio.sleep(0.02)
        live = await publisher.get("/livez")
        async with writing(redis_url, redis_prefix):
            await publisher.line("rows loaded")
            after = await publisher.get("/readyz")

    assert (before.status_code, before.json()["reason"]) == (503, "nothing was published yet")
    assert (live.status_code, after.status_code) == (200, 200)


@pytest.mark.parametrize("path", ["/", "/readyz", "/api/channels", "/api/channels/market"])
async def test_a_monitor_may_ask_for_the_head_alone(publisher: RunningPublisher, path: str) -> None:
    answer = await publisher.get(path, method="HEAD")

    assert (answer.status_code, answer.content) == (200, b"")
