"""A clock that moves only when told to, with the timers that wait for it."""

from collections.abc import Callable


class ManualTimer:
    """One call that waits."""

    def __init__(self, when: float, callback: Callable[[int], None], argument: int) -> None:
        self.when = when
        self.callback = callback
        self.argument = argument
        self.cancelled = False

    def cancel(self) -> None:
        """Do not call."""
        self.cancelled = True


class ManualClock:
    """The two methods of an event loop that the hub uses, in virtual time."""

    def __init__(self) -> None:
        self.now_s = 1000.0
        self.timers: list[ManualTimer] = []

    def time(self) -> float:
        """The present moment."""
        return self.now_s

    def call_at(self, when: float, callback: Callable[[int], None], argument: int, /) -> ManualTimer:
        """Call back when `advance` gets there."""
        timer = ManualTimer(when, callback, argument)
        self.timers.append(timer)
        return timer

    def advance(self, seconds: float) -> None:
        """Let time pass, with every timer called at its moment; 0: only what is due now."""
        end_s = self.now_s + seconds
        while due := [timer for timer in self.timers if not timer.cancelled and timer.when <= end_s]:
            timer = min(due, key=lambda waiting: waiting.when)
            self.timers.remove(timer)
            self.now_s = max(self.now_s, timer.when)
            timer.callback(timer.argument)
        self.now_s = end_s

    @property
    def waiting(self) -> int:
        """How many timers are still set."""
        return sum(not timer.cancelled for timer in self.timers)
