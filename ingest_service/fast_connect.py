"""
The feed of SSI FastConnect v2: connected, subscribed, and reconnected for ever.

Each loss means a new negotiation, a new connection and the complete subscription again; the snapshot that follows
makes good what was missed. A connection is closed before its successor is opened: never two for the same channels.
"""

import asyncio
import random as standard_random
import time
from collections.abc import AsyncGenerator, Awaitable, Callable, Sequence
from typing import Protocol

import httpx2

from ingest_service.core import signalr
from ingest_service.core.backoff import GOOD_LINK_S, Backoff
from ingest_service.core.feed_events import (
    Broadcasts,
    FeedEvent,
    FrameSkipped,
    LinkDown,
    LinkUp,
    SubscriptionRefused,
    told_by,
)
from ingest_service.core.recording import Kind, Record
from ingest_service.core.ticks import Tick, parse
from ingest_service.inbox import Inbox
from ingest_service.rest import RestError
from ingest_service.signalr_socket import (
    InvocationError,
    LinkError,
    SignalRSocket,
    TokenRefusedError,
    is_about_quota,
    subscribed,
)

# How long the inbox may stay full where the server names no keepalive time.
STUCK_S = 20.0


class TokenSource(Protocol):
    """Who gives the token; `Rest` does."""

    async def token(self) -> str:
        """A token that is good now. Raises `RestError`."""

    def token_refused(self, token: str) -> None:
        """The server answered 401 to it."""


class _Line:
    """One connection to keep up: what it subscribes, and its pace."""

    def __init__(self, expression: str, random: Callable[[], float]) -> None:
        self.expression = expression
        self.losses = Backoff(random, first_s=1.0, longest_s=30.0)
        # The server said that we ask too much, or refused a subscription: half a minute at least.
        self.refusals = Backoff(random, first_s=60.0, longest_s=300.0, least_s=30.0)
        self.delay_s = 0.0  # before the next attempt
        self.first_data_s = 0.0  # of the present connection, on the loop's clock; 0.0: none yet

    def lost(self, *, quota: bool) -> None:
        """Set the delay before the next attempt."""
        if self.first_data_s and asyncio.get_running_loop().time() - self.first_data_s >= GOOD_LINK_S:
            self.losses.reset()
            self.refusals.reset()
        self.first_data_s = 0.0
        self.delay_s = (self.refusals if quota else self.losses).next_delay_s()


