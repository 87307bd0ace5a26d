"""
The stack of the demo with two ingests, a proxy on every way to Redis, oracles on the board; then a storm.

Top to bottom is the start; leaving the blocks is the end, in reverse order.
"""

import asyncio
import os
import random
import socket
from collections.abc import Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass
from urllib.parse import urlsplit

import httpx2

from local_stack.chaos.complaint import Weather
from local_stack.chaos.deck import cards
from local_stack.chaos.event_follower import EventFollower
from local_stack.chaos.fault_proxy import FaultProxy
from local_stack.chaos.faults import FAULTS
from local_stack.chaos.follower import Follower
from local_stack.chaos.ledger import Ledger
from local_stack.chaos.oracle import Oracle
from local_stack.chaos.report import Report, report
from local_stack.chaos.stack import Ingest, Publisher, Stack
from local_stack.chaos.storm import Storm
from local_stack.chaos.watch import Wish
from local_stack.chaos.writer import Writer
from local_stack.folder import claimed_folder
from local_stack.services import HOST, CannotStart, Services, start_broker
from local_stack.splitter import Backend, Splitter
from local_stack.supervisor import Supervisor
from local_stack.terminal import say
from shared.channels import Channel, RedisNames
from shared.redis_client import open_redis

PREFIX = "banggia"
#: A run of so many minutes brings each fault twice, however slow the machine.
THOROUGH_MINUTES = 10.0
#: The feed's keepalive, so that a half-open connection is noticed within a fault's time.
KEEPALIVE_S = 4
INGESTS = ("ingest-1", "ingest-2")
GROUP = "VN30"
CHANNELS = (Channel.MARKET, Channel.FOREIGN, Channel.INDEX, Channel.DERIVATIVES)
#: The publisher closes whoever reads nothing for 30 s: both sides of it.
PAUSES_S = (20.0, 40.0)


@dataclass(frozen=True, slots=True)
class Options:
    """What is asked for."""

    minutes: float
    seed: int
    publishers: int = 2
    faults: tuple[str, ...] = tuple(FAULTS)


async def chaos(options: Options) -> Report:
    """Run it. Raises CannotStart."""
    say(f"seed {options.seed}")
    loop = asyncio.get_running_loop()
    ledger, weather = Ledger(), Weather()
    oracles, readers = the_oracles(ledger, weather), the_readers_of_events(ledger, weather)
    async with AsyncExitStack() as blocks:
        folder = blocks.enter_context(claimed_folder("var/chaos", f"chaos-{os.getpid()}"))
        supervisor = await blocks.enter_async_context(Supervisor(folder, say))
        http = await blocks.enter_async_context(httpx2.AsyncClient(timeout=5, trust_env=False))
        stack = await start(options, supervisor, http, blocks, ledger=ledger, oracles=oracles, readers=readers)
        oracles += readers
        storm = Storm(stack, oracles, ledger, weather, say)
        async with asyncio.TaskGroup() as group:
            tasks = [group.create_task(follower.follow(), name=follower.oracle.name) for follower in stack.followers]
            tasks.append(group.create_task(storm.watch(), name="watch"))
            tasks.append(group.create_task(storm.watch_itself(), name="watch itself"))
            if not await storm.settle():
                raise CannotStart(f"Not everything is well after the start. The logs are in {folder / 'log'}.")
            say(f"{len(oracles)} oracles watch; logs are in {folder / 'log'}")
            began_s = loop.time()
            least = 2 * len(options.faults) if options.minutes >= THOROUGH_MINUTES else 0
            blows = await storm.run(cards(options.faults, options.seed), began_s + 60 * options.minutes, least)
            seconds = loop.time() - began_s
            for oracle in oracles:
                oracle.check_tables()
            for task in tasks:
                task.cancel()
        await supervisor.stop()  # before the proxies, so that nobody is told of an outage
    return report(options.seed, seconds, options.faults, blows, oracles, longest_pause_s=storm.longest_pause_s)


