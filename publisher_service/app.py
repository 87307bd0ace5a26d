"""Wires a publisher: top to bottom is start-up, leaving the blocks is shutdown."""

import asyncio
import logging
import os
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import partial
from typing import Any

from fastapi import FastAPI
from starlette.types import Receive, Scope, Send

from publisher_service import http_routes, page_routes
from publisher_service.core.admission import Admission, Limits
from publisher_service.core.client_address import Proxies
from publisher_service.core.origins import Origins
from publisher_service.core.replica import Replica
from publisher_service.core.requests import Intervals
from publisher_service.day_series import DaySeries
from publisher_service.drain import drain
from publisher_service.entrance import Entrance
from publisher_service.event_route import event_streams
from publisher_service.faults import answer_faults
from publisher_service.gate import Gate
from publisher_service.hub import Hub
from publisher_service.metrics import Metrics
from publisher_service.proxies import TrustedProxies
from publisher_service.readiness import Readiness
from publisher_service.redis_source import RedisSource
from publisher_service.settings import PublisherSettings, load_settings
from publisher_service.tokens import tokens_of
from publisher_service.web_files import WebFiles
from publisher_service.websocket_route import websockets
from shared.channels import RedisNames
from shared.descriptors import raise_descriptor_limit
from shared.log import configure_logging
from shared.redis_client import open_redis
from shared.tasks import running
from shared.version import VERSION

log = logging.getLogger(__name__)

TICK_S = 0.1
#: For Redis, files, HTTP requests, and connections that are refused.
RESERVED_DESCRIPTORS = 200


class Site(FastAPI):
    """
    FastAPI behind the entrance, not before it.

    Websockets have no use for its layers, which would cost as much as the rest of a handshake.
    """

    entrance: Entrance
    needs_token = False

    def openapi(self) -> dict[str, Any]:
        """The description of the routes, with the tokens that the entrance reads: FastAPI knows nothing of it."""
        described = super().openapi()
        described.setdefault("components", {})["securitySchemes"] = http_routes.TOKEN_SCHEMES
        described["security"] = [{name: []} for name in http_routes.TOKEN_SCHEMES]
        if not self.needs_token:
            described["security"].append({})
        return described

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """As ASGI has it."""
        scope["app"] = self
        await self.entrance(scope, receive, send)

    async def pages(self, scope: Scope, receive: Receive, send: Send) -> None:
        """What is neither a websocket nor a stream of events."""
        await super().__call__(scope, receive, send)


def create_app(settings: PublisherSettings, descriptors: int) -> Site:
    """
    The application of one replica, which may have so many descriptors. `SharedFramesProtocol` serves it best.

    Raises UnusableKey.
    """
    metrics = Metrics()
    tokens = tokens_of(settings)
    limits = Limits(
        connections=connections_that_fit(settings.max_connections, descriptors),
        connections_per_address=settings.max_connections_per_address,
        handshakes_per_s=settings.handshakes_per_s,
        handshakes_per_address_per_s=settings.handshakes_per_address_per_s,
    )
    metrics.capacity.set(limits.connections)
    admission = Admission(limits, time.monotonic())
    gate = Gate()
    metrics.at_gate.set_function(lambda: gate.waiting)
    metrics.addresses.set_function(lambda: admission.addresses)
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
                write=os.write,
                heartbeat_ms=settings.heartbeat_ms,
                slow_client_s=settings.slow_client_s,
                messages_per_s=settings.messages_per_s,
                max_age_s=settings.max_connection_age_s,
                read_token=None if tokens is None else tokens.read,
            )
            names = RedisNames(settings.redis_prefix)
            source = RedisSource(redis, names, replica, metrics, changed=hub.changed, link=hub.link)
            app.state.day_series = DaySeries(redis, names)
            app.state.replica, app.state.hub, app.state.readiness = replica, hub, Readiness(source)
            app.state.intervals = intervals
            app.state.drain = partial(
                drain,
                app.state.readiness,
                admission,
                hub,
                metrics,
                notice_s=settings.drain_notice_s,
                spread_s=settings.drain_s,
                now_s=asyncio.get_running_loop().time,
            )
            app.state.loop = asyncio.get_running_loop()
            log.info("capacity", extra={"connections": limits.connections, "descriptors": descriptors})
            async with running(source.follow(), name="following of Redis"), running(ticks(hub), name="ticks"):
                yield
            hub.stop()

    app = Site(
        title="banggia publisher",
        version=VERSION,
        description="The live price board of the Vietnamese stock market. The websocket protocol: docs/protocol.md.",
        lifespan=lifespan,
        docs_url=None,  # its pages load scripts from elsewhere; see page_routes
        redoc_url=None,
        redirect_slashes=False,  # a redirect repeats the query, and with it the token, under a scheme that is guessed
    )
    app.needs_token = tokens is not None
    answer_faults(app)
    app.state.gate, app.state.metrics = gate, metrics
    app.entrance = Entrance(
        app.pages,
        websockets=websockets,
        event_streams=event_streams,
        admission=admission,
        proxies=TrustedProxies(Proxies.parse(settings.trusted_proxies)),
        origins=Origins.parse(settings.allowed_origins),
        tokens=tokens,
        metrics=metrics,
        now_s=time.monotonic,
    )
    app.include_router(http_routes.router)
    app.include_router(http_routes.tables)
    app.include_router(page_routes.router)
    app.state.web_files = WebFiles(http_routes.WEB)
    return app


def from_environment() -> Site:
    """
    The application for any ASGI server, configured by environment variables. It costs more there than `__main__` does.

    Raises UnusableKey; a wrong setting ends the program.
    """
    settings = load_settings()
    configure_logging(settings.log_level)
    return create_app(settings, raise_descriptor_limit())


def connections_that_fit(wanted: int | None, descriptors: int) -> int:
    """As many as are wanted, but no more than there are descriptors for, some of which are needed for other things."""
    most = max(1, descriptors - min(RESERVED_DESCRIPTORS, descriptors // 2))
    if wanted is not None and wanted > most:
        log.warning(
            "MAX_CONNECTIONS is more than the descriptor limit allows",
            extra={"wanted": wanted, "allowed": most, "descriptors": descriptors},
        )
    return most if wanted is None else min(wanted, most)


async def ticks(hub: Hub) -> None:
    """Give the hub its sense of time."""
    while True:
        await asyncio.sleep(TICK_S)
        hub.tick()
