"""
The same for plain code: `with connect(url) as feed`, `for change in table`.

An event loop in a thread of its own follows the board; whatever is asked for here is asked there, so many threads may.
"""

import asyncio
import threading
from collections.abc import Awaitable, Callable, Coroutine, Iterator, Sequence
from types import TracebackType
from typing import Any, Literal, Self, TypeVar

from . import feed as following
from . import table as held
from .core.change import Change, Row
from .core.frames import Status
from .core.session import Problem, State, TableState
from .core.subscription import Mode
from .errors import TableFailed
from .feed import Token

T = TypeVar("T")


class Feed:
    """As `banggia_client.Feed`."""

    def __init__(self, url: str, *, token: Token | None = None) -> None:
        self._feed = following.Feed(url, token=token)
        self._loop = asyncio.new_event_loop()
        # A daemon: a program that ends without leaving the block is not held up.
        self._thread = threading.Thread(target=self._loop.run_forever, name="banggia_client", daemon=True)

    @property
    def url(self) -> str:
        """The address of `/ws`."""
        return self._feed.url

    @property
    def state(self) -> State:
        """`waiting` is for the next attempt."""
        return self._feed.state

    @property
    def status(self) -> Status | None:
        """The newest one of the open connection."""
        return self._feed.status

    @property
    def connected(self) -> bool:
        """The whole road in one word: from the exchange to here."""
        return self._feed.connected

    @property
    def error(self) -> Problem | None:
        """Why there is no link, or what was refused on an open one."""
        return self._feed.error

    def table(
        self,
        channel: str,
        *,
        keys: Sequence[str] | None = None,
        interval_ms: int | None = None,
        mode: Mode = "fields",
    ) -> "Table":
        """Follow a channel: all of it, or these keys and groups. Raises ValueError if there is a table of it."""
        make = self._feed.table
        return Table(self, self.there(lambda: make(channel, keys=keys, interval_ms=interval_ms, mode=mode)))

    def on_status(self, callback: Callable[[Status | None], object]) -> Callable[[], None]:
        """As of the other feed; it is called in the feed's thread."""
        stop = self.there(lambda: self._feed.on_status(callback))
        return lambda: self.there(stop)

    def close(self) -> None:
        """Say goodbye; loops over tables end."""
        if self._loop.is_closed():
            return
        try:
            self.wait(self._finish())
        finally:
            self._loop.call_soon_threadsafe(self._loop.stop)
            self._thread.join()
            self._loop.close()

    def __enter__(self) -> Self:
        self._thread.start()
        self.wait(self._feed.__aenter__())
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    async def _finish(self) -> None:
        await self._feed.close()
        waiting = asyncio.all_tasks() - {asyncio.current_task()}
        if waiting:  # loops in other threads, which end now
            _, still = await asyncio.wait(waiting, timeout=1.0)
            for task in still:
                task.cancel()

    # What follows is for tables.

    def wait(self, coroutine: Coroutine[Any, Any, T]) -> T:
        """Run it in the feed's thread; its result. An interruption of the wait cancels it."""
        future = asyncio.run_coroutine_threadsafe(coroutine, self._loop)
        try:
            return future.result()
        except BaseException:
            future.cancel()
            raise

    def there(self, function: Callable[[], T]) -> T:
        """Call it in the feed's thread."""

        async def called() -> T:
            return function()

        return self.wait(called())


class Table:
    """As `banggia_client.Table`."""

    def __init__(self, feed: Feed, table: held.Table) -> None:
        self._feed = feed
        self._table = table

    @property
    def channel(self) -> str:
        """Its name."""
        return self._table.channel

    @property
    def rows(self) -> dict[str, Row]:
        """Key → row, all of one revision; a copy, which stays as it is."""
        return self._feed.there(lambda: dict(self._table.rows))

    @property
    def state(self) -> TableState:
        """As of the other table."""
        return self._table.state

    @property
    def error(self) -> TableFailed | None:
        """Why it has failed."""
        return self._table.error

    @property
    def rev(self) -> int | None:
        """The revision of the rows."""
        return self._table.rev

    @property
    def epoch(self) -> str | None:
        """The history that `rev` belongs to."""
        return self._table.epoch

    @property
    def time_ms(self) -> int | None:
        """The ingest's clock when the newest feed message in the rows was read, Unix ms."""
        return self._table.time_ms

    @property
    def interval_ms(self) -> int | None:
        """The interval that was granted."""
        return self._table.interval_ms

    def on_change(self, callback: Callable[[Change], object]) -> Callable[[], None]:
        """As of the other table; it is called in the feed's thread."""
        stop = self._feed.there(lambda: self._table.on_change(callback))
        return lambda: self._feed.there(stop)

    def update(
        self,
        *,
        keys: Sequence[str] | Literal["same"] | None = "same",
        interval_ms: int | Literal["same"] | None = "same",
        mode: Mode | Literal["same"] = "same",
    ) -> None:
        """Subscribe anew. With other keys it begins with an empty table."""
        self._feed.there(lambda: self._table.update(keys=keys, interval_ms=interval_ms, mode=mode))

    def loaded(self, timeout_s: float = 10.0) -> None:
        """Return when there are rows, live or old. Raises TableFailed, and NotLoaded after the time."""
        self._feed.wait(self._table.loaded(timeout_s))

    def close(self) -> None:
        """Nothing more of it is wanted; loops end."""
        self._feed.there(self._table.close)

    def __iter__(self) -> Iterator[Change]:
        changes = self._feed.there(self._table.__aiter__)

        async def following_change() -> Change | None:
            return await anext(changes, None)

        while (change := self._feed.wait(following_change())) is not None:
            yield change


def connect(url: str, *, token: str | Callable[[], str | Awaitable[str]] | None = None) -> Feed:
    """As `banggia_client.connect`, for `with`."""
    return Feed(url, token=token)
