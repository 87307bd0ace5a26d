"""REST against a scripted server: tokens, turns, pages and refusals."""

import asyncio
import base64
import errno
import gzip
import logging
import os
import socket
import subprocess
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from traceback import format_exception
from urllib.parse import parse_qs

import httpx2
import orjson
import pytest
from pydantic import SecretStr

from ingest_service import answer
from ingest_service.rest import Rest, RestError, UnreachableError, UnusableProxy, open_http


class FakeServer:
    """Answers by path; the time is what a test says."""

    def __init__(self) -> None:
        self.now_s = 1795400000.0
        self.token_life_s = 28800.0
        self.tokens = 0  # given
        self.log_in_answers: list[httpx2.Response] = []  # taken one by one; success when empty
        self.answers: dict[str, list[httpx2.Response]] = {}  # path → taken one by one
        self.requests: list[httpx2.Request] = []

    async def __call__(self, request: httpx2.Request) -> httpx2.Response:
        await asyncio.sleep(0)  # others may run while an answer is on its way
        self.requests.append(request)
        path = request.url.path.removeprefix("/api/v2/Market/")
        if path != "AccessToken":
            return self.answers[path].pop(0)
        if self.log_in_answers:
            return self.log_in_answers.pop(0)
        self.tokens += 1
        return httpx2.Response(200, json={"message": "Success", "status": 200, "data": {"accessToken": self.a_token()}})

    def a_token(self) -> str:
        """A JWT that tells its number and its end."""
        claims = orjson.dumps({"exp": self.now_s + self.token_life_s, "number": self.tokens})
        return f"e30.{base64.b64encode(claims).decode()}.c2ln"

    def paths(self) -> list[str]:
        """What was asked for, in order."""
        return [request.url.path.removeprefix("/api/v2/Market/") for request in self.requests]


def an_envelope(rows: object, total: int = 0, status: str = "Success", message: str = "Success") -> httpx2.Response:
    return httpx2.Response(200, json={"data": rows, "message": message, "status": status, "totalRecord": total})


def a_security(symbol: str) -> dict[str, str]:
    return {"Market": "HOSE", "Symbol": symbol, "StockName": f"Công ty {symbol}", "StockEnName": f"{symbol} Corp"}


def a_refusal(status: object, message: str = "no", http_status: int = 200) -> httpx2.Response:
    return httpx2.Response(http_status, json={"message": message, "status": status, "data": None})


@asynccontextmanager
async def rest_of(server: FakeServer, *, call_interval_s: float = 0.0) -> AsyncIterator[Rest]:
    async with httpx2.AsyncClient(transport=httpx2.MockTransport(server)) as http:
        yield Rest(
            http,
            api_url="http://api.example/",
            consumer_id="my-id",
            consumer_secret=SecretStr("my-secret"),
            now_s=lambda: server.now_s,
            call_interval_s=call_interval_s,
        )


async def test_many_who_need_a_token_at_once_cause_one_log_in() -> None:
    server = FakeServer()

    async with rest_of(server) as rest:
        tokens = await asyncio.gather(*(rest.token() for _ in range(20)))

    assert len(set(tokens)) == 1
    assert server.tokens == 1
    assert orjson.loads(server.requests[0].content) == {"consumerID": "my-id", "consumerSecret": "my-secret"}


async def test_a_token_is_renewed_ahead_of_its_end() -> None:
    server = FakeServer()

    async with rest_of(server) as rest:
        first = await rest.token()
        server.now_s += 28800 - 601
        still_first = await rest.token()
        server.now_s += 2
        second = await rest.token()

    assert still_first == first
    assert second != first


async def test_the_old_token_serves_until_its_end_while_renewal_fails() -> None:
    server = FakeServer()

    async with rest_of(server) as rest:
        first = await rest.token()
        server.log_in_answers = [a_refusal(503, "busy"), a_refusal(503, "busy")]
        server.now_s += 28800 - 300
        still_first = await rest.token()
        server.now_s += 301
        with pytest.raises(RestError, match="log-in: busy"):
            await rest.token()

    assert still_first == first


async def test_a_refused_token_is_asked_for_anew_but_once() -> None:
    server = FakeServer()

    async with rest_of(server) as rest:
        first = await rest.token()
        rest.token_refused(first)
        second = await rest.token()
        rest.token_refused(first)  # told late, by another connection
        third = await rest.token()

    assert first != second == third
    assert server.tokens == 2


async def test_a_bad_key_is_told_in_the_server_s_words_and_nothing_else() -> None:
    server = FakeServer()
    server.log_in_answers = [a_refusal(400, "The connection is invalid")]

    async with rest_of(server) as rest:
        with pytest.raises(RestError) as caught:
            await rest.token()

    assert caught.value.reason == "log-in: The connection is invalid"
    assert not caught.value.quota


