"""SSI's REST interface: the token, and the lists that name what the stream carries."""

import asyncio
import logging
import time
from collections.abc import Callable
from typing import Generic, TypeVar

import httpx2
from pydantic import BaseModel, ConfigDict, Field, SecretStr, ValidationError

from ingest_service.answer import Answer, answer_to, no_answer
from ingest_service.core.access_token import AccessToken

log = logging.getLogger(__name__)

# Connect, write, and each read; a page of a thousand rows takes a second or two.
DEADLINE_S = 15.0
# The quota is not published; those who fill archives keep about this distance.
CALL_INTERVAL_S = 1.1
PAGE_SIZE = 1000
MAX_PAGES = 10  # the interface serves no further ones


class RestError(Exception):
    """
    A call without a usable answer.

    `reason` is fit for a log line: it names no secret, token or query.
    `quota` is true when the server refused because it was asked too often: wait longer than after other failures.
    """

    def __init__(self, reason: str, *, quota: bool = False) -> None:
        super().__init__(reason)
        self.reason = reason
        self.quota = quota


class UnauthorizedError(RestError):
    """The server does not take the token (any more)."""


class UnreachableError(RestError):
    """Nobody answers at the address, or somebody who does not speak as SSI does: the key is not to blame."""


class _Wire(BaseModel):
    """Numbers come as text, unknown values as empty text or null: all fields are kept as text, empty for unknown."""

    model_config = ConfigDict(frozen=True, coerce_numbers_to_str=True)


Text = str | None
RowT = TypeVar("RowT", bound=_Wire)


class Security(_Wire):
    """One listed instrument."""

    market: Text = Field(None, alias="Market")
    symbol: str = Field(alias="Symbol", min_length=1)
    name_vi: Text = Field(None, alias="StockName")
    name_en: Text = Field(None, alias="StockEnName")


class SecurityDetails(_Wire):
    """What an instrument is. Numbers and dates (dd/MM/yyyy) as the text that was sent; empty or None where unknown."""

    symbol: str = Field(alias="Symbol", min_length=1)
    name_vi: Text = Field(None, alias="SymbolName")
    name_en: Text = Field(None, alias="SymbolEngName")
    kind: Text = Field(None, alias="SecType")  # ST or S stock, CW warrant, FU future, EF ETF, BO bond, OF, MF funds
    market: Text = Field(None, alias="MarketId")
    exchange: Text = Field(None, alias="Exchange")
    lot_size: Text = Field(None, alias="LotSize")
    first_trading_date: Text = Field(None, alias="FirstTradingDate")
    last_trading_date: Text = Field(None, alias="LastTradingDate")
    maturity_date: Text = Field(None, alias="MaturityDate")
    contract_multiplier: Text = Field(None, alias="ContractMultiplier")
    underlying: Text = Field(None, alias="Underlying")
    exercise_price: Text = Field(None, alias="ExercisePrice")
    exercise_ratio: Text = Field(None, alias="ExcerciseRatio")  # spelt so by the server
    listed_shares: Text = Field(None, alias="ListedShare")


class IndexName(_Wire):
    """One index."""

    code: str = Field(alias="IndexCode", min_length=1)
    name: Text = Field(None, alias="IndexName")
    exchange: Text = Field(None, alias="Exchange")


class _DetailsPage(_Wire):
    total: int | None = Field(None, alias="TotalNoSym")
    rows: list[SecurityDetails] = Field(alias="RepeatedInfo")


class _Component(_Wire):
    symbol: str = Field(alias="StockSymbol", min_length=1)


class _ComponentsRow(_Wire):
    components: list[_Component] = Field(alias="IndexComponent")


class _Envelope(_Wire):
    """What surrounds every answer. The status tells, not that of HTTP: a missing token was seen with HTTP 200."""

    status: Text = None
    message: Text = None

    @property
    def text(self) -> str:
        return self.message or f"status {self.status}"


