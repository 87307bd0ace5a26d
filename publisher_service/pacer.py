"""When views are flushed: one timer an interval tier, at the earliest moment at which one of its views may be."""

from collections.abc import Callable
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

    `flush` is called with a view, the time, and when it was due; it must call `disarm`, unless the view is to go on
    waiting. While `held` nothing is flushed and no timer runs; `go_on` sets the timers again.
    """

    def __init__(
        self,
        clock: Clock,
        tiers_ms: tuple[int, ...],
        flush: Callable[[View, float, float], None],
        held: Callable[[], bool],
    ) -> None:
        self._clock = clock
        self._flush = flush
        self._held = held
        self._armed: dict[int, set[View]] = {tier: set() for tier in tiers_ms}
        self._timers: dict[int, tuple[float, Timer]] = {}  # tier → when it fires, and the timer

    @property
    def armed(self) -> list[View]:
        """All views that wait."""
        return [view for views in self._armed.values() for view in views]

    def arm(self, view: View) -> None:
        """Something of the view changed: flush it now, or when its window ends."""
        if not view.throttle.notify():
            return
        tier = view.key.interval_ms
        self._armed[tier].add(view)
        timer = self._timers.get(tier)
        if not self._held() and (timer is None or timer[0] > view.throttle.open_at_s):
            self._set_timer(tier)

    def disarm(self, view: View) -> None:
        """The view waits no more."""
        self._armed[view.key.interval_ms].discard(view)
        view.throttle.disarm()

    def go_on(self) -> None:
        """Set the timers that are missing."""
        for tier, views in self._armed.items():
            if views and tier not in self._timers:
                self._set_timer(tier)

    def stop(self) -> None:
        """Flush nothing any more."""
        for _, timer in self._timers.values():
            timer.cancel()
        self._timers.clear()
        for views in self._armed.values():
            views.clear()

    def _set_timer(self, tier: int) -> None:
        if (timer := self._timers.pop(tier, None)) is not None:
            timer[1].cancel()
        if self._armed[tier]:
            opens_at_s = min(view.throttle.open_at_s for view in self._armed[tier])
            when_s = max(opens_at_s, self._clock.time())
            self._timers[tier] = (when_s, self._clock.call_at(when_s, self._fire, tier))

    def _fire(self, tier: int) -> None:
        due_s, _ = self._timers.pop(tier)
        if self._held():
            return
        now_s = self._clock.time()
        for view in [view for view in self._armed[tier] if view.throttle.open_at_s <= now_s + TOGETHER_S]:
            self._flush(view, now_s, due_s)
        self._set_timer(tier)
