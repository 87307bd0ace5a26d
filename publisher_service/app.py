"""Wires a publisher: top to bottom is start-up, leaving the blocks is shutdown."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from fastapi import FastAPI
from fastapi.staticfiles import StaticFiles

from publisher_service import http_routes, websocket_route
from publisher_service.core.replica import Replica
from publisher_service.core.requests import Intervals
from publisher_service.hub import Hub
from publisher_service.metrics import Metrics
from publisher_service.readiness import Readiness
from publisher_service.redis_source import RedisSource, relay
from publisher_service.settings import PublisherSettings
from shared.channels import RedisNames
from shared.redis_client import open_redis
from shared.tasks import running

TICK_S = 0.5


def create_app(settings: PublisherSettings) -> FastAPI:
    """The application of one replica. Serve it with `SharedFramesProtocol`."""
    metrics = Metrics()
    intervals = Intervals(settings.intervals_ms, settings.interval_ms, settings.channel_intervals_ms)

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        async with open_redis(settings.redis_url) as redis:
            replica = Replica()
            hub = Hub(
                replica,
                intervals,
                metrics,
                clock=asyncio.get_running_loop(),
                heartbeat_ms=settings.heartbeat_ms,
                slow_client_s=settings.slow_client_s,
            )
            source = RedisSource(redis, RedisNames(settings.redis_prefix), replica, metrics)
            app.state.replica, app.state.hub, app.state.readiness = replica, hub, Readiness(source)
            app.state.metrics, app.state.intervals = metrics, intervals
            app.state.loop = asyncio.get_running_loop()
            async with running(relay(source, hub.changed, hub.link), name="relay"), running(ticks(hub), name="ticks"):
                yield
            hub.stop()

    app = FastAPI(
        title="banggia publisher",
        description="The live price board of the Vietnamese stock market. The websocket protocol: docs/protocol.md.",
        lifespan=lifespan,
        docs_url=None,  # its pages load scripts from elsewhere
        redoc_url=None,
    )
    app.include_router(http_routes.router)
    app.include_router(websocket_route.router)
    app.mount("/web", StaticFiles(directory=http_routes.WEB), name="web")
    return app


async def ticks(hub: Hub) -> None:
    """Give the hub its sense of time."""
    while True:
        await asyncio.sleep(TICK_S)
        hub.tick()