class FastConnect:
    """
    The feed: an endless stream of events.

    At first one connection carries all channels in one expression. Some servers take only the first channel of such a
    list: the owner, who sees that a type stays silent, calls `split`.
    """

    def __init__(
        self,
        http: httpx2.AsyncClient,
        tokens: TokenSource,
        *,
        stream_url: str,
        channels: Sequence[str],
        now_ms: Callable[[], int] = lambda: time.time_ns() // 1_000_000,
        random: Callable[[], float] = standard_random.random,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
        full: Callable[[], None] = lambda: None,
        record: Callable[[Record], None] | None = None,
    ) -> None:
        """
        `full` is called each time that a message has to wait for room in the inbox.

        `record` is given every frame, and what becomes of the link, as it comes; None: nobody records.
        """
        self._http = http
        self._tokens = tokens
        self._stream_url = stream_url
        self._channels = tuple(channels)
        self._now_ms = now_ms
        self._random = random
        self._sleep = sleep
        self._full = full
        self._record = record
        self._inbox = Inbox()
        self._lines = [_Line(",".join(self._channels), random)]
        self._up: set[str] = set()  # expressions of the lines that stand
        self._refused: set[str] = set()  # expressions that the server did not take; the link is whole without them
        self._told_up = False
        self._start_over = asyncio.Event()
        self._start_over_reason = ""
        self._stopped = False

    @property
    def waiting(self) -> int:
        """How many messages are read but not yet taken: near 0, unless the owner is busy."""
        return self._inbox.waiting

    async def events(self) -> AsyncGenerator[FeedEvent, None]:
        """
        Connect, and yield what happens, until cancelled, closed or stopped. One iteration at a time.

        Leave it through cancellation or `contextlib.aclosing`: both close the connections before they return.
        """
        self._inbox = Inbox()
        self._stopped = False
        keeper = asyncio.create_task(self._keep_up(), name="fast-connect")
        keeper.add_done_callback(lambda _: self._inbox.end())
        try:
            while waiting := await self._inbox.take():
                for event in waiting:
                    yield event
            if not self._stopped:
                await keeper  # it ends by a bug only: let it rise
        finally:
            keeper.cancel()
            await asyncio.wait([keeper])

    def tick(self, argument: str) -> Tick:
        """What a message says. Raises InvalidRow."""
        return parse(argument)

    def reconnect(self, reason: str) -> None:
        """Close what is open and start over, at the pace of a loss. For the owner's watchdog over the data."""
        self._start_over_reason = reason
        self._start_over.set()

    def stop(self) -> None:
        """End `events`: the connections are closed. The next iteration begins as if nothing had been refused before."""
        self._stopped = True
        self._lines = [_Line(line.expression, self._random) for line in self._lines]
        self._inbox.end()

    def split(self) -> None:
        """From now on one connection for each channel: works whatever the server makes of lists. No way back."""
        if len(self._lines) == len(self._channels):
            return
        self._lines = [_Line(channel, self._random) for channel in self._channels]
        self.reconnect("one connection for each channel from now on")

    async def _keep_up(self) -> None:
        self._told_up = False
        while True:
            lines = self._lines
            async with asyncio.TaskGroup() as group:
                tasks = [group.create_task(self._keep_line_up(line), name=f"feed {line.expression}") for line in lines]
                await self._start_over.wait()
                for task in tasks:
                    task.cancel()
            # Here every old connection is closed, and what was asked for meanwhile is done as well.
            self._start_over.clear()
            self._refused.clear()
            for line in lines:
                line.lost(quota=False)
            await self._tell_down(self._start_over_reason)

    async def _keep_line_up(self, line: _Line) -> None:
        while True:
            await self._sleep(line.delay_s)
            try:
                await self._live(line)
            except InvocationError as failed:
                line.lost(quota=True)
                await self._tell_refused(line, failed.reason)
            except (LinkError, RestError) as lost:
                line.lost(quota=lost.quota)
                await self._tell_down(lost.reason, quota=lost.quota)

    async def _live(self, line: _Line) -> None:
        """One connection's life. Raises what ended it."""
        token = await self._tokens.token()
        try:
            async with subscribed(self._http, self._stream_url, token, line.expression) as socket:
                self._up.add(line.expression)
                self._refused.discard(line.expression)
                if self._news_of_up():
                    self._note(Kind.UP)
                    await self._deliver(LinkUp(self._layout), socket)
                await self._read(socket, line)
        except TokenRefusedError:
            self._tokens.token_refused(token)
            raise
        finally:
            self._up.discard(line.expression)

    async def _read(self, socket: SignalRSocket, line: _Line) -> None:
        while True:
            try:
                events = await socket.receive()
            except signalr.FrameError:
                self._note_frames(socket.frames, self._now_ms())
                await self._deliver(FrameSkipped("malformed"), socket)
                continue
            read_ms, only_data = self._now_ms(), False
            self._note_frames(socket.frames, read_ms)
            for told in told_by(events, read_ms):
                if isinstance(told, Broadcasts):
                    line.first_data_s = line.first_data_s or asyncio.get_running_loop().time()
                    only_data = len(told.arguments) == len(events)
                await self._deliver(told, socket)
            if only_data:
                continue  # nothing else among them, as ever
            for event in events:
                match event:
                    case signalr.HubError(text) if is_about_quota(text):
                        raise LinkError(text, quota=True)
                    case signalr.Result(error=str(text)):
                        raise InvocationError(text)
                    case signalr.ReconnectAsked():
                        raise LinkError("the server asked to reconnect")
                    case signalr.StopAsked():
                        raise LinkError("the server asked to stop", quota=True)
                    case _:
                        pass

    async def _deliver(self, event: FeedEvent, socket: SignalRSocket) -> None:
        """
        Hand over, waiting for room if need be.

        No longer than the server would wait for us, though: behind a socket that nobody reads, a connection that broke
        looks sound. Then it is given up; a new one brings the newest of everything.
        """
        if self._inbox.full:
            self._full()
            try:
                async with asyncio.timeout(socket.terms.keepalive_timeout_s or STUCK_S):
                    await self._inbox.room()
            except TimeoutError:
                raise LinkError("the messages were not taken in time") from None
        self._inbox.put(event)

    async def _tell(self, event: FeedEvent) -> None:
        await self._inbox.room()
        self._inbox.put(event)

    @property
    def _layout(self) -> tuple[str, ...]:
        return tuple(line.expression for line in self._lines)

    def _news_of_up(self) -> bool:
        """Whether the link became whole just now: each line stands or is left out, and one at least stands."""
        news = not self._told_up and bool(self._up) and self._up | self._refused >= set(self._layout)
        self._told_up = self._told_up or news
        return news

    async def _tell_down(self, reason: str, *, quota: bool = False) -> None:
        self._told_up = False
        self._note(Kind.DOWN, reason)
        await self._tell(LinkDown(reason, quota))

    async def _tell_refused(self, line: _Line, reason: str) -> None:
        """A refused list of channels is tried one by one. Without a refused channel the link counts as whole."""
        await self._tell(SubscriptionRefused(line.expression, reason))
        self._refused.add(line.expression)
        if not self._up:
            await self._tell_down(f"the subscription was refused: {reason}", quota=is_about_quota(reason))
        self.split()
        if self._news_of_up():
            self._note(Kind.UP)
            await self._tell(LinkUp(self._layout))

    def _note(self, kind: Kind, text: str = "") -> None:
        if self._record is not None:
            self._record(Record(self._now_ms(), kind, text.encode(errors="replace")))

    def _note_frames(self, frames: Sequence[bytes], read_ms: int) -> None:
        if self._record is not None:
            for frame in frames:
                self._record(Record(read_ms, Kind.FRAME, signalr.without_token(frame)))
