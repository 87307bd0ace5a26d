"""What a broker may do: go away, come back empty, freeze, cut connections, or be written by somebody else."""

import asyncio
import signal
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import date
from typing import Any

import pytest

from ingest_service.publication import LeaseLost
from ingest_service.redis_sink import Outcome, RedisSink
from shared.channels import Channel, RedisNames
from shared.redis_client import open_redis
from shared.wire import Commit, encode_envelope
from tests.fakes.services import RunningPublisher, WebsocketClient, running_publisher, websocket_client
from tests.fakes.writer import Writer, writing
from tests.integration.private_broker import PrivateBroker

PREFIX = "faults"


@asynccontextmanager
async def road(broker: PrivateBroker) -> AsyncIterator[tuple[Writer, RunningPublisher, WebsocketClient]]:
    """A writer, a publisher and a client that has seen one price and a true status."""
    await broker.start()
    async with (
        writing(broker.url, PREFIX) as writer,
        running_publisher(broker.url, PREFIX) as publisher,
        websocket_client(publisher.websocket_url + "/ws/market?interval=100") as client,
    ):
        await writer.price("SSI", 1)
        await client.status(connected=True, within_s=10)
        yield writer, publisher, client


async def sees(client: WebsocketClient, symbol: str, last: int, within_s: float = 15) -> None:
    """The client's table gets to this price."""
    async with asyncio.timeout(within_s):
        while client.table.rows.get(symbol, {}).get("last") != last:
            await client.next(within_s=within_s)


async def test_a_broker_that_died_and_came_back_empty_is_filled_again_and_clients_converge(
    broker: PrivateBroker,
) -> None:
    async with road(broker) as (writer, publisher, client):
        broker.signal(signal.SIGKILL)
        took_s = await client.status(connected=False, within_s=10)
        ready = await publisher.get("/readyz")
        held = await publisher.get("/api/channels/market/SSI")
        late_price = asyncio.create_task(writer.price("VNM", 2))
        await broker.start()
        await client.status(connected=True, within_s=15)
        await late_price
        await sees(client, "VNM", 2)

        assert took_s < 5
        assert (ready.status_code, held.json()["last"]) == (200, 1)
        assert client.table.rows["SSI"]["last"] == 1
        resent = [m for m in client.messages[3:] if "SSI" in m.get("data", {})]
        assert len(resent) <= 1  # its first price; the rows kept their revisions over the loss


async def test_a_frozen_broker_is_told_within_five_seconds_and_nothing_is_lost(broker: PrivateBroker) -> None:
    async with road(broker) as (writer, _, client):
        broker.signal(signal.SIGSTOP)
        took_s = await client.status(connected=False, within_s=10)
        broker.signal(signal.SIGCONT)
        await client.status(connected=True, within_s=15)
        await writer.price("SSI", 9)
        await sees(client, "SSI", 9)

        assert took_s < 5


async def test_a_killed_subscription_is_made_anew_without_clients_noticing(broker: PrivateBroker) -> None:
    async with road(broker) as (writer, publisher, client):
        async with open_redis(broker.url) as redis:
            await redis.client_kill_filter(_type="pubsub")
        await writer.price("SSI", 5)
        await sees(client, "SSI", 5)

        assert (await publisher.get("/readyz")).status_code == 200
        statuses = [message["connected"] for message in client.messages if message["type"] == "status"]
        assert statuses[statuses.index(True) :] == [True]


async def test_flushall_is_repaired_by_the_ingest_from_its_own_memory(broker: PrivateBroker) -> None:
    async with road(broker) as (writer, _, client):
        epoch = writer.publication.history.epoch
        async with open_redis(broker.url) as redis:
            await redis.flushall()
            await writer.price("VNM", 3)
            await sees(client, "VNM", 3)
            rows = await redis.hgetall(RedisNames(PREFIX).rows(Channel.MARKET))

        assert sorted(rows) == [b"SSI", b"VNM"]
        assert writer.publication.history.epoch == epoch


async def test_a_second_writer_waits_and_takes_over_with_the_rows_when_the_lease_ends(broker: PrivateBroker) -> None:
    async with road(broker) as (writer, _, client):
        epoch = writer.publication.history.epoch
        async with open_redis(broker.url) as redis:
            await redis.set(RedisNames(PREFIX).lease, "second", px=60_000)  # as if the first had been frozen too long
            async with writing(broker.url, PREFIX, owner="second") as second:
                await second.price("VNM", 4)
                await sees(client, "VNM", 4)
                head = await redis.hget(RedisNames(PREFIX).head, "rev")

                assert second.publication.history.epoch == epoch
                assert head == str(second.publication.history.rev).encode()
                assert client.table.rows["SSI"]["last"] == 1
                with pytest.raises(LeaseLost):
                    await writer.price("SSI", 666)


async def rows_of(broker: PrivateBroker, channel: Channel) -> list[bytes]:
    """The keys that stand in Redis."""
    async with open_redis(broker.url) as redis:
        return sorted(key for key in await redis.hkeys(RedisNames(PREFIX).rows(channel)) if isinstance(key, bytes))


