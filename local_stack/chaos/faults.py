"""
The catalogue of faults: each is a block that begins with the fault and ends with its healing, whatever happens inside.

`victim` is any number; the same number hits the same process. Who finds nothing to hit raises NotStruck.
"""

import asyncio
import os
import signal
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager, suppress
from typing import NamedTuple

from redis.exceptions import RedisError

from local_stack.chaos.fault_proxy import FaultProxy
from local_stack.chaos.stack import POLL_S, NotStruck, Stack
from local_stack.services import READY_DEADLINE_S, answers

FREEZE_S = 4.0
CUT_S = 3.0
BLACK_HOLE_S = 5.0
DELAY_S, DELAYED_S = 0.2, 10.0
#: Less than the ingest's heartbeats and commits need, so that it falls behind.
SLOW_BYTES_PER_S, SLOW_S = 4_000, 8.0
FEED_FAULT_S = 6.0
BURST, BURST_S = 5.0, 8.0
#: A commit comes many times a second.
LOST_REPLY_DEADLINE_S = 15.0

Name = Callable[[Stack, int], Awaitable[str]]
Strike = Callable[[Stack, int], AbstractAsyncContextManager[None]]


class Fault(NamedTuple):
    """What goes wrong, and for how long."""

    strike: Strike
    hold_s: float = 0.0
    other_market: bool = False  # the totals of the day begin anew


async def _leader(stack: Stack, _: int) -> str:
    return (await stack.leader()).name


async def _standby(stack: Stack, _: int) -> str:
    return (await stack.standby()).name


async def _publisher(stack: Stack, victim: int) -> str:
    return stack.publishers[victim % len(stack.publishers)].name


async def _valkey(_: Stack, __: int) -> str:
    return "valkey"


def _ended(number: signal.Signals, *names: Name) -> Fault:
    """All of them at once; the supervisor starts them again."""

    @asynccontextmanager
    async def strike(stack: Stack, victim: int) -> AsyncIterator[None]:
        victims = [await name(stack, victim) for name in names]
        pids = {name: stack.send(name, number) for name in victims}
        while any(stack.supervisor.pid(name) == pid for name, pid in pids.items()):  # noqa: ASYNC110 (other processes)
            await asyncio.sleep(POLL_S)
        yield

    return Fault(strike)


def _frozen(name: Name) -> Fault:
    @asynccontextmanager
    async def strike(stack: Stack, victim: int) -> AsyncIterator[None]:
        pid = stack.send(await name(stack, victim), signal.SIGSTOP)
        try:
            yield
        finally:
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGCONT)

    return Fault(strike, FREEZE_S)


async def _ingest_links(stack: Stack, victim: int) -> list[FaultProxy]:
    """The leader's way to Redis, or that of both ingests."""
    return [each.proxy for each in stack.ingests] if victim % 2 else [(await stack.leader()).proxy]


async def _publisher_links(stack: Stack, victim: int) -> list[FaultProxy]:
    """One publisher's way to Redis, or that of all."""
    chosen = victim % (len(stack.publishers) + 1)
    return [each.proxy for at, each in enumerate(stack.publishers) if chosen in (at, len(stack.publishers))]


def _network(
    links: Callable[[Stack, int], Awaitable[list[FaultProxy]]], spoil: Callable[[FaultProxy], None], hold_s: float
) -> Fault:
    @asynccontextmanager
    async def strike(stack: Stack, victim: int) -> AsyncIterator[None]:
        proxies = await links(stack, victim)
        if not all(proxy.connections for proxy in proxies):
            raise NotStruck("nobody was connected")
        for proxy in proxies:
            spoil(proxy)
        try:
            yield
        finally:
            for proxy in proxies:
                proxy.heal()

    return Fault(strike, hold_s)


def _delay(proxy: FaultProxy) -> None:
    proxy.delay_s = DELAY_S


def _read_slowly(proxy: FaultProxy) -> None:
    proxy.read_slowly("server", SLOW_BYTES_PER_S)


@asynccontextmanager
async def _lost_reply(stack: Stack, _: int) -> AsyncIterator[None]:
    proxy = (await stack.leader()).proxy
    before = proxy.lost_replies
    proxy.lose_next_commit_reply()
    try:
        async with asyncio.timeout(LOST_REPLY_DEADLINE_S):
            while proxy.lost_replies == before:  # noqa: ASYNC110 (it is looked at seldom)
                await asyncio.sleep(POLL_S)
        yield
    finally:
        proxy.heal()


