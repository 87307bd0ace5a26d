"""One connection as the hub sees it: a door to write to, and what is still owed through it."""

import math
from collections.abc import Iterable, Mapping
from types import MappingProxyType
from typing import Protocol

from publisher_service.core.allowance import Allowance
from publisher_service.core.delivery import Delivery
from publisher_service.core.frames import Form, Frame
from publisher_service.core.grant import Grant
from publisher_service.core.position import Position
from publisher_service.core.views import NOTHING, View
from shared.channels import Channel
from shared.table import JSON

#: Answers that may wait for a client that asks but does not read.
MAX_OWED_ANSWERS = 32


class Owner(Protocol):
    """Who writes through a door: it is told what comes in, and whether more can be written."""

    def receive(self, door: "Door", text: str | None) -> None:
        """A message has come; None: a binary one."""

    def paused(self, door: "Door") -> None:
        """Something of what was written is still on its way to the kernel. Called inside `write`, or later."""

    def drained(self, door: "Door") -> None:
        """The door is ready again."""

    def leave(self, door: "Door") -> None:
        """The connection is gone, or going: nothing may be written any more. Called once."""


class Door(Protocol):
    """A connection that takes finished frames: a websocket, or a stream of events."""

    def write(self, frame: bytes, /) -> None:
        """Write a finished frame; never waits."""

    @property
    def descriptor(self) -> int | None:
        """Of the socket, if finished frames may go straight to it while the door is ready; it is open until `leave`."""

    @property
    def form(self) -> Form:
        """In which bytes it takes frames."""

    @property
    def ready(self) -> bool:
        """Everything written so far was taken by the kernel, and the connection is open."""

    @property
    def paused_since_s(self) -> float | None:
        """Since when it has not been ready, on the event loop's clock."""

    def open(self, owner: Owner) -> None:
        """Tell this one from now on."""

    def keep_alive(self, now_s: float) -> float:
        """
        Ask the peer whether it is there, and close if it has not answered for long; when this is to be called again.

        Nothing happens if it is called earlier.
        """

    def close(self, code: int, reason: str, last_words: Iterable[bytes] = ()) -> None:
        """
        Begin to close. What the peer does not read is thrown away after a few seconds.

        `last_words` are frames that it is still owed, for doors that take one at a time.
        """


class Subscription:
    """A client's place in a view."""

    __slots__ = (
        "answered", "client", "deadline_s", "delivery", "descriptor", "next_frame", "request_id", "rev_apart", "since",
        "told", "view",
    )  # fmt: skip

    def __init__(
        self, client: "Client", view: View, request_id: JSON, since: Position | None, deadline_s: float
    ) -> None:
        self.client = client
        self.view = view
        self.request_id = request_id
        self.since = since  # where the client says it stands
        self.answered = False
        self.told = False  # some frame of it was written
        self.deadline_s = deadline_s  # until when the answer may wait for the replica to reach `since`
        self.descriptor: int | None = None  # of its client's socket, while it is in step
        self.rev_apart = NOTHING  # of the last frame written, if it is not in step
        # On its way, since it does not fit into one frame: shared with all who are sent the same.
        self.delivery: Delivery | None = None
        self.next_frame = 0

    @property
    def in_step(self) -> bool:
        """It stands where its view stands: see `Audience`."""
        return self.descriptor is not None

    @property
    def rev(self) -> int:
        """Of the last frame written."""
        return self.view.rev if self.in_step else self.rev_apart

    @property
    def sending(self) -> bool:
        """Some of its frames are still to be written."""
        return self.delivery is not None

    @property
    def inside_snapshot(self) -> bool:
        """A part of a snapshot was written, and not the last: the client has emptied its table, and has no position."""
        return self.delivery is not None and self.delivery.from_rev is None and self.next_frame > 0

    @property
    def inside_first_update(self) -> bool:
        """All that was written is a part of the update that answers: the client stands where it stood before."""
        delivery = self.delivery
        return self.rev == NOTHING and self.next_frame > 0 and delivery is not None and delivery.from_rev is not None

    @property
    def answering(self) -> bool:
        """The answer to a request that has an id is still to be written, or a part of it."""
        return self.delivery is not None and self.delivery.request_id is not None

    @property
    def let_go(self) -> bool:
        """Its next frame has to be made anew."""
        return self.delivery is not None and self.delivery.let_go

    def send(self, delivery: Delivery) -> None:
        """Take frames to be written one after the other. It must not be in step."""
        self.delivery, self.next_frame = delivery, 0

    def pop_frame(self) -> Frame:
        """The next of its frames; there is one while it is `sending`."""
        delivery = self.delivery
        assert delivery is not None  # noqa: S101 (see above)
        if self.next_frame == 0 and self.let_go:
            delivery = self.delivery = self.view.anew(delivery)
        frame = self.view.part(delivery, self.next_frame)
        self.next_frame += 1
        self.told = True
        if self.next_frame == len(delivery):
            self.delivery, self.rev_apart = None, delivery.rev
        return frame

    def forget(self) -> None:
        """What the client holds is not valid any more: it is owed a snapshot. It must not be in step."""
        self.delivery, self.rev_apart = None, NOTHING


_NOWHERE: Mapping[Channel, tuple[str, str]] = MappingProxyType({})  # one for all: most clients never leave a channel


class Client:
    """A connection's subscriptions, one a channel, and the few control messages that wait."""

    __slots__ = (
        "allowance", "clear", "door", "expires_at_s", "form", "grant", "greeted", "heartbeat_at_s", "leaves_at_s",
        "left", "look_at_s", "owed", "owes_status", "subscriptions",
    )  # fmt: skip

    def __init__(self, door: Door, grant: Grant) -> None:
        self.door = door
        self.form = door.form
        self.grant = grant
        self.expires_at_s = math.inf  # when the grant ends, on the hub's clock
        self.leaves_at_s = math.inf  # when it is sent to another replica
        self.heartbeat_at_s = math.inf  # when the next one is due
        self.look_at_s = 0.0  # nothing of these is due before
        self.allowance: Allowance | None = None  # of messages; none was sent yet
        self.subscriptions: dict[Channel, Subscription] = {}
        # Channel that it has left → epoch and fingerprint of keys of the table that it was given last; empty epoch: of
        # an older one, or half a snapshot.
        self.left = _NOWHERE
        self.owed: list[Frame] = []  # answers, at most MAX_OWED_ANSWERS
        self.owes_status = True  # the first frame of every connection
        self.greeted = False  # it has been written
        #: Neither a status nor an answer waits, and a frame written now goes to the kernel at once.
        self.clear = False

    @property
    def sending(self) -> Subscription | None:
        """The first of its subscriptions that has frames on their way."""
        for subscription in self.subscriptions.values():
            if subscription.delivery is not None:
                return subscription
        return None

    def settle(self) -> None:
        """See whether it is clear, after something of that changed."""
        self.clear = not self.owed and not self.owes_status and self.door.ready
