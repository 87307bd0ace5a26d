"""One ingest leads twice: what it had sent in its first term is no answer to what it sends in its second."""

from collections.abc import AsyncIterator

import pytest

from ingest_service.core.history import Changes
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
