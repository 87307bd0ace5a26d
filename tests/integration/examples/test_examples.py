"""What the folder `examples` shows works with a real publisher."""

import asyncio
import csv
import json
import sys

from shared.channels import Channel
from tests.eventually import eventually
from tests.fakes.services import ROOT, RunningService, running_publisher
from tests.fakes.writer import writing


async def test_the_bot_tells_of_an_alert_and_of_a_price_that_crosses_its_limit(
    redis_url: str, redis_prefix: str
) -> None:
    told: list[str] = []

    async def hook(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = (await reader.readuntil(b"\r\n\r\n")).decode().lower()
        length = int(head.partition("content-length: ")[2].partition("\r\n")[0])
        told.append(json.loads(await reader.readexactly(length))["text"])
        writer.write(b"HTTP/1.1 204 No Content\r\nConnection: close\r\n\r\n")
        await writer.drain()
        writer.close()

    async with (
        writing(redis_url, redis_prefix) as writer,
        running_publisher(redis_url, redis_prefix) as publisher,
        await asyncio.start_server(hook, "127.0.0.1", 0) as server,
    ):
        await writer.price("SSI", 31_000)
        webhook = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/"
        process = await asyncio.create_subprocess_exec(
            sys.executable, "examples/alert_bot.py", publisher.url, "--limit", "31500", "--webhook", webhook,
            cwd=ROOT, env={"PYTHONPATH": "clients/python", "PYTHONUNBUFFERED": "1", "no_proxy": "*"},
            stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.STDOUT,
        )  # fmt: skip
        bot = RunningService(process)
        try:
            await publisher.has_clients(1)
            last = 31_000

            async def crossed() -> bool:
                nonlocal last
                last = 63_000 - last  # 32,000 and 31,000 in turns: the bot may not have its first price yet
                await writer.price("SSI", last)
                await writer.commit({Channel.ALERTS: {"alert#0": {"symbol": "SSI", "time": last}}})
                return any("reached 31500" in text for text in told) and any("alert: " in text for text in told)

            async with asyncio.timeout(20):
                while not await crossed():  # noqa: ASYNC110 (it is another process)
                    await asyncio.sleep(0.7)
            await eventually(lambda: "SSI reached 31500: 32000" in bot.log)
        finally:
            process.kill()
            await process.wait()
            await bot._reading


async def test_a_spreadsheet_gets_one_line_a_row(redis_url: str, redis_prefix: str) -> None:
    async with writing(redis_url, redis_prefix) as writer, running_publisher(redis_url, redis_prefix) as publisher:
        await writer.commit(
            {Channel.MARKET: {"SSI": {"last": 31_500, "bids": [[31_450, 500]]}, "FPT": {"last": None, "bids": []}}}
        )
        path = "/api/channels/market?keys=SSI,FPT&format=csv"
        async with asyncio.timeout(10):
            while len((answer := await publisher.get(path)).text.splitlines()) < 3:  # noqa: ASYNC110 (as above)
                await asyncio.sleep(0.02)
        unchanged = await publisher.get(path, {"If-None-Match": answer.headers["etag"]})
        refused = await publisher.get("/api/channels/market?format=xls")

    assert answer.headers["content-type"].startswith("text/csv")
    assert list(csv.reader(answer.text.splitlines())) == [
        ["key", "last", "bids"],
        ["FPT", "", "[]"],
        ["SSI", "31500", "[[31450,500]]"],
    ]
    assert unchanged.status_code == 304
    assert (refused.status_code, refused.json()["code"]) == (400, "invalid_format")
