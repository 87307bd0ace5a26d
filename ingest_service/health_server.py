"""`/livez`, `/readyz`, `/metrics` and `/quarantine` of an ingest, answered by the event loop that does its work."""

import asyncio
import contextlib
import errno
import logging
import os
import socket
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager

import uvicorn
from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, generate_latest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from shared.table import Row
from shared.tasks import stop_if_failed

log = logging.getLogger(__name__)

#: Who scrapes must not hold up the end.
SHUTDOWN_DEADLINE_S = 1


class CannotListen(Exception):  # noqa: N818 (the name says what it is)
    """The port for health and metrics cannot be had."""


class _Server(uvicorn.Server):
    """uvicorn's server as a guest: signals belong to the ingest."""

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield


def health_app(
    registry: CollectorRegistry, fault: Callable[[], Awaitable[str | None]], offences: Callable[[], list[Row]]
) -> Starlette:
    """
    The four routes.

    `fault` tells why this ingest could not lead now; None if it leads or could. `offences`: the newest messages that
    the guard did not let pass.
    """

    async def livez(_: Request) -> Response:
        return JSONResponse({"status": "ok"})

    async def readyz(_: Request) -> Response:
        if (reason := await fault()) is not None:
            return JSONResponse({"status": "unready", "reason": reason}, 503)
        return JSONResponse({"status": "ok"})

    async def metrics(_: Request) -> Response:
        return Response(generate_latest(registry), media_type=CONTENT_TYPE_LATEST)

    async def quarantine(_: Request) -> Response:
        return JSONResponse({"quarantine": offences()})

    return Starlette(
        routes=[
            Route("/livez", livez),
            Route("/readyz", readyz),
            Route("/metrics", metrics),
            Route("/quarantine", quarantine),
        ]
    )


@asynccontextmanager
async def serving_health(app: Starlette, host: str, port: int | None) -> AsyncIterator[None]:
    """Serve it for the length of the block, if a port is set. Raises CannotListen."""
    if port is None:
        yield
        return
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        listener = socket.create_server((host, port), family=family)
    except OSError as error:
        if isinstance(error, socket.gaierror) or error.errno == errno.EADDRNOTAVAIL:
            raise CannotListen(f"METRICS_HOST: {host} is no address of this machine. Set it to one that is") from error
        reason = os.strerror(error.errno) if error.errno else str(error)
        raise CannotListen(
            f"METRICS_PORT: cannot listen on {host} port {port}: {reason}. Stop what uses it, or choose another"
        ) from error
    logging.getLogger("uvicorn.error").setLevel(logging.WARNING)  # it speaks of itself as if it were the process
    config = uvicorn.Config(
        app,
        lifespan="off",
        http="h11",  # it refuses a head that does not end
        ws="none",
        log_config=None,
        access_log=False,
        timeout_graceful_shutdown=SHUTDOWN_DEADLINE_S,
    )
    server = _Server(config)
    task = asyncio.create_task(server.serve(sockets=[listener]), name="health")
    task.add_done_callback(stop_if_failed)  # an ingest that nobody can ask is not left running
    log.info("health and metrics are served", extra={"port": listener.getsockname()[1]})
    try:
        yield
    finally:
        server.should_exit = True
        await task
