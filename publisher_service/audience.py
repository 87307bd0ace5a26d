"""Who watches a view, and which of them take its next frame without a further look."""

import math
from collections.abc import Iterator, Mapping
from itertools import chain

from publisher_service.client import Subscription
from publisher_service.core.frames import Form
from publisher_service.core.views import View


class Audience:
    """
    The subscriptions of one view. Most of them are in step: they have all that the view has sent, watch nothing else,
    and their sockets are empty. A frame goes to all of those in one loop that touches nothing but their sockets.
    """

    __slots__ = ("_in_step", "_others", "told_at_s", "view")

    def __init__(self, view: View) -> None:
        self.view = view
        # By the form of the frames: descriptor of the socket → subscription.
        self._in_step: tuple[dict[int, Subscription], ...] = tuple({} for _ in Form)
        self._others: dict[Subscription, None] = {}
        self.told_at_s = -math.inf  # when those who are in step got their last frame

    def __len__(self) -> int:
        """How many watch."""
        return sum(map(len, self._in_step)) + len(self._others)

    def __iter__(self) -> Iterator[Subscription]:
        """All of them; they may change meanwhile."""
        return iter([*self._all_in_step(), *self._others])

    @property
    def others(self) -> list[Subscription]:
        """Those who are not in step."""
        return list(self._others)

    def in_step(self, form: Form) -> Mapping[int, Subscription]:
        """Those who are, and take frames in this form, by the descriptors of their sockets."""
        return self._in_step[form]

    def add(self, subscription: Subscription) -> None:
        """It begins to watch, and is not in step."""
        self._others[subscription] = None

    def remove(self, subscription: Subscription) -> None:
        """It watches no more."""
        self.fall_out(subscription)
        del self._others[subscription]

    def fall_in(self, subscription: Subscription) -> None:
        """
        It has the view's last frame, and is clear. From now on it stands where the view stands.

        Nothing changes if nobody but its door may write to its socket.
        """
        descriptor = subscription.client.door.descriptor
        if descriptor is not None:
            del self._others[subscription]
            self._in_step[subscription.client.form][descriptor] = subscription
            subscription.descriptor = descriptor

    def fall_out(self, subscription: Subscription) -> None:
        """From now on it is looked at before something is written. It stands where the view stands now."""
        descriptor = subscription.descriptor
        if descriptor is not None:
            subscription.rev_apart = self.view.rev
            subscription.descriptor = None
            del self._in_step[subscription.client.form][descriptor]
            self._others[subscription] = None

    def scatter(self) -> list[Subscription]:
        """Let all fall out who are in step."""
        fallen = list(self._all_in_step())
        for subscription in fallen:
            self.fall_out(subscription)
        return fallen

    def _all_in_step(self) -> Iterator[Subscription]:
        return chain.from_iterable(group.values() for group in self._in_step)
