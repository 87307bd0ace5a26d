"""The REST calls: exact bodies, envelopes, paging, refusals in the body."""

import base64
import json
import time

import httpx2
import pytest

from tests.fakes.exchange import running_simulator
from tests.integration.ssi_simulator.conversation import Caller, a_caller

MARKET = "api/v2/Market/"
DETAILS = [
    "Isin",
    "Symbol",
    "SymbolName",
    "SymbolEngName",
    "SecType",
    "MarketId",
    "Exchange",
    "Issuer",
    "LotSize",
    "IssueDate",
    "MaturityDate",
    "FirstTradingDate",
    "LastTradingDate",
    "ContractMultiplier",
    "SettlMethod",
    "Underlying",
    "PutOrCall",
    "ExercisePrice",
    "ExerciseStyle",
    "ExcerciseRatio",
    "ListedShare",
    "TickPrice1",
    "TickPrice2",
    "TickPrice3",
    "TickPrice4",
    "TickIncrement1",
    "TickIncrement2",
    "TickIncrement3",
    "TickIncrement4",
]


async def post_token(url: str, body: bytes) -> httpx2.Response:
    async with httpx2.AsyncClient(trust_env=False) as http:
        return await http.post(f"{url}{MARKET}AccessToken", content=body)


async def test_a_token_is_a_jwt_that_lives_for_eight_hours(simulator_caller: Caller) -> None:
    answer = await post_token(simulator_caller.simulator.url, b'{"consumerID": "demo", "consumerSecret": "demo"}')

    document = answer.json()
    assert answer.headers["Content-Type"] == "application/json; charset=utf-8"
    assert list(document) == ["message", "status", "data"]
    assert (document["message"], document["status"], list(document["data"])) == ("Success", 200, ["accessToken"])
    payload = document["data"]["accessToken"].split(".")[1]
    expires_unix_s = json.loads(base64.b64decode(payload + "=" * (-len(payload) % 4), validate=True))["exp"]
    assert expires_unix_s - time.time() == pytest.approx(8 * 3600, abs=60)


@pytest.mark.parametrize(
    "body", [b'{"consumerID": "demo", "consumerSecret": "wrong"}', b"{}", b"", b"[1]", b"no json", b"x" * 100_000]
)
async def test_whoever_is_not_known_gets_the_refusal_in_the_body(simulator_caller: Caller, body: bytes) -> None:
    answer = await post_token(simulator_caller.simulator.url, body)

    assert (answer.status_code, answer.text) == (
        200,
        '{"message":"The connection is invalid","status":400,"data":null}',
    )


async def test_without_a_bearer_the_refusal_is_in_the_body(simulator_caller: Caller) -> None:
    stranger = Caller(simulator_caller.simulator, "")

    answer = await stranger.http("GET", f"{MARKET}Securities")

    assert (answer.status_code, answer.text) == (200, '{"message":"Missing Authorization header","status":401}')


@pytest.mark.parametrize("prefix", ["", "lookupRequest."])
async def test_pages_put_together_are_the_whole_market(simulator_caller: Caller, prefix: str) -> None:
    whole = await simulator_caller.http("GET", f"{MARKET}Securities", pageSize="1000")
    pages = [
        await simulator_caller.http(
            "GET", f"{MARKET}Securities", **{f"{prefix}pageIndex": str(number), f"{prefix}pageSize": "20"}
        )
        for number in (1, 2, 3)
    ]

    envelope = whole.json()
    assert list(envelope) == ["data", "message", "status", "totalRecord"]
    assert (envelope["status"], envelope["totalRecord"]) == ("Success", len(envelope["data"]))
    assert [len(page.json()["data"]) for page in pages[:2]] == [20, 20]
    assert [row for page in pages for row in page.json()["data"]] == envelope["data"][:60]


async def test_ten_rows_come_unless_said_otherwise(simulator_caller: Caller) -> None:
    answer = await simulator_caller.http("GET", f"{MARKET}securities", market="hose")

    assert len(answer.json()["data"]) == 10


