"""An ingest's conversation with Redis, as it comes into the ledger. The ingest's own sink is on the other side."""

from collections.abc import AsyncIterator
from urllib.parse import urlsplit

import pytest

from ingest_service.core.history import History
from ingest_service.redis_sink import Outcome, RedisSink
from local_stack.chaos.fault_proxy import FaultProxy
from local_stack.chaos.ledger import Ledger
from local_stack.chaos.writer import Writer
from shared.channels import Channel, Internal, RedisNames
from shared.redis_client import open_redis
from shared.table import Row
from shared.wire import Commit, Heartbeat
from tests.fakes.texts import entries, texts

EPOCH = "20261123-abcdef"


@pytest.fixture
def ledger() -> Ledger:
    return Ledger()


@pytest.fixture
async def sink(redis_url: str, redis_prefix: str, ledger: Ledger) -> AsyncIterator[RedisSink]:
    """With the lease, and an epoch that holds one row at revision 1."""
    names, at = RedisNames(redis_prefix), urlsplit(redis_url)
    async with (
        FaultProxy(at.hostname or "", at.port or 6379, Writer(ledger, names, lambda: 0.0)) as proxy,
        open_redis(proxy.through(redis_url)) as redis,
    ):
        sink = RedisSink(redis, names, token="token", lease_ms=60_000, source="")
        assert await sink.take_lease()
        history = History(EPOCH, 1)
        history.tables[Channel.MARKET].load(entries([("SSI", {"last": 1}, 1)]))
        history.tables[Internal.WINDOWS].load(entries([("SSI", {"step": 1}, 1)]))
        assert await sink.replace(history, "all", server="", time_ms=0, read_ms=0) is Outcome.DONE
        yield sink


@pytest.mark.usefixtures("sink")
async def test_a_replacement_comes_with_the_rows_that_were_built_aside(ledger: Ledger) -> None:
    assert rows(ledger, "SSI", 1) == [{"last": 1}]
    assert ledger.epochs[EPOCH].knows(1)


async def test_a_commit_that_is_done_is_certain(sink: RedisSink, ledger: Ledger) -> None:
    outcome = await sink.commit(a_commit(1, 2, {"SSI": {"last": 2}, "VNM": None}), "one", read_ms=0)

    assert outcome is Outcome.DONE
    assert rows(ledger, "SSI", 2) == [{"last": 2}]


async def test_a_commit_that_is_refused_stays_a_candidate(sink: RedisSink, ledger: Ledger) -> None:
    outcome = await sink.commit(a_commit(7, 8, {"SSI": {"last": 8}}), "of another head", read_ms=0)

    assert outcome is Outcome.OTHER_HEAD
    assert rows(ledger, "SSI", 8) == [{"last": 8}, {"last": 1}]


async def test_a_heartbeat_is_no_commit(sink: RedisSink, ledger: Ledger) -> None:
    await sink.heartbeat(Heartbeat(EPOCH, 1, 5))

    assert not ledger.epochs[EPOCH].knows(2)


def a_commit(from_rev: int, rev: int, rows: dict[str, Row | None]) -> Commit:
    return Commit(EPOCH, from_rev, rev, 0, {Channel.MARKET: texts(rows)})


def rows(ledger: Ledger, key: str, rev: int) -> list[Row | None]:
    return list(ledger.epochs[EPOCH].rows(Channel.MARKET, key, rev))
