"""What several integration tests start."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from local_stack.engine import broker_for, find_engine
from tests.integration.private_broker import PrivateBroker


@pytest.fixture
def broker(tmp_path: Path) -> Iterator[PrivateBroker]:
    """Not started yet."""
    broker = PrivateBroker(broker_for(find_engine(), tmp_path))
    yield broker
    broker.end()
