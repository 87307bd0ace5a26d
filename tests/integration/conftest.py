"""What several integration tests start."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from local_stack.engine import broker_for, find_engine
from tests.integration.private_broker import BrokerContainer, BrokerProcess, PrivateBroker


@pytest.fixture
def broker(tmp_path: Path, pytestconfig: pytest.Config) -> Iterator[PrivateBroker]:
    """Not started yet."""
    broker: PrivateBroker
    if pytestconfig.getoption("--redis") == "container":
        broker = BrokerContainer()
    else:
        broker = BrokerProcess(broker_for(find_engine(), tmp_path))
    yield broker
    broker.end()
