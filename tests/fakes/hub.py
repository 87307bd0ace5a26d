"""A SignalR server as small as can be: it takes subscriptions, sends what a test says, and counts its connections."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from http import HTTPStatus
from urllib.parse import parse_qs, urlsplit

import orjson
from websockets.asyncio.server import ServerConnection, serve
from websockets.exceptions import ConnectionClosed
from websockets.http11 import Request, Response

# All that must be percent-encoded exactly once.
CONNECTION_TOKEN = "AQ+A/%2B=="


def broadcast(*arguments: object) -> str:
    """A frame with one `Broadcast` for each argument."""
    calls = [{"H": "FcMarketDataV2Hub", "M": "Broadcast", "A": [argument]} for argument in arguments]
    return orjson.dumps({"C": "d-1", "M": calls}).decode()


class FakeHub:
    """The knobs are for tests to turn; what was seen is for tests to read."""

    def __init__(self) -> None:
        self.url = ""
        # Knobs.
        self.keepalive_timeout_s: float | None = 20.0
        self.negotiate_statuses: list[int] = []  # taken one by one; 200 when empty
        self.connect_statuses: list[int] = []  # as above, 101
        self.start_status = 200
        self.sends_init = True
        self.refusals: dict[str, str] = {}  # expression → text of the error
        self.answers = True
        self.frames_before_answer: list[str] = []
        # Seen.
        self.open: dict[ServerConnection, str] = {}  # connections with a subscription → expression
        self.opened = 0  # upgrades
        self.most_at_once: Counter[str] = Counter()  # by expression; "" for all connections
        self.expressions: list[str] = []  # in order
        self.authorizations: list[tuple[str, str | None]] = []  # endpoint and header of each request
        self._upgraded = 0

    async def send(self, frame: str, *, expression: str | None = None) -> None:
        """Send to every connection, or to those of one expression."""
        for connection, subscribed in list(self.open.items()):
            if expression in (None, subscribed):
                await connection.send(frame)

    async def close(self, code: int, reason: str = "", *, expression: str | None = None) -> None:
        """Close every connection, or those of one expression."""
        for connection, subscribed in list(self.open.items()):
            if expression in (None, subscribed):
                await connection.close(code, reason)

    def answer_http(self, connection: ServerConnection, request: Request) -> Response | None:
        """Answer negotiate and start; None lets an upgrade through."""
        parts = urlsplit(request.path)
        endpoint = parts.path.removeprefix("/v2.0/signalr/")
        self.authorizations.append((endpoint, request.headers.get("Authorization")))
        query = parse_qs(parts.query)
        if query["connectionData"] != ['[{"name":"FcMarketDataV2Hub"}]']:
            return connection.respond(HTTPStatus.BAD_REQUEST, "")
        if endpoint == "negotiate":
            status = self.negotiate_statuses.pop(0) if self.negotiate_statuses else 200
            terms = {
                "ConnectionToken": CONNECTION_TOKEN,
                "KeepAliveTimeout": self.keepalive_timeout_s,
                "ProtocolVersion": "1.5",
                "TryWebSockets": True,
                "TransportConnectTimeout": 5.0,
            }
            return connection.respond(HTTPStatus(status), orjson.dumps(terms).decode())
        if query["connectionToken"] != [CONNECTION_TOKEN]:
            return connection.respond(HTTPStatus.FORBIDDEN, "")
        if endpoint == "start":
            return connection.respond(HTTPStatus(self.start_status), '{"Response":"started"}')
        status = self.connect_statuses.pop(0) if self.connect_statuses else 101
        return None if status == 101 else connection.respond(HTTPStatus(status), "")

    async def serve_client(self, connection: ServerConnection) -> None:
        """One connection's life."""
        self.opened += 1
        self._upgraded += 1
        self.most_at_once[""] = max(self.most_at_once[""], self._upgraded)
        try:
            if self.sends_init:
                await connection.send('{"C":"d-0","S":1,"M":[]}')
            async for text in connection:
                await self._subscribe(connection, orjson.loads(text))
        except ConnectionClosed:
            pass
        finally:
            self._upgraded -= 1
            self.open.pop(connection, None)

    async def _subscribe(self, connection: ServerConnection, call: dict[str, object]) -> None:
        match call:
            case {"H": "FcMarketDataV2Hub", "M": "SwitchChannels", "A": [str(expression)], "I": 0}:
                pass
            case _:
                raise AssertionError(call)
        self.expressions.append(expression)
        self.open[connection] = expression
        at_once = list(self.open.values()).count(expression)
        self.most_at_once[expression] = max(self.most_at_once[expression], at_once)
        for frame in self.frames_before_answer:
            await connection.send(frame)
        if expression in self.refusals:
            await connection.send(orjson.dumps({"I": "0", "E": self.refusals[expression]}).decode())
        elif self.answers:
            await connection.send('{"I":"0"}')


@asynccontextmanager
async def running_hub() -> AsyncIterator[FakeHub]:
    """A hub on a free port of this machine."""
    hub = FakeHub()
    async with serve(
        hub.serve_client,
        "127.0.0.1",
        0,
        process_request=hub.answer_http,
        compression=None,
        ping_interval=None,
        close_timeout=1,
    ) as server:
        host, port = server.sockets[0].getsockname()
        hub.url = f"http://{host}:{port}"
        yield hub


class FixedTokens:
    """Tokens `token-1`, `token-2`, …: the next one after each refusal."""

    def __init__(self) -> None:
        self.number = 1

    async def token(self) -> str:
        """The present one."""
        await asyncio.sleep(0)
        return f"token-{self.number}"

    def token_refused(self, token: str) -> None:
        """Give the next one from now on."""
        if token == f"token-{self.number}":
            self.number += 1
