"""A publisher that ends TLS itself, by uvicorn."""

import json
import ssl
from pathlib import Path

import pytest
from websockets.asyncio.client import connect

from tests.fakes.certificate import self_signed
from tests.fakes.services import RunningPublisher, running
from tests.fakes.writer import Writer


@pytest.mark.parametrize("loop", ["uvloop", "asyncio"])
async def test_updates_come_through_tls(
    redis_url: str, redis_prefix: str, writer: Writer, tmp_path: Path, loop: str
) -> None:
    certificate = str(self_signed(tmp_path))
    async with running(
        RunningPublisher, "uvicorn", "--factory", "publisher_service.app:from_environment", "--port", "0",
        "--loop", loop, "--ws", "publisher_service.shared_frames:SharedFramesProtocol",
        "--ssl-certfile", certificate, "--ssl-keyfile", certificate, "--timeout-graceful-shutdown", "2",
        REDIS_URL=redis_url, REDIS_PREFIX=redis_prefix,
    ) as publisher:  # fmt: skip
        at = (await publisher.line(r"Uvicorn running on https://(\S+)"))[1]
        trusting = ssl.create_default_context(cafile=certificate)
        lasts: list[int] = []
        async with connect(f"wss://{at}/ws/market?interval=100", ssl=trusting, proxy=None) as client:
            while json.loads(await client.recv())["type"] != "snapshot":
                pass
            for last in range(2, 12):
                await writer.price("SSI", last)
                while (message := json.loads(await client.recv()))["type"] != "update":
                    pass
                lasts.append(message["data"]["SSI"]["last"])

    assert lasts == list(range(2, 12))
