"""The Python SDK with real publishers and a real Redis."""

import asyncio
import os
import re
import socket
import subprocess
import sys
import threading
import time
from collections.abc import AsyncIterator
from pathlib import Path

import jwt
import pytest

from clients.python.banggia_client import NotLoaded, Table, TableFailed, connect, sync
from clients.python.banggia_client.columns import columns
from local_stack.splitter import Backend, Splitter
from shared.channels import Channel
from shared.table import Row
from tests.eventually import eventually
from tests.fakes.services import ROOT, RunningPublisher, running_publisher
from tests.fakes.writer import Writer, writing

SECRET = "a secret of at least thirty-two bytes"
README = ROOT / "clients" / "python" / "README.md"


@pytest.fixture
async def writer(redis_url: str, redis_prefix: str) -> AsyncIterator[Writer]:
    """An ingest's hands; it has written one price."""
    async with writing(redis_url, redis_prefix) as writer:
        await writer.price("SSI", 1)
        yield writer


@pytest.fixture
async def publisher(redis_url: str, redis_prefix: str, writer: Writer) -> AsyncIterator[RunningPublisher]:  # noqa: ARG001 (publishers are ready when something was written)
    """One replica."""
    async with running_publisher(redis_url, redis_prefix) as publisher:
        yield publisher


async def test_a_table_is_loaded_and_its_changes_come(publisher: RunningPublisher, writer: Writer) -> None:
    async with connect(publisher.url) as feed:
        table = feed.table("market", keys=["SSI"], interval_ms=100)
        await table.loaded()
        first = await anext(aiter(table))

        changes = aiter(table)
        assert (await anext(changes)).reset
        await writer.price("SSI", 2)
        change = await asyncio.wait_for(anext(changes), 10)

        assert (first.reset, dict(first.rows)) == (True, {"SSI": {"last": 1, "reference": 100}})
        assert (change.reset, dict(change.rows)) == (False, {"SSI": {"last": 2}})
        assert (dict(table.rows), table.interval_ms) == ({"SSI": {"last": 2, "reference": 100}}, 100)


async def test_a_large_market_comes_in_parts_and_ends_equal(publisher: RunningPublisher, writer: Writer) -> None:
    async with connect(publisher.url) as feed:
        table = feed.table("market", interval_ms=100)
        await table.loaded()
        for at in range(0, 2000, 250):
            rows: dict[str, Row | None] = {
                f"S{number:04}": {"last": number, "text": "x" * 100} for number in range(at, at + 250)
            }
            await writer.commit({Channel.MARKET: rows})
        await eventually(lambda: len(table.rows) == 2001, within_s=10)

        async with connect(publisher.url) as again:
            fresh = again.table("market")
            await fresh.loaded()

            assert dict(fresh.rows) == dict(table.rows)


async def test_a_killed_publisher_is_told_and_the_table_goes_on_at_the_other(
    redis_url: str, redis_prefix: str, writer: Writer
) -> None:
    async with (
        running_publisher(redis_url, redis_prefix) as first,
        running_publisher(redis_url, redis_prefix) as second,
    ):
        ports = [int(publisher.url.rpartition(":")[2]) for publisher in (first, second)]
        listener = socket.create_server(("127.0.0.1", 0))
        address = f"ws://127.0.0.1:{listener.getsockname()[1]}"
        backends = [Backend("127.0.0.1", port) for port in ports]
        async with Splitter(backends).serving(listener), connect(address) as feed:
            table = feed.table("market", interval_ms=100)
            resets = []
            table.on_change(lambda change: resets.append(change.rev) if change.reset else None)
            await eventually(lambda: table.state == "live", within_s=10)
            states = []
            feed.on_status(lambda status: states.append(status is not None))
            used = first if await first.metric("publisher_clients") else second

            used.kill()
            await eventually(lambda: False in states, within_s=10)
            await writer.price("SSI", 7)
            await eventually(lambda: table.rows["SSI"]["last"] == 7 and table.state == "live", within_s=20)

            assert len(resets) == 1, "it resumed; nothing was loaded anew"


async def test_what_is_refused_is_raised_where_one_waits_for_it(publisher: RunningPublisher) -> None:
    async with connect(publisher.url) as feed:
        table = feed.table("markt")

        with pytest.raises(TableFailed, match="market") as failed:
            await table.loaded()
        with pytest.raises(TableFailed):
            await anext(aiter(table))

    assert (failed.value.code, table.state) == ("unknown_channel", "failed")


