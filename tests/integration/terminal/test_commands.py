"""`tail`, `snapshot` and what all commands have in common: exit codes, hints, JSON."""

import asyncio
import json
import os
import sys
import time
from pathlib import Path
from typing import NamedTuple

import jwt
import pytest

from clients.python.banggia_client import connect
from shared.channels import Channel
from tests.eventually import eventually
from tests.fakes.services import ROOT, RunningPublisher, running_publisher
from tests.fakes.writer import Writer
from tests.integration.terminal.conftest import a_row, sound

SECRET = "a secret of at least thirty-two bytes"


class Said(NamedTuple):
    """What a command said, and how it ended."""

    code: int
    out: str
    err: str


async def run(command: str, *arguments: str, **variables: str) -> Said:
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", f"terminal.{command}", *arguments,
        cwd=ROOT, env=os.environ | variables, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE,
    )  # fmt: skip
    out, err = await asyncio.wait_for(process.communicate(), 30)
    assert process.returncode is not None
    return Said(process.returncode, out.decode(), err.decode())


async def test_a_snapshot_is_aligned_for_people_and_json_for_programs(publisher: RunningPublisher) -> None:
    arguments = ("market", "--keys", "SSI,FPT", "--fields", "last,change_pct", "--url", publisher.url)
    people = await run("snapshot", *arguments)
    programs = await run("snapshot", *arguments, "--json")

    assert people == Said(0, "key    last  change_pct\nFPT  107000        -2.0\nSSI   31500         1.0\n", "")
    body = json.loads(programs.out)
    assert body["rows"]["SSI"] == {"last": 31_500, "change_pct": 1.0}
    assert (body["state"], programs.code) == ("live", 0)


async def test_what_is_not_there_is_told_with_what_may_have_been_meant(publisher: RunningPublisher) -> None:
    key = await run("snapshot", "market", "--keys", "SIS", "--url", publisher.url)
    group = await run("snapshot", "market", "--keys", "@VN3O", "--url", publisher.url)
    no_group = await run("snapshot", "market", "--keys", "VN30", "--url", publisher.url)
    channel = await run("tail", "markte", "--url", publisher.url)
    field = await run("snapshot", "market", "--keys", "SSI", "--fields", "lst", "--url", publisher.url)
    changes = await run("tail", "market", "--keys", "SSI", "--fields", "price_in_dong", "--url", publisher.url)

    waiting = await run("tail", "market", "--keys", "SIS", "--seconds", "0.5", "--url", publisher.url)
    one_of_two = await run("top", "--once", "--keys", "SSI,SIS", "--url", publisher.url)

    assert key.code == group.code == waiting.code == one_of_two.code == 1
    assert "market has no row SIS now. Did you mean SSI?" in key.err
    assert "There is no group @VN3O. Did you mean @VN30?" in group.err
    assert channel.code == 2
    assert "Did you mean market?" in channel.err
    assert "market has no row VN30 now. Did you mean @VN30?" in no_group.err
    assert (field.code, field.out, changes.code) == (2, "", 2)
    assert "market has no field lst. Did you mean last?" in field.err
    assert "market has no field price_in_dong. There are exchange, reference, " in changes.err


async def test_old_rows_are_shown_and_end_with_a_code_of_their_own(publisher: RunningPublisher, writer: Writer) -> None:
    await writer.commit({Channel.STATUS: {"feed": {"state": "down", "reason": None}}})

    async with asyncio.timeout(10):
        while (said := await run("snapshot", "market", "--keys", "SSI", "--url", publisher.url)).code == 0:
            pass  # the status is on its way

    assert said.code == 5
    assert "SSI exchange=HOSE" in said.out
    assert "These rows are old: no link to the exchange." in said.err


async def test_a_row_that_is_missing_while_the_road_is_broken_is_told_with_what_is_broken(
    publisher: RunningPublisher, writer: Writer
) -> None:
    await writer.commit({Channel.STATUS: {"feed": {"state": "down", "reason": "no log-in"}}})

    async with connect(publisher.url) as feed:
        await eventually(lambda: feed.status is not None and not feed.connected)
    said = await run("top", "--once", "--keys", "XYZ", "--url", publisher.url)

    assert said == Said(1, "", "market has no row XYZ now: no link to the exchange (no log-in).\n")


async def test_an_interval_that_the_board_does_not_have_is_told_with_the_one_that_is_served(
    publisher: RunningPublisher,
) -> None:
    rounded = await run("tail", "index", "--interval", "5", "--seconds", "0.5", "--url", publisher.url)
    refused = await run("tail", "index", "--interval", "0", "--url", publisher.url)
    backwards = await run("tail", "index", "--seconds", "-1", "--url", publisher.url)

    assert (rounded.code, refused.code, backwards.code) == (0, 2, 2)
    assert "-- every 100 ms: the board has no interval of 5 ms" in rounded.err
    assert "--seconds: -1 is no number of seconds above 0" in backwards.err


