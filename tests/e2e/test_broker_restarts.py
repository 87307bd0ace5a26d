"""The broker dies, freezes, forgets or falls back: clients keep the last table, are told, and end with the truth."""

import signal
import time
from collections.abc import AsyncIterator

import pytest
import pytest_asyncio

from local_stack.engine import broker_for
from tests.e2e.broker_road import WELL_S, Road, cpu_s, running_road, whole_engine
from tests.eventually import eventually
from tests.fakes.services import websocket_client
from tests.integration.private_broker import BrokerProcess

pytestmark = pytest.mark.asyncio(loop_scope="module")

#: Two heartbeats missed, and the deadlines of a look at the head and of a ping.
TOLD_S = 5.0
OUTAGE_S = 5.0
#: What is kept survives the death of the process.
KEEPING = ("--appendonly", "yes")
OLDER_DUMP = ("--dbfilename", "older.rdb")


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def road(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Road]:
    """Shared: each test heals what it breaks."""
    folder = tmp_path_factory.mktemp("road")
    async with running_road(BrokerProcess(broker_for(whole_engine(), folder), *KEEPING), folder) as started:
        yield started


async def outage(road: Road) -> None:
    """What all must be true while Redis does not answer; takes as long as an outage that is worth the name."""
    began_s, used_s = time.monotonic(), [cpu_s(publisher.pid) for publisher in road.publishers]
    told_s = await road.told(connected=False, within_s=10)
    statuses = await road.serves_the_last_table()
    ready = await road.ready()
    await eventually(lambda: time.monotonic() - began_s > OUTAGE_S)
    busy = [
        (cpu_s(publisher.pid) - before_s) / (time.monotonic() - began_s)
        for publisher, before_s in zip(road.publishers, used_s, strict=True)
    ]
    assert told_s < TOLD_S
    assert [(status["connected"], status["broker"]) for status in statuses] == [(False, "down")] * 2
    assert ready == [200, 200]
    assert max(busy) < 0.5, busy


async def keep_dump(road: Road) -> None:
    """What Redis has now is what `OLDER_DUMP` will hold."""
    await road.redis.save()
    written = (await road.redis.config_get("dbfilename"))["dbfilename"]
    assert written is not None
    (road.folder / written).replace(road.folder / OLDER_DUMP[1])


async def test_a_broker_that_died_and_comes_back_with_its_data_goes_on_where_it_was(road: Road) -> None:
    road.broker.options = KEEPING

    async with road.one_history():
        road.broker.signal(signal.SIGKILL)
        await outage(road)
        await road.broker.start()
        await road.moves()
        await road.converges()


async def test_a_broker_that_died_and_comes_back_empty_is_filled_by_the_ingest(road: Road) -> None:
    road.broker.options = ()

    async with road.one_history():
        road.broker.signal(signal.SIGKILL)
        await road.told(connected=False, within_s=10)
        ready = await road.ready()
        await road.broker.start()
        await road.moves()
        await road.converges()

    assert ready == [200, 200]


async def test_a_broker_that_froze_and_wakes_goes_on_where_it_was(road: Road) -> None:
    async with road.one_history():
        road.broker.signal(signal.SIGSTOP)
        try:
            await outage(road)
        finally:
            road.broker.signal(signal.SIGCONT)
        await road.moves()
        await road.converges()


async def test_a_broker_that_forgot_everything_is_filled_by_the_ingest_and_nobody_notices(road: Road) -> None:
    async with road.one_history():
        await road.redis.flushall()
        await road.moves()
        ready = await road.ready()
        await road.converges()

    assert ready == [200, 200]


async def comes_back_older(road: Road) -> None:
    """The broker dies, and starts with the dump that was kept; all is well again."""
    road.broker.options = OLDER_DUMP
    road.broker.signal(signal.SIGKILL)
    await road.told(connected=False, within_s=10)
    await road.broker.start()
    await road.moves()
    await road.converges()


async def test_a_broker_that_fell_back_alone_is_brought_up_under_the_same_history(road: Road) -> None:
    await keep_dump(road)
    await road.head_moves(commits=20)

    async with road.one_history():
        await comes_back_older(road)


async def test_a_broker_that_fell_back_to_another_day_is_brought_up_under_the_newer_history(road: Road) -> None:
    await keep_dump(road)
    older = road.witnesses[0].epochs
    await road.simulator.control("day")
    await eventually(lambda: all(one.epochs.isdisjoint(older) for one in road.witnesses), within_s=WELL_S)
    await road.moves()

    async with road.one_history():
        await comes_back_older(road)


async def test_broker_and_ingest_that_both_fell_back_begin_a_new_epoch_and_nobody_keeps_what_was_lost(
    road: Road,
) -> None:
    await keep_dump(road)
    await road.head_moves(commits=20)
    older, position = road.witnesses[0].epochs, road.witnesses[0].position
    road.broker.options = OLDER_DUMP

    road.ingest.kill()
    road.broker.signal(signal.SIGKILL)
    await road.told(connected=False, within_s=10)
    await road.broker.start()
    await road.start_ingest()
    await road.moves()
    address = road.publishers[0].websocket_url + f"/ws/market?since={position}"
    async with websocket_client(address) as returning:
        answer = await returning.next("snapshot", "update")
    await road.converges()

    assert answer["type"] == "snapshot"
    assert all(one.epochs.isdisjoint(older) for one in road.witnesses)
    assert [one.connections for one in road.witnesses] == [1, 1]