async def test_where_nobody_listens_the_reason_is_told() -> None:
    async with connect("ws://127.0.0.1:9") as feed:
        with pytest.raises(NotLoaded, match="unreachable"):
            await feed.table("market").loaded(timeout_s=0.5)


async def test_a_token_is_said_and_renewed_before_it_expires(redis_url: str, redis_prefix: str, writer: Writer) -> None:
    async with running_publisher(redis_url, redis_prefix, JWT_SECRET=SECRET) as publisher:
        given: list[float] = []

        async def token() -> str:
            given.append(time.time())
            # The first one is to be renewed after 1.6 seconds.
            return jwt.encode({"exp": time.time() + (2 if len(given) == 1 else 3600)}, SECRET)

        async with connect(publisher.url, token=token) as feed:
            table = feed.table("market", interval_ms=100)
            await table.loaded()
            await eventually(lambda: len(given) == 2, within_s=10)
            await writer.price("SSI", 5)
            await eventually(lambda: table.rows["SSI"]["last"] == 5, within_s=10)

            assert (feed.state, feed.error) == ("open", None)


async def test_a_wrong_token_is_told(redis_url: str, redis_prefix: str, writer: Writer) -> None:  # noqa: ARG001 (as above)
    async with (
        running_publisher(redis_url, redis_prefix, JWT_SECRET=SECRET) as publisher,
        connect(publisher.url, token="wrong") as feed,
    ):
        with pytest.raises(NotLoaded, match="4401"):
            await feed.table("market").loaded(timeout_s=2)


async def test_plain_code_sees_the_same(publisher: RunningPublisher, writer: Writer) -> None:
    seen: list[object] = []

    def watch() -> None:
        with sync.connect(publisher.url) as feed:
            table = feed.table("market", interval_ms=100)
            table.loaded()
            for change in table:
                seen.append(change.rows["SSI"])
                if table.rows["SSI"]["last"] == 3:
                    break
            seen.append(columns(table.rows))

    watching = asyncio.create_task(asyncio.to_thread(watch))
    await eventually(lambda: bool(seen), within_s=10)
    await writer.price("SSI", 3)
    await asyncio.wait_for(watching, 10)

    assert seen[-1] == {"key": ["SSI"], "last": [3], "reference": [100]}
    assert not [thread for thread in threading.enumerate() if thread.name == "banggia_client"]


async def test_a_loop_of_another_thread_ends_when_the_feed_is_closed(publisher: RunningPublisher) -> None:
    with sync.connect(publisher.url) as feed:
        table = feed.table("market")
        await asyncio.to_thread(table.loaded)
        looping = asyncio.create_task(asyncio.to_thread(lambda: [change.reset for change in table]))
        await eventually(lambda: held(table), within_s=10)
        await asyncio.to_thread(feed.close)

        assert await asyncio.wait_for(looping, 10) == [True]


def held(table: sync.Table) -> bool:
    """A loop stands at it and has taken what there was."""
    inner: Table = table._table
    return any(loop._waiting is None for loop in list(inner._loops))


async def test_the_samples_of_its_page_run_with_nothing_but_the_package(
    publisher: RunningPublisher, writer: Writer, tmp_path: Path
) -> None:
    await writer.commit(
        {
            Channel.GROUPS: {"VN30": {"keys": ["SSI"]}},
            Channel.MARKET: {"SSI": {"last": 31_500, "change_pct": 1.0, "reference": 31_200}},
        }
    )
    (tmp_path / "banggia_client").symlink_to(ROOT / "clients" / "python" / "banggia_client")
    samples = re.findall(r"```python\n(.*?)```", README.read_text(encoding="utf-8"), re.DOTALL)

    for number, sample in enumerate(samples):
        file = tmp_path / f"sample_{number}.py"
        file.write_text(sample.replace("ws://localhost:8000", publisher.websocket_url), encoding="utf-8")
        said = await asyncio.to_thread(
            subprocess.run, [sys.executable, str(file)],
            env=os.environ | {"PYTHONPATH": str(tmp_path)}, cwd=tmp_path, capture_output=True, text=True, timeout=30,
        )  # fmt: skip

        assert said.returncode == 0, said.stderr
        assert "SSI" in said.stdout

    assert samples
