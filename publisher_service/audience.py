"""Who watches a view, and which of them take its next frame without a further look."""

import math
from collections.abc import Iterator
from itertools import chain

from publisher_service.client import Sink, Subscription
from publisher_service.core.frames import Form
from publisher_service.core.views import View


class Audience:
    """
    The subscriptions of one view. Most of them are in step: they have all that the view has sent, watch nothing else,
    and their sockets are empty. A frame goes to all of those in one loop that touches nothing but their sockets.
    """

    __slots__ = ("_in_step", "_others", "_sinks", "told_at_s", "view")

    def __init__(self, view: View) -> None:
        self.view = view
        # By the form of the frames: what leads to the socket.
        self._in_step: tuple[dict[Subscription, Sink], ...] = tuple({} for _ in Form)
        # The same without the subscriptions, if nothing changed.
        self._sinks: list[list[Sink] | None] = [None for _ in Form]
        self._others: dict[Subscription, None] = {}
        self.told_at_s = -math.inf  # when those who are in step got their last frame

    def __len__(self) -> int:
        """How many watch."""
        return sum(map(len, self._in_step)) + len(self._others)

    def __iter__(self) -> Iterator[Subscription]:
        """All of them; they may change meanwhile."""
        return iter([*chain(*self._in_step), *self._others])

    @property
    def others(self) -> list[Subscription]:
        """Those who are not in step."""
        return list(self._others)

    @property
    def in_step(self) -> int:
        """How many are."""
        return sum(map(len, self._in_step))

    def takers(self, form: Form) -> int:
        """How many of them take frames in this form."""
        return len(self._in_step[form])

    def sinks(self, form: Form) -> list[Sink]:
        """Where to write for those who are in step, and take frames in this form. It is not changed by others."""
        sinks = self._sinks[form]
        if sinks is None:
            sinks = self._sinks[form] = list(self._in_step[form].values())
        return sinks

    def owner_of(self, sink: Sink) -> Subscription | None:
        """Whose it is."""
        for group in self._in_step:
            for subscription, its in group.items():
                if its is sink:
                    return subscription
        return None

    def add(self, subscription: Subscription) -> None:
        """It begins to watch, and is not in step."""
        self._others[subscription] = None

    def remove(self, subscription: Subscription) -> None:
        """It watches no more."""
        self.fall_out(subscription)
        del self._others[subscription]

    def fall_in(self, subscription: Subscription) -> None:
        """It has the view's last frame, and is clear. From now on it stands where the view stands."""
        del self._others[subscription]
        form = subscription.client.form
        self._in_step[form][subscription] = subscription.client.door.sink
        self._sinks[form] = None
        subscription.in_step = True

    def fall_out(self, subscription: Subscription) -> None:
        """From now on it is looked at before something is written. It stands where the view stands now."""
        if subscription.in_step:
            subscription.rev_apart = self.view.rev
            subscription.in_step = False
            form = subscription.client.form
            del self._in_step[form][subscription]
            self._sinks[form] = None
            self._others[subscription] = None

    def scatter(self) -> list[Subscription]:
        """Let all fall out who are in step."""
        fallen = list(chain(*self._in_step))
        for subscription in fallen:
            self.fall_out(subscription)
        return fallen
