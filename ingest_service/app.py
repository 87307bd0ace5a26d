"""Wires an ingest: top to bottom is start-up, leaving the blocks is shutdown."""

import asyncio
import logging
import random
import secrets
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from prometheus_client import start_http_server

from ingest_service.bootstrap import Bootstrap
from ingest_service.core.board import Board
from ingest_service.core.feed_watch import FeedWatch
from ingest_service.core.sessions import Calendar
from ingest_service.fast_connect import FastConnect
from ingest_service.leader import Leader, today
from ingest_service.metrics import Metrics
from ingest_service.publication import LeaseLost, Publication, now_ms
from ingest_service.redis_sink import RedisSink
from ingest_service.rest import Rest, open_http
from ingest_service.settings import IngestSettings
from shared.channels import Channel, RedisNames
from shared.redis_client import open_redis

log = logging.getLogger(__name__)

#: How long a leader may be silent before a standby takes over.
LEASE_MS = 5_000
#: Channels whose rows belong to a trading day: with one of them the epoch's day is the market's own.
DAILY = (Channel.MARKET, Channel.FOREIGN, Channel.INDEX)


class CannotListen(Exception):  # noqa: N818 (the name says what it is)
    """The port for /metrics cannot be had."""


async def serve(settings: IngestSettings) -> None:
    """Stand by or lead, for ever. Raises only what is a bug."""
    metrics = Metrics()
    with_metrics = metrics_server(metrics, settings.metrics_host, settings.metrics_port)
    async with with_metrics, open_redis(settings.redis_url) as redis:
        sink = RedisSink(redis, RedisNames(settings.redis_prefix), token=secrets.token_hex(16), lease_ms=LEASE_MS)
        publication = Publication(sink, metrics, random=random.random)
        try:
            while True:
                await publication.lead()
                try:
                    await lead(settings, publication, metrics)
                except* LeaseLost:
                    log.warning("another ingest has taken over, standing by")
                    metrics.leader.set(0)
        finally:
            await publication.resign()


async def lead(settings: IngestSettings, publication: Publication, metrics: Metrics) -> None:
    """One term of leadership. Raises a group with LeaseLost at its end."""
    calendar = Calendar()
    board = Board(calendar)
    rows = {channel: dict(publication.history.tables[channel].live()) for channel in Channel}
    if publication.day is not None and any(rows[channel] for channel in DAILY):
        board.load(publication.day, rows)
    async with open_http() as http:
        rest = Rest(
            http,
            api_url=settings.ssi_api_url,
            consumer_id=settings.ssi_consumer_id,
            consumer_secret=settings.ssi_consumer_secret,
        )
        leader = Leader(
            board,
            FeedWatch(time.monotonic(), now_ms(), calendar, wanted_types(settings.ssi_channels)),
            FastConnect(http, rest, stream_url=settings.ssi_stream_url, channels=settings.ssi_channels),
            publication,
            metrics,
            now_s=time.monotonic,
        )
        bootstrap = Bootstrap(
            rest,
            board,
            address=settings.ssi_api_url,
            cache=settings.cache_dir / "symbols.json",
            today=today,
            changed=leader.changed,
        )
        async with asyncio.TaskGroup() as group:
            group.create_task(leader.run(), name="leader")
            group.create_task(bootstrap.run(), name="bootstrap")


def wanted_types(channels: tuple[str, ...]) -> list[str]:
    """The data types that must keep coming while the market trades, of those subscribed."""
    subscribed = {channel.partition(":")[0].upper() for channel in channels}
    return [name for name in ("X", "X-QUOTE", "R", "MI") if name in subscribed or "ALL" in subscribed]


@asynccontextmanager
async def metrics_server(metrics: Metrics, host: str, port: int | None) -> AsyncIterator[None]:
    """Serve /metrics for the length of the block, if a port is set. Raises CannotListen."""
    if port is None:
        yield
        return
    try:
        server, thread = start_http_server(port, addr=host, registry=metrics.registry)
    except OSError as error:
        raise CannotListen(f"METRICS_PORT: cannot listen on {host} port {port}: {error.strerror}") from error
    log.info("metrics are served", extra={"port": server.server_port})
    try:
        yield
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
