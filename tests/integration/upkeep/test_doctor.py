"""What `run.py doctor` finds, from the settings to the publisher."""

import asyncio
import json
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from redis.asyncio import Redis

from ingest_service.settings import IngestSettings
from publisher_service.settings import PublisherSettings
from shared.channels import RedisNames
from tests.fakes.services import running_publisher, websocket_client
from tests.fakes.writer import writing
from upkeep.doctor import findings, main, report
from upkeep.finding import Finding


@pytest.fixture(autouse=True)
def environment(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, redis_url: str, redis_prefix: str
) -> pytest.MonkeyPatch:
    """A Redis and nothing else: no key, no demo, and no board where one is looked for."""
    for model in (IngestSettings, PublisherSettings):
        for name in model.model_fields:
            monkeypatch.delenv(name.upper(), raising=False)
    given = {"BANGGIA_VAR": str(tmp_path), "CACHE_DIR": str(tmp_path), "PORT": "9"}
    for name, value in (given | {"REDIS_URL": redis_url, "REDIS_PREFIX": redis_prefix}).items():
        monkeypatch.setenv(name, value)
    return monkeypatch


async def found(subject: str, url: str | None = None) -> list[Finding]:
    """What it says of this."""
    return [finding async for finding in findings(url) if finding.subject == subject]


async def test_a_sound_road_is_told_link_by_link_and_ends_with_0(
    redis_url: str, redis_prefix: str, capsys: pytest.CaptureFixture[str]
) -> None:
    async with writing(redis_url, redis_prefix), running_publisher(redis_url, redis_prefix) as publisher:
        async with websocket_client(publisher.websocket_url + "/ws/market") as client:
            await client.status(connected=True, within_s=20)
        people = await report(publisher.url, as_json=False)
        said = capsys.readouterr().out
        programs = await report(publisher.url, as_json=True)
        told = json.loads(capsys.readouterr().out)

    assert (people, programs, told["ok"]) == (0, 0, True)
    assert "\nok    ingest: one leads; epoch 2026" in said
    assert f"\nok    publisher: {publisher.url} is ready\n" in said
    assert {finding["level"] for finding in told["findings"]} == {"ok", "note"}  # a note: no key is set


@pytest.mark.parametrize("proxy", ["socks5://me:hunter2@proxy.example", "ftp://me:hunter2@proxy.example"])
async def test_a_proxy_that_nobody_can_go_through_is_told_without_its_password(
    environment: pytest.MonkeyPatch, proxy: str
) -> None:
    environment.setenv("ALL_PROXY", proxy)

    (finding,) = await found("proxy", "http://publisher.example")

    assert finding.level == "wrong"
    assert finding.text == "HTTPS_PROXY, HTTP_PROXY and ALL_PROXY must begin with http:// or https://"


async def test_a_redis_without_tables_is_told_with_the_next_step_and_ends_with_1(
    redis_prefix: str, capsys: pytest.CaptureFixture[str]
) -> None:
    code = await report(None, as_json=False)

    said = capsys.readouterr().out
    assert code == 1
    assert "\nok    Redis: " in said
    assert f"\nWRONG ingest: none has written under the prefix {redis_prefix}\n      → start one: " in said


async def test_tables_of_an_ingest_that_is_gone_are_told_with_their_age(redis_url: str, redis_prefix: str) -> None:
    async with writing(redis_url, redis_prefix):
        pass

    (told,) = await found("ingest")

    assert told.level == "wrong"
    assert told.text.startswith("nothing heard for 0 s; epoch 2026")


async def test_something_else_under_the_prefix_is_no_board(redis_url: str, redis_prefix: str) -> None:
    async with Redis.from_url(redis_url) as redis:
        await redis.hset(RedisNames(redis_prefix).head, "contract", "none")

    (told,) = await found("tables")

    assert (told.level, told.next_step) == ("wrong", "choose another REDIS_PREFIX")