@pytest.mark.parametrize("key", ["rows", "head"])
async def test_a_key_of_a_wrong_type_is_put_right_by_the_ingest(broker: PrivateBroker, key: str) -> None:
    async with road(broker) as (writer, _, client):
        names = RedisNames(PREFIX)
        async with open_redis(broker.url) as redis:
            await redis.set(names.head if key == "head" else names.rows(Channel.MARKET), "nonsense")
        await writer.price("VNM", 3)
        await sees(client, "VNM", 3)

        assert await rows_of(broker, Channel.MARKET) == [b"SSI", b"VNM"]


async def test_a_replica_that_cannot_read_redis_says_so_to_its_clients(broker: PrivateBroker) -> None:
    async with road(broker) as (_, publisher, client):
        async with open_redis(broker.url) as redis:
            await redis.hset(RedisNames(PREFIX).head, "contract", "2")
            await redis.client_kill_filter(_type="pubsub")
        await client.status(connected=False, within_s=10)

        assert (await publisher.get("/readyz")).status_code == 503
        assert (await publisher.get("/api/channels/market/SSI")).status_code == 200


async def test_a_head_that_fell_back_is_noticed_by_the_next_heartbeat(broker: PrivateBroker) -> None:
    async with road(broker) as (writer, _, __):
        names, rev = RedisNames(PREFIX), str(writer.publication.history.rev).encode()
        async with open_redis(broker.url) as redis, asyncio.timeout(10):
            await redis.hset(names.head, "rev", 1)
            while await redis.hget(names.head, "rev") != rev:  # noqa: ASYNC110 (it is another's work)
                await asyncio.sleep(0.05)


async def test_a_lost_answer_to_a_replacement_is_not_taken_for_another_writer(
    broker: PrivateBroker, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with road(broker) as (writer, _, client):
        replace = RedisSink.replace
        lost: list[Outcome] = []

        async def answer_lost(*arguments: Any, **named: Any) -> Outcome:
            outcome = await replace(*arguments, **named)
            if not lost:
                lost.append(outcome)
                raise TimeoutError
            return outcome

        monkeypatch.setattr(RedisSink, "replace", answer_lost)
        await writer.publication.open_epoch(date(2026, 11, 24))
        await writer.price("VNM", 3)
        await sees(client, "VNM", 3)

        assert lost == [Outcome.DONE]


async def test_a_replacement_that_the_network_held_up_comes_too_late_to_remove_the_rows(
    broker: PrivateBroker, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with road(broker) as (writer, _, client), open_redis(broker.url) as redis:
        sink = writer.publication._sink
        script, calls = sink._replace_script, list[tuple[Any, Any]]()

        async def overheard(keys: Any, args: Any) -> object:
            calls.append((keys, args))
            return await script(keys, args)

        monkeypatch.setattr(sink, "_replace_script", overheard)
        await redis.flushall()
        await writer.price("VNM", 3)
        await sees(client, "VNM", 3)
        late = await script(*calls[0])

        assert late == b"head"
        assert await rows_of(broker, Channel.MARKET) == [b"SSI", b"VNM"]


async def test_a_replica_that_differs_from_the_ingest_notices_within_a_heartbeat_and_all_clients_get_the_truth(
    broker: PrivateBroker,
) -> None:
    async with road(broker) as (writer, publisher, client):
        # As no fault should ever do it: one copy of a row is another, at the same revision.
        forged = Commit(
            writer.publication.history.epoch,
            writer.publication.history.rev,
            writer.publication.history.rev + 1,
            writer.publication.history.rev,
            {Channel.MARKET: {"SSI": b'{"last":666,"reference":100}'}},
        )
        async with open_redis(broker.url) as redis:
            await redis.publish(RedisNames(PREFIX).updates, encode_envelope(forged))
            await sees(client, "SSI", 666)
            await writer.price("SSI", 2)  # the publisher takes it for one that it has
            await sees(client, "SSI", 2)

        assert await publisher.metric('publisher_divergences_total{channel="market"}') == 1
        assert (await publisher.get("/readyz")).status_code == 200


@pytest.mark.parametrize(("source", "kept"), [("an exchange", [b"SSI", b"VNM"]), ("another", [b"VNM"])])
async def test_rows_of_another_exchange_never_go_on_as_rows_of_this_one(
    broker: PrivateBroker, source: str, kept: list[bytes]
) -> None:
    async with road(broker) as (writer, _, client):
        epoch = writer.publication.history.epoch
        async with open_redis(broker.url) as redis:
            await redis.set(RedisNames(PREFIX).lease, "second", px=60_000)
        async with writing(broker.url, PREFIX, owner="second", source=source) as second:
            await second.price("VNM", 4)
            await sees(client, "VNM", 4)
            rows = await rows_of(broker, Channel.MARKET)

            assert rows == sorted(kept)
            assert sorted(client.table.rows) == [key.decode() for key in sorted(kept)]
            assert (second.publication.history.epoch == epoch) is (source == "an exchange")
