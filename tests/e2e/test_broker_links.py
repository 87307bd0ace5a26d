"""The way to the broker fails: for the ingest, for one publisher, or for whoever the broker cuts off."""

import asyncio
import signal
from collections.abc import AsyncIterator, Callable, Iterator

import pytest
import pytest_asyncio

from local_stack.chaos.fault_proxy import FaultProxy
from local_stack.engine import broker_for, find_engine
from shared.channels import RedisNames
from shared.wire import Commit, decode_envelope
from tests.e2e.broker_road import PREFIX, Road, running_road
from tests.integration.private_broker import BrokerProcess

pytestmark = pytest.mark.asyncio(loop_scope="module")

#: Two heartbeats missed, and the deadlines of a look at the head and of a ping.
TOLD_S = 5.0
#: Less than what the network holds between the broker and a publisher that does not read.
OUTPUT_LIMIT_BYTES = 262_144
PADDING = b'{"type":"padding","contract":1,"epoch":"20261123-padded","rev":0,"time":0,"text":"%b"}' % (b"x" * 16_000)


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def road(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Road]:
    """Shared: each test heals what it breaks."""
    folder = tmp_path_factory.mktemp("road")
    async with running_road(BrokerProcess(broker_for(find_engine(), folder)), folder) as started:
        yield started


@pytest.fixture(autouse=True)
def _healed(road: Road) -> Iterator[None]:
    """Whatever a test has found."""
    yield
    for link in (road.ingest_link, *road.links):
        link.heal()


def told_since(road: Road, before: list[int]) -> list[list[object]]:
    """What each witness was told about `connected` since it had so many statuses."""
    return [
        [status["connected"] for status in witness.statuses[count:]]
        for witness, count in zip(road.witnesses, before, strict=True)
    ]


@pytest.mark.parametrize("fault", [FaultProxy.black_hole, FaultProxy.drop, FaultProxy.reset])
async def test_an_ingest_cut_off_from_the_broker_is_told_as_silent_and_brings_what_was_missed(
    road: Road, fault: Callable[[FaultProxy], None]
) -> None:
    async with road.one_history():
        fault(road.ingest_link)
        told_s = await road.told(connected=False, within_s=10)
        statuses = await road.serves_the_last_table()
        ready = await road.ready()
        road.ingest_link.heal()
        await road.moves()
        await road.converges()

    assert told_s < TOLD_S
    assert [(status["broker"], status["ingest"]) for status in statuses] == [("live", "silent")] * 2
    assert ready == [200, 200]


async def test_a_publisher_that_reaches_no_broker_says_so_and_the_others_go_on(road: Road) -> None:
    first, second = road.witnesses
    before = len(second.statuses)
    async with road.one_history():
        road.links[0].black_hole()
        told_s = await road.told(connected=False, within_s=10, witnesses=[first])
        # It cannot know that the others are well, and an outage must not empty the balancer.
        ready = await road.ready()
        road.links[0].heal()
        await road.moves()
        await road.converges()

    assert told_s < TOLD_S
    assert first.statuses[-2]["broker"] == "down"
    assert second.statuses[before:] == []
    assert ready == [200, 200]


async def test_a_publisher_whose_subscription_is_dead_is_unready_until_it_hears_again(road: Road) -> None:
    first, second = road.witnesses
    before = len(second.statuses)
    async with road.one_history():
        road.links[0].deafen()
        await road.told(connected=False, within_s=10, witnesses=[first])
        # Meanwhile it subscribes and loads anew, which works, and hears nothing again.
        ready, loads = set(), await road.publishers[0].metric("publisher_loads_total")
        async with asyncio.timeout(40):
            while await road.publishers[0].metric("publisher_loads_total") < loads + 2:
                ready.add(tuple(await road.ready()))
        road.links[0].heal()
        await road.moves()
        after = await road.ready()
        await road.converges()

    assert first.statuses[-2]["ingest"] == "silent"
    assert second.statuses[before:] == []
    assert ready == {(503, 200)}
    assert after == [200, 200]


