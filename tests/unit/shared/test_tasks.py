"""A task that fails is heard, once, and stops the process by its own way out."""

import asyncio
import logging
import signal
from collections.abc import Iterator

import pytest

from shared.tasks import running


@pytest.fixture
def told() -> Iterator[list[int]]:
    """The signals that this process was sent meanwhile."""
    signals: list[int] = []
    before = signal.signal(signal.SIGTERM, lambda number, _: signals.append(number))
    yield signals
    signal.signal(signal.SIGTERM, before)


async def fails() -> None:
    raise RuntimeError("a bug")


async def lasts() -> None:
    await asyncio.Event().wait()


async def test_a_task_that_fails_ends_the_block_and_tells_the_process_once(
    told: list[int], caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.ERROR), pytest.raises(BaseExceptionGroup) as raised:
        async with running(lasts(), name="outer"), running(fails(), name="inner"):
            await lasts()

    assert raised.group_contains(RuntimeError)
    assert told == [signal.SIGTERM]
    assert [record.__dict__["task"] for record in caplog.records] == ["inner"]


async def test_a_task_ends_with_its_block_and_nobody_is_told(told: list[int]) -> None:
    async with running(lasts(), name="task"):
        await asyncio.sleep(0)

    assert told == []


async def test_an_exception_of_the_block_is_not_taken_for_one_of_the_task(told: list[int]) -> None:
    with pytest.raises(BaseExceptionGroup):
        async with running(lasts(), name="task"):
            raise RuntimeError("of the block")

    assert told == []