@pytest.mark.parametrize(
    "refused", [a_refusal(401, "Missing Authorization header"), httpx2.Response(401, text="Unauthorized")]
)
async def test_a_call_with_a_refused_token_is_repeated_with_a_new_one(refused: httpx2.Response) -> None:
    server = FakeServer()
    server.answers["Securities"] = [refused, an_envelope([a_security("SSI")], 1)]

    async with rest_of(server) as rest:
        securities = await rest.securities("HOSE")

    assert [security.symbol for security in securities] == ["SSI"]
    assert server.tokens == 2
    sent = [request.headers.get("Authorization") for request in server.requests if request.method == "GET"]
    assert len(set(sent)) == 2


async def test_a_second_refusal_is_an_error_not_a_loop() -> None:
    server = FakeServer()
    server.answers["Securities"] = [a_refusal("401") for _ in range(3)]

    async with rest_of(server) as rest:
        with pytest.raises(RestError):
            await rest.securities("HOSE")

    assert len(server.answers["Securities"]) == 1


async def test_pages_are_read_until_the_total_also_when_the_server_cuts_them() -> None:
    server = FakeServer()
    symbols = [f"S{number}" for number in range(1300)]
    server.answers["Securities"] = [
        an_envelope([a_security(symbol) for symbol in symbols[start : start + 500]], 1300) for start in (0, 500, 1000)
    ]

    async with rest_of(server) as rest:
        securities = await rest.securities("HOSE")

    assert [security.symbol for security in securities] == symbols
    asked = [parse_qs(request.url.query.decode()) for request in server.requests[1:]]
    assert [query["pageIndex"] for query in asked] == [["1"], ["2"], ["3"]]
    assert asked[0] == {"market": ["HOSE"], "pageIndex": ["1"], "pageSize": ["1000"]}


async def test_a_security_is_typed_and_empty_names_are_kept() -> None:
    server = FakeServer()
    row = {"Market": "HNX", "Symbol": "ABC", "StockName": "", "StockEnName": None}
    server.answers["Securities"] = [an_envelope([row], 1)]

    async with rest_of(server) as rest:
        (security,) = await rest.securities("HNX")

    assert (security.market, security.symbol, security.name_vi, security.name_en) == ("HNX", "ABC", "", None)


async def test_details_are_nested_one_level_down_and_counted_there() -> None:
    def a_page(*symbols: str) -> httpx2.Response:
        inner = [{"Symbol": symbol, "SecType": "ST", "LotSize": "100", "Underlying": None} for symbol in symbols]
        outer = {"RType": "y", "ReportDate": "16/11/2026", "TotalNoSym": "3", "RepeatedInfo": inner}
        return an_envelope([outer], 1)

    server = FakeServer()
    server.answers["SecuritiesDetails"] = [a_page("SSI", "VNM"), a_page("HPG")]

    async with rest_of(server) as rest:
        details = await rest.details("HOSE")

    assert [(row.symbol, row.kind, row.lot_size) for row in details] == [
        ("SSI", "ST", "100"),
        ("VNM", "ST", "100"),
        ("HPG", "ST", "100"),
    ]


async def test_the_components_of_an_index_are_nested_one_level_down() -> None:
    server = FakeServer()
    components = [{"Isin": f"S{number:02}", "StockSymbol": f"S{number:02}"} for number in range(30)]
    row = {"IndexCode": "VN30", "IndexName": "VN30", "Exchange": "HOSE", "TotalSymbolNo": "30"}
    server.answers["IndexComponents"] = [an_envelope([row | {"IndexComponent": components}], 1)]

    async with rest_of(server) as rest:
        symbols = await rest.index_components("VN30")

    assert len(symbols) == 30


async def test_an_index_without_components_is_an_error_never_an_empty_board() -> None:
    server = FakeServer()
    server.answers["IndexComponents"] = [an_envelope([], 0)]

    async with rest_of(server) as rest:
        with pytest.raises(RestError, match="VN30 has no components"):
            await rest.index_components("VN30")


async def test_indices_are_listed_by_exchange() -> None:
    server = FakeServer()
    row = {"IndexCode": "VNINDEX", "IndexName": "VNINDEX", "Exchange": "HOSE"}
    server.answers["IndexList"] = [an_envelope([row], 1)]

    async with rest_of(server) as rest:
        (index,) = await rest.index_list("HOSE")

    assert (index.code, index.exchange) == ("VNINDEX", "HOSE")


@pytest.mark.parametrize(
    "refused",
    [
        a_refusal("Error", "API calls quota exceeded! maximum admitted 1 per 1 s", 429),
        a_refusal("Error", "API calls quota exceeded! maximum admitted 1 per 1 s"),
        httpx2.Response(429, text=""),
    ],
)
async def test_a_quota_refusal_is_known_as_one(refused: httpx2.Response) -> None:
    server = FakeServer()
    server.answers["IndexList"] = [refused]

    async with rest_of(server) as rest:
        with pytest.raises(RestError) as caught:
            await rest.index_list("HOSE")

    assert caught.value.quota


