"""Every fault on demand, as a client sees it."""

import asyncio
import json

import httpx2
import pytest
from websockets.exceptions import ConnectionClosed, InvalidStatus

from ssi_simulator.faults import FAULTS
from tests.fakes.exchange import running_simulator
from tests.integration.ssi_simulator.conversation import Caller, Talk, a_caller, messages, talking, until


async def closed(talk: Talk) -> ConnectionClosed:
    """How the connection ends."""
    async with asyncio.timeout(10):
        try:
            while True:
                await talk.websocket.recv()
        except ConnectionClosed as end:
            return end


async def hears_nothing(talk: Talk, for_s: float = 0.5) -> bool:
    try:
        await asyncio.wait_for(talk.websocket.recv(), for_s)
    except TimeoutError:
        return True
    return False


async def left_over(talk: Talk) -> list[str | bytes]:
    """What was under way when a fault began."""
    texts: list[str | bytes] = []
    while True:
        try:
            texts.append(await asyncio.wait_for(talk.websocket.recv(), 0.2))
        except TimeoutError:
            return texts


async def test_a_drop_ends_without_a_close_frame() -> None:
    async with talking("X:ALL", rate=50) as (simulator, talk):
        ordered = await simulator.fault("drop")

        end = await closed(talk)

    assert ordered["hit"] == 1
    assert end.rcvd is None


async def test_a_close_has_the_code_that_was_ordered() -> None:
    async with talking("X:ALL", rate=50) as (simulator, talk):
        await simulator.fault("close", value=1011)

        end = await closed(talk)

    assert end.rcvd is not None
    assert end.rcvd.code == 1011


async def test_a_stall_leaves_the_keepalives_and_spares_who_comes_anew() -> None:
    async with running_simulator(rate=500, keepalive_s=0.2) as simulator:
        caller = await a_caller(simulator)
        async with caller.talking("X:ALL") as talk:
            await simulator.fault("stall")
            async with asyncio.timeout(10):
                while await talk.text() != "{}":
                    pass

            assert [await talk.text() for _ in range(5)] == ["{}"] * 5
            async with caller.talking("X:ALL") as other:
                await other.messages(100)
            await simulator.clear_faults()
            await talk.message()

        assert (await simulator.ledger())["withheld"] > 0


async def test_a_silence_stops_the_keepalives_too_but_pings_are_answered() -> None:
    async with talking("X:ALL", rate=500, keepalive_s=0.1) as (simulator, talk):
        await simulator.fault("silence")
        await left_over(talk)

        assert await hears_nothing(talk)
        async with asyncio.timeout(5):
            await (await talk.websocket.ping())


async def test_a_stall_for_seconds_ends_by_itself() -> None:
    async with talking("X:ALL", rate=500) as (simulator, talk):
        await simulator.fault("stall", seconds=2)
        await left_over(talk)

        assert await hears_nothing(talk, for_s=0.2)
        await talk.message()


async def test_a_half_open_connection_answers_nothing_at_all() -> None:
    async with talking("X:ALL", rate=500, keepalive_s=0.1) as (simulator, talk):
        await simulator.fault("half-open")
        await left_over(talk)

        pong = await talk.websocket.ping()

        assert await hears_nothing(talk)
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(pong, 0.1)
        await simulator.clear_faults()
        assert (await closed(talk)).rcvd is None


async def test_the_server_asks_to_reconnect() -> None:
    async with talking("MI:VN30", rate=50) as (simulator, talk):
        await simulator.fault("reconnect")

        frame = await talk.frame_where(lambda frame: "T" in frame)

    assert (frame["T"], frame["M"]) == (1, [])


async def test_the_quota_error_is_followed_by_a_close() -> None:
    async with talking("MI:NONE", rate=0) as (simulator, talk):
        await simulator.fault("quota-error")

        frame = await talk.frame()
        end = await closed(talk)

    assert frame["M"][0]["M"] == "Error"
    assert frame["M"][0]["A"] == ["Connection has been blocked, quota 1 exceeded by 1"]
    assert end.rcvd is not None


async def test_a_connection_fault_with_a_count_meets_new_connections_after_their_snapshots() -> None:
    async with running_simulator(rate=0, fault="drop,count=1") as simulator:
        caller = await a_caller(simulator)
        async with caller.talking() as talk:
            await talk.call("X:SSI")
            assert (await closed(talk)).rcvd is None

        async with caller.talking("X:SSI") as talk:
            assert (await talk.message())[0] == "X"


@pytest.mark.parametrize(("fault", "status"), [("unauthorized", 401), ("bad-gateway", 502)])
async def test_negotiate_and_upgrades_are_refused(fault: str, status: int) -> None:
    async with running_simulator(rate=0) as simulator:
        caller = await a_caller(simulator)
        token = (await caller.negotiate())["ConnectionToken"]
        await simulator.fault(fault, count=2)

        negotiated = await caller.http("POST", "v2.0/signalr/negotiate")
        with pytest.raises(InvalidStatus) as upgrade:
            async with caller.upgrade(token):
                pass

        assert [negotiated.status_code, upgrade.value.response.status_code] == [status, status]
        async with caller.talking():
            pass


async def test_rest_refuses_a_token_in_the_body() -> None:
    async with running_simulator(rate=0) as simulator:
        caller = await a_caller(simulator)
        await simulator.fault("rest-unauthorized", count=1)

        statuses = [(await caller.http("GET", "api/v2/Market/IndexList")).json()["status"] for _ in range(2)]

    assert statuses == [401, "Success"]


