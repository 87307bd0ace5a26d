"""
A websocket connection for finished frames: the protocol class that is given to uvicorn.

An ASGI application can only send messages, which are encoded for each client again. This class offers the connection
itself to the application, as the ASGI extension `banggia.door`: frames that were encoded once go straight to the
transport of every client. The application accepts, hands the door to its owner and returns; what is left of a
connection is this object, with no task, timer or queue.
"""

import asyncio
import logging
import math
import random
from collections.abc import Callable, Iterable
from enum import Enum, auto
from typing import Any, Final, cast
from urllib.parse import unquote

from fastapi import FastAPI
from starlette.types import Scope
from uvicorn.config import Config
from uvicorn.protocols.utils import get_local_addr, get_remote_addr, is_ssl
from uvicorn.server import ServerState

from publisher_service.client import Owner
from publisher_service.core.allowance import Allowance
from publisher_service.core.frames import Form
from publisher_service.core.handshake import InvalidHandshake, examine
from publisher_service.core.inbound import (
    Frame,
    Inbound,
    Kind,
    Violation,
    close_code,
    close_frame,
    control_frame,
)
from publisher_service.opening import ClientDisconnected, Opening, http_answer
from publisher_service.transports import descriptor_of, tell_of_every_byte

log = logging.getLogger(__name__)

EXTENSION: Final = "banggia.door"

#: The kernel's buffer for a connection (Linux doubles it). What waits here can no longer be replaced by newer values.
SEND_BUFFER_BYTES = 32_768
#: Pings, pongs and pieces of messages that a peer may send.
FRAMES_PER_S = 50.0
#: How long a peer may take to answer our close frame before the connection is cut.
CLOSE_TIMEOUT_S = 5.0
#: The answer to the handshake and the first frames leave together, up to so many bytes.
TOGETHER_BYTES = 16_384
#: What a peer may send before it was let in, until it is not read any more.
MAX_EARLY_BYTES = 65_536

_PING: Final = control_frame(Kind.PING)


class _State(Enum):
    """The life of a connection, in this order."""

    OPENING = auto()  # the application has still to decide
    OPEN = auto()
    CLOSING = auto()  # our close frame was sent, the peer's is waited for
    ENDING = auto()  # nothing is waited for but the end of the socket; what comes is thrown away
    LOST = auto()


def door_of(scope: Scope) -> "SharedFramesProtocol | None":
    """The connection that an application is asked about; None if another server or class serves it."""
    extension = (scope.get("extensions") or {}).get(EXTENSION)
    return None if extension is None else cast("SharedFramesProtocol", extension["door"])


