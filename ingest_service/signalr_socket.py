"""One SignalR connection over a websocket, from negotiation to its end."""

import asyncio
import logging
from collections import deque
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from urllib.parse import urlsplit

import httpx2
import websockets
from websockets.asyncio.client import connect

from ingest_service.answer import answer_to, no_answer
from ingest_service.core import signalr
from ingest_service.frame_connection import MAX_MESSAGE_BYTES, FrameConnection
from shared.cause import cause_of

# Each step of the way to the first frame.
STEP_DEADLINE_S = 10.0
# A half-open connection answers no goodbye; its successor waits for it, so not for long.
CLOSE_DEADLINE_S = 2.0
# Frames are taken together until they have told so many events: then what one frame costs is not worth mentioning.
EVENTS_TOGETHER = 64
# Only where the server sends no keepalives of its own.
PING_INTERVAL_S = 20.0

# The library logs headers at level DEBUG: never with a token in them.
_library_log = logging.getLogger(f"{__name__}.websockets")
_library_log.setLevel(logging.WARNING)


class LinkError(Exception):
    """
    The connection is gone or could not be made.

    `reason` is fit for a log line and for the board's status.
    `quota` is true when the server sent us away: wait longer than after other losses.
    """

    def __init__(self, reason: str, *, quota: bool = False) -> None:
        super().__init__(reason)
        self.reason = reason
        self.quota = quota


class TokenRefusedError(LinkError):
    """HTTP 401: a new token is needed."""


class InvocationError(LinkError):
    """The server took the connection but not the subscription."""


class SignalRSocket:
    """A connection; the context manager `subscribed` yields it when the server has taken its subscription."""

    def __init__(self, websocket: FrameConnection, terms: signalr.Negotiation) -> None:
        self.terms = terms
        self.frames: list[bytes] = []  # those that `receive` told of last, or complained of, as they came
        self._websocket = websocket
        self._first: list[signalr.Event] = []  # data that came before the answer to the subscription, in `frames`
        self._frames: deque[bytes] = deque()  # came with the one that was received last

    async def receive(self) -> list[signalr.Event]:
        """
        The events of the next frame; of several small ones, if they have come.

        Any frame proves that the server lives; silence longer than its keepalive time is a loss.

        Raises:
            LinkError: the connection is over.
            signalr.FrameError: this frame is unusable; the connection goes on.
        """
        if self._first:
            first, self._first = self._first, []
            return first
        await self._wait_for_frames()
        events: list[signalr.Event] = []
        self.frames = []
        while self._frames and len(events) < EVENTS_TOGETHER:
            frame = self._frames.popleft()
            try:
                events += signalr.parse_frame(frame)
            except signalr.FrameError:
                if not self.frames:
                    self.frames = [frame]
                    raise
                self._frames.appendleft(frame)  # told the next time
                break
            self.frames.append(frame)
        return events

    async def _wait_for_frames(self) -> None:
        if not self._frames:
            try:
                async with asyncio.timeout(self.terms.keepalive_timeout_s):
                    self._frames.extend(await self._websocket.receive_all())
            except TimeoutError:
                raise LinkError(f"not a frame for {self.terms.keepalive_timeout_s:g} s") from None
            except websockets.ConnectionClosed as closed:
                raise LinkError(_told(closed)) from closed

    async def wait_for_init(self) -> None:
        """Wait until the server takes invocations. Raises `LinkError` if that is not in time."""
        # The server's own figure counts from the upgrade, on its side of the line.
        deadline_s = max(STEP_DEADLINE_S, self.terms.connect_timeout_s)
        try:
            async with asyncio.timeout(deadline_s):
                while not any(isinstance(event, signalr.Init) for event in await self._next_events()):
                    pass
        except TimeoutError:
            raise LinkError(f"no init frame within {deadline_s:g} s") from None

    async def subscribe(self, expression: str) -> None:
        """
        Ask for the channels and wait until the server has taken them.

        Data may overtake the answer, and proves as much.

        Raises:
            InvocationError: the server refused the expression.
            LinkError: it closed, or did not answer in time.
        """
        try:
            async with asyncio.timeout(STEP_DEADLINE_S):
                await self._websocket.send(signalr.invocation("SwitchChannels", expression, 0))
                while True:
                    events = await self._next_events()
                    for event in events:
                        match event:
                            case signalr.Result(error=str(text)):
                                raise InvocationError(text)
                            case signalr.HubError(text):
                                raise LinkError(text, quota=is_about_quota(text))
                            case signalr.Result() | signalr.Broadcast():
                                self._first = events
                                return
                            case _:
                                pass
        except TimeoutError:
            raise LinkError(f"no answer to the subscription within {STEP_DEADLINE_S:g} s") from None
        except websockets.ConnectionClosed as closed:
            raise LinkError(_told(closed)) from closed

    async def _next_events(self) -> list[signalr.Event]:
        """Those of one frame: what comes behind it is for whoever asks next."""
        await self._wait_for_frames()
        try:
            return signalr.parse_frame(self._frames.popleft())
        except signalr.FrameError:
            return [signalr.Unknown("frame")]


