"""An address whose server is another one now, though each of them was here before."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from local_stack.chaos.fault_proxy import HOST, FaultProxy
from local_stack.engine import find_engine
from shared.channels import Channel, RedisNames
from shared.redis_client import open_redis
from tests.fakes.writer import writing
from tests.integration.private_broker import BrokerProcess, brokers_alike, fall_behind, follow, promote

pytestmark = pytest.mark.embedded

NAMES = RedisNames("promoted")


class Address:
    """Leads to one server, and to the other one after each promotion; the same clients use it all the time."""

    def __init__(self, primary: BrokerProcess, replica: BrokerProcess, proxy: FaultProxy) -> None:
        self.primary = primary
        self.replica = replica
        self._proxy = proxy
        self.url = proxy.through(primary.url)

    async def moves(self) -> None:
        """To the replica, which is the primary from now on."""
        await promote(self.replica)
        self.primary, self.replica = self.replica, self.primary
        self._proxy.lead_to(HOST, self.primary.port)

    async def loses_what_is_committed_from_now_on(self) -> None:
        """With the next move."""
        await fall_behind(self.replica, self.primary)


@pytest.fixture
async def address(tmp_path: Path) -> AsyncIterator[Address]:
    """A server, and a replica that has the same."""
    one, other = brokers_alike(find_engine(), tmp_path)
    try:
        await one.start()
        await other.start()
        await follow(other, one)
        async with FaultProxy(HOST, one.port) as proxy:
            yield Address(one, other, proxy)
    finally:
        one.end()
        other.end()


async def stored(broker: BrokerProcess, key: str) -> dict[Any, Any]:
    """A hash of a server (Any: redis-py's keys and values are of every type that they might be)."""
    async with open_redis(broker.url) as redis:
        return await redis.hgetall(key)


async def goes_and_comes_back(address: Address) -> None:
    """The server becomes a replica for a while; it will miss what is committed then, and be the primary again."""
    await address.moves()
    await follow(address.replica, address.primary)
    await address.loses_what_is_committed_from_now_on()


async def test_a_new_leader_does_not_trust_a_server_that_was_a_replica_for_a_while(address: Address) -> None:
    async with writing(address.url, NAMES.prefix, owner="first") as first:
        await first.price("SSI", 1)
        await goes_and_comes_back(address)
        await first.price("SSI", 2)
        epoch = first.publication.history.epoch
    await address.moves()

    async with writing(address.url, NAMES.prefix, owner="second") as second:
        rows = dict(second.publication.history.tables[Channel.MARKET].live())

        assert rows["SSI"]["last"] == 1
        assert second.publication.history.epoch != epoch


async def test_a_leader_brings_up_a_server_that_was_a_replica_for_a_while(address: Address) -> None:
    async with writing(address.url, NAMES.prefix) as writer:
        await writer.price("SSI", 1)
        epoch = writer.publication.history.epoch
        await goes_and_comes_back(address)
        await writer.price("SSI", 2)
        rev = writer.publication.history.rev
        await address.moves()
        await writer.price("VNM", 3)
        head = await stored(address.primary, NAMES.head)
        rows = await stored(address.primary, NAMES.rows(Channel.MARKET))

        assert writer.publication.history.epoch == epoch
        assert (head[b"epoch"], int(head[b"rev"])) == (epoch.encode(), rev + 1)
        assert sorted(rows) == [b"SSI", b"VNM"]
        assert b'"last":2' in rows[b"SSI"]


async def test_a_server_that_has_everything_is_named_in_the_head_within_a_heartbeat(address: Address) -> None:
    async with writing(address.url, NAMES.prefix) as writer:
        await writer.price("SSI", 1)
        before = (await stored(address.primary, NAMES.head))[b"server"]
        await address.moves()
        async with asyncio.timeout(10):
            while (head := await stored(address.primary, NAMES.head))[b"server"] == before:  # noqa: ASYNC110 (another's work)
                await asyncio.sleep(0.02)
        epoch, rev = writer.publication.history.epoch, writer.publication.history.rev

        assert (head[b"epoch"], int(head[b"rev"])) == (epoch.encode(), rev)