async def test_a_redis_that_is_not_there_or_refuses_is_named_without_its_password(
    environment: pytest.MonkeyPatch, redis_url: str
) -> None:
    there = urlsplit(redis_url)

    environment.setenv("REDIS_URL", "redis://me:hunter2@127.0.0.1:9/0")
    (away,) = await found("Redis")
    environment.setenv("REDIS_URL", f"redis://nobody:hunter2@{there.hostname}:{there.port}/0")
    (refused,) = await found("Redis")
    environment.setenv("REDIS_URL", "unix:///nowhere/redis.sock?password=hunter2")
    (file,) = await found("Redis")

    assert away.text == "no answer from 127.0.0.1:9: Connection refused"
    assert refused.text.startswith(f"{there.hostname}:{there.port} refuses: ")
    assert "REDIS_URL needs a name and a password" in refused.next_step
    assert file.text == "no answer from /nowhere/redis.sock: No such file or directory"
    assert "hunter2" not in str((away, refused, file))


async def test_a_wrong_setting_is_told_without_its_value_and_the_rest_is_looked_at(
    environment: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    environment.setenv("SSI_CONSUMER_ID", "me")
    environment.setenv("SSI_CONSUMER_SECRET", "hunter2")
    environment.setenv("METRICS_PORT", "hunter3")

    code = await report(None, as_json=False)

    said = capsys.readouterr().out
    assert code == 1
    assert "WRONG ingest's settings: Wrong setting: METRICS_PORT: must be a whole number" in said
    assert "\nok    Redis: " in said
    assert "hunter" not in said


@pytest.mark.parametrize(
    ("variables", "named"),
    [
        ({"SSI_URL": "http://127.0.0.1:9"}, ["SSI_URL"]),
        (
            {"SSI_API_URL": "http://127.0.0.1:9", "SSI_STREAM_URL": "http://127.0.0.1:1"},
            ["SSI_STREAM_URL", "SSI_API_URL"],
        ),
        ({"SSI_URL": "http://127.0.0.1:9", "SSI_API_URL": "http://127.0.0.1:1"}, ["SSI_URL", "SSI_API_URL"]),
    ],
)
async def test_an_exchange_out_of_reach_is_told_once_an_address_by_the_variable_that_was_set(
    environment: pytest.MonkeyPatch, variables: dict[str, str], named: list[str]
) -> None:
    for name, value in (variables | {"SSI_CONSUMER_ID": "me", "SSI_CONSUMER_SECRET": "hunter2"}).items():
        environment.setenv(name, value)

    told = await found("exchange")

    assert [each.next_step.rpartition(" ")[2] for each in told] == named
    assert all(each.text.endswith(" cannot be reached: Connection refused") for each in told)


async def test_a_publisher_that_was_asked_for_must_be_there_and_any_other_is_only_noted() -> None:
    (asked_for,) = await found("publisher", "http://me:hunter2@127.0.0.1:9")
    (usual,) = await found("publisher")

    assert (asked_for.level, usual.level) == ("wrong", "note")
    assert asked_for.text == "none answers at http://***@127.0.0.1:9: Connection refused"


async def test_what_answers_and_is_no_publisher_is_told_as_such() -> None:
    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 404 Not Found\r\nContent-Length: 6\r\nConnection: close\r\n\r\n<html>")
        await writer.drain()
        writer.close()

    async with await asyncio.start_server(answer, "127.0.0.1", 0) as server:
        url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
        (told,) = await found("publisher", url)

    assert (told.level, told.text) == ("wrong", f"what answers at {url} is none: HTTP 404 for /api/channels")


async def test_a_demo_that_runs_here_is_not_taken_for_what_is_looked_at(tmp_path: Path) -> None:
    (tmp_path / "stack.json").write_text(json.dumps([{"name": "publisher-1", "port": 1, "board": 8123}]))

    (told,) = await found("demo")

    assert told.text.startswith("one runs here at http://127.0.0.1:8123, ")


async def test_beside_a_demo_or_for_a_board_elsewhere_no_redis_need_be_here(
    environment: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    environment.delenv("REDIS_URL")
    (elsewhere,) = await found("Redis", "http://board.example:9")
    (tmp_path / "stack.json").write_text(json.dumps([{"name": "publisher-1", "port": 1, "board": 8123}]))
    (beside,) = await found("Redis")
    environment.setenv("REDIS_URL", "redis://127.0.0.1:9/0")
    (named,) = await found("Redis")

    assert elsewhere.level in ("ok", "note")
    assert beside.level in ("ok", "note")
    assert named.level == "wrong"


@pytest.mark.parametrize("url", ["ftp://board", "http://", "http://board:port"])
def test_an_address_that_is_none_is_refused(url: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        main(["--url", url])

    assert ended.value.code == 2
    assert "http://localhost:8000 is one" in capsys.readouterr().err