async def start(
    options: Options,
    supervisor: Supervisor,
    http: httpx2.AsyncClient,
    blocks: AsyncExitStack,
    *,
    ledger: Ledger,
    oracles: Sequence[Oracle],
    readers: Sequence[Oracle],
) -> Stack:
    """Everything, ready, for the length of the blocks. Raises CannotStart."""
    loop, names = asyncio.get_running_loop(), RedisNames(PREFIX)
    redis_url = await start_broker(supervisor)
    broker = int(urlsplit(redis_url).port or 0)
    services = Services(supervisor, PREFIX, http)
    simulator = await services.simulator("--keepalive-s", str(KEEPALIVE_S), "--seed", str(options.seed))
    ingests = []
    for name in INGESTS:
        writer = Writer(ledger, names, loop.time)
        proxy = await blocks.enter_async_context(FaultProxy(HOST, broker, writer))
        ingests.append(Ingest(name, services.ingest(name, proxy.through(redis_url), simulator), proxy))
    proxies = [await blocks.enter_async_context(FaultProxy(HOST, broker)) for _ in range(options.publishers)]
    boards = await services.publishers([proxy.through(redis_url) for proxy in proxies])
    publishers = [
        Publisher(f"publisher-{number}", at, proxy)
        for number, (at, proxy) in enumerate(zip(boards, proxies, strict=True), 1)
    ]
    listener = socket.create_server((HOST, 0))
    backends = [Backend(HOST, int(at.rpartition(":")[2])) for at in boards]
    await blocks.enter_async_context(Splitter(backends).serving(listener))
    redis = await blocks.enter_async_context(open_redis(redis_url))
    board = f"{HOST}:{listener.getsockname()[1]}"
    followers = followers_of(oracles, readers, board, boards[0], options.seed)
    return Stack(supervisor, redis, http, simulator, ingests, publishers, followers)


def the_oracles(ledger: Ledger, weather: Weather) -> list[Oracle]:
    """
    Both modes, several intervals, all of a channel and the members of a group, with and without ids; the last one
    reads only now and then.
    """

    def of_all(mode: str, interval_ms: int) -> list[Wish]:
        return [Wish(channel, mode, interval_ms) for channel in CHANNELS]

    group = [Wish(Channel.MARKET, "rows", 100, GROUP), Wish(Channel.FOREIGN, "fields", 500, GROUP)]
    return [
        Oracle("rows at 100 ms", of_all("rows", 100), ledger, weather),
        Oracle("fields at 100 ms", of_all("fields", 100), ledger, weather, with_ids=False),
        Oracle("rows at 500 ms", of_all("rows", 500), ledger, weather, with_ids=False),
        Oracle("fields at 500 ms", of_all("fields", 500), ledger, weather),
        Oracle(f"members of {GROUP}", group, ledger, weather),
        Oracle("slow reader", of_all("fields", 100), ledger, weather, ordinary=False),
    ]


def the_readers_of_events(ledger: Ledger, weather: Weather) -> list[Oracle]:
    """The same over server-sent events, which carry one channel each."""

    def reader(name: str, mode: str, *, group: str | None = None, ordinary: bool = True) -> Oracle:
        wish = Wish(Channel.MARKET, mode, 100, group)
        return Oracle(f"events, {name}", [wish], ledger, weather, with_ids=False, ordinary=ordinary)

    return [
        reader("fields", "fields"),
        reader(f"members of {GROUP}", "rows", group=GROUP),
        reader("slow reader", "fields", ordinary=False),
    ]


def followers_of(
    oracles: Sequence[Oracle], readers: Sequence[Oracle], board: str, publisher: str, seed: int
) -> list[Follower]:
    """A connection for each oracle, through the splitter; with one that reads seldom nothing else may hold frames."""
    rng = random.Random(seed)  # noqa: S311 (no secret)
    followers: list[Follower] = []
    for oracle in (*oracles, *readers):
        at, pauses_s = (board, None) if oracle.ordinary else (publisher, PAUSES_S)
        if oracle in readers:
            followers.append(EventFollower(f"http://{at}", oracle, rng, pauses_s))
        else:
            followers.append(Follower(f"ws://{at}/ws", oracle, rng, pauses_s))
    return followers
