"""The acceptance test: the official Python client, unmodified, cannot tell the simulator from the real feed."""

import asyncio
import gc
import json
import threading
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field

import pytest
from ssi_fc_data import model
from ssi_fc_data.fc_md_client import MarketDataClient
from ssi_fc_data.fc_md_stream import MarketDataStream

from tests.eventually import eventually
from tests.fakes.exchange import RunningSimulator, running_simulator

# The client leaves its sockets to the garbage collector.
pytestmark = pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning", "ignore::ResourceWarning")

ALL_TYPES = {"F", "X", "X-QUOTE", "X-TRADE", "R", "MI", "B", "OL"}


@dataclass
class Config:
    url: str
    stream_url: str
    auth_type: str = "Bearer"
    consumerID: str = "demo"  # noqa: N815 (the client's names)
    consumerSecret: str = "demo"  # noqa: N815


@dataclass
class Reader:
    """What the client's callbacks, which run in its own thread, have heard."""

    messages: list[dict[str, str]] = field(default_factory=list)
    errors: list[object] = field(default_factory=list)
    closed: int = 0

    def on_close(self) -> None:
        self.closed += 1

    def types(self) -> Counter[str]:
        return Counter(message["DataType"] for message in self.messages)


@pytest.fixture(autouse=True)
def _threads_end_and_sockets_are_collected() -> Iterator[None]:
    """So that what the client leaves behind is found here, where it is expected, and not in another test."""
    before = set(threading.enumerate())
    yield
    for thread in set(threading.enumerate()) - before:
        if thread.daemon:
            thread.join(10)
    gc.collect()


async def started(simulator: RunningSimulator, reader: Reader, expression: str) -> MarketDataStream:
    config = Config(simulator.url, simulator.url)

    def start() -> MarketDataStream:
        stream = MarketDataStream(config, MarketDataClient(config), on_close=reader.on_close)
        stream.start(reader.messages.append, reader.errors.append, expression)
        return stream

    return await asyncio.to_thread(start)


async def test_it_receives_every_type_and_exactly_what_was_sent() -> None:
    reader = Reader()
    async with running_simulator(rate=500) as simulator:
        await started(simulator, reader, "ALL")

        await eventually(lambda: reader.types().keys() == ALL_TYPES, within_s=20)
        await simulator.control("pause")
        sent = (await simulator.ledger())["sent"]
        await eventually(lambda: reader.types() == sent, within_s=20)

        assert not reader.errors
        assert all(isinstance(json.loads(message["Content"]), dict) for message in reader.messages)
        assert reader.closed == 0


async def test_it_can_switch_channels() -> None:
    reader = Reader()
    async with running_simulator(rate=100) as simulator:
        stream = await started(simulator, reader, "MI:VN30")
        await eventually(lambda: bool(reader.messages), within_s=20)

        await asyncio.to_thread(stream.swith_channel, "B:ALL")

        await eventually(lambda: "B" in reader.types(), within_s=20)
        assert not reader.errors


async def test_it_hears_the_quota_error_and_the_close() -> None:
    reader = Reader()
    async with running_simulator() as simulator:
        await started(simulator, reader, "MI:ALL")
        await eventually(lambda: bool(reader.messages), within_s=20)

        await simulator.fault("quota-error")

        await eventually(lambda: reader.closed > 0, within_s=20)
        assert [str(error) for error in reader.errors] == ["Connection has been blocked, quota 1 exceeded by 1"]


async def test_its_rest_calls_are_answered() -> None:
    async with running_simulator() as simulator:
        config = Config(simulator.url, simulator.url)

        def ask() -> tuple[dict[str, object], ...]:
            client = MarketDataClient(config)
            return (
                client.securities(config, model.securities("HOSE", 1, 10)),
                client.securities_details(config, model.securities_details("HOSE", "SSI")),
                client.index_list(config, model.index_list("HOSE", 1, 100)),
                client.index_components(config, model.index_components("VN30", 1, 100)),
            )

        answers = await asyncio.to_thread(ask)

        assert [answer["status"] for answer in answers] == ["Success"] * 4
        assert all(answer["data"] for answer in answers)


async def test_wrong_credentials_raise_its_error() -> None:
    async with running_simulator(consumer_secret="another") as simulator:
        config = Config(simulator.url, simulator.url)

        with pytest.raises(NameError, match="The connection is invalid"):
            await asyncio.to_thread(MarketDataClient, config)
