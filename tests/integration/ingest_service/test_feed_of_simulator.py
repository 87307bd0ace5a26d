"""The feed, REST and the probe against the simulator: the whole protocol, with a process at the other end."""

import asyncio
import io
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import cast

import orjson
import pytest
from pydantic import SecretStr

from ingest_service import probe as probe_module
from ingest_service.core import probe_report
from ingest_service.core.feed_events import FrameSkipped, LinkUp
from ingest_service.core.ticks import SecurityTick, parse
from ingest_service.probe import probe
from ingest_service.rest import Rest, open_http
from ingest_service.settings import IngestSettings
from tests.eventually import eventually
from tests.fakes.exchange import RunningSimulator, running_simulator
from tests.fakes.feed_owner import CHANNELS, Owner, listening


@asynccontextmanager
async def rest_of(simulator: RunningSimulator, secret: str = "demo") -> AsyncIterator[Rest]:
    async with open_http() as http:
        yield Rest(
            http,
            api_url=simulator.url,
            consumer_id="demo",
            consumer_secret=SecretStr(secret),
            call_interval_s=0.0,
        )


@asynccontextmanager
async def listening_to(simulator: RunningSimulator, secret: str = "demo") -> AsyncIterator[Owner]:
    async with rest_of(simulator, secret) as rest, listening(simulator.url, rest) as owner:
        yield owner


def types_of(owner: Owner) -> Counter[str]:
    return Counter(orjson.loads(argument)["DataType"] for argument in owner.arguments)


def total_volumes(owner: Owner) -> dict[str, int | None]:
    """The newest of each symbol."""
    ticks = (parse(argument) for argument in owner.arguments)
    return {tick.key: tick.trade.total_volume for tick in ticks if isinstance(tick, SecurityTick) and tick.trade}


async def assert_in_agreement(owner: Owner, simulator: RunningSimulator) -> None:
    """With the market paused, the owner ends with what the simulator says was traded."""
    await simulator.control("pause")
    symbols = (await simulator.ledger())["symbols"]
    expected = {symbol: state["total_volume"] for symbol, state in symbols.items()}
    await eventually(lambda: total_volumes(owner) == expected)


async def test_every_message_that_was_sent_arrives_and_the_newest_agree_with_the_ledger() -> None:
    async with running_simulator(rate=500, seed=3) as simulator, listening_to(simulator) as owner:
        await eventually(lambda: len(owner.arguments) > 1500)

        await assert_in_agreement(owner, simulator)
        ledger = await simulator.ledger()
        await eventually(lambda: types_of(owner) == Counter(ledger["sent"]))

        assert set(types_of(owner)) == {"X", "R", "MI"}
        assert owner.reasons_down == []
        assert owner.ups == [LinkUp((",".join(CHANNELS),))]


@pytest.mark.parametrize(
    ("fault", "told"),
    [
        ("drop", "the connection broke without a close frame"),
        ("close", "closed by the server with 1001"),
        ("reconnect", "the server asked to reconnect"),
        ("quota-error", "quota"),
        ("silence", "not a frame for 1 s"),
    ],
)
async def test_after_any_loss_all_is_subscribed_again_and_nothing_stays_old(fault: str, told: str) -> None:
    async with running_simulator(rate=100, keepalive_s=1) as simulator, listening_to(simulator) as owner:
        await eventually(lambda: len(owner.arguments) > 200)

        await simulator.fault(fault)
        await eventually(lambda: len(owner.ups) == 2)

        assert told in owner.reasons_down[0]
        await assert_in_agreement(owner, simulator)
        assert (await simulator.ledger())["connections_max"] == 1


async def test_a_half_open_connection_is_given_up_after_the_keepalive_time() -> None:
    async with running_simulator(rate=100, keepalive_s=1) as simulator, listening_to(simulator) as owner:
        await eventually(lambda: len(owner.arguments) > 200)

        await simulator.fault("half-open")
        await eventually(lambda: len(owner.ups) == 2)

        assert owner.reasons_down == ["not a frame for 1 s"]
        await assert_in_agreement(owner, simulator)


@pytest.mark.parametrize(("fault", "told"), [("unauthorized", "HTTP 401"), ("bad-gateway", "HTTP 502")])
async def test_a_refused_request_is_repeated(fault: str, told: str) -> None:
    async with running_simulator(rate=100, fault=[f"{fault},count=2"]) as simulator, listening_to(simulator) as owner:
        await eventually(lambda: bool(owner.ups))

        assert owner.reasons_down == [f"negotiate: {told}"] * 2


