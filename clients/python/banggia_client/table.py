"""One channel as a program holds it."""

import asyncio
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from types import MappingProxyType
from typing import TYPE_CHECKING, Literal
from weakref import WeakSet

from .changes import Changes
from .core.change import Change, Row
from .core.session import TableState
from .core.subscription import Mode, Subscription
from .errors import NotLoaded, TableFailed

if TYPE_CHECKING:
    from .feed import Feed


class Table:
    """
    Made by `Feed.table`. `rows` are always whole, and all of one revision; a row that was taken out never changes.

    `async for change in table` begins with all rows (`change.reset`), and goes on with what changes. A slow loop gets
    changes merged. It ends when the table or its feed is closed, and raises TableFailed when the server refuses.
    """

    def __init__(self, feed: "Feed", subscription: Subscription) -> None:
        self._feed = feed
        self._subscription = subscription
        self._loops: WeakSet[Changes] = WeakSet()
        self._callbacks: list[Callable[[Change], object]] = []
        self._turn = asyncio.Event()  # replaced with each thing that happens
        self._is_over = False

    @property
    def channel(self) -> str:
        """Its name."""
        return self._subscription.wish.channel

    @property
    def rows(self) -> Mapping[str, Row]:
        """Key → row, as of `rev`."""
        return MappingProxyType(self._subscription.rows)

    @property
    def state(self) -> TableState:
        """
        `loading`: nothing whole came yet. `live`. `stale`: the link or the road behind it is broken, and the rows are
        the last known ones, old. `failed`: see `error`.
        """
        return self._feed.session.table_state(self._subscription)

    @property
    def error(self) -> TableFailed | None:
        """Why it has failed."""
        error = self._subscription.error
        return None if error is None else TableFailed(self.channel, error.code, error.message)

    @property
    def rev(self) -> int | None:
        """The revision of the rows, one number for all channels; None: nothing whole came yet."""
        return self._subscription.rev

    @property
    def epoch(self) -> str | None:
        """The history that `rev` belongs to."""
        return self._subscription.epoch

    @property
    def time_ms(self) -> int | None:
        """The ingest's clock when the newest feed message in the rows was read, Unix ms."""
        return self._subscription.time_ms

    @property
    def interval_ms(self) -> int | None:
        """The interval that was granted."""
        return self._subscription.interval_ms

    def on_change(self, callback: Callable[[Change], object]) -> Callable[[], None]:
        """Called after each change; gives back what ends that."""
        self._callbacks.append(callback)
        return lambda: self._callbacks.remove(callback) if callback in self._callbacks else None

    def update(
        self,
        *,
        keys: Sequence[str] | Literal["same"] | None = "same",
        interval_ms: int | Literal["same"] | None = "same",
        mode: Mode | Literal["same"] = "same",
    ) -> None:
        """Subscribe anew. With other keys it begins with an empty table."""
        wish = self._subscription.wish
        if keys != "same":
            wish = replace(wish, keys=checked_keys(keys))
        if interval_ms != "same":
            wish = replace(wish, interval_ms=interval_ms)
        if mode != "same":
            wish = replace(wish, mode=mode)
        self._subscription.change_wish(wish)
        self._feed.speak()

    async def loaded(self, timeout_s: float = 10.0) -> None:
        """Return when there are rows, live or old. Raises TableFailed, and NotLoaded after the time."""
        held = self._subscription
        try:
            async with asyncio.timeout(timeout_s):
                while held.rev is None and held.error is None and not self._is_over:
                    await self.happened()
        except TimeoutError as error:
            reason = self._feed.error or "the server has nothing to show yet"
            raise NotLoaded(f"{self.channel}: no rows within {timeout_s:g} s: {reason}") from error
        if (failed := self.error) is not None:
            raise failed
        if held.rev is None:
            raise NotLoaded(f"{self.channel}: no rows came before it was closed")

    async def happened(self) -> None:
        """Return when anything is new: rows, state, or the feed's."""
        await self._turn.wait()

    def close(self) -> None:
        """Nothing more of it is wanted; loops end."""
        if self._is_over:
            return
        self._feed.drop(self)
        self.ended()

    def __aiter__(self) -> Changes:
        held = self._subscription
        first = None
        if held.rev is not None:
            first = Change(True, dict(held.rows), 0, held.rev, held.time_ms or 0)  # noqa: FBT003 (`reset`)
        loop = Changes(first)
        if self._is_over:
            loop.end(self._feed.failure)
        elif (error := self.error) is not None:
            loop.end(error)
        self._loops.add(loop)
        return loop

    # What follows is for the feed.

    def told(self, change: Change | None) -> None:
        """Something happened."""
        turn, self._turn = self._turn, asyncio.Event()
        turn.set()
        if change is not None:
            for loop in list(self._loops):
                loop.put(change)
            for callback in list(self._callbacks):
                call(callback, change)
        elif (error := self.error) is not None:
            for loop in list(self._loops):
                loop.end(error)

    def ended(self, failure: Exception | None = None) -> None:
        """There will be no more."""
        self._is_over = True
        for loop in list(self._loops):
            loop.end(failure)
        turn, self._turn = self._turn, asyncio.Event()
        turn.set()


def call(callback: Callable[..., object], *arguments: object) -> None:
    """A callback of the program's: its fault is told by the loop, and is not the feed's end."""
    try:
        callback(*arguments)
    except Exception as error:  # noqa: BLE001 (whatever it does)
        context = {"message": "a callback of banggia_client failed", "exception": error}
        asyncio.get_running_loop().call_exception_handler(context)


def checked_keys(keys: Sequence[str] | None) -> tuple[str, ...] | None:
    """Raises TypeError for one name where a list is meant: its letters would be taken for names."""
    if isinstance(keys, str):
        raise TypeError(f'keys is a list of names: ["{keys}"]')
    return None if keys is None else tuple(keys)
