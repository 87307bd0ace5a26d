"""Everything wired together: the market, its clock, the hub, the endpoints."""

import asyncio
import logging
import signal
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from datetime import UTC, datetime

from starlette.applications import Starlette
from starlette.types import ASGIApp, Receive, Scope, Send

from ssi_simulator.control import Control
from ssi_simulator.core.exchange import Exchange
from ssi_simulator.faults import Faults
from ssi_simulator.hub import Hub
from ssi_simulator.ledger import Ledger
from ssi_simulator.market_clock import MarketClock
from ssi_simulator.options import Options
from ssi_simulator.rest import Rest
from ssi_simulator.signalr import SignalR
from ssi_simulator.ticker import Ticker
from ssi_simulator.tokens import Tokens

log = logging.getLogger(__name__)


def create_app(options: Options) -> ASGIApp:
    """The simulator as an ASGI application, to be served with `WebSocketProtocol`. Raises ValueError."""
    faults = Faults(time.monotonic)
    ledger = Ledger()
    tokens = Tokens(options.consumer_id, options.consumer_secret, life_s=options.token_life_s)
    clock = MarketClock(options.clock, options.day, options.start_s, speed=options.speed, timetable=options.timetable)
    clock.advance(0.0, datetime.now(UTC))  # a real clock begins at the time that it is
    exchange = Exchange(seed=options.seed, day=clock.told_day, stocks=options.stocks, timetable=options.timetable)
    hub = Hub(
        exchange.snapshot,
        faults,
        ledger,
        time.monotonic,
        keepalive_s=options.keepalive_s,
        mode=options.mode,
        first_only=options.first_only,
        replay=options.replay,
    )
    ticker = Ticker(exchange, clock, hub, faults, rate=options.rate)

    @asynccontextmanager
    async def lifespan(_: Starlette) -> AsyncIterator[None]:
        task = asyncio.create_task(ticker.run(), name="ticker")
        task.add_done_callback(_stop_if_failed)
        yield
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task

    routes = [*SignalR(hub, tokens, faults).routes(), *Rest(exchange, tokens, faults).routes()]
    if options.control:
        routes += Control(ticker, hub, faults, ledger, to_any=options.control_any).routes()
    for order in options.faults:
        faults.order(order)
    return _any_case(Starlette(routes=routes, lifespan=lifespan))


def _any_case(app: ASGIApp) -> ASGIApp:
    """Paths in any letter case, as the real servers take them."""

    async def lowered(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "lifespan":
            scope = {**scope, "path": scope["path"].lower()}
        await app(scope, receive, send)

    return lowered


def _stop_if_failed(task: asyncio.Task[None]) -> None:
    """A market that stands still must not look like a healthy one: the process stops."""
    if not task.cancelled() and (error := task.exception()) is not None:
        log.error("the market has failed, the process stops", exc_info=error)
        signal.raise_signal(signal.SIGTERM)