async def test_a_malformed_frame_costs_nothing_but_itself() -> None:
    async with running_simulator(rate=100) as simulator, listening_to(simulator) as owner:
        await eventually(lambda: bool(owner.arguments))

        await simulator.fault("malformed", count=3)
        await eventually(lambda: owner.events.count(FrameSkipped("malformed")) == 3)

        await assert_in_agreement(owner, simulator)
        assert owner.reasons_down == []


async def test_where_only_the_first_of_a_list_counts_splitting_brings_the_others() -> None:
    async with (
        running_simulator(rate=100, comma_first_only=True) as simulator,
        listening_to(simulator) as owner,
    ):
        await eventually(lambda: types_of(owner)["X"] > 100)
        assert set(types_of(owner)) == {"X"}

        owner.feed.split()
        await eventually(lambda: set(types_of(owner)) == {"X", "R", "MI"})

        assert owner.ups[-1] == LinkUp(CHANNELS)
        connections = cast("list[dict[str, object]]", (await simulator.ledger())["connections"])
        assert len(connections) == 3
        await assert_in_agreement(owner, simulator)


@pytest.mark.parametrize("replace", ["replace-all", "replace-per-channel", "additive"])
async def test_the_subscription_means_the_same_under_each_model_of_replacement(replace: str) -> None:
    async with running_simulator(rate=100, replace=replace) as simulator, listening_to(simulator) as owner:
        await eventually(lambda: set(types_of(owner)) == {"X", "R", "MI"})
        await simulator.fault("close")
        await eventually(lambda: len(owner.ups) == 2)

        await assert_in_agreement(owner, simulator)


async def test_reconnects_at_a_rush_never_open_two_sockets_at_once() -> None:
    async with running_simulator(rate=100) as simulator, listening_to(simulator) as owner:
        for ups in range(1, 11):
            await eventually(lambda ups=ups: len(owner.ups) >= ups)  # type: ignore[misc]  # mypy infers no lambda with a default
            owner.feed.reconnect("no data for 30 s")
            await asyncio.sleep(0)
            owner.feed.reconnect("no data for 30 s")

        assert (await simulator.ledger())["connections_max"] == 1


async def test_a_wrong_secret_is_told_again_and_again_and_opens_nothing() -> None:
    async with running_simulator() as simulator, listening_to(simulator, secret="wrong") as owner:
        await eventually(lambda: len(owner.reasons_down) >= 3)

        assert set(owner.reasons_down) == {"log-in: The connection is invalid"}
        assert (await simulator.ledger())["connections_opened"] == 0


async def test_rest_lists_what_the_stream_carries() -> None:
    async with running_simulator(stocks=40) as simulator, rest_of(simulator) as rest:
        securities = [row for market in ("HOSE", "HNX", "UPCOM", "DER") for row in await rest.securities(market)]
        details = await rest.details("HOSE")
        indices = await rest.index_list("HOSE")
        components = await rest.index_components("VN30")
        life_s = await rest.token_life_s()

        symbols = {row.symbol for row in securities}
        assert symbols == set((await simulator.ledger())["symbols"])
        assert {row.symbol for row in details} == {row.symbol for row in securities if row.market == "HOSE"}
        assert {"VN30", "VNINDEX"} <= {row.code.upper() for row in indices}
        assert set(components) <= symbols
        assert life_s > 3600


async def test_the_probe_tells_how_the_simulator_replaces(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(probe_report, "SNAPSHOT_S", 0.5)
    monkeypatch.setattr(probe_module, "LEAST_FOR_EXPERIMENTS_S", 5.0)
    out = io.StringIO()

    async with running_simulator(rate=200) as simulator:
        settings = IngestSettings(
            ssi_url=simulator.url,
            ssi_consumer_id="demo",
            ssi_consumer_secret=SecretStr("demo"),
            ssi_channels=CHANNELS,
        )
        code = await probe(settings, 6.0, out)

    report = out.getvalue()
    assert code == 0, report
    assert "comma list  every channel delivered" in report
    assert "second call replaces the list of the channel it names" in report
    assert "sessions    LO" in report
    assert " dropped: " not in report