class SharedFramesProtocol(asyncio.Protocol):
    """One websocket connection. It is its own door: see `publisher_service.client.Door`."""

    __slots__ = (
        "__weakref__", "_answered", "_config", "_end", "_frames", "_held", "_inbound", "_opening", "_owner",
        "_pinged_at_s", "_server_state", "_state", "_transport", "_when_lost", "descriptor", "form", "paused_since_s",
        "ready",
    )  # fmt: skip

    def __init__(
        self,
        config: Config,
        server_state: ServerState,
        app_state: dict[str, Any],  # noqa: ARG002 (as uvicorn calls it; the lifespan's state is not used)
        _loop: asyncio.AbstractEventLoop | None = None,
    ) -> None:
        self._config = config
        self._server_state = server_state
        self._state = _State.OPENING
        self._transport = cast("asyncio.Transport", None)  # until connection_made
        # What came too early, until the connection is open; then made when something comes.
        self._inbound: Inbound | bytearray | None = bytearray()
        self._opening: Opening | None = None
        self._owner: Owner | None = None
        self._when_lost: Callable[[], None] | None = None
        self._frames: Allowance | None = None  # made for those who send such frames
        self._end: asyncio.TimerHandle | None = None
        self._held: bytearray | None = None  # what is still to be written with the answer to the handshake
        self._pinged_at_s = 0.0
        self._answered = True  # something came since the last ping
        #: Everything written so far was taken by the kernel, and the connection is open.
        self.ready = False
        #: Since when something waits in the transport, on the event loop's clock.
        self.paused_since_s: float | None = None
        #: Where finished frames may go straight to, once nothing is held back; see `publisher_service.client.Door`.
        self.descriptor: int | None = None
        #: Whether it was agreed that frames may be compressed.
        self.form = Form.PLAIN

    # ------------------------------------------------------------------------------------------- called by the owner

    def open(self, owner: Owner) -> None:
        """Tell who is to be called. Messages come when the application has returned."""
        self._owner = owner

    def when_lost(self, call: Callable[[], None]) -> None:
        """Call this when the connection is gone: now, if it is already."""
        if self._state is _State.LOST:
            call()
        else:
            self._when_lost = call

    def write(self, frame: bytes) -> None:
        """Write a finished frame, in the opening with what was held back: a packet costs more. Nowhere at the end."""
        if self._held is None:
            if self._state is _State.OPEN:
                self._transport.write(frame)
            return
        self._held += frame
        if len(self._held) >= TOGETHER_BYTES:
            self._let_go()

    def close(self, code: int, reason: str, last_words: Iterable[bytes] = ()) -> None:  # noqa: ARG002 (see below)
        """
        Begin to close, by order of the owner, who hears nothing more. A peer that does not answer is cut off.

        Nothing is owed here but to a peer that does not read.
        """
        self._owner = None
        if self._state is _State.OPEN:
            self._state = _State.CLOSING
            self._say_close(close_frame(code, reason))

    def keep_alive(self, now_s: float) -> float:
        """Ask the peer for a sign of life, or close if none came; when there will be something to do again."""
        interval_s, timeout_s = self._config.ws_ping_interval, self._config.ws_ping_timeout
        if self._state is not _State.OPEN or interval_s is None:
            return math.inf
        if self._answered:
            if now_s < self._pinged_at_s + interval_s:
                return self._pinged_at_s + interval_s
            self._answered, self._pinged_at_s = False, now_s
            self.write(_PING)
        until_s = math.inf if timeout_s is None else self._pinged_at_s + timeout_s
        if now_s >= until_s:
            self._fail(1011, "keepalive ping timeout", _State.CLOSING)
            return math.inf
        return min(until_s, now_s + interval_s)

    # ------------------------------------------------------------------------------------ called by the application

    @property
    def gone(self) -> bool:
        """The connection is closed, or about to be."""
        return self._state in (_State.ENDING, _State.LOST) or self._transport.is_closing()

    def accept(self, head: bytes) -> None:
        """Open the connection. What came too early is looked at when the application has returned."""
        self._state = _State.OPEN
        # As if at some moment of the last interval: those who came together are not asked together, ever after.
        interval_s = self._config.ws_ping_interval or 0.0
        self._pinged_at_s = asyncio.get_running_loop().time() - interval_s * random.random()  # noqa: S311 (no secret)
        self._held = bytearray(head)
        self.ready = self.paused_since_s is None

    def _let_go(self) -> None:
        """Write what was held back, and hold nothing back from now on."""
        held, self._held = self._held, None
        if held is not None:
            self._transport.write(held)
            self.descriptor = descriptor_of(self._transport)

    def refuse(self, answer: bytes) -> None:
        """Answer the handshake otherwise, and close."""
        if not self._transport.is_closing():
            self._transport.write(answer)
        self._linger()

    # ------------------------------------------------------------------------------------------ called by the server

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Nothing is kept in the transport without our knowing of it."""
        self._transport = cast("asyncio.Transport", transport)
        tell_of_every_byte(self._transport, self)
        self._server_state.connections.add(cast("Any", self))  # uvicorn names its own classes

    def begin(self, request: Scope, target: bytes, rest: bytes) -> None:
        """
        A request for a websocket is there; `rest` came after it.

        `request` is a scope of HTTP as far as it is known: method, http_version, headers, server, client, scheme.
        """
        compression = self._config.ws_per_message_deflate
        try:
            handshake = examine(request["method"], request["http_version"], request["headers"], compression=compression)
        except InvalidHandshake as invalid:
            text = invalid.text.encode()
            self.refuse(http_answer(invalid.status, [*invalid.headers, (b"content-type", b"text/plain")], text))
            return
        self.form = Form.DEFLATED if handshake.deflates else Form.PLAIN
        scope = self._scope(request, target, handshake.subprotocols)
        self._opening = Opening(scope, handshake, self)
        if rest:
            self.data_received(rest)
        task = asyncio.get_running_loop().create_task(self._run(self._opening), name="opening of a websocket")
        self._server_state.tasks.add(task)
        task.add_done_callback(self._server_state.tasks.discard)

    def data_received(self, data: bytes) -> None:
        """Frames, after the handshake; from uvicorn's own HTTP classes the request first, rendered again."""
        inbound = self._inbound
        if not isinstance(inbound, bytearray):
            self._answered = True
            if self._state in (_State.OPEN, _State.CLOSING):
                if inbound is None:
                    inbound = self._inbound = Inbound(self._config.ws_max_size, deflates=self.form is Form.DEFLATED)
                inbound.feed(data)
                self._take_frames(inbound)
        elif self._state is not _State.ENDING:
            inbound += data
            if self._opening is None:
                self._begin_by_text(inbound)
            elif len(inbound) > MAX_EARLY_BYTES:
                self._transport.pause_reading()

    def pause_writing(self) -> None:
        """Something is left in the transport's buffer."""
        self.ready = False
        self.paused_since_s = asyncio.get_running_loop().time()
        if self._owner is not None:
            self._owner.paused(self)

    def resume_writing(self) -> None:
        """The transport's buffer is empty."""
        self.paused_since_s = None
        self.ready = self._state is _State.OPEN
        if self._owner is not None:
            self._owner.drained(self)

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: ARG002 (as asyncio has it)
        """The socket is closed, whoever closed it."""
        self._state = _State.LOST
        self.ready, self._held = False, None
        self._server_state.connections.discard(cast("Any", self))
        if self._end is not None:
            self._end.cancel()
            self._end = None
        if self._opening is not None:
            self._opening.lost()
        self._tell_owner_that_it_ends()
        if self._when_lost is not None:
            self._when_lost()
            self._when_lost = None

    def shutdown(self) -> None:
        """The server stops, and has asked everybody to leave before; whoever is still here is not waited for."""
        if self._state is _State.OPEN:
            self._fail(1012, "go on at another replica", _State.ENDING, counted=False)
        self._transport.close()

    # ------------------------------------------------------------------------------------------------- the handshake

    def _begin_by_text(self, received: bytearray) -> None:
        """As `begin`. What is not whole is waited for: uvicorn's HTTP classes have seen all of it."""
        head, end, rest = bytes(received).partition(b"\r\n\r\n")
        if not end:
            return
        request, *lines = head.split(b"\r\n")
        method, target, version = request.split(b" ")
        fields = [line.partition(b":") for line in lines]
        headers = [(name.lower(), value.strip()) for name, _, value in fields]
        self._inbound = bytearray()
        known = {
            "method": method.decode("ascii"),
            "http_version": version.decode("ascii").removeprefix("HTTP/"),
            "scheme": "https" if is_ssl(self._transport) else "http",
            "server": get_local_addr(self._transport),
            "client": get_remote_addr(self._transport),
            "headers": headers,
        }
        self.begin(known, target, rest)

    def _scope(self, request: Scope, target: bytes, subprotocols: list[str]) -> Scope:
        path, _, query = target.partition(b"?")
        root = self._config.root_path
        return {
            "type": "websocket",
            "asgi": {"version": self._config.asgi_version, "spec_version": "2.4"},
            "http_version": "1.1",
            "scheme": "wss" if request["scheme"] == "https" else "ws",
            "server": request["server"],
            "client": request["client"],
            "root_path": root,
            "path": root + (unquote(path) if b"%" in path else path.decode("latin-1")),
            "raw_path": root.encode() + path,
            "query_string": query,
            "headers": request["headers"],
            "subprotocols": subprotocols,
            "state": {},
            "extensions": {"websocket.http.response": {}, EXTENSION: {"door": self}},
        }

    async def _run(self, opening: Opening) -> None:
        """Let the application decide."""
        try:
            await self._config.loaded_app(opening.scope, opening.receive, opening.send)
        except ClientDisconnected:
            pass
        except Exception:
            log.exception("the application of websockets failed")
            self._fail(1011, "internal error", _State.CLOSING)
        finally:
            self._opening = None
        if self._state is _State.OPENING:
            self.refuse(http_answer(500, (), b""))
        elif self._state is _State.OPEN and self._owner is None:
            self._fail(1011, "nobody owns this connection", _State.CLOSING)
        if self._state in (_State.OPEN, _State.CLOSING):
            self._take_early()

    def _take_early(self) -> None:
        """The application has returned: what came before is looked at now, and the rest as it comes."""
        self._let_go()
        early, self._inbound = self._inbound, None
        if isinstance(early, bytearray) and early:
            if len(early) > MAX_EARLY_BYTES and not self._transport.is_closing():
                self._transport.resume_reading()
            self.data_received(bytes(early))

    # -------------------------------------------------------------------------------------------------- what comes in

    def _take_frames(self, inbound: Inbound) -> None:
        try:
            while self._state in (_State.OPEN, _State.CLOSING) and (frame := inbound.next()) is not None:
                self._take(frame)
        except Violation as violation:
            self._fail(violation.code, violation.reason, _State.ENDING)
        except Exception:
            log.exception("a message could not be carried out")
            self._fail(1011, "internal error", _State.CLOSING)

    def _take(self, frame: Frame) -> None:
        if frame.kind is Kind.CLOSE:
            self._take_close(frame.data)
        elif self._state is _State.CLOSING:
            return  # its last words
        elif frame.kind is Kind.TEXT or frame.kind is Kind.BINARY:
            if self._owner is not None:
                self._owner.receive(self, frame.text if frame.kind is Kind.TEXT else None)
        elif not self._permits_frame():
            self._fail(1008, "too many frames that are no messages", _State.CLOSING)
        elif frame.kind is Kind.PING and self.ready:
            # Not to a peer that asks and does not read: its pongs would pile up.
            self.write(control_frame(Kind.PONG, frame.data))

    def _permits_frame(self) -> bool:
        """Frames that are no messages cost time as well."""
        now_s = asyncio.get_running_loop().time()
        if self._frames is None:
            self._frames = Allowance(FRAMES_PER_S, now_s)
        return self._frames.take(FRAMES_PER_S, now_s)

    def _take_close(self, payload: bytes) -> None:
        """The peer closes, or answers our close. Raises Violation."""
        close_code(payload)
        answers = self._state is _State.OPEN
        self._state = _State.ENDING
        if answers:
            self._say_close(control_frame(Kind.CLOSE, payload[:2]))
            self._tell_owner_that_it_ends()
        self._transport.close()

    # ------------------------------------------------------------------------------------------------------- the end

    def _fail(self, code: int, reason: str, state: _State, *, counted: bool = True) -> None:
        """Close by our own decision, and count it."""
        if self._state is _State.OPEN:
            if counted:
                cast("FastAPI", self._config.app).state.metrics.closed.labels(str(code)).inc()
            self._state = state
            self._say_close(close_frame(code, reason))
            self._tell_owner_that_it_ends()
            if state is _State.ENDING:
                self._linger()
        elif self._state is _State.CLOSING:
            self._linger()

    def _say_close(self, frame: bytes) -> None:
        """The last thing that is written."""
        self.ready = False
        self._abort_later()
        self._let_go()
        self._transport.write(frame)

    def _linger(self) -> None:
        """
        Tell the peer that nothing more comes, and throw away what it still sends.

        A socket that is closed with something unread in it takes back what the peer has not read.
        """
        self._state = _State.ENDING
        self._inbound = bytearray()
        if self._transport.is_closing():
            return
        if self._transport.can_write_eof():
            self._abort_later()
            self._transport.write_eof()
        else:
            self._transport.close()

    def _abort_later(self) -> None:
        """A transport that closes waits until its buffer is empty: with a peer that does not read, for ever."""
        if self._end is None:
            self._end = asyncio.get_running_loop().call_later(CLOSE_TIMEOUT_S, self._transport.abort)

    def _tell_owner_that_it_ends(self) -> None:
        owner, self._owner = self._owner, None
        if owner is not None:
            owner.leave(self)
