"""A writer whose prices publishers of a test can show."""

from collections.abc import AsyncIterator

import pytest

from tests.fakes.writer import Writer, writing


@pytest.fixture
async def writer(redis_url: str, redis_prefix: str) -> AsyncIterator[Writer]:
    """An ingest's hands; it has written one price."""
    async with writing(redis_url, redis_prefix) as writer:
        await writer.price("SSI", 1)
        yield writer
