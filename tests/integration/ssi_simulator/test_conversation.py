"""The stream as a raw client sees it: endpoints, frames, subscriptions."""

import asyncio
import json

import pytest
from websockets.exceptions import InvalidStatus

from tests.fakes.exchange import running_simulator
from tests.integration.ssi_simulator.conversation import Caller, a_caller, messages, symbols, talking, until

NEGOTIATED = [
    "Url",
    "ConnectionToken",
    "ConnectionId",
    "KeepAliveTimeout",
    "DisconnectTimeout",
    "ConnectionTimeout",
    "TryWebSockets",
    "ProtocolVersion",
    "TransportConnectTimeout",
    "LongPollDelay",
]


async def test_a_complete_conversation() -> None:
    async with running_simulator(rate=0) as simulator:
        caller = await a_caller(simulator)
        negotiated = await caller.negotiate()
        assert list(negotiated) == NEGOTIATED
        assert all(sign in negotiated["ConnectionToken"] for sign in "+/=")
        async with caller.upgrade(negotiated["ConnectionToken"]) as websocket:
            assert websocket.response is not None
            assert "Sec-WebSocket-Extensions" not in websocket.response.headers
            assert "Sec-WebSocket-Protocol" not in websocket.response.headers
            init = await websocket.recv()
            assert isinstance(init, str)
            assert init.startswith('{"C":"d-')
            assert init.endswith('","S":1,"M":[]}')

            await websocket.send('{"H": "FcMarketDataV2Hub", "M": "SwitchChannels", "A": ["B:SSI-VN30"], "I": 0}')

            groups = json.loads(await websocket.recv())
            assert list(groups) == ["C", "G", "M"]
            assert await websocket.recv() == '{"I":"0"}'
            frame = json.loads(await websocket.recv())
            assert list(frame) == ["C", "M"]
            assert frame["M"][0]["H"] == "FcMarketDataV2Hub"
            data_type, content = messages(frame)[0]
            assert data_type == "B"
            assert content["Symbol"] in {"SSI", "VN30"}


@pytest.mark.parametrize("method", ["GET", "POST"])
@pytest.mark.parametrize(
    ("asked", "spoken"), [("1.2", "1.2"), ("1.3", "1.3"), ("1.5", "1.5"), ("2.1", "2.1"), ("9.0", "2.1"), ("", "1.2")]
)
async def test_negotiate_clips_the_protocol(simulator_caller: Caller, method: str, asked: str, spoken: str) -> None:
    answer = await simulator_caller.http(method, "v2.0/signalr/negotiate", clientProtocol=asked, _="1795405337123")

    assert answer.json()["ProtocolVersion"] == spoken


async def test_paths_are_taken_in_any_letter_case(simulator_caller: Caller) -> None:
    answer = await simulator_caller.http("GET", "V2.0/SignalR/Negotiate")

    assert answer.status_code == 200


async def test_without_a_valid_bearer_everything_is_refused_with_401(simulator_caller: Caller) -> None:
    connection_token = (await simulator_caller.negotiate())["ConnectionToken"]
    stranger = Caller(simulator_caller.simulator, "AAA.BBB.CCC")

    refused = [await stranger.http("GET", f"v2.0/signalr/{name}") for name in ("negotiate", "start", "ping", "abort")]
    with pytest.raises(InvalidStatus) as upgrade:
        async with stranger.upgrade(connection_token):
            pass

    assert [answer.status_code for answer in refused] == [401] * 4
    assert upgrade.value.response.status_code == 401


async def test_the_token_may_stand_in_the_query(simulator_caller: Caller) -> None:
    stranger = Caller(simulator_caller.simulator, "")

    answer = await stranger.http("GET", "v2.0/signalr/negotiate", access_token=simulator_caller.token)

    assert answer.status_code == 200


async def test_an_expired_token_is_refused() -> None:
    async with running_simulator(rate=0, token_life_s=1) as simulator:
        caller = await a_caller(simulator)

        async def has_expired() -> bool:
            return (await caller.http("GET", "v2.0/signalr/ping")).status_code == 401

        await until(has_expired)

        assert (await caller.http("POST", "v2.0/signalr/negotiate")).status_code == 401


async def test_a_connection_token_that_was_not_encoded_is_refused(simulator_caller: Caller) -> None:
    token = (await simulator_caller.negotiate())["ConnectionToken"]

    with pytest.raises(InvalidStatus) as upgrade:
        async with simulator_caller.upgrade(token.replace("+", " ")):
            pass

    assert upgrade.value.response.status_code == 400


async def test_other_transports_are_refused(simulator_caller: Caller) -> None:
    token = (await simulator_caller.negotiate())["ConnectionToken"]

    answer = await simulator_caller.http(
        "GET", "v2.0/signalr/connect", transport="serverSentEvents", connectionToken=token
    )

    assert answer.status_code == 400


