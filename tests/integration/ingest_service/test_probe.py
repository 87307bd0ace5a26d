"""The probe against servers that behave in different ways."""

import asyncio
import io
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

import orjson
import pytest
from pydantic import SecretStr

from ingest_service import probe as probe_module
from ingest_service.core import probe_report
from ingest_service.probe import probe
from ingest_service.settings import IngestSettings
from tests.eventually import eventually
from tests.fakes.hub import FakeHub, broadcast, running_hub

GOOD_LOG_IN = '{"message":"Success","status":200,"data":{"accessToken":"the.access.token"}}'
BAD_LOG_IN = '{"message":"The connection is invalid","status":400,"data":null}'


@asynccontextmanager
async def running_log_in(answer: str) -> AsyncIterator[str]:
    """A server that gives the same answer to whatever it is asked; its address."""

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        head = f"HTTP/1.1 200 OK\r\nContent-Length: {len(answer)}\r\nConnection: close\r\n\r\n"
        writer.write((head + answer).encode())
        await writer.drain()
        writer.close()

    async with await asyncio.start_server(serve, "127.0.0.1", 0) as server:
        host, port = server.sockets[0].getsockname()
        yield f"http://{host}:{port}"


@asynccontextmanager
async def running_market(hub: FakeHub, delivers: Callable[[list[str], str], bool]) -> AsyncIterator[None]:
    """Send X and MI for as long as `delivers(calls so far, type)` says so."""

    async def run() -> None:
        while True:
            for data_type in ("X", "X", "MI"):
                if hub.expressions and delivers(hub.expressions, data_type):
                    content = orjson.dumps({"Symbol": "SSI", "TradingSession": "LO"}).decode()
                    await hub.send(broadcast(orjson.dumps({"DataType": data_type, "Content": content}).decode()))
            await asyncio.sleep(0.01)  # the market's own pace

    market = asyncio.create_task(run())
    try:
        yield
    finally:
        market.cancel()
        await asyncio.wait([market])


async def probed(hub: FakeHub, log_in: str = GOOD_LOG_IN, seconds: float = 0.3) -> tuple[int, str]:
    """The exit code and the report."""
    out = io.StringIO()
    async with running_log_in(log_in) as api_url:
        settings = IngestSettings(
            ssi_api_url=api_url,
            ssi_stream_url=hub.url,
            ssi_consumer_id="my-id",
            ssi_consumer_secret=SecretStr("my-secret"),
            ssi_channels=("X:ALL", "MI:ALL"),
        )
        code = await probe(settings, seconds, out)
    report = out.getvalue()
    assert not any(secret in report for secret in ("my-id", "my-secret", "the.access.token", "connectionToken"))
    return code, report


async def test_the_report_tells_terms_counts_and_the_next_step() -> None:
    async with running_hub() as hub, running_market(hub, lambda *_: True):
        code, report = await probed(hub)

    assert code == 0
    assert "log-in      accepted; the token lives 1.0 h" in report
    assert "protocol 1.5, keepalive time-out 20 s" in report
    assert "comma list  every channel delivered" in report
    assert "sessions    LO" in report
    assert report.splitlines()[-1].startswith("next step   start the ingest")


@pytest.mark.parametrize(
    ("delivers", "told"),
    [
        (lambda calls, data_type: calls[-1].startswith(data_type) or len(calls) == 1, "replaces everything"),
        (lambda calls, data_type: data_type == "MI" or len(calls) < 3, "replaces the list of the channel it names"),
        (lambda *_: True, "adds, and replaces nothing"),
    ],
)
async def test_what_a_second_call_replaces_is_found_by_experiment(
    monkeypatch: pytest.MonkeyPatch, delivers: Callable[[list[str], str], bool], told: str
) -> None:
    monkeypatch.setattr(probe_report, "SNAPSHOT_S", 0.1)
    monkeypatch.setattr(probe_module, "LEAST_FOR_EXPERIMENTS_S", 1.0)

    async with running_hub() as hub, running_market(hub, delivers):
        _, report = await probed(hub, seconds=1.5)

    assert hub.expressions == ["X:ALL,MI:ALL", "MI:ALL", "X:NONE"]
    assert f"second call {told}" in report


async def test_a_refused_key_ends_with_the_reason_and_what_to_check() -> None:
    async with running_hub() as hub:
        code, report = await probed(hub, log_in=BAD_LOG_IN)

    assert code == 1
    assert "failed      log-in: The connection is invalid\nnext step   check SSI_CONSUMER_ID" in report
    assert hub.opened == 0


async def test_an_address_that_nobody_answers_at_is_told_and_the_key_is_not_blamed() -> None:
    out = io.StringIO()
    settings = IngestSettings(
        ssi_url="http://127.0.0.1:9", ssi_consumer_id="my-id", ssi_consumer_secret=SecretStr("my-secret")
    )

    code = await probe(settings, 1, out)

    assert code == 1
    assert "failed      log-in: 127.0.0.1:9 cannot be reached: Connection refused\n" in out.getvalue()
    assert "next step   check SSI_URL, and the way there" in out.getvalue()
    assert "SSI_CONSUMER" not in out.getvalue()


async def test_the_wrong_host_for_the_stream_is_recognised() -> None:
    async with running_hub() as hub:
        hub.negotiate_statuses = [502]
        code, report = await probed(hub)

    assert code == 1
    assert "failed      negotiate: HTTP 502\nnext step   check SSI_STREAM_URL" in report


async def test_a_silent_market_is_a_failure_with_advice() -> None:
    async with running_hub() as hub:
        code, report = await probed(hub, seconds=0.1)

    assert code == 1
    assert "no message came\nnext step   try again in trading hours" in report


async def test_a_link_that_breaks_while_listening_still_gives_a_report() -> None:
    async with running_hub() as hub:
        hub.frames_before_answer = [broadcast('{"DataType":"X","Content":"{}"}')]
        probing = asyncio.create_task(probed(hub, seconds=60.0))
        await eventually(lambda: bool(hub.open))
        await hub.close(1001)
        code, report = await probing

    assert code == 0
    assert "lost        closed by the server with 1001" in report
    assert "cannot be told: " in report
