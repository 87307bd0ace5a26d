"""The REST calls of FastConnect Data v2 that matter for start-up: token, securities, details, indices, components."""

import time
from collections.abc import Callable, Sequence
from typing import NamedTuple, TypeVar

import orjson
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from ssi_simulator import rest_rows
from ssi_simulator.answers import JsonAnswer
from ssi_simulator.core.exchange import Exchange
from ssi_simulator.core.listing import Listing
from ssi_simulator.faults import Faults
from ssi_simulator.rest_rows import Row
from ssi_simulator.tokens import Tokens

BASE = "/api/v2/market"
QUOTA_TEXT = "API calls quota exceeded! maximum admitted 1 per 1 s"
INVALID_MARKET = "Invalid market"
MARKETS = ("HOSE", "HNX", "UPCOM", "DER", "BOND", "HNXBOND")
PAGE_SIZES = (10, 20, 50, 100, 500, 1000)
MAX_PAGE = 10
MAX_TOKEN_BODY_BYTES = 64 * 1024
# Calls of the real API that need a history.
_NOT_SIMULATED = ("dailyohlc", "intradayohlc", "dailyindex", "dailystockprice", "backtest")

T = TypeVar("T")


class Page(NamedTuple):
    """One page of an answer."""

    rows: list[Row]
    total: int  # rows on all pages


class QueryError(ValueError):
    """A parameter that the real server would refuse; the text is its message."""


class Query:
    """The parameters of a call, with or without the prefix `lookupRequest.`, in any letter case."""

    def __init__(self, request: Request) -> None:
        self._given = {
            key.lower().removeprefix("lookuprequest."): value.strip() for key, value in request.query_params.items()
        }

    def text(self, name: str) -> str:
        """A parameter in upper case; empty if absent."""
        return self._given.get(name, "").upper()

    def market(self) -> str:
        """The market asked for; empty for all. Raises QueryError."""
        market = self.text("market").replace("DERIVATIVES", "DER")
        if market and market not in MARKETS:
            raise QueryError(INVALID_MARKET)
        return market

    def page(self, rows: Sequence[T]) -> list[T]:
        """The part of all rows that is asked for: the first ten unless said otherwise. Raises QueryError."""
        number, size = self._number("pageindex", 1), self._number("pagesize", 10)
        if not 1 <= number <= MAX_PAGE:
            raise QueryError(f"pageIndex must be from 1 to {MAX_PAGE}")
        if size not in PAGE_SIZES:
            raise QueryError(f"pageSize must be one of {', '.join(map(str, PAGE_SIZES))}")
        return list(rows[(number - 1) * size : number * size])

    def _number(self, name: str, default: int) -> int:
        given = self._given.get(name, "")
        if not given:
            return default
        if not (given.isascii() and given.isdigit() and len(given) < 6):
            raise QueryError(f"{name} is not a number")
        return int(given)


class Rest:
    """The endpoints below `/api/v2/Market`."""

    def __init__(self, exchange: Exchange, tokens: Tokens, faults: Faults) -> None:
        self._exchange = exchange
        self._tokens = tokens
        self._faults = faults
        self._pages: dict[str, Callable[[Query], Page]] = {
            "securities": self._securities,
            "securitiesdetails": self._details,
            "indexlist": self._indices,
            "indexcomponents": self._components,
        }

    def routes(self) -> list[BaseRoute]:
        """Paths in lower case."""
        return [
            Route(f"{BASE}/accesstoken", self.access_token, methods=["POST"]),
            Route(f"{BASE}/{{call}}", self.call, methods=["GET"]),
        ]

    async def access_token(self, request: Request) -> Response:
        """A bearer for the consumer's id and secret. Here alone `status` is a number."""
        if (refusal := self._quota()) is not None:
            return refusal
        refused = self._faults.use("login-refused") is not None
        if self._tokens.knows(*await _consumer(request)) and not refused:
            token = self._tokens.issue(time.time())
            return JsonAnswer({"message": "Success", "status": 200, "data": {"accessToken": token}})
        return JsonAnswer({"message": "The connection is invalid", "status": 400, "data": None})

    async def call(self, request: Request) -> Response:
        """Any other call: an envelope with rows, or an error in the body of an HTTP 200."""
        refusal = self._quota() or self._unauthorized(request)
        if refusal is not None:
            return refusal
        name = request.path_params["call"]
        if name in _NOT_SIMULATED:
            return JsonAnswer(_error("No data found: the simulator keeps no history"))
        page_of = self._pages.get(name)
        if page_of is None:
            return Response(status_code=404)
        try:
            page = page_of(Query(request))
        except QueryError as error:
            message = str(error)
            # This one error has a form of its own.
            return JsonAnswer({"message": message, "status": "400"} if message == INVALID_MARKET else _error(message))
        return JsonAnswer({"data": page.rows, "message": "Success", "status": "Success", "totalRecord": page.total})

    def _securities(self, query: Query) -> Page:
        found = self._listings(query.market(), symbol="")
        return Page([rest_rows.security(one) for one in query.page(found)], len(found))

    def _details(self, query: Query) -> Page:
        found = self._listings(query.market(), query.text("symbol"))
        return Page([rest_rows.details(query.page(found), self._exchange.day)], len(found))

    def _indices(self, query: Query) -> Page:
        exchange = query.text("exchange")
        found = [one for one in self._exchange.indices if exchange in {"", one.exchange}]
        return Page([rest_rows.index(one) for one in query.page(found)], len(found))

    def _components(self, query: Query) -> Page:
        code = query.text("indexcode")
        found = [one for one in self._exchange.indices if code in {"", one.id.upper()}]
        return Page([rest_rows.components(one) for one in query.page(found)], len(found))

    def _listings(self, market: str, symbol: str) -> list[Listing]:
        return [
            one
            for one in self._exchange.listings
            if market in {"", rest_rows.market_of(one)} and symbol in {"", one.symbol}
        ]

    def _quota(self) -> Response | None:
        if (status := self._faults.use("rest-quota")) is None:
            return None
        return JsonAnswer({"data": None, "message": QUOTA_TEXT, "status": "Error"}, int(status))

    def _unauthorized(self, request: Request) -> Response | None:
        if (status := self._faults.use("rest-unauthorized")) is not None:
            return JsonAnswer({"message": "Unauthorized", "status": int(status)})
        scheme, _, bearer = request.headers.get("Authorization", "").partition(" ")
        if scheme.lower() != "bearer":
            return JsonAnswer({"message": "Missing Authorization header", "status": 401})
        if not self._tokens.is_valid(bearer.strip(), time.time()):
            return JsonAnswer({"message": "Unauthorized", "status": 401})
        return None


def _error(message: str) -> Row:
    return {"data": None, "message": message, "status": "Error", "totalRecord": 0}


async def _consumer(request: Request) -> tuple[str, str]:
    """Id and secret from the body; empty where they are missing."""
    body = b""
    async for part in request.stream():
        body += part
        if len(body) > MAX_TOKEN_BODY_BYTES:
            return "", ""
    try:
        given = orjson.loads(body)
    except orjson.JSONDecodeError:
        return "", ""
    if not isinstance(given, dict):
        return "", ""
    return str(given.get("consumerID", "")), str(given.get("consumerSecret", ""))