async def test_where_no_board_is_the_next_step_is_told(tmp_path: Path) -> None:
    nobody = await run("snapshot", "market", "--url", "ws://127.0.0.1:9")
    nothing_said = await run("top", "--once", BANGGIA_URL="http://127.0.0.1:9", BANGGIA_VAR=str(tmp_path))
    no_address = await run("tail", "market", "--url", "ftp://127.0.0.1")

    assert [nobody.code, nothing_said.code, no_address.code] == [3, 3, 2]
    assert "run.py demo starts one" in nobody.err


@pytest.mark.parametrize("fronted", [True, False])
async def test_a_running_demo_is_found_by_its_file_and_its_board_comes_before_its_publishers(
    publisher: RunningPublisher,
    tmp_path: Path,
    fronted: bool,  # noqa: FBT001 (a parameter of the test)
) -> None:
    port = int(publisher.url.rpartition(":")[2])
    entry = (
        {"name": "publisher-1", "pid": 2, "port": 9, "board": port}
        if fronted
        else {"name": "publisher-1", "port": port}
    )
    (tmp_path / "stack.json").write_text(json.dumps([{"name": "valkey", "pid": 1, "port": 1}, entry]))

    said = await run("snapshot", "groups", BANGGIA_VAR=str(tmp_path), BANGGIA_URL="")

    assert said == Said(0, 'VN30 keys=["SSI","FPT"]\n', "")


async def test_a_token_comes_from_the_environment_and_a_wrong_one_has_a_code_of_its_own(
    redis_url: str,
    redis_prefix: str,
    writer: Writer,  # noqa: ARG001 (publishers are ready when something was written)
) -> None:
    async with running_publisher(redis_url, redis_prefix, JWT_SECRET=SECRET) as publisher:
        token = jwt.encode({"exp": time.time() + 60, "scope": "groups"}, SECRET)
        await sound(publisher, token)
        right = await run("snapshot", "groups", "--url", publisher.url, BANGGIA_TOKEN=token)
        beyond = await run("snapshot", "market", "--url", publisher.url, BANGGIA_TOKEN=token)
        wrong = await run("tail", "groups", "--url", publisher.url, BANGGIA_TOKEN="wrong")

    assert [right.code, beyond.code, wrong.code] == [0, 4, 4]
    assert "BANGGIA_TOKEN" in wrong.err


@pytest.mark.parametrize("as_json", [False, True])
async def test_tail_tells_each_change_as_it_comes(publisher: RunningPublisher, writer: Writer, as_json: bool) -> None:  # noqa: FBT001 (a parameter of the test)
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "terminal.tail", "market", "--keys", "SSI", "--fields", "last", "--interval", "100",
        "--url", publisher.url, *(["--json"] if as_json else []),
        cwd=ROOT, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.DEVNULL,
    )  # fmt: skip
    assert process.stdout is not None
    try:
        async with asyncio.timeout(20):
            await line_with(process.stdout, "31500")
            await writer.commit({Channel.MARKET: {"SSI": a_row(31_550, 1.1, 1)}})
            line = await line_with(process.stdout, "31550")
    finally:
        process.terminate()
        await process.wait()

    if as_json:
        body = json.loads(line)
        assert (body["type"], body["reset"], body["rows"]) == ("change", False, {"SSI": {"last": 31_550}})
    else:
        assert line.split(" ", 1)[1] == "SSI last=31550\n"


async def test_tail_ends_after_the_seconds_given(publisher: RunningPublisher) -> None:
    said = await run("tail", "index", "--seconds", "0.5", "--url", publisher.url)

    assert said.code == 0
    assert "VNINDEX value=1802.44" in said.out


async def test_top_without_a_terminal_prints_one_picture_when_it_is_asked_to(publisher: RunningPublisher) -> None:
    picture = await run("top", "--once", "--lang", "vi", "--url", publisher.url, COLUMNS="120")
    programs = await run("top", "--json", "--url", publisher.url)
    neither = await run("top", "--url", publisher.url)

    assert "● trực tiếp" in picture.out
    assert "\x1b" not in picture.out
    assert sorted(json.loads(programs.out)["market"]) == ["FPT", "SSI"]
    assert neither.code == 2
    assert "--once" in neither.err


async def line_with(stream: asyncio.StreamReader, text: str) -> str:
    while line := (await stream.readline()).decode():
        if text in line:
            return line
    raise AssertionError(f"ended without {text}")