async def test_futures_are_in_the_market_der(simulator_caller: Caller) -> None:
    answer = await simulator_caller.http("GET", f"{MARKET}Securities", market="DER")

    rows = answer.json()["data"]
    assert len(rows) == 4
    assert {row["Market"] for row in rows} == {"DER"}
    assert list(rows[0]) == ["Market", "Symbol", "StockName", "StockEnName"]


async def test_details_are_one_level_down_with_every_number_a_string(simulator_caller: Caller) -> None:
    answer = await simulator_caller.http("GET", f"{MARKET}SecuritiesDetails", symbol="ssi")

    (report,) = answer.json()["data"]
    (details,) = report["RepeatedInfo"]
    assert (report["RType"], report["TotalNoSym"]) == ("y", "1")
    assert list(details) == DETAILS
    assert (details["Symbol"], details["SecType"], details["LotSize"]) == ("SSI", "ST", "100")
    assert int(details["ListedShare"]) > 0
    assert all(value is None or isinstance(value, str) for value in details.values())


async def test_index_components_are_one_level_down(simulator_caller: Caller) -> None:
    answer = await simulator_caller.http("GET", f"{MARKET}IndexComponents", indexCode="vn30")

    (row,) = answer.json()["data"]
    assert list(row) == ["IndexCode", "IndexName", "Exchange", "TotalSymbolNo", "IndexComponent"]
    assert row["TotalSymbolNo"] == str(len(row["IndexComponent"]))
    assert list(row["IndexComponent"][0]) == ["Isin", "StockSymbol"]


async def test_indices_are_listed_by_exchange(simulator_caller: Caller) -> None:
    answer = await simulator_caller.http("GET", f"{MARKET}IndexList", exchange="HNX")

    assert {"IndexCode": "HNX30", "IndexName": "HNX30", "Exchange": "HNX"} in answer.json()["data"]
    assert {row["Exchange"] for row in answer.json()["data"]} == {"HNX"}


async def test_an_unknown_market_has_its_own_refusal(simulator_caller: Caller) -> None:
    answer = await simulator_caller.http("GET", f"{MARKET}Securities", market="NASDAQ")

    assert answer.json() == {"message": "Invalid market", "status": "400"}


@pytest.mark.parametrize("page", [{"pageSize": "30"}, {"pageIndex": "0"}, {"pageIndex": "11"}, {"pageSize": "many"}])
async def test_a_page_that_cannot_be_is_an_error_in_the_body(simulator_caller: Caller, page: dict[str, str]) -> None:
    answer = await simulator_caller.http("GET", f"{MARKET}Securities", **page)

    assert (answer.status_code, answer.json()["status"], answer.json()["data"]) == (200, "Error", None)


async def test_what_needs_a_history_says_that_there_is_none(simulator_caller: Caller) -> None:
    answer = await simulator_caller.http("GET", f"{MARKET}DailyOhlc", symbol="SSI")

    assert (answer.json()["status"], answer.json()["data"]) == ("Error", None)


async def test_the_quota_refuses_the_next_calls_only() -> None:
    async with running_simulator(rate=0, fault="rest-quota,count=2") as simulator:
        refused = [await post_token(simulator.url, b"{}") for _ in range(2)]
        caller = await a_caller(simulator)

        assert [answer.status_code for answer in refused] == [429, 429]
        assert "API calls quota exceeded! maximum admitted 1 per 1 s" in refused[0].text
        assert (await caller.http("GET", f"{MARKET}Securities")).json()["status"] == "Success"


async def test_the_same_seed_lists_the_same_market() -> None:
    listed = []
    for _ in range(2):
        async with running_simulator(rate=0, seed=7, day="2026-11-23") as simulator:
            caller = await a_caller(simulator)
            listed.append((await caller.http("GET", f"{MARKET}Securities", pageSize="1000")).json())

    assert listed[0] == listed[1]
