"""The subscription of a publisher, where Redis is reached by TLS."""

import asyncio
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from urllib.parse import urlsplit

from publisher_service.updates import MAX_WAITING_BYTES, subscribed
from shared.redis_client import open_redis
from tests.fakes.certificate import self_signed
from tests.fakes.heard import Heard
from tests.integration.private_broker import PrivateBroker

DEADLINE_S = 5.0


async def test_messages_of_all_sizes_arrive_in_order_through_tls(broker: PrivateBroker, tmp_path: Path) -> None:
    sent = [b"%d" % size + b"x" * size for size in (0, 1, 70_000, 300_000, 5, MAX_WAITING_BYTES, 2_000_000, 3)]
    await broker.start()
    async with (
        _tls_before(broker.url, tmp_path) as url,
        open_redis(url) as redis,
        subscribed(redis, "updates", DEADLINE_S) as updates,
    ):
        for message in sent:
            assert await redis.publish("updates", message) == 1
        heard = await Heard(updates).until(len(sent))

    assert heard == sent


@asynccontextmanager
async def _tls_before(url: str, folder: Path) -> AsyncIterator[str]:
    """The URL of the same broker behind an end of TLS."""
    place = urlsplit(url)
    certificate = self_signed(folder)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate)

    async def join(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        behind_reader, behind_writer = await asyncio.open_connection(place.hostname, place.port)
        await asyncio.gather(_pump(reader, behind_writer), _pump(behind_reader, writer))

    server = await asyncio.start_server(join, "127.0.0.1", 0, ssl=context)
    port = server.sockets[0].getsockname()[1]
    try:
        user = f"{place.netloc.rpartition('@')[0]}@" if "@" in place.netloc else ""
        yield f"rediss://{user}127.0.0.1:{port}/0?ssl_ca_certs={certificate}"
    finally:
        server.close()


async def _pump(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    with suppress(OSError):
        while piece := await reader.read(65_536):
            writer.write(piece)
            await writer.drain()
    writer.close()