class _Page(_Envelope, Generic[RowT]):
    rows: list[RowT] = Field(alias="data")
    total: int | None = Field(None, alias="totalRecord")


class _TokenData(_Wire):
    access_token: str = Field(alias="accessToken", min_length=1, repr=False)


class _TokenAnswer(_Wire):
    data: _TokenData


class UnusableProxy(Exception):  # noqa: N818 (it is the proxy that is unusable)
    """The environment names a proxy that nobody can go through. The text does not repeat it: it may hold a password."""

    def __init__(self) -> None:
        super().__init__("HTTPS_PROXY, HTTP_PROXY and ALL_PROXY must begin with http:// or https://")


def open_http(base_url: str = "", deadline_s: float = DEADLINE_S) -> httpx2.AsyncClient:
    """
    The client for REST and negotiation, to be used with `async with`: deadlines, TLS verified, no redirects.

    Raises UnusableProxy.
    """
    try:
        return httpx2.AsyncClient(base_url=base_url, timeout=deadline_s, headers={"Accept": "application/json"})
    except (ValueError, ImportError):  # a scheme that is none; one that needs another package
        raise UnusableProxy from None


class Rest:
    """
    One key's access. All calls keep their distance from each other; nothing is retried but a call with a refused token.

    Every method raises `RestError`; what to do then is the caller's decision.
    """

    def __init__(
        self,
        http: httpx2.AsyncClient,
        *,
        api_url: str,
        consumer_id: str,
        consumer_secret: SecretStr,
        now_s: Callable[[], float] = time.time,
        call_interval_s: float = CALL_INTERVAL_S,
    ) -> None:
        self._http = http
        self._base = f"{api_url.rstrip('/')}/api/v2/Market"
        self._consumer_id = consumer_id
        self._consumer_secret = consumer_secret
        self._now_s = now_s  # Unix time
        self._call_interval_s = call_interval_s
        self._token: AccessToken | None = None
        self._token_lock = asyncio.Lock()  # single flight: who comes second finds the token of the first
        self._turn = asyncio.Lock()  # held by the call that is next, until its time has come
        self._next_call_at_s = 0.0  # on the event loop's clock

    async def token(self) -> str:
        """A token that is good now. Renewed ahead of its end; if that fails, the old one serves until its end."""
        async with self._token_lock:
            if self._token is None or self._now_s() >= self._token.renew_at_s:
                try:
                    self._token = await self._log_in()
                except RestError as error:
                    if self._token is None or self._now_s() >= self._token.expires_at_s:
                        raise
                    log.warning("token not renewed, the old one still serves", extra={"reason": error.reason})
            return self._token.text

    def token_refused(self, token: str) -> None:
        """Tell that the server answered 401 to this token: the next one is asked for anew."""
        if self._token is not None and self._token.text == token:
            self._token = None

    async def token_life_s(self) -> float:
        """How long the present token lives from now on."""
        await self.token()
        return 0.0 if self._token is None else self._token.expires_at_s - self._now_s()

    async def securities(self, market: str) -> list[Security]:
        """All instruments of a market: HOSE, HNX, UPCOM or DER."""
        return await self._all_pages("Securities", {"market": market}, _Page[Security])

    async def details(self, market: str) -> list[SecurityDetails]:
        """What the instruments of a market are."""
        details: list[SecurityDetails] = []
        for page_index in range(1, MAX_PAGES + 1):
            page = await self._page("SecuritiesDetails", {"market": market}, page_index, _Page[_DetailsPage])
            rows = [row for part in page.rows for row in part.rows]
            details += rows
            # The envelope counts its one row; the instruments are counted inside it.
            total = max(page.total or 0, *(part.total or 0 for part in page.rows), 0)
            if not rows or len(details) >= total:
                break
        return details

    async def index_list(self, exchange: str) -> list[IndexName]:
        """The indices of an exchange: HOSE or HNX."""
        return await self._all_pages("IndexList", {"exchange": exchange}, _Page[IndexName])

    async def index_components(self, code: str) -> list[str]:
        """
        The symbols of an index, VN30 for example.

        An empty list is an error, too: whoever filtered by it would show nothing.
        """
        page = await self._page("IndexComponents", {"indexCode": code}, 1, _Page[_ComponentsRow])
        symbols = [component.symbol for row in page.rows for component in row.components]
        if not symbols:
            raise RestError(f"IndexComponents: {code} has no components")
        return symbols

    async def _all_pages(self, path: str, query: dict[str, str], model: type[_Page[RowT]]) -> list[RowT]:
        rows: list[RowT] = []
        for page_index in range(1, MAX_PAGES + 1):
            page = await self._page(path, query, page_index, model)
            rows += page.rows
            # By the total, not by a short page: the server may cut the page size that was asked for.
            if not page.rows or len(rows) >= (page.total or 0):
                break
        return rows

    async def _page(self, path: str, query: dict[str, str], page_index: int, model: type[_Page[RowT]]) -> _Page[RowT]:
        query = query | {"pageIndex": str(page_index), "pageSize": str(PAGE_SIZE)}
        try:
            text = await self._get(path, query)
        except UnauthorizedError:
            text = await self._get(path, query)  # with a new token
        try:
            return model.model_validate_json(text)
        except ValidationError:
            raise RestError(f"{path}: the answer is not understood") from None

    async def _get(self, path: str, query: dict[str, str]) -> bytes:
        token = await self.token()
        headers = {"Authorization": f"Bearer {token}", "Content-Type": "application/json"}
        try:
            return await self._call(
                path, self._http.build_request("GET", self._url(path), params=query, headers=headers)
            )
        except UnauthorizedError:
            self.token_refused(token)
            raise

    async def _log_in(self) -> AccessToken:
        body = {"consumerID": self._consumer_id, "consumerSecret": self._consumer_secret.get_secret_value()}
        text = await self._call("log-in", self._http.build_request("POST", self._url("AccessToken"), json=body))
        try:
            return AccessToken.issued(_TokenAnswer.model_validate_json(text).data.access_token, self._now_s())
        except ValidationError:
            raise UnreachableError("log-in: the answer is not understood") from None

    def _url(self, path: str) -> str:
        return f"{self._base}/{path}"

    async def _call(self, name: str, request: httpx2.Request) -> bytes:
        """Send in turn; the body of an answer whose envelope says success."""
        await self._wait_for_turn()
        try:
            async with asyncio.timeout(2 * DEADLINE_S):  # also for a server that trickles
                answer = await answer_to(self._http, request)
        except TimeoutError:
            raise UnreachableError(f"{name}: no answer from {request.url.host} in time") from None
        except httpx2.HTTPError as error:
            raise UnreachableError(f"{name}: {no_answer(error, request)}") from None
        envelope, refused = _envelope_of(answer)
        reason = f"{name}: {envelope.text}"
        if answer.status == 429 or "quota" in envelope.text.lower():
            raise RestError(reason, quota=True)
        if 401 in (answer.status, _number(envelope.status)):
            raise UnauthorizedError(reason)
        if answer.status != 200 or envelope.status not in ("200", "Success"):
            raise refused(reason)
        return answer.body

    async def _wait_for_turn(self) -> None:
        loop = asyncio.get_running_loop()
        async with self._turn:
            await asyncio.sleep(self._next_call_at_s - loop.time())
            self._next_call_at_s = loop.time() + self._call_interval_s


def _envelope_of(answer: Answer) -> tuple[_Envelope, type[RestError]]:
    """What surrounds an answer, and what its refusal is: without a status of its own it is not from SSI's interface."""
    try:
        envelope = _Envelope.model_validate_json(answer.body)
    except ValidationError:
        envelope = _Envelope(status=None)
    if envelope.status is not None:
        return envelope, RestError
    return _Envelope(status=str(answer.status), message=f"HTTP {answer.status}"), UnreachableError


def _number(text: str | None) -> int | None:
    return int(text) if text is not None and text.isdecimal() else None
