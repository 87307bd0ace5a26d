"""One connection to a board, that comes back by itself, and the tables that it carries."""

import asyncio
import random
import time
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from types import TracebackType
from typing import Literal, Protocol, Self, TypeAlias
from urllib.parse import urlsplit, urlunsplit

from websockets.asyncio.client import connect as open_websocket
from websockets.exceptions import ConnectionClosed, InvalidStatus, WebSocketException

from .core.access_token import renewal_delay_s
from .core.frames import Status
from .core.session import Problem, Session, State
from .core.subscription import Mode, Wish
from .table import Table, call, checked_keys

Token: TypeAlias = str | Callable[[], str | Awaitable[str]]

OPEN_DEADLINE_S = 10.0
CLOSE_DEADLINE_S = 2.0
#: Between messages of ours, on average: publishers close with 4429 at more than 20 a second.
PACE_S = 0.06
#: So many may go before the pace counts.
AT_ONCE = 8
SCHEMES = {"http": "ws", "https": "wss", "ws": "ws", "wss": "wss"}
LOOPBACK = ("localhost", "127.0.0.1", "::1")


class Connection(Protocol):
    """What is needed of a websocket."""

    async def recv(self) -> str | bytes:
        """The next message. Raises ConnectionClosed."""

    async def send(self, message: str, /) -> None:
        """Raises ConnectionClosed."""

    async def close(self) -> None:
        """Within a bounded time; never raises."""


class _HungUp(Exception):  # noqa: N818 (it is what was done)
    """The connection was given up."""

    def __init__(self, problem: Problem | None) -> None:
        super().__init__(problem)
        self.problem = problem


class Feed:
    """`async with connect(url) as feed`. All is in one event loop's hands; for plain code see `banggia_client.sync`."""

    def __init__(
        self,
        url: str,
        *,
        token: Token | None = None,
        random: Callable[[], float] = random.random,
        unix_s: Callable[[], float] = time.time,
        dial: Callable[[str], Awaitable[Connection]] | None = None,
    ) -> None:
        """The last three are for tests: 0 ≤ x < 1, the time, and what opens a websocket."""
        self.url = websocket_url(url)
        self.session = Session(random)
        self._unix_s = unix_s
        self._dial = dial or _dial
        self.failure: Exception | None = None  # a fault of this package, which ended the feed
        self.token = token
        self._tables: dict[str, Table] = {}
        self._callbacks: list[Callable[[Status | None], object]] = []
        self._wanted = asyncio.Event()  # there may be something to say
        self._task: asyncio.Task[None] | None = None

    @property
    def state(self) -> State:
        """`waiting` is for the next attempt."""
        return self.session.state

    @property
    def status(self) -> Status | None:
        """The newest one of the open connection."""
        return self.session.status

    @property
    def error(self) -> Problem | None:
        """Why there is no link, or what was refused on an open one."""
        return self.session.error

    @property
    def connected(self) -> bool:
        """The whole road in one word: from the exchange to here."""
        return self.session.status is not None and self.session.status.connected

    def table(
        self,
        channel: str,
        *,
        keys: Sequence[str] | None = None,
        interval_ms: int | None = None,
        mode: Mode = "fields",
    ) -> Table:
        """
        Follow a channel: all of it, or these keys and groups (`@VN30`). Raises ValueError if there is a table of it.

        What cannot be had is told by the table's state, and where one waits for it.
        """
        subscription = self.session.subscribe(Wish(channel, checked_keys(keys), interval_ms, mode))
        table = self._tables[channel] = Table(self, subscription)
        self.speak()
        return table

    def on_status(self, callback: Callable[[Status | None], object]) -> Callable[[], None]:
        """Called with each status, and with None when the link is lost; gives back what ends that."""
        self._callbacks.append(callback)
        return lambda: self._callbacks.remove(callback) if callback in self._callbacks else None

    async def close(self) -> None:
        """Say goodbye; loops over tables end. Raises what a fault of this package raised."""
        if self._task is not None:
            self._task.cancel()
            with suppress(asyncio.CancelledError):
                await self._task
            self._task = None
        self._end(None)

    async def __aenter__(self) -> Self:
        self._task = asyncio.create_task(self._follow(), name=f"banggia_client {self.url}")
        self._task.add_done_callback(self._ended)
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.close()

    # What follows is for tables.

    def speak(self) -> None:
        """Something may have to be said."""
        self._wanted.set()

    def drop(self, table: Table) -> None:
        """Nothing more of it is wanted."""
        if self._tables.get(table.channel) is table:
            del self._tables[table.channel]
            self.session.unsubscribe(table.channel)
            self.speak()

    async def _follow(self) -> None:
        """Ends by cancellation only."""
        clock_s = asyncio.get_running_loop().time
        while True:
            at_least_s, problem = 0.0, None
            self.session.connecting()
            try:
                token = await self._ask_token()
                async with asyncio.timeout(OPEN_DEADLINE_S):
                    connection = await self._dial(self.url)
                try:
                    await self._talk(connection, token)
                finally:
                    await connection.close()
            except TokenRefused as error:
                problem = Problem("no_token", str(error))
            except TimeoutError:
                problem = Problem("unreachable", f"no answer within {OPEN_DEADLINE_S:g} s")
            except InvalidStatus as error:
                problem = Problem(f"http_{error.response.status_code}", _detail(error))
                at_least_s = _retry_after_s(error)
            except ConnectionClosed as error:
                problem = _closed(error)
            except _HungUp as error:
                problem = error.problem or Problem("silent", "nothing was heard for three heartbeats")
            except (OSError, WebSocketException) as error:
                problem = Problem("unreachable", str(error) or type(error).__name__)
            delay_s = self.session.closed(clock_s(), problem, at_least_s)
            self._tell_status()
            await asyncio.sleep(delay_s)

    async def _talk(self, connection: Connection, token: str | None) -> None:
        """Until the connection ends. Raises ConnectionClosed or _HungUp."""
        self.session.opened(asyncio.get_running_loop().time(), token)
        self._tell_status()
        self.speak()
        try:
            async with asyncio.TaskGroup() as group:
                others = [group.create_task(self._say(connection))]
                if callable(self.token) and token is not None:
                    others.append(group.create_task(self._renew(token)))
                try:
                    await self._hear(connection)
                finally:
                    for task in others:
                        task.cancel()
        except* (ConnectionClosed, _HungUp) as errors:
            raise errors.exceptions[0] from None

    async def _hear(self, connection: Connection) -> None:
        clock_s = asyncio.get_running_loop().time
        try:
            async with asyncio.timeout_at(self.session.silent_at_s) as limit:
                while True:
                    self._take(await connection.recv(), clock_s())
                    limit.reschedule(self.session.silent_at_s)
        except TimeoutError:
            raise _HungUp(None) from None

    def _take(self, text: str | bytes, now_s: float) -> None:
        heard = self.session.receive(text, now_s)
        if heard.channel is not None and heard.channel in self._tables:
            self._tables[heard.channel].told(heard.change)
            self.speak()  # a gap makes it ask again
        if heard.status:
            self._tell_status()
        if heard.hang_up:
            raise _HungUp(self.session.error)

    async def _say(self, connection: Connection) -> None:
        """What is to be said, at a pace that publishers accept, after the first few."""
        clock_s = asyncio.get_running_loop().time
        paid_until_s = clock_s()
        while True:
            await self._wanted.wait()
            self._wanted.clear()
            for message in self.session.messages():
                await connection.send(message)
                paid_until_s = max(paid_until_s, clock_s()) + PACE_S
            await asyncio.sleep(paid_until_s - clock_s() - AT_ONCE * PACE_S)

    async def _renew(self, token: str) -> None:
        """Say a newer token in time; one that does not come, or is as old, lets the connection end as it would."""
        while (delay_s := renewal_delay_s(token, self._unix_s())) is not None:
            await asyncio.sleep(delay_s)
            with suppress(TokenRefused):
                token = await self._ask_token() or token
                self.session.renew(token)
                self.speak()

    async def _ask_token(self) -> str | None:
        """Raises TokenRefused."""
        if not callable(self.token):
            return self.token
        try:
            given = self.token()
            return given if isinstance(given, str) else await given
        except Exception as error:
            raise TokenRefused(f"{type(error).__name__} {error}") from error

    def _tell_status(self) -> None:
        for callback in list(self._callbacks):
            call(callback, self.session.status)
        for table in list(self._tables.values()):
            table.told(None)

    def _ended(self, task: asyncio.Task[None]) -> None:
        failure = None if task.cancelled() else task.exception()
        self._end(failure if isinstance(failure, Exception) else None)

    def _end(self, failure: Exception | None) -> None:
        self.failure = self.failure or failure
        self.session.ended()
        for table in list(self._tables.values()):
            table.ended(self.failure)


