"""
What stands before every route: where a request comes from, whether its page and its token may, and how many more fit.

All of it is decided before a websocket opens, so a refusal is an HTTP answer, with a sentence that names the setting.
"""

from collections.abc import Callable
from contextlib import suppress
from functools import partial
from typing import Final
from urllib.parse import parse_qs

from starlette.datastructures import MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from publisher_service.core.admission import BUSY, LONG_QUERY, MAX_PARAMETERS, Admission, Reason, Refusal
from publisher_service.core.grant import EVERYTHING, Grant, InvalidToken
from publisher_service.core.origins import Origins
from publisher_service.core.requests import InvalidRequest
from publisher_service.event_door import events_of
from publisher_service.event_route import FOLDER as EVENTS_FOLDER
from publisher_service.faults import fault_body
from publisher_service.metrics import Metrics
from publisher_service.proxies import TrustedProxies
from publisher_service.shared_frames import door_of
from publisher_service.tokens import Tokens

#: Routes without market data: the page itself, what supervisors and balancers ask, and what is a websocket's.
OPEN_PATHS: Final = frozenset(
    {"/", "/livez", "/readyz", "/metrics", "/openapi.json", "/asyncapi.json", "/docs", "/playground", "/ws"}
)
OPEN_FOLDERS: Final = ("/web/", "/ws/")
#: Here a client without a token may still say it, as its first message.
MESSAGES_PATH: Final = "/ws"

#: HTTP requests on their way at once. Each may be a whole market, which its client reads slowly.
MAX_REQUESTS: Final = 100

_NO_TOKEN = "a token is needed: Authorization: Bearer TOKEN, or ?token=TOKEN"  # noqa: S105 (a sentence)
_ALLOWED_HEADERS = "authorization, if-none-match, last-event-id"
_PREFLIGHT_LIFE_S = "600"


class Entrance:
    """ASGI middleware. It leaves `grant` in the scope's state: what the client may; None: that is still to be told."""

    def __init__(
        self,
        app: ASGIApp,
        *,
        websockets: ASGIApp,
        event_streams: ASGIApp,
        admission: Admission,
        proxies: TrustedProxies,
        origins: Origins,
        tokens: Tokens | None,
        metrics: Metrics,
        now_s: Callable[[], float],
    ) -> None:
        self._app = app
        self._websockets = websockets
        self._event_streams = event_streams
        self._admission = admission
        self._proxies = proxies
        self._origins = origins
        self._tokens = tokens
        self._metrics = metrics
        self._now_s = now_s
        self._requests = 0  # over HTTP, on their way

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Let in, or refuse."""
        if scope.get("query_string", b"").count(b"&") >= MAX_PARAMETERS:
            await self._refuse(LONG_QUERY, scope, send)
        elif scope["type"] == "websocket":
            await self._connection(self._websockets, scope, receive, send)
        elif scope["type"] == "http" and scope["path"].startswith(EVENTS_FOLDER) and not _is_preflight(scope):
            await self._connection(self._event_streams, scope, receive, send)
        elif scope["type"] == "http" and not _is_open(scope["path"]):
            await self._http(scope, receive, send)
        else:
            await self._app(scope, receive, send)

    async def _connection(self, app: ASGIApp, scope: Scope, receive: Receive, send: Send) -> None:
        """What lasts, and is counted: a websocket, or a stream of events."""
        address = await self._proxies.client_of(scope)
        refusal = self._admission.enter(address, self._now_s())
        if refusal is not None:
            await self._refuse(refusal, scope, send)
            return
        try:
            refusal = self._foreign_page(scope) or self._leave_grant(scope)
            if refusal is not None:
                await self._refuse(refusal, scope, send)
                return
            if scope["type"] == "http" and (origin := _header(scope, b"origin")) is not None:
                send = _with_permission(send, origin)
            await app(scope, receive, send)
        except InvalidRequest as invalid:
            self._metrics.invalid_messages.labels(invalid.code).inc()
            await _answer(scope, send, invalid.http_status, fault_body(invalid.code, invalid.text))
        finally:
            door = door_of(scope) or events_of(scope)
            if door is None:
                self._admission.leave(address)
            else:
                # Counted until the socket is closed: who does not answer our close holds it some seconds longer.
                door.when_lost(partial(self._admission.leave, address))

    async def _http(self, scope: Scope, receive: Receive, send: Send) -> None:
        refusal = self._foreign_page(scope)
        if refusal is not None:
            await self._refuse(refusal, scope, send)
            return
        if (origin := _header(scope, b"origin")) is not None:
            send = _with_permission(send, origin)
        if _is_preflight(scope):
            await _answer(scope, send, 204, b"")  # asked before the request itself, and without its token
            return
        refusal = self._leave_grant(scope) or (BUSY if self._requests >= MAX_REQUESTS else None)
        if refusal is not None:
            await self._refuse(refusal, scope, send)
            return
        self._requests += 1
        try:
            await self._app(scope, receive, send)
        finally:
            self._requests -= 1

    def _foreign_page(self, scope: Scope) -> Refusal | None:
        origin = _header(scope, b"origin")
        if origin is None or self._origins.allows(origin, _header(scope, b"host") or ""):
            return None
        return Refusal(Reason.ORIGIN, 403, self._origins.refusal(origin))

    def _leave_grant(self, scope: Scope) -> Refusal | None:
        """Put into the scope what the client's token permits; a refusal if it has none that counts."""
        grant: Grant | None = EVERYTHING
        if self._tokens is not None:
            token = _token(scope)
            if token is not None:
                try:
                    grant = self._tokens.read(token)
                except InvalidToken as invalid:
                    return Refusal(Reason.TOKEN, 401, str(invalid))
            elif scope["type"] == "websocket" and scope["path"] == MESSAGES_PATH:
                grant = None
            else:
                return Refusal(Reason.TOKEN, 401, _NO_TOKEN)
        scope.setdefault("state", {})["grant"] = grant
        return None

    async def _refuse(self, refusal: Refusal, scope: Scope, send: Send) -> None:
        self._metrics.refused.labels(refusal.reason).inc()
        headers = {}
        if refusal.retry_after_s is not None:
            headers["retry-after"] = str(refusal.retry_after_s)
        if refusal.status == 401:
            headers["www-authenticate"] = "Bearer"
        # One that is gone already is refused as well.
        with suppress(OSError):
            await _answer(scope, send, refusal.status, fault_body(refusal.reason, refusal.text), headers)


