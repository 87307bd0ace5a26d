"""Who watches a view, and which of them take its next frame without a further look."""

import math
from collections.abc import Callable, Iterator

from publisher_service.client import Subscription
from publisher_service.core.views import View


class Audience:
    """
    The subscriptions of one view. Most of them are in step: they have all that the view has sent, watch nothing else,
    and their sockets are empty. A frame goes to all of those in one loop that touches nothing but their sockets.
    """

    __slots__ = ("_in_step", "_others", "told_at_s", "view")

    def __init__(self, view: View) -> None:
        self.view = view
        # By the form of the frames, plain and compressed: what writes to the socket.
        self._in_step: tuple[dict[Subscription, Callable[[bytes], None]], ...] = ({}, {})
        self._others: dict[Subscription, None] = {}
        self.told_at_s = -math.inf  # when those who are in step got their last frame

    def __len__(self) -> int:
        """How many watch."""
        return sum(map(len, self._in_step)) + len(self._others)

    def __iter__(self) -> Iterator[Subscription]:
        """All of them; they may change meanwhile."""
        return iter([*self._in_step[False], *self._in_step[True], *self._others])

    @property
    def others(self) -> list[Subscription]:
        """Those who are not in step."""
        return list(self._others)

    @property
    def in_step(self) -> int:
        """How many are."""
        return sum(map(len, self._in_step))

    def takers(self, *, deflates: bool) -> int:
        """How many of them take frames in this form."""
        return len(self._in_step[deflates])

    def writers(self, *, deflates: bool) -> list[Callable[[bytes], None]]:
        """What writes to those who are in step, and take frames in this form."""
        return list(self._in_step[deflates].values())

    def writer_of(self, write: Callable[[bytes], None]) -> Subscription | None:
        """Whose it is."""
        for group in self._in_step:
            for subscription, its in group.items():
                if its is write:
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
        self._in_step[subscription.client.deflates][subscription] = subscription.client.door.write
        subscription.in_step = True

    def fall_out(self, subscription: Subscription) -> None:
        """From now on it is looked at before something is written. It stands where the view stands now."""
        if subscription.in_step:
            subscription.rev_apart = self.view.rev
            subscription.in_step = False
            del self._in_step[subscription.client.deflates][subscription]
            self._others[subscription] = None

    def scatter(self) -> list[Subscription]:
        """Let all fall out who are in step."""
        fallen = [*self._in_step[False], *self._in_step[True]]
        for subscription in fallen:
            self.fall_out(subscription)
        return fallen
