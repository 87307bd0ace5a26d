"""
Those who are behind, or wait for an answer, are served in turns: in each turn of the loop so many.

Thousands come back at once when another replica dies, and all need a snapshot when an epoch begins. Regular updates
go out between the turns.
"""

from collections.abc import Callable, Iterable

from publisher_service.client import Client, Subscription
from publisher_service.core.delivery import Delivery
from publisher_service.core.views import View
from publisher_service.pacer import Clock, Timer

#: What a turn of the loop writes to those who are behind: about five milliseconds. The others come first.
TURN_BYTES = 2_000_000
#: To make a frame and to write it costs time, however small it is: each client counts as so many bytes.
LEAST_BYTES = 20_000

#: (view, revision) → what brings those who stand there to now: shared by all who are served together.
Made = dict[tuple[View, int], Delivery]


class Turns:
    """A queue of subscriptions, each at most once, first come first served."""

    def __init__(self, clock: Clock, serve: Callable[[Subscription, Made], int]) -> None:
        """`serve` writes what one of them is owed, and tells how many bytes that was."""
        self._clock = clock
        self._serve = serve
        self._waiting: dict[Subscription, None] = {}
        self._turn: Timer | None = None  # ends a turn in which some of them were served
        self._left_bytes = 0  # what this turn may still write

    def __len__(self) -> int:
        """How many wait."""
        return len(self._waiting)

    def __contains__(self, subscription: Subscription) -> bool:
        """Whether it waits."""
        return subscription in self._waiting

    @property
    def clients(self) -> set[Client]:
        """Those who wait."""
        return {subscription.client for subscription in self._waiting}

    def add(self, subscription: Subscription) -> None:
        """Let it wait until `go_on` comes to it."""
        self._waiting[subscription] = None

    def remove(self, subscription: Subscription) -> None:
        """It waits no more."""
        self._waiting.pop(subscription, None)

    def take(self, subscriptions: Iterable[Subscription]) -> None:
        """Let these wait, and go on."""
        self._waiting.update(dict.fromkeys(subscriptions))
        self.go_on()

    def go_on(self) -> None:
        """Serve as many as this turn has room for."""
        made: Made = {}
        while self._waiting:
            if self._turn is None:
                self._turn = self._clock.call_at(self._clock.time(), self._next_turn, 0)
                self._left_bytes = TURN_BYTES
            if self._left_bytes <= 0:
                break
            subscription = next(iter(self._waiting))
            del self._waiting[subscription]
            self._left_bytes -= max(LEAST_BYTES, self._serve(subscription, made))

    def stop(self) -> None:
        """Serve nobody any more."""
        if self._turn is not None:
            self._turn.cancel()

    def _next_turn(self, _: int) -> None:
        self._turn = None
        self.go_on()
