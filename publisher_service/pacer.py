"""When views are flushed: one timer, at the earliest moment at which one of them may be."""

from collections.abc import Callable
from heapq import heappop, heappush
from itertools import count
from typing import Protocol

from publisher_service.core.views import View

#: Half a millisecond: the clock of timers is not finer, and views that are due together share one pass.
TOGETHER_S = 0.0005


class Timer(Protocol):
    """What `Clock.call_at` gives back."""

    def cancel(self) -> None:
        """Do not call."""


class Clock(Protocol):
    """The two methods of an event loop that are used here; times in seconds."""

    def time(self) -> float:
        """The clock's time."""

    def call_at(self, when: float, callback: Callable[[int], None], argument: int, /) -> Timer:
        """Call back at that time."""


class Pacer:
    """
    The views that wait for their flush.

    `flush` is called with the views that are due and wait no more, the time, and when it was set to be called. While
    `held` nothing is flushed and no timer runs; `go_on` sets it again.
    """

    def __init__(
        self, clock: Clock, flush: Callable[[list[View], float, float], None], held: Callable[[], bool]
    ) -> None:
        self._clock = clock
        self._flush = flush
        self._held = held
        self._due_s: dict[View, float] = {}  # of those who wait
        self._queue: list[tuple[float, int, View]] = []  # a heap; some of it is of views that wait no more, or later
        self._order = count()  # views that are due at the same time go first come, first served
        self._timer: tuple[float, Timer] | None = None  # when it fires

    @property
    def armed(self) -> list[View]:
        """All views that wait."""
        return list(self._due_s)

    def arm(self, view: View) -> None:
        """Something of the view changed: flush it now, or when its window ends."""
        if view.throttle.notify():
            due_s = self._due_s[view] = view.throttle.open_at_s
            heappush(self._queue, (due_s, next(self._order), view))
            if not self._held():
                self._set_timer()

    def disarm(self, view: View) -> None:
        """The view waits no more."""
        self._due_s.pop(view, None)
        view.throttle.disarm()

    def go_on(self) -> None:
        """Set the timer if it is missing."""
        self._set_timer()

    def stop(self) -> None:
        """Flush nothing any more."""
        self._due_s.clear()
        self._queue.clear()
        if self._timer is not None:
            self._timer[1].cancel()
            self._timer = None

    def _set_timer(self) -> None:
        """At the first moment at which some view may be flushed."""
        while self._queue and self._due_s.get(self._queue[0][2]) != self._queue[0][0]:
            heappop(self._queue)  # it was flushed for another reason
        if not self._queue:
            return
        when_s = max(self._queue[0][0], self._clock.time())
        if self._timer is not None:
            if self._timer[0] <= when_s:
                return
            self._timer[1].cancel()
        self._timer = when_s, self._clock.call_at(when_s, self._fire, 0)

    def _fire(self, _: int) -> None:
        assert self._timer is not None  # noqa: S101 (this is its call)
        set_for_s, _timer = self._timer
        self._timer = None
        if self._held():
            return
        now_s = self._clock.time()
        due: list[View] = []
        while self._queue and self._queue[0][0] <= now_s + TOGETHER_S:
            due_s, _order, view = heappop(self._queue)
            if self._due_s.get(view) == due_s:
                self.disarm(view)
                due.append(view)
        if due:
            self._flush(due, now_s, set_for_s)
        self._set_timer()