async def test_a_call_is_answered_with_an_error() -> None:
    async with talking(None, rate=0, fault="invocation-error,count=1") as (_, talk):
        await talk.call("X:SSI", call_id="9")

        assert await talk.frame() == {
            "I": "9",
            "E": "There was an error invoking Hub method 'FcMarketDataV2Hub.SwitchChannels'.",
        }


async def snapshot_with(fault: str, caller: Caller, talk: Talk, **limits: float) -> list[str]:
    """The texts of the frames that the next snapshot of one symbol comes in, with a fault in force."""
    await caller.simulator.fault(fault, **limits)
    await talk.call("X:SSI")
    texts = [str(text) for text in await left_over(talk)]
    await caller.simulator.clear_faults()
    return texts[2:]  # after the group and result frames


async def test_a_broken_frame_comes_before_the_intact_one(simulator_caller: Caller) -> None:
    async with simulator_caller.talking() as talk:
        broken, intact = await snapshot_with("malformed", simulator_caller, talk, count=1)

    with pytest.raises(json.JSONDecodeError):
        json.loads(broken)
    assert messages(json.loads(intact))[0][1]["Symbol"] == "SSI"


async def test_a_duplicate_is_the_same_message_again(simulator_caller: Caller) -> None:
    async with simulator_caller.talking() as talk:
        (text,) = await snapshot_with("duplicate", simulator_caller, talk, value=3)

    found = messages(json.loads(text))
    assert len(found) == 3
    assert found[0] == found[1] == found[2]


async def test_content_comes_as_an_object(simulator_caller: Caller) -> None:
    async with simulator_caller.talking() as talk:
        (text,) = await snapshot_with("content-object", simulator_caller, talk)

    argument = json.loads(json.loads(text)["M"][0]["A"][0])
    assert argument["Content"]["Symbol"] == "SSI"


async def test_numbers_come_as_strings(simulator_caller: Caller) -> None:
    async with simulator_caller.talking() as talk:
        (text,) = await snapshot_with("numeric-strings", simulator_caller, talk)

    content = messages(json.loads(text))[0][1]
    assert float(content["LastPrice"]) > 0
    assert all(isinstance(value, str) for value in content.values() if value is not None)


async def test_times_run_back(simulator_caller: Caller) -> None:
    async with simulator_caller.talking("X:SSI") as talk:
        before = (await talk.message())[1]["Time"]
        await talk.switch("X:NONE")
        (text,) = await snapshot_with("time-back", simulator_caller, talk, value=3600)

    after = messages(json.loads(text))[0][1]["Time"]
    assert int(after[:2]) == int(before[:2]) - 1
    assert after[2:] == before[2:]


async def test_an_unknown_type_comes_before_the_known_one(simulator_caller: Caller) -> None:
    async with simulator_caller.talking() as talk:
        (text,) = await snapshot_with("unknown-type", simulator_caller, talk)

    assert [data_type for data_type, _ in messages(json.loads(text))] == ["X-NEW", "X"]


async def test_a_batch_joins_messages_in_one_frame(simulator_caller: Caller) -> None:
    async with simulator_caller.talking() as talk:
        await simulator_caller.simulator.fault("batch", value=10)
        await talk.call("X:ALL")
        texts = [str(text) for text in await left_over(talk)][2:]
        await simulator_caller.simulator.clear_faults()

    sizes = [len(messages(json.loads(text))) for text in texts]
    assert set(sizes[:-1]) == {10}
    assert 1 <= sizes[-1] <= 10


async def test_a_burst_multiplies_the_rate() -> None:
    async with talking("X:ALL", rate=20) as (simulator, talk):
        await talk.rest(0.01)
        await simulator.fault("burst", value=50, seconds=1)
        async with asyncio.timeout(5):  # at 20 a second, 500 would take 25 s
            await talk.messages(500)


async def test_a_new_trading_day_begins_on_demand() -> None:
    async with talking("X:SSI", rate=50, day="2026-11-23") as (simulator, talk):
        assert (await talk.message())[1]["TradingDate"] == "23/11/2026"

        state = await simulator.control("day")

        async with asyncio.timeout(10):
            while (await talk.message())[1]["TradingDate"] != "24/11/2026":
                pass
    assert (state["market"]["day"], state["market"]["time"]) == ("2026-11-24", "10:00:00")


async def test_a_client_that_does_not_read_is_cut() -> None:
    async with running_simulator(rate=5000, stocks=400) as simulator:
        async with (await a_caller(simulator)).talking("ALL") as talk:
            talk.websocket.transport.pause_reading()

            async def is_cut() -> bool:
                return bool((await simulator.ledger())["slow_dropped"])

            await until(is_cut, within_s=60)

        assert (await simulator.ledger())["connections"] == []


async def test_the_list_of_faults_says_what_is_in_force_and_what_happened() -> None:
    faults = ["duplicate=3,count=5", "bad-gateway,seconds=600"]
    async with running_simulator(rate=0, fault=faults) as simulator, httpx2.AsyncClient(trust_env=False) as http:
        listed = (await http.get(f"{simulator.url}control/faults")).json()
        refused = await http.post(f"{simulator.url}control/faults", json={"name": "earthquake"})
        await http.delete(f"{simulator.url}control/faults/duplicate")
        left = (await http.get(f"{simulator.url}control/faults")).json()

    assert [(fault["name"], fault["value"], fault["count"]) for fault in listed["active"]] == [
        ("duplicate", 3.0, 5),
        ("bad-gateway", 502.0, None),
    ]
    assert listed["known"].keys() == FAULTS.keys()
    assert refused.status_code == 400
    assert "there is no fault 'earthquake'" in refused.json()["error"]
    assert [fault["name"] for fault in left["active"]] == ["bad-gateway"]