class TokenRefused(Exception):  # noqa: N818 (it is what happened)
    """The program's own function gave no token."""


def connect(url: str, *, token: Token | None = None) -> Feed:
    """
    A feed of the board at this address (`ws://localhost:8000`; `http://…` will do), for `async with`.

    The token is a text, or a function that gives a fresh one (it may be a coroutine function): it is asked for each
    connection, and in time before the one before expires. It returns at once: see `Table.loaded` and `Feed.error`.
    """
    return Feed(url, token=token)


def websocket_url(url: str) -> str:
    """The address of `/ws`. Raises ValueError."""
    at = urlsplit(url if "://" in url else f"ws://{url}")
    if at.scheme not in SCHEMES or not at.hostname:
        raise ValueError(f"no address of a board: {url}; ws://localhost:8000 is one")
    path = at.path.rstrip("/")
    return urlunsplit((SCHEMES[at.scheme], at.netloc, path if path.endswith("/ws") else f"{path}/ws", at.query, ""))


async def _dial(url: str) -> Connection:
    proxy: Literal[True] | None = None if urlsplit(url).hostname in LOOPBACK else True
    # Heartbeats say that the server is there, so pings of ours would say nothing new.
    return await open_websocket(url, proxy=proxy, open_timeout=None, close_timeout=CLOSE_DEADLINE_S, ping_interval=None)


def _closed(error: ConnectionClosed) -> Problem:
    code, reason = (1006, "") if error.rcvd is None else (error.rcvd.code, error.rcvd.reason)
    return Problem(str(code), reason or "the connection was closed")


def _detail(error: InvalidStatus) -> str:
    """What the answer says, of reasonable length."""
    body = (error.response.body or b"")[:200].decode("utf-8", "replace").strip()
    return body or f"refused with HTTP status {error.response.status_code}"


def _retry_after_s(error: InvalidStatus) -> float:
    with suppress(ValueError):
        return min(60.0, max(0.0, float(error.response.headers.get("Retry-After", "0"))))
    return 0.0