async def test_start_ping_and_abort_answer_as_signalr_does(simulator_caller: Caller) -> None:
    async with simulator_caller.talking() as talk:
        token = talk.negotiated["ConnectionToken"]

        start = await simulator_caller.http("GET", "v2.0/signalr/start", connectionToken=token)
        ping = await simulator_caller.http("GET", "v2.0/signalr/ping")
        abort = await simulator_caller.http(
            "POST", "v2.0/signalr/abort", transport="serverSentEvents", connectionToken=token
        )
        await talk.websocket.wait_closed()

        assert start.text == '{"Response":"started"}'
        assert ping.text == '{"Response":"pong"}'
        assert (abort.status_code, abort.text) == (200, "")
        with pytest.raises(InvalidStatus) as upgrade:
            async with simulator_caller.upgrade(token, "reconnect"):
                pass
        assert upgrade.value.response.status_code == 400


async def test_names_match_in_any_letter_case_and_spaces_do_not_matter(simulator_caller: Caller) -> None:
    async with simulator_caller.talking() as talk:
        call = {"H": "fcmarketdatav2hub", "M": "switchchannels", "A": [" x-Quote: ssi , mi:HNXindex "], "I": "7"}
        await talk.websocket.send(json.dumps(call))

        assert (await talk.frame_where(lambda frame: "I" in frame))["I"] == "7"
        found = await talk.messages(2)

    assert {data_type for data_type, _ in found} == {"X-QUOTE", "MI"}


async def test_unknown_names_are_silently_empty(simulator_caller: Caller) -> None:
    async with simulator_caller.talking("X:NONE,NEWS:ALL,nonsense,MI:") as talk:
        assert await talk.rest() == []


async def test_an_unknown_method_or_a_wrong_argument_gets_an_error(simulator_caller: Caller) -> None:
    async with simulator_caller.talking() as talk:
        await talk.call("X:ALL", method="Subscribe", call_id=4)
        unknown = await talk.frame()
        await talk.call(17, call_id=5)
        wrong = await talk.frame()

    error = "There was an error invoking Hub method 'FcMarketDataV2Hub.{}'."
    assert unknown == {"I": "4", "E": error.format("Subscribe")}
    assert wrong == {"I": "5", "E": error.format("SwitchChannels")}


@pytest.mark.parametrize(
    ("mode", "channels"),
    [
        ("replace-all", {"MI": ["VN30"]}),
        ("replace-per-channel", {"X": ["HPG"], "MI": ["VN30"]}),
        ("additive", {"X": ["HPG", "SSI"], "MI": ["VN30"]}),
    ],
)
async def test_what_a_further_call_replaces_depends_on_the_mode(mode: str, channels: dict[str, list[str]]) -> None:
    async with talking("X:SSI", rate=0, replace=mode) as (simulator, talk):
        await talk.switch("X:HPG")
        await talk.switch("MI:VN30")

        connections = (await simulator.ledger())["connections"]

    assert [connection["subscription"] for connection in connections] == [channels]


async def test_of_a_comma_list_only_the_first_may_count() -> None:
    async with talking("B:SSI,MI:ALL", rate=0, comma_first_only=True) as (_, talk):
        found = await talk.rest()

    assert {data_type for data_type, _ in found} == {"B"}


async def test_a_snapshot_comes_for_what_is_newly_selected_only(simulator_caller: Caller) -> None:
    async with simulator_caller.talking("X:SSI") as talk:
        first = await talk.rest()
        await talk.switch("X:SSI-HPG")
        second = await talk.rest()
        await talk.switch("X:SSI-HPG")
        third = await talk.rest()

    assert [symbols(found) for found in (first, second, third)] == [{"SSI"}, {"HPG"}, set()]


async def test_keepalives_leave_when_nothing_else_does() -> None:
    async with running_simulator(rate=0, keepalive_s=0.4) as simulator:
        caller = await a_caller(simulator)
        async with caller.talking() as talk:
            assert talk.negotiated["KeepAliveTimeout"] == 0.4
            assert [await talk.text() for _ in range(3)] == ["{}"] * 3


@pytest.mark.parametrize("replay", [True, False])
async def test_a_reconnect_keeps_the_channels_and_replays_if_it_is_to(*, replay: bool) -> None:
    async with running_simulator(rate=200, no_replay=not replay) as simulator:
        caller = await a_caller(simulator)
        async with caller.talking("X:ALL") as talk:
            cursor_before, token = talk.cursor, talk.negotiated["ConnectionToken"]
            await talk.messages(50)
            await simulator.control("pause")
            await talk.rest()
            talk.websocket.transport.abort()

        async with caller.upgrade(token, "reconnect", messageId=cursor_before) as websocket:
            first = json.loads(await websocket.recv())
            assert "S" not in first
            if replay:
                async with asyncio.timeout(5):
                    assert messages(json.loads(await websocket.recv()))[0][0] == "X"
            await simulator.control("resume")
            async with asyncio.timeout(5):
                assert messages(json.loads(await websocket.recv()))

        ledger = await simulator.ledger()

    assert ledger["connections_opened"] == 1