@asynccontextmanager
async def subscribed(
    http: httpx2.AsyncClient, stream_url: str, token: str, expression: str
) -> AsyncIterator[SignalRSocket]:
    """
    A connection on which `expression` is subscribed; closed, for certain, when the block is left.

    `expression` is the complete wanted set in one string, such as `X:ALL,MI:ALL`, so that it means the same whether
    the server replaces or adds. `stream_url` is the base address, to which `/v2.0/signalr/…` is added.

    Raises:
        LinkError: it could not be made; see its subclasses.
    """
    headers = {"Authorization": f"Bearer {token}"}
    terms = await _negotiate(http, stream_url, headers)
    websocket = await _connect(stream_url, terms, headers)
    try:
        socket = SignalRSocket(websocket, terms)
        await socket.wait_for_init()
        await _start(http, stream_url, terms, headers)
        await socket.subscribe(expression)
        yield socket
    finally:
        try:
            await websocket.close()
        finally:
            # Whatever interrupts the goodbye, no socket stays behind: this cannot be interrupted.
            websocket.transport.abort()


def is_about_quota(text: str) -> bool:
    """Whether the server says that it was asked for too much."""
    return "quota" in text.lower()


async def _negotiate(http: httpx2.AsyncClient, stream_url: str, headers: dict[str, str]) -> signalr.Negotiation:
    request = http.build_request("GET", signalr.negotiate_url(stream_url), headers=headers)
    try:
        async with asyncio.timeout(STEP_DEADLINE_S):
            answer = await answer_to(http, request)
    except TimeoutError:
        raise LinkError(f"negotiate: no answer from {request.url.host} within {STEP_DEADLINE_S:g} s") from None
    except httpx2.HTTPError as error:
        raise LinkError(f"negotiate: {no_answer(error, request)}") from None
    if answer.status != 200:
        raise _refusal("negotiate", answer.status)
    try:
        return signalr.parse_negotiation(answer.body)
    except signalr.FrameError as error:
        raise LinkError(error.reason) from None


async def _connect(stream_url: str, terms: signalr.Negotiation, headers: dict[str, str]) -> FrameConnection:
    try:
        connection = await connect(
            signalr.connect_url(stream_url, terms),
            additional_headers=headers,
            compression=None,  # the server knows no extension
            open_timeout=STEP_DEADLINE_S,
            close_timeout=CLOSE_DEADLINE_S,
            ping_interval=PING_INTERVAL_S if terms.keepalive_timeout_s is None else None,
            max_size=MAX_MESSAGE_BYTES,
            create_connection=FrameConnection,
            logger=_library_log,
        )
    except websockets.InvalidStatus as error:
        raise _refusal("connect", error.response.status_code) from None
    except (OSError, TimeoutError, websockets.WebSocketException) as error:
        raise LinkError(f"connect: {urlsplit(stream_url).hostname} cannot be reached: {cause_of(error)}") from None
    assert isinstance(connection, FrameConnection)  # noqa: S101 (that is what was asked for)
    return connection


async def _start(
    http: httpx2.AsyncClient, stream_url: str, terms: signalr.Negotiation, headers: dict[str, str]
) -> None:
    """Tell the server that the init frame has come. It serves clients that never do, so a failure means nothing."""
    with suppress(TimeoutError, httpx2.HTTPError):
        async with asyncio.timeout(terms.connect_timeout_s):
            await answer_to(http, http.build_request("GET", signalr.start_url(stream_url, terms), headers=headers))


def _refusal(step: str, status_code: int) -> LinkError:
    reason = f"{step}: HTTP {status_code}"
    if status_code == 401:
        return TokenRefusedError(reason)
    return LinkError(reason, quota=status_code == 429)


def _told(closed: websockets.ConnectionClosed) -> str:
    """Who closed, with what code and words."""
    if closed.sent is not None and not closed.rcvd_then_sent:
        # Ours came first: a frame that is too large, or against the protocol; an answer to it says nothing new.
        by, frame = "us", closed.sent
    elif closed.rcvd is not None:
        by, frame = "the server", closed.rcvd
    else:
        return "the connection broke without a close frame"
    return f"closed by {by} with {frame.code}" + (f" ({frame.reason})" if frame.reason else "")