@pytest.mark.parametrize(
    ("answer", "told"),
    [
        (a_refusal("400", "Invalid market"), "IndexList: Invalid market"),
        (httpx2.Response(502, text="<html>Bad Gateway"), "IndexList: HTTP 502"),
        (httpx2.Response(404, json={"detail": "Not Found"}), "IndexList: HTTP 404"),
        (httpx2.Response(200, text="<html>Welcome"), "IndexList: the answer is not understood"),
        (an_envelope([{"IndexName": "no code"}], 1), "IndexList: the answer is not understood"),
        (an_envelope(None, 0), "IndexList: the answer is not understood"),
    ],
)
async def test_an_answer_that_is_of_no_use_is_told_in_one_line(answer: httpx2.Response, told: str) -> None:
    server = FakeServer()
    server.answers["IndexList"] = [answer]

    async with rest_of(server) as rest:
        with pytest.raises(RestError) as caught:
            await rest.index_list("HOSE")

    assert caught.value.reason == told


async def test_calls_keep_their_distance_also_when_made_at_once() -> None:
    server = FakeServer()
    server.answers["IndexList"] = [an_envelope([], 0) for _ in range(3)]
    loop = asyncio.get_running_loop()
    began_s = loop.time()

    async with rest_of(server, call_interval_s=0.1) as rest:
        await asyncio.gather(*(rest.index_list("HOSE") for _ in range(3)))

    # The log-in and three calls: three distances.
    assert loop.time() - began_s >= 0.3


@pytest.mark.parametrize(
    ("cause", "told"),
    [
        (socket.gaierror(socket.EAI_NONAME, "Name or service not known"), "Name or service not known"),
        (ConnectionRefusedError(errno.ECONNREFUSED, "Connect call failed"), "Connection refused"),
        (OSError("Multiple exceptions: [Errno 111] to ::1, [Errno 111] to 127.0.0.1"), "Connection refused"),
        (ValueError("?token=abc"), "ConnectError"),
    ],
)
async def test_a_server_out_of_reach_is_told_by_host_and_cause_without_a_query(cause: Exception, told: str) -> None:
    async def refuse(request: httpx2.Request) -> httpx2.Response:
        raise httpx2.ConnectError(f"cannot reach {request.url}", request=request) from cause

    async with httpx2.AsyncClient(transport=httpx2.MockTransport(refuse)) as http:
        rest = Rest(http, api_url="http://x:81", consumer_id="i", consumer_secret=SecretStr("s"), call_interval_s=0.0)
        with pytest.raises(UnreachableError) as caught:
            await rest.token()

    assert caught.value.reason == f"log-in: x:81 cannot be reached: {told}"


async def test_neither_secret_nor_token_is_logged_or_told(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG, logger="ingest_service")
    server = FakeServer()
    server.answers["IndexList"] = [a_refusal("Error", "no")]

    async with rest_of(server) as rest:
        token = await rest.token()
        with pytest.raises(RestError) as caught:
            await rest.index_list("HOSE")
        server.log_in_answers = [a_refusal(503, "busy")]
        server.now_s += 28300
        await rest.token()

    told = caplog.text + repr(caught.value) + repr(vars(rest))
    assert "my-secret" not in told
    assert token not in told


async def test_an_answer_that_is_too_large_is_an_error_however_small_it_was_packed(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(answer, "MAX_BYTES", 100_000)
    server = FakeServer()
    large = an_envelope([a_security("S" * 200_000)], total=1)
    packed = httpx2.Response(200, headers={"content-encoding": "gzip"}, content=gzip.compress(large.content))
    server.answers["Securities"] = [large, packed, an_envelope([a_security("SSI")], total=1)]

    async with rest_of(server) as rest:
        for _ in range(2):
            with pytest.raises(RestError, match="Securities: more than 100000 bytes from "):
                await rest.securities("HOSE")
        securities = await rest.securities("HOSE")

    assert [security.symbol for security in securities] == ["SSI"]


@pytest.mark.parametrize("proxy", ["socks5://me:hunter2@proxy.example", "ftp://me:hunter2@proxy.example"])
def test_a_proxy_that_nobody_can_go_through_is_told_without_its_password(
    monkeypatch: pytest.MonkeyPatch, proxy: str
) -> None:
    monkeypatch.setenv("ALL_PROXY", proxy)

    with pytest.raises(UnusableProxy) as refused:
        open_http()

    assert "hunter2" not in "".join(format_exception(refused.value))


@pytest.mark.parametrize("command", [["ingest_service", "--probe", "1"], ["ingest_service.record", "--seconds", "1"]])
def test_with_such_a_proxy_no_command_starts_and_the_last_line_says_why(command: list[str], tmp_path: Path) -> None:
    settings = {"SSI_CONSUMER_ID": "demo", "SSI_CONSUMER_SECRET": "demo", "RECORD_DIR": str(tmp_path)}

    ended = subprocess.run(
        [sys.executable, "-m", *command],
        env=os.environ | settings | {"ALL_PROXY": "ftp://me:hunter2@proxy.example"},
        capture_output=True,
        text=True,
        timeout=30,
        check=False,
    )

    assert ended.returncode == 2
    assert (
        ended.stderr.splitlines()[-1].split(": ", 1)[1].startswith("HTTPS_PROXY, HTTP_PROXY and ALL_PROXY must begin")
    )
    assert "hunter2" not in ended.stdout + ended.stderr