async def test_a_publisher_with_a_fault_of_its_own_is_ready_again_when_all_suffer_an_outage(road: Road) -> None:
    road.links[0].deafen()
    await road.told(connected=False, within_s=10, witnesses=road.witnesses[:1])
    alone = await road.ready()

    road.broker.signal(signal.SIGSTOP)
    try:
        await road.told(connected=False, within_s=10)
        async with asyncio.timeout(10):
            while (together := await road.ready()) != [200, 200]:  # noqa: ASYNC110 (it is another's work)
                await asyncio.sleep(0.05)
    finally:
        road.broker.signal(signal.SIGCONT)
    road.links[0].heal()
    await road.moves()
    await road.converges()

    assert alone == [503, 200]
    assert together == [200, 200]


async def test_a_broker_that_freezes_while_rows_are_loaded_is_told_as_soon_as_ever(road: Road) -> None:
    first, link = road.witnesses[0], road.links[0]
    async with road.one_history():
        road.snares[0].set(b"HSCAN", link.black_hole)
        link.cut()
        told_s = await road.told(connected=False, within_s=20, witnesses=[first])
        link.heal()
        await road.moves()
        await road.converges()

    assert told_s < TOLD_S


async def test_on_slow_ways_everything_goes_on_as_before(road: Road) -> None:
    links = (road.ingest_link, *road.links)
    before = [len(witness.statuses) for witness in road.witnesses]
    async with road.one_history():
        for link in links:
            link.delay_s = 0.2
        await road.head_moves(commits=5)
        await road.moves()
        for link in links:
            link.delay_s = 0.0
        await road.converges()

    assert told_since(road, before) == [[], []]


async def test_a_commit_whose_answer_was_lost_is_published_once_under_its_number(road: Road) -> None:
    names = RedisNames(PREFIX)
    commits: list[Commit] = []
    async with road.one_history(), road.redis.pubsub() as updates:
        await updates.subscribe(names.updates)
        road.ingest_link.lose_next_commit_reply()
        lost_at = None
        async with asyncio.timeout(20):
            while lost_at is None or len(commits) < lost_at + 10:
                message = await updates.get_message(ignore_subscribe_messages=True, timeout=1)
                if message and isinstance(envelope := decode_envelope(message["data"]), Commit):
                    commits.append(envelope)
                if lost_at is None and road.ingest_link.lost_replies:
                    lost_at = len(commits)
        await road.moves()
        await road.converges()

    assert [commit.from_rev for commit in commits[1:]] == [commit.rev for commit in commits[:-1]]


@pytest.mark.parametrize("whose", ["normal", "pubsub", "all of them, by RST"])
async def test_connections_that_are_killed_are_made_anew_and_clients_are_told_nothing(road: Road, whose: str) -> None:
    before = [len(witness.statuses) for witness in road.witnesses]
    async with road.one_history():
        if whose in ("normal", "pubsub"):
            assert await road.redis.client_kill_filter(_type=whose, skipme=True) >= 2
        else:
            for link in (road.ingest_link, *road.links):
                link.cut()
        await road.moves()
        ready = await road.ready()
        await road.converges()

    assert told_since(road, before) == [[], []]
    assert ready == [200, 200]


async def test_a_publisher_that_the_broker_gave_up_for_not_reading_misses_nothing(road: Road) -> None:
    names = RedisNames(PREFIX)
    publisher = road.publishers[0].process
    await road.redis.config_set("client-output-buffer-limit", f"pubsub {OUTPUT_LIMIT_BYTES} 0 0")
    async with road.one_history():
        publisher.send_signal(signal.SIGSTOP)
        try:
            async with asyncio.timeout(20):
                while await road.redis.publish(names.updates, PADDING) == 2:
                    pass
        finally:
            publisher.send_signal(signal.SIGCONT)
        await road.moves()
        given_up = (await road.redis.info("stats"))["client_output_buffer_limit_disconnections"]
        await road.converges()

    assert given_up == 1
