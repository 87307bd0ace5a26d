"""A quiet simulator, one for all tests of a file: nothing happens in its market by itself."""

from collections.abc import AsyncIterator

import pytest_asyncio

from tests.fakes.exchange import running_simulator
from tests.integration.ssi_simulator.conversation import Caller, a_caller


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def simulator_caller() -> AsyncIterator[Caller]:
    async with running_simulator(rate=0, clock="10:30", speed=0.001) as simulator:
        yield await a_caller(simulator)
