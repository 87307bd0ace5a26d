"""When views are flushed: one timer, at the earliest moment at which one of them may be."""

from collections.abc import Callable
from heapq import heappop, heappush
from typing import Protocol

from publisher_service.core.views import View

#: The clock of timers is not finer, and views that are due together share one pass.
STEP_S = 0.001


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
        self._armed: dict[View, int] = {}  # view → the step at which it is due
        self._due: dict[int, list[View]] = {}  # step → the views; some of them may wait no more, or for another step
        self._steps: list[int] = []  # of those, a heap
        self._timer: tuple[float, Timer] | None = None  # when it fires

    @property
    def armed(self) -> list[View]:
        """All views that wait."""
        return list(self._armed)

    def arm(self, *views: View) -> None:
        """Something of these views changed: flush them now, or when their windows end."""
        for view in views:
            if not view.throttle.notify():
                continue
            open_at_s = view.throttle.open_at_s
            step = self._armed[view] = round(open_at_s / STEP_S) if open_at_s > 0 else 0
            due = self._due.get(step)
            if due is None:
                self._due[step] = [view]
                heappush(self._steps, step)
            else:
                due.append(view)
        self.go_on()

    def disarm(self, view: View) -> None:
        """The view waits no more."""
        self._armed.pop(view, None)
        view.throttle.disarm()

    def go_on(self) -> None:
        """Set the timer, to the first moment at which some view may be flushed."""
        if not self._steps or self._held():
            return
        when_s = max(self._steps[0] * STEP_S, self._clock.time())
        if self._timer is not None:
            if self._timer[0] <= when_s:
                return
            self._timer[1].cancel()
        self._timer = when_s, self._clock.call_at(when_s, self._fire, 0)

    def stop(self) -> None:
        """Flush nothing any more."""
        self._armed.clear()
        self._due.clear()
        self._steps.clear()
        if self._timer is not None:
            self._timer[1].cancel()
            self._timer = None

    def _fire(self, _: int) -> None:
        assert self._timer is not None  # noqa: S101 (this is its call)
        set_for_s, _timer = self._timer
        self._timer = None
        if self._held():
            return
        now_s = self._clock.time()
        step = round(now_s / STEP_S)
        views: list[View] = []
        while self._steps and self._steps[0] <= step:
            due = heappop(self._steps)
            for view in self._due.pop(due):
                if self._armed.get(view) == due:
                    self.disarm(view)
                    views.append(view)
        if views:
            self._flush(views, now_s, set_for_s)
        self.go_on()
