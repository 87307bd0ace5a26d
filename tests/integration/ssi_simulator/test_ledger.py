"""The ledger against what a client received, and the market under control."""

from collections import Counter
from typing import Any

import httpx2

from tests.fakes.exchange import running_simulator
from tests.integration.ssi_simulator.conversation import a_caller, talking


async def test_a_client_that_got_every_message_agrees_with_the_ledger() -> None:
    async with talking("X:ALL,R:ALL,MI:ALL,X-TRADE:ALL,B:ALL", rate=500) as (simulator, talk):
        found = await talk.messages(2000)
        await simulator.control("pause")
        found += await talk.rest()

        ledger = await simulator.ledger()

    held: dict[str, dict[str, dict[str, Any]]] = {"X": {}, "R": {}, "MI": {}, "X-TRADE": {}, "B": {}}
    for data_type, content in found:
        held[data_type][content.get("IndexId") or content["Symbol"]] = content
    assert Counter(data_type for data_type, _ in found) == ledger["sent"]
    assert held["X"].keys() == ledger["symbols"].keys()
    for symbol, totals in ledger["symbols"].items():
        x, flow = held["X"][symbol], held["R"].get(symbol, {})
        assert x["LastPrice"] == totals["last"]
        assert x["TotalVol"] == totals["total_volume"]
        assert x["TotalVal"] == totals["total_value"]
        assert flow.get("BuyVol", 0) == totals["foreign_buy_volume"]
        assert flow.get("SellVol", 0) == totals["foreign_sell_volume"]
    assert {key: index["IndexValue"] for key, index in held["MI"].items()} == {
        key: index["value"] for key, index in ledger["indices"].items()
    }


async def test_a_paused_market_sends_keepalives_only_and_goes_on_where_it_stood() -> None:
    async with talking("X:ALL", rate=500, keepalive_s=0.2) as (simulator, talk):
        state = await simulator.control("pause")
        await talk.rest()
        counted = (await simulator.ledger())["produced"]

        assert await talk.text() == "{}"
        assert (await simulator.ledger())["produced"] == counted
        assert (await simulator.ledger())["market"]["time"] == state["market"]["time"]
        await simulator.control("resume")
        await talk.message()


async def test_connections_are_counted_and_named_with_what_they_asked_for() -> None:
    async with running_simulator(rate=0) as simulator:
        caller = await a_caller(simulator)
        async with caller.talking("X:SSI-HPG"):
            async with caller.talking("MI:ALL"):
                both = await simulator.ledger()
            async with caller.talking(None) as third:
                await third.websocket.close()

        ledger = await simulator.ledger()

    assert [connection["subscription"] for connection in both["connections"]] == [{"X": ["HPG", "SSI"]}, {"MI": "ALL"}]
    assert (ledger["connections_opened"], ledger["connections_max"], ledger["connections"]) == (3, 2, [])


async def test_the_clock_goes_forward_through_the_real_timetable() -> None:
    async with talking("F:SSI", rate=0, clock="14:29", speed=0.001, day="2026-11-23") as (simulator, talk):
        before = (await talk.message())[1]

        state = await simulator.control("clock", time="14:31")

        assert state["market"]["time"] == "14:31:00"
        assert (before["TradingSession"], (await talk.message())[1]["TradingSession"]) == ("LO", "ATC")


async def test_the_clock_refuses_to_go_back() -> None:
    async with running_simulator(rate=0) as simulator, httpx2.AsyncClient(trust_env=False) as http:
        answer = await http.post(f"{simulator.url}control/clock", json={"time": "09:00"})

    assert answer.status_code == 400
    assert "market time never goes back" in answer.json()["error"]


async def test_the_rate_changes_while_it_runs() -> None:
    async with talking("X:ALL", rate=0) as (simulator, talk):
        await talk.rest()

        await simulator.control("rate", rate=1000)

        await talk.messages(500)


async def test_what_control_does_not_understand_is_refused_with_a_reason() -> None:
    async with running_simulator(rate=0) as simulator, httpx2.AsyncClient(trust_env=False) as http:
        unknown = await http.post(f"{simulator.url}control/explode")
        negative = await http.post(f"{simulator.url}control/rate", json={"rate": -1})
        no_json = await http.post(f"{simulator.url}control/rate", content=b"fast")

    assert (unknown.status_code, negative.status_code, no_json.status_code) == (404, 400, 400)
    assert negative.json()["error"].startswith("rate: ")
