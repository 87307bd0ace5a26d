"""One connection as the hub sees it: a door to write to, and what is still owed through it."""

import math
from collections import deque
from collections.abc import Callable
from typing import Protocol

from publisher_service.core.allowance import Allowance
from publisher_service.core.delivery import Delivery
from publisher_service.core.grant import Grant
from publisher_service.core.position import Position
from publisher_service.core.views import NOTHING, View
from shared.channels import Channel
from shared.table import JSON

#: Answers that may wait for a client that asks but does not read.
MAX_OWED_ANSWERS = 32


class Door(Protocol):
    """
    A websocket that takes finished frames.

    It calls the hub: `receive` with each message, `paused` and `drained` as its socket fills up and empties, `leave` at
    the end unless the hub closed it.
    """

    @property
    def ready(self) -> bool:
        """Everything written so far was taken by the kernel, and the connection is open."""

    @property
    def paused_since_s(self) -> float | None:
        """Since when it has not been ready, on the event loop's clock."""

    @property
    def deflates(self) -> bool:
        """It takes compressed frames too."""

    @property
    def write(self) -> Callable[[bytes], None]:
        """Writes a finished frame; never waits."""

    def close(self, code: int, reason: str) -> None:
        """Begin to close. What the peer does not read is thrown away after a few seconds."""

    def keep_alive(self, now_s: float) -> None:
        """Look whether the peer is still there."""


class Subscription:
    """A client's place in a view."""

    __slots__ = (
        "answered", "client", "deadline_s", "delivery", "next_frame", "request_id", "rev", "since", "view",
    )  # fmt: skip

    def __init__(self, client: "Client", view: View, request_id: JSON, since: Position | None) -> None:
        self.client = client
        self.view = view
        self.request_id = request_id
        self.since = since  # where the client says it stands
        self.answered = False
        self.deadline_s = 0.0  # until when the answer may wait for the replica to reach `since`
        self.rev = NOTHING  # of the last frame written
        # On its way, since it does not fit into one frame: shared with all who are sent the same.
        self.delivery: Delivery | None = None
        self.next_frame = 0

    @property
    def sending(self) -> bool:
        """Some of its frames are still to be written."""
        return self.delivery is not None

    @property
    def answering(self) -> bool:
        """The answer to a request that has an id is still to be written, or a part of it."""
        return self.delivery is not None and self.delivery.request_id is not None

    @property
    def let_go(self) -> bool:
        """Its next frame has to be made anew."""
        return self.delivery is not None and self.delivery.let_go

    def send(self, delivery: Delivery) -> None:
        """Take frames to be written one after the other."""
        self.delivery, self.next_frame = delivery, 0

    def pop_frame(self) -> bytes:
        """The next of its frames; there is one while it is `sending`."""
        delivery = self.delivery
        assert delivery is not None  # noqa: S101 (see above)
        if self.next_frame == 0 and self.let_go:
            delivery = self.delivery = self.view.anew(delivery)
        frame = self.view.part(delivery, self.next_frame)
        self.next_frame += 1
        if self.next_frame == len(delivery):
            self.delivery, self.rev = None, delivery.rev
        return frame

    def forget(self) -> None:
        """What the client holds is not valid any more: it is owed a snapshot."""
        self.delivery, self.rev = None, NOTHING


class Client:
    """A connection's subscriptions, one a channel, and the few control messages that wait."""

    __slots__ = (
        "allowance", "door", "expires_at_s", "grant", "greeted", "leaves_at_s", "owed", "owes_status", "subscriptions",
    )  # fmt: skip

    def __init__(self, door: Door, grant: Grant, allowance: Allowance) -> None:
        self.door = door
        self.grant = grant
        self.expires_at_s = math.inf  # when the grant ends, on the hub's clock
        self.leaves_at_s = math.inf  # when it is sent to another replica
        self.allowance = allowance  # of messages
        self.subscriptions: dict[Channel, Subscription] = {}
        self.owed: deque[bytes] = deque()
        self.owes_status = True  # the first frame of every connection
        self.greeted = False  # it has been written

    @property
    def idle(self) -> bool:
        """Nothing waits, and a frame written now goes to the kernel at once."""
        return not self.owed and not self.owes_status and self.door.ready