def _is_preflight(scope: Scope) -> bool:
    """A browser asks whether its page may ask."""
    return scope["method"] == "OPTIONS" and _header(scope, b"access-control-request-method") is not None


def _is_open(path: str) -> bool:
    return path in OPEN_PATHS or path.startswith(OPEN_FOLDERS)


def _header(scope: Scope, name: bytes) -> str | None:
    """The first of this name; names come in lower case."""
    return next((value.decode("latin-1") for known, value in scope["headers"] if known == name), None)


def _token(scope: Scope) -> str | None:
    """From the header, or else from the address."""
    scheme, _, credentials = (_header(scope, b"authorization") or "").partition(" ")
    if scheme.lower() == "bearer" and credentials.strip():
        return credentials.strip()
    values = parse_qs(scope.get("query_string", b"").decode("latin-1")).get("token")
    return values[-1] if values else None


def _with_permission(send: Send, origin: str) -> Send:
    """Tell the browser that the page may read the answer."""

    async def permitting(message: Message) -> None:
        if message["type"] == "http.response.start":
            headers = MutableHeaders(scope=message)
            headers["access-control-allow-origin"] = origin
            headers["access-control-allow-methods"] = "GET"
            headers["access-control-allow-headers"] = _ALLOWED_HEADERS
            headers["access-control-expose-headers"] = "etag, retry-after"
            headers["access-control-max-age"] = _PREFLIGHT_LIFE_S
            headers.add_vary_header("origin")
        await send(message)

    return permitting


async def _answer(scope: Scope, send: Send, status: int, body: bytes, headers: dict[str, str] | None = None) -> None:
    """An HTTP answer; to a websocket's handshake too."""
    if scope["type"] == "http":
        kind = "http"
    elif "websocket.http.response" in scope.get("extensions", {}):
        kind = "websocket.http"
    else:
        await send({"type": "websocket.close"})  # a server that knows no other answer than 403
        return
    fields = {"content-type": "application/json", "content-length": str(len(body)), **(headers or {})}
    if not body:
        del fields["content-type"], fields["content-length"]
    raw = [(name.encode(), value.encode("latin-1")) for name, value in fields.items()]
    await send({"type": f"{kind}.response.start", "status": status, "headers": raw})
    await send({"type": f"{kind}.response.body", "body": body})
