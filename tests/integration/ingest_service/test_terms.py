"""
The terms of an ingest.

What it had sent in its first term is no answer to what it sends in its second, and no term ends because of a lease
that ran out and that nobody else has taken.
"""

from collections.abc import AsyncIterator

import pytest

from ingest_service.core.history import Changes, History
from ingest_service.core.schema import SCHEMA
from ingest_service.metrics import Metrics
from ingest_service.publication import LeaseLost, Publication
from ingest_service.redis_sink import Outcome, RedisSink
from shared.channels import Channel, RedisNames
from shared.redis_client import open_redis
from shared.wire import Commit
from tests.fakes.writer import DAY


class RecordingSink(RedisSink):
    """Notes what was sent, for a network that delivers it once more."""

    sent: list[tuple[Commit, str]]

    async def commit(self, commit: Commit, commit_id: str, *, read_ms: int) -> Outcome:
        self.sent.append((commit, commit_id))
        return await super().commit(commit, commit_id, read_ms=read_ms)


class ForgettingSink(RedisSink):
    """The first time that all rows are written the lease runs out, as it does when the server stands still."""

    forgot = False

    async def replace(self, history: History, commit_id: str, *, server: str, time_ms: int, read_ms: int) -> Outcome:
        if not self.forgot:
            self.forgot = True
            await self.release_lease()
        return await super().replace(history, commit_id, server=server, time_ms=time_ms, read_ms=read_ms)


def price(last: int) -> Changes:
    return {Channel.MARKET: {"SSI": {"last": last}}}


@pytest.fixture
async def sink(redis_url: str, redis_prefix: str) -> AsyncIterator[RecordingSink]:
    """One ingest's hands."""
    async with open_redis(redis_url) as redis:
        names = RedisNames(redis_prefix)
        sink = RecordingSink(redis, names, token="first", lease_ms=5000, source="an exchange", schema=SCHEMA)
        sink.sent = []
        yield sink


async def test_a_commit_of_an_earlier_term_that_arrives_late_is_not_taken_for_the_one_of_this_term(
    sink: RecordingSink, redis_url: str, redis_prefix: str
) -> None:
    publication = Publication(sink, Metrics(), random=lambda: 0.5)
    async with open_redis(redis_url) as redis:
        async with publication.leading():
            await publication.open_epoch(DAY)
            await publication.publish(price(1), 1)
            await redis.set(RedisNames(redis_prefix).lease, "another")  # which writes nothing
            with pytest.raises(LeaseLost):
                await publication.publish(price(2), 2)
        refused = sink.sent[-1]
        await redis.delete(RedisNames(redis_prefix).lease)
        async with publication.leading():
            late = await sink.commit(*refused, read_ms=2)
            with pytest.raises(LeaseLost):
                await publication.publish(price(3), 3)

        stored = await sink.load()

    (first, first_id), (second, second_id) = refused, sink.sent[-1]
    assert late is Outcome.DONE
    assert first.rev == second.rev
    assert first_id != second_id
    assert stored is not None
    assert [entry.row for key, entry in stored.rows[Channel.MARKET] if key == "SSI"] == [{"last": 2}]


async def test_who_takes_a_lease_that_it_has_still_has_it_for_its_whole_length(
    sink: RecordingSink, redis_url: str, redis_prefix: str
) -> None:
    lease = RedisNames(redis_prefix).lease
    async with open_redis(redis_url) as redis:
        await redis.set(lease, "first", px=500)  # as a server has it that came back from an older dump
        taken = await sink.take_lease()
        left_ms = await redis.pttl(lease)
        await redis.set(lease, "another", px=60_000)
        refused = await sink.take_lease()
        owner = await redis.get(lease)

    assert taken
    assert 2000 < left_ms <= 5000
    assert not refused
    assert owner == b"another"


async def test_a_lease_that_ran_out_while_all_rows_were_written_costs_no_history(
    redis_url: str, redis_prefix: str
) -> None:
    async with open_redis(redis_url) as redis:
        sink = ForgettingSink(redis, RedisNames(redis_prefix), token="only", lease_ms=5000, source="", schema=SCHEMA)
        publication = Publication(sink, Metrics(), random=lambda: 0.5)
        async with publication.leading():
            await publication.open_epoch(DAY)
            epoch = publication.history.epoch
            await publication.publish(price(1), 1)
        stored = await sink.load()

    assert sink.forgot
    assert stored is not None
    assert stored.head.epoch == epoch
    assert [entry.row for key, entry in stored.rows[Channel.MARKET] if key == "SSI"] == [{"last": 1}]
