"""The stream's endpoints: negotiate, connect, start, ping, abort, reconnect, as ASP.NET SignalR 2 has them."""

import time
from uuid import uuid4

from starlette.requests import HTTPConnection, Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import BaseRoute, Route, WebSocketRoute
from starlette.websockets import WebSocket, WebSocketDisconnect

from ssi_simulator.answers import JsonAnswer
from ssi_simulator.connection import Connection, Socket
from ssi_simulator.faults import Faults
from ssi_simulator.hub import DISCONNECT_TIMEOUT_S, Hub
from ssi_simulator.tokens import Tokens
from ssi_simulator.websocket_socket import socket_of

BASE = "/v2.0/signalr"
_OLDEST_PROTOCOL, _NEWEST_PROTOCOL = 1.2, 2.1


class SignalR:
    """The endpoints below `/v2.0/signalr`."""

    def __init__(self, hub: Hub, tokens: Tokens, faults: Faults) -> None:
        self._hub = hub
        self._tokens = tokens
        self._faults = faults

    def routes(self) -> list[BaseRoute]:
        """Paths in lower case."""
        return [
            Route(f"{BASE}/negotiate", self.negotiate, methods=["GET", "POST"]),
            Route(f"{BASE}/start", self.start, methods=["GET", "POST"]),
            Route(f"{BASE}/ping", self.ping, methods=["GET", "POST"]),
            Route(f"{BASE}/abort", self.abort, methods=["GET", "POST"]),
            # Without an upgrade: server-sent events and long polling, which are not offered.
            *(
                Route(f"{BASE}/{name}", self.other_transport, methods=["GET", "POST"])
                for name in ("connect", "reconnect", "poll", "send")
            ),
            WebSocketRoute(f"{BASE}/connect", self.connect),
            WebSocketRoute(f"{BASE}/reconnect", self.reconnect),
        ]

    async def negotiate(self, request: Request) -> Response:
        """What a client must know to connect."""
        if (refusal := self._refusal(request, with_faults=True)) is not None:
            return refusal
        connection_id = str(uuid4())
        return JsonAnswer(
            {
                "Url": BASE,
                "ConnectionToken": self._tokens.connection_token(connection_id),
                "ConnectionId": connection_id,
                "KeepAliveTimeout": self._hub.keepalive_s or None,
                "DisconnectTimeout": DISCONNECT_TIMEOUT_S,
                "ConnectionTimeout": 110.0,
                "TryWebSockets": True,
                "ProtocolVersion": _clipped(request.query_params.get("clientProtocol", "")),
                "TransportConnectTimeout": 5.0,
                "LongPollDelay": 0.0,
            }
        )

    async def connect(self, websocket: WebSocket) -> None:
        """A new connection, over its whole life."""
        connection_id = await self._admitted(websocket)
        if connection_id is not None:
            await websocket.accept()
            socket = socket_of(websocket)
            await self._live(websocket, socket, self._hub.connect(connection_id, socket))

    async def reconnect(self, websocket: WebSocket) -> None:
        """A lost connection that comes back, over its further life."""
        connection_id = await self._admitted(websocket)
        if connection_id is None:
            return
        if not self._hub.can_reconnect(connection_id):
            await websocket.send_denial_response(PlainTextResponse("The connection is not known any more.", 400))
            return
        await websocket.accept()
        socket = socket_of(websocket)
        message_id = websocket.query_params.get("messageId", "")
        await self._live(websocket, socket, self._hub.reconnect(connection_id, socket, message_id))

    async def start(self, request: Request) -> Response:
        """Clients of protocol 1.4 and later say that the init frame has come. Nothing depends on it."""
        return self._refusal(request) or self._unknown(request) or JsonAnswer({"Response": "started"})

    async def ping(self, request: Request) -> Response:
        """Whether the token is still good."""
        return self._refusal(request) or JsonAnswer({"Response": "pong"})

    async def abort(self, request: Request) -> Response:
        """An orderly goodbye. The transport named is not checked: clients name a wrong one."""
        refusal = self._refusal(request) or self._unknown(request)
        if refusal is None:
            self._hub.abort(self._connection_id(request) or "")
        return refusal or Response()

    async def other_transport(self, request: Request) -> Response:
        """Only websockets are offered."""
        return self._refusal(request) or PlainTextResponse("Only the transport webSockets is available.", 400)

    async def _live(self, websocket: WebSocket, socket: Socket, connection: Connection) -> None:
        try:
            while True:
                self._hub.receive(connection, await websocket.receive_text())
        except WebSocketDisconnect:
            pass
        except KeyError:  # a binary message has no text
            socket.close(1003)
        finally:
            self._hub.vanish(connection, socket)

    async def _admitted(self, websocket: WebSocket) -> str | None:
        """The connection id of an upgrade that is in order; any other is refused."""
        refusal = self._refusal(websocket, with_faults=True) or self._unknown(websocket)
        if refusal is None and websocket.query_params.get("transport", "").lower() != "websockets":
            refusal = PlainTextResponse("Only the transport webSockets is available.", 400)
        if refusal is not None:
            await websocket.send_denial_response(refusal)
            return None
        return self._connection_id(websocket)

    def _refusal(self, request: HTTPConnection, *, with_faults: bool = False) -> Response | None:
        if with_faults:
            for fault in ("bad-gateway", "unauthorized"):
                if (status := self._faults.use(fault)) is not None:
                    return PlainTextResponse(fault, int(status))
        scheme, _, bearer = request.headers.get("Authorization", "").partition(" ")
        if scheme.lower() != "bearer":
            bearer = request.query_params.get("access_token", "")
        if not self._tokens.is_valid(bearer.strip(), time.time()):
            return PlainTextResponse("Unauthorized", 401)
        return None

    def _connection_id(self, request: HTTPConnection) -> str | None:
        return self._tokens.connection_id(request.query_params.get("connectionToken", ""))

    def _unknown(self, request: HTTPConnection) -> Response | None:
        if self._connection_id(request) is None:
            return PlainTextResponse("The ConnectionId is in the incorrect format.", 400)
        return None


def _clipped(asked: str) -> str:
    """The protocol version that both sides know; what the client asked for, within bounds."""
    try:
        version = float(asked)
    except ValueError:
        return str(_OLDEST_PROTOCOL)
    return str(min(max(version, _OLDEST_PROTOCOL), _NEWEST_PROTOCOL))