@asynccontextmanager
async def _subscriptions_killed(stack: Stack, _: int) -> AsyncIterator[None]:
    try:
        killed = await stack.redis.client_kill_filter(_type="pubsub")
    except (RedisError, OSError) as error:
        raise NotStruck(f"{type(error).__name__} {error}") from error
    if not killed:
        raise NotStruck("nobody had subscribed")
    yield


@asynccontextmanager
async def _flushed(stack: Stack, _: int) -> AsyncIterator[None]:
    try:
        await stack.redis.flushall()
    except (RedisError, OSError) as error:
        raise NotStruck(f"{type(error).__name__} {error}") from error
    yield


def _feed(name: str, hold_s: float, **limits: float) -> Fault:
    @asynccontextmanager
    async def strike(stack: Stack, _: int) -> AsyncIterator[None]:
        await stack.order("faults", name=name, **limits)
        try:
            yield
        finally:
            await stack.clear(name)

    return Fault(strike, hold_s)


@asynccontextmanager
async def _bad_gateway(stack: Stack, _: int) -> AsyncIterator[None]:
    await stack.order("faults", name="bad-gateway")
    try:
        await stack.order("faults", name="drop")
        yield
    finally:
        await stack.clear("bad-gateway")


@asynccontextmanager
async def _simulator_killed(stack: Stack, _: int) -> AsyncIterator[None]:
    day = await stack.day()
    stack.send("simulator", signal.SIGKILL)
    yield
    async with asyncio.timeout(READY_DEADLINE_S):
        while stack.supervisor.pid("simulator") is None or not await answers(stack.http, f"{stack.simulator}/control"):  # noqa: ASYNC110 (another process cannot set an event)
            await asyncio.sleep(POLL_S)
    # It begins on the day on which it was first started, and what is of an older day is refused.
    if await stack.day() < day:
        await stack.order("day", day=day.isoformat())


@asynccontextmanager
async def _clients_reset(stack: Stack, _: int) -> AsyncIterator[None]:
    if not sum(follower.reset() for follower in stack.followers):  # each, not only the first
        raise NotStruck("no client was connected")
    yield


@asynccontextmanager
async def _day_rolled(stack: Stack, _: int) -> AsyncIterator[None]:
    await stack.order("day")
    yield


FAULTS: dict[str, Fault] = {
    "leader killed": _ended(signal.SIGKILL, _leader),
    "leader stopped": _ended(signal.SIGTERM, _leader),
    "leader frozen": _frozen(_leader),
    "standby killed": _ended(signal.SIGKILL, _standby),
    "standby frozen": _frozen(_standby),
    "publisher killed": _ended(signal.SIGKILL, _publisher),
    "publisher frozen": _frozen(_publisher),
    "valkey killed": _ended(signal.SIGKILL, _valkey),
    "valkey and leader killed": _ended(signal.SIGKILL, _valkey, _leader),
    "valkey frozen": _frozen(_valkey),
    "valkey flushed": Fault(_flushed),
    "ingest link dropped": _network(_ingest_links, FaultProxy.drop, CUT_S),
    "ingest link reset": _network(_ingest_links, FaultProxy.reset, CUT_S),
    "ingest link black hole": _network(_ingest_links, FaultProxy.black_hole, BLACK_HOLE_S),
    "ingest link delayed": _network(_ingest_links, _delay, DELAYED_S),
    "commit reply lost": Fault(_lost_reply),
    "publisher link dropped": _network(_publisher_links, FaultProxy.drop, CUT_S),
    "publisher link black hole": _network(_publisher_links, FaultProxy.black_hole, BLACK_HOLE_S),
    "publisher link slow": _network(_publisher_links, _read_slowly, SLOW_S),
    "subscriptions killed": Fault(_subscriptions_killed),
    "feed dropped": _feed("drop", 0.0),
    "feed half-open": _feed("half-open", FEED_FAULT_S),
    "feed stalled": _feed("stall", FEED_FAULT_S, seconds=FEED_FAULT_S),
    "feed bad gateway": Fault(_bad_gateway, FEED_FAULT_S),
    "feed burst": _feed("burst", BURST_S, value=BURST),
    "simulator killed": Fault(_simulator_killed, other_market=True),
    "clients reset": Fault(_clients_reset),
    "day rolled": Fault(_day_rolled),
}
