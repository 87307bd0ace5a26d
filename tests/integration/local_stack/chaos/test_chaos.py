"""A short storm on the real stack: it finds nothing where nothing is wrong, and finds one wrong row."""

import asyncio
import json
import sys
from asyncio.subprocess import PIPE, Process
from collections.abc import AsyncIterator, Awaitable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, cast

import pytest
from redis.asyncio import Redis

from shared.channels import Channel, RedisNames
from shared.redis_client import open_redis
from shared.wire import Commit, decode_head, encode_envelope

ROOT = Path(__file__).parents[4]
#: The imports of seven processes on a machine that runs other tests as well; then the faults.
UP_S, DONE_S = 100.0, 120.0

pytestmark = [pytest.mark.embedded, pytest.mark.timeout(300)]


async def test_three_faults_leave_no_client_with_a_wrong_table(tmp_path: Path) -> None:
    async with a_storm(tmp_path, 0.3, "leader killed", "valkey flushed", "clients reset") as storm:
        report = await storm.report()

    assert (storm.process.returncode, report["ok"], report["complaints"]) == (0, True, [])
    assert report["divergences"] == report["unannounced_gaps"] == report["wrong_statuses"] == 0
    assert report["frames"] > 0
    assert report["resumes"] > 0
    assert report["faults"] != {}


async def test_a_row_that_no_ingest_wrote_is_found(tmp_path: Path) -> None:
    async with a_storm(tmp_path, 0.1, "clients reset") as storm:
        await storm.is_up()
        async with open_redis(storm.redis_url) as redis:
            await forge(redis)
        report = await storm.report()

    assert (storm.process.returncode, report["ok"]) == (1, False)
    assert report["divergences"] > 0
    assert any("FORGED" in complaint for complaint in report["complaints"])


async def forge(redis: Redis) -> None:
    """Publish a commit as if the ingest had, until a publisher can have taken it: the head moves meanwhile."""
    names = RedisNames()
    for _ in range(20):
        head = decode_head(await cast("Awaitable[dict[bytes, bytes]]", redis.hgetall(names.head)))
        assert head is not None
        forged = Commit(
            head.epoch, head.rev, head.rev + 1, head.time_ms + 1, {Channel.MARKET: {"FORGED": b'{"last":1}'}}
        )
        await redis.publish(names.updates, encode_envelope(forged))


class Storm:
    """The process of a run."""

    def __init__(self, process: Process, folder: Path) -> None:
        self.process = process
        self._folder = folder
        self._said = ""

    @property
    def redis_url(self) -> str:
        """Of its private broker."""
        stack = json.loads((self._folder / "stack.json").read_text())
        port = next(entry["port"] for entry in stack if entry["name"] == "valkey")
        password = (self._folder / "broker" / "broker.conf").read_text().removeprefix("requirepass ").strip()
        return f"redis://:{password}@127.0.0.1:{port}/0"

    async def is_up(self) -> None:
        """Return when the oracles watch."""
        assert self.process.stdout is not None
        async with asyncio.timeout(UP_S):
            while "oracles watch" not in self._said:
                line = (await self.process.stdout.readline()).decode()
                assert line, self._said
                self._said += line

    async def report(self) -> dict[str, Any]:
        """What it says last."""
        async with asyncio.timeout(UP_S + DONE_S):
            said, _ = await self.process.communicate()
        self._said += said.decode()
        report: dict[str, Any] = json.loads(self._said.splitlines()[-1])
        return report


@asynccontextmanager
async def a_storm(folder: Path, minutes: float, *faults: str) -> AsyncIterator[Storm]:
    """Of these faults, for at least so long; its files are in the folder."""
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "local_stack.chaos", "--minutes", str(minutes), "--seed", "3"),
        *(argument for fault in faults for argument in ("--fault", fault)),
        cwd=ROOT,
        env={"PATH": "/usr/bin:/bin", "BANGGIA_VAR": str(folder), "PYTHONUNBUFFERED": "1"},
        stdout=PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    try:
        yield Storm(process, folder)
    finally:
        if process.returncode is None:
            process.kill()
        await process.communicate()
