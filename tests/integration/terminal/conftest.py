"""A board with a few rows, to be looked at."""

from collections.abc import AsyncIterator

import pytest

from clients.python.banggia_client import connect
from shared.channels import Channel
from shared.table import Row
from tests.eventually import eventually
from tests.fakes.services import RunningPublisher, running_publisher
from tests.fakes.writer import Writer, writing


@pytest.fixture
async def writer(redis_url: str, redis_prefix: str) -> AsyncIterator[Writer]:
    """An ingest's hands."""
    async with writing(redis_url, redis_prefix) as writer:
        await writer.commit(
            {
                Channel.STATUS: {"HOSE": {"phase": "continuous", "changed_at": 1}},
                Channel.GROUPS: {"VN30": {"keys": ["SSI", "FPT"]}},
                Channel.INDEX: {"VNINDEX": {"value": 1802.44, "reference": 1800.0, "change_pct": 0.14}},
                Channel.MARKET: {
                    "SSI": a_row(31_500, 1.0, 200_000),
                    "FPT": a_row(107_000, -2.0, 900_000),
                    **{f"S{number:02}": a_row(31_200, 0.0, number) for number in range(60)},
                },
            }
        )
        yield writer


@pytest.fixture
async def publisher(redis_url: str, redis_prefix: str, writer: Writer) -> AsyncIterator[RunningPublisher]:  # noqa: ARG001 (publishers are ready when something was written)
    """One replica, whose road is sound."""
    async with running_publisher(redis_url, redis_prefix) as publisher:
        await sound(publisher)
        yield publisher


async def sound(publisher: RunningPublisher, token: str | None = None) -> None:
    """Return when it says that it is connected; it has just started."""
    async with connect(publisher.url, token=token) as feed:
        await eventually(lambda: feed.connected, within_s=20)


def a_row(last: int, change_pct: float, total_volume: int) -> Row:
    """Of `market`; the reference is that of SSI."""
    return {
        "exchange": "HOSE", "reference": 31_200, "ceiling": 33_350, "floor": 29_050, "last": last, "high": last,
        "low": last, "last_volume": 100, "change": last - 31_200, "change_pct": change_pct,
        "total_volume": total_volume, "total_value": total_volume * last, "bids": [[31_450, 500]], "asks": [],
        "session": "LO", "expected_price": None,
    }  # fmt: skip
