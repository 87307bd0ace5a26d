"""All clients of this replica: who is here, what they may, and what they ask for."""

import logging
import math
import random
import time
from collections.abc import Callable
from itertools import islice

from publisher_service.announcer import Announcer
from publisher_service.client import MAX_OWED_ANSWERS, Client, Door, Subscription
from publisher_service.core import frames
from publisher_service.core.allowance import Allowance
from publisher_service.core.grant import EVERYTHING, Grant, InvalidToken
from publisher_service.core.position import Position
from publisher_service.core.replica import Change, Replica
from publisher_service.core.requests import (
    FORBIDDEN,
    AddressQuery,
    Auth,
    Intervals,
    InvalidRequest,
    Ping,
    Request,
    Subscribe,
    Unsubscribe,
    forbidden,
    parse,
    parse_channel,
    parse_since,
    too_many_keys,
    too_many_rows,
)
from publisher_service.core.status import Link
from publisher_service.core.views import View
from publisher_service.fan_out import FanOut
from publisher_service.metrics import Metrics
from publisher_service.pacer import Clock
from shared.channels import Channel
from shared.table import JSON

log = logging.getLogger(__name__)

#: How long an answer may wait for a replica that is behind the client's position.
CATCH_UP_S = 2.0
#: Over how long clients that are sent away are asked to spread their return.
GOODBYE_SPREAD_MS = 3000
#: Connections made in the same moment do not end in the same moment: their greatest age varies by this share.
AGE_JITTER = 0.2
#: How long a client that brought no token may take to say one.
TOKEN_DEADLINE_S = 10.0
#: Each client's turn to be looked after comes once in this time; not all of them in the same moment.
LOOK_AFTER_S = 1.0


class Hub:
    """The owner of all doors. `write`: see `FanOut`."""

    def __init__(
        self,
        replica: Replica,
        intervals: Intervals,
        metrics: Metrics,
        clock: Clock,
        *,
        write: Callable[[int, bytes], int],
        heartbeat_ms: int,
        slow_client_s: float,
        messages_per_s: float = 0,
        max_age_s: float | None = None,
        read_token: Callable[[str], Grant] | None = None,
    ) -> None:
        self._replica = replica
        self._intervals = intervals
        self._metrics = metrics
        self._heartbeat_s = max(0.0, heartbeat_ms / 1000 - LOOK_AFTER_S)  # told when it is looked after next
        self._slow_client_s = slow_client_s
        self._messages_per_s = messages_per_s
        self._max_age_s = max_age_s
        self._read_token = read_token
        self._clock = clock
        self._clients: dict[Door, Client] = {}
        metrics.clients.set_function(lambda: len(self._clients))
        self._expected: dict[Door, float] = {}  # connections that still have to say their token → until when
        self._fan_out = FanOut(replica, metrics, clock, write=write, close=self.close, refuse=self._refuse_large)
        self._announcer = Announcer(
            replica,
            metrics,
            clock,
            flush_all=self._fan_out.flush_all,
            tell=self._tell_status,
            heartbeat_ms=heartbeat_ms,
            tiers_ms=intervals.tiers_ms,
        )
        self._fan_out.status_frame = self._announcer.frame
        self._looked_at_s = self._told_positions_at_s = clock.time()
        self._looking = iter(list[Client]())  # at one after the other
        self._stopped = False

    # ------------------------------------------------------------------------------------------- what clients do

    @property
    def doors(self) -> list[Door]:
        """All connections, those that still have to say their token too."""
        return [*self._clients, *self._expected]

    def join(self, door: Door, grant: Grant = EVERYTHING, query: AddressQuery | None = None) -> None:
        """A connection is open: it gets the status first, then what its address asks for, if it does."""
        now_s = self._clock.time()
        client = self._clients[door] = Client(door, grant)
        client.expires_at_s = self._end_of(grant)
        client.heartbeat_at_s = now_s + self._heartbeat_s * random.uniform(0.5, 1)  # noqa: S311 (no secret)
        if self._max_age_s is not None:
            client.leaves_at_s = now_s + self._max_age_s * random.uniform(1 - AGE_JITTER, 1 + AGE_JITTER)  # noqa: S311 (no secret)
        door.open(self)
        if query is None:
            self._fan_out.pump(client)
        else:
            self._subscribe_by_address(client, query)

    def check(self, grant: Grant, query: AddressQuery) -> None:
        """Raises InvalidRequest, for those who answer it before they open a connection."""
        self._examine(grant, query.subscription)

    def expect(self, door: Door) -> None:
        """A connection is open that must say its token first. It hears nothing before."""
        self._expected[door] = self._clock.time() + TOKEN_DEADLINE_S
        door.open(self)

    def leave(self, door: Door) -> None:
        """A connection is gone."""
        self._expected.pop(door, None)
        client = self._clients.pop(door, None)
        if client is not None:
            client.clear = False
            for channel in list(client.subscriptions):
                self._fan_out.unwatch(client, channel)

    def paused(self, door: Door) -> None:
        """The socket takes no more for now."""
        client = self._clients.get(door)
        if client is not None:
            client.look_at_s = 0.0  # its patience begins
            self._fan_out.paused(client)

    def drained(self, door: Door) -> None:
        """The socket can take more."""
        client = self._clients.get(door)
        if client is not None:
            self._fan_out.drained(client)

    def receive(self, door: Door, text: str | None) -> None:
        """
        Carry a client's message out (None: a binary one).

        An invalid one is answered with an error and counted, and the connection lives on. Too many in a second end it.
        """
        client = self._clients.get(door)
        if client is None:
            if door in self._expected:
                self._join_by_token(door, text)
            return  # else closed by us, and its last words come in
        if self._messages_per_s:
            now_s = self._clock.time()
            if client.allowance is None:
                client.allowance = Allowance(self._messages_per_s, now_s)
            if not client.allowance.take(self._messages_per_s, now_s):
                self.close(door, 4429, f"more than {self._messages_per_s:g} messages a second (MESSAGES_PER_S)")
                return
        try:
            self._request(client, parse(text))
        except InvalidRequest as invalid:
            self._refuse(client, invalid)

    def dismiss(self, door: Door) -> None:
        """Send a client to another replica: where it stands, it can go on there."""
        client = self._clients.get(door)
        if client is not None:
            after_ms = random.randrange(GOODBYE_SPREAD_MS)  # noqa: S311 (no secret)
            goodbye = frames.message({"type": "goodbye", "reconnect_after_ms": after_ms})
            if client.clear:
                self._fan_out.tell(client, goodbye)
            else:
                client.owed.append(goodbye)
        if door in self._clients or door in self._expected:
            self.close(door, 1012, "go on at another replica: it has the same tables")

    def close(self, door: Door, code: int, reason: str) -> None:
        """Close a connection from our side."""
        self._metrics.closed.labels(str(code)).inc()
        client = self._clients.get(door)
        self.leave(door)
        owed = client.owed if client is not None else ()
        door.close(code, reason, [frame.uncompressed(door.form) for frame in owed])

    # --------------------------------------------------------------------------------------- what the source tells

    def changed(self, change: Change) -> None:
        """The replica took a commit, or was loaded."""
        self._fan_out.changed(change)
        if Channel.GROUPS in change.keys:
            for client in list(self._clients.values()):
                self._revise(client)
        self._announcer.notice(change)
        if self._replica.settled:
            self._fan_out.serve_unanswered()
            self._announcer.update()
            self._fan_out.go_on()

    def link(self, link: Link) -> None:
        """The state of this replica's side of the road."""
        self._announcer.link(link)

    def _tell_status(self) -> None:
        self._fan_out.tell_status(list(self._clients.values()), self._announcer.frame)

    # ------------------------------------------------------------------------------------------------------- time

    def tick(self) -> None:
        """A few times a second: answers that waited, positions of quiet views, and a look at some of the clients."""
        now_s = self._clock.time()
        self._fan_out.serve_unanswered()
        if now_s - self._told_positions_at_s >= 1.0:
            self._told_positions_at_s = now_s
            self._fan_out.tell_positions(now_s)
        for door in [door for door, until_s in self._expected.items() if now_s >= until_s]:
            self.close(door, 4401, "no token was told")
        share = min(1.0, (now_s - self._looked_at_s) / LOOK_AFTER_S)
        self._looked_at_s = now_s
        heartbeat = frames.message({"type": "heartbeat", "time": _now_ms()})
        for client in self._next_clients(math.ceil(len(self._clients) * share)):
            if now_s >= client.look_at_s:
                self._look_after(client, now_s, heartbeat)
        self._fan_out.count()

    def _next_clients(self, number: int) -> list[Client]:
        """One after the other gets its turn; those who came in the meantime, with the next round."""
        found = list(islice(self._looking, number))
        if len(found) < number:
            self._looking = iter(list(self._clients.values()))
            found += islice(self._looking, number - len(found))
        return found

    def _look_after(self, client: Client, now_s: float, heartbeat: frames.Frame) -> None:
        """
        Tell a client that we are here, ask whether it is, and close it if its time is over.

        It is looked at again when one of these may be due; `paused` and a new token see to it that it is earlier.
        """
        door = client.door
        if door not in self._clients:
            return
        stalled_s = 0.0 if door.paused_since_s is None else now_s - door.paused_since_s
        if stalled_s > self._slow_client_s:
            self.close(door, 1013, "too slow")
        elif now_s >= client.expires_at_s:
            self.close(door, 4401, "the token has expired")
        elif now_s >= client.leaves_at_s:
            self._metrics.rebalanced.inc()
            self.dismiss(door)
        else:
            if now_s >= client.heartbeat_at_s:
                told_at_s = self._fan_out.told_at_s(client)  # data says as well that we are here
                if now_s >= told_at_s + self._heartbeat_s:
                    told_at_s = now_s
                    if client.clear:
                        self._fan_out.tell(client, heartbeat)
                client.heartbeat_at_s = told_at_s + self._heartbeat_s
            again_at_s = door.keep_alive(now_s)
            if door.paused_since_s is not None:
                again_at_s = min(again_at_s, door.paused_since_s + self._slow_client_s)
            client.look_at_s = min(again_at_s, client.heartbeat_at_s, client.expires_at_s, client.leaves_at_s)

    def stop(self) -> None:
        """Flush what waits, and send whoever is still here away; nothing leaves afterwards."""
        if self._stopped:
            return
        self._stopped = True
        self._fan_out.stop()
        self._announcer.stop()
        for door in self.doors:
            self.dismiss(door)

    # ---------------------------------------------------------------------------------------------------- requests

    def _request(self, client: Client, request: Request) -> None:
        """Carry out a valid message. Raises InvalidRequest."""
        match request:
            case Subscribe():
                self._subscribe(client, request)
            case Unsubscribe():
                channel = parse_channel(request.channel, request.id)
                self._fan_out.unwatch(client, channel)
                self._answer(client, _reply("unsubscribed", request.id, channel=channel))
            case Ping():
                self._answer(client, _reply("pong", request.id, time=_now_ms()))
            case Auth():
                self._renew(client, request)

    def _subscribe(self, client: Client, request: Subscribe) -> None:
        view, since = self._examine(client.grant, request)
        deadline_s = self._clock.time() + CATCH_UP_S
        self._fan_out.watch(Subscription(client, view, request.id, since, deadline_s))

    def _examine(self, grant: Grant, request: Subscribe) -> tuple[View, Position | None]:
        """The view that is asked for, and where the client says it stands in it. Raises InvalidRequest."""
        key = self._intervals.view_key(request)
        if not grant.permits(key.channel, key.selection, self._replica.tables[Channel.GROUPS]):
            raise forbidden(request.id)
        since = parse_since(request)
        view = self._fan_out.view(key)
        if view.is_too_large():
            raise too_many_rows(request.id)
        if not self._fan_out.has_room_for(view):
            raise too_many_keys(request.id)
        return view, since

    def _subscribe_by_address(self, client: Client, query: AddressQuery) -> None:
        """Carry out the subscription that an address asks for; without it the connection makes no sense."""
        try:
            self._subscribe(client, query.subscription)
        except InvalidRequest as invalid:
            self._refuse(client, invalid)
            if invalid.code == FORBIDDEN:
                self.close(client.door, 4403, "the token does not permit the subscription in the address")
            else:
                self.close(client.door, 1008, "the subscription in the address is not valid")

    def _answer(self, client: Client, body: dict[str, JSON]) -> None:
        """Send a control message to one client, after those that wait already."""
        if len(client.owed) >= MAX_OWED_ANSWERS:
            self.close(client.door, 1008, "asks more than it reads")
            return
        client.owed.append(frames.message(body))
        self._fan_out.pump(client)

    def _refuse(self, client: Client, invalid: InvalidRequest) -> None:
        self._metrics.invalid_messages.labels(invalid.code).inc()
        self._answer(client, invalid.message())

    def _refuse_large(self, subscription: Subscription) -> None:
        """It had to wait for its answer, and its selection grew meanwhile."""
        self._refuse(subscription.client, too_many_rows(subscription.request_id))

    # ------------------------------------------------------------------------------------------------------- grants

    def _join_by_token(self, door: Door, text: str | None) -> None:
        """The first message of a connection must bring a token; else it is closed."""
        try:
            request = parse(text)
            grant = self._grant_of(request)
        except InvalidRequest as invalid:
            self._metrics.invalid_messages.labels(invalid.code).inc()
            door.write(frames.message(invalid.message()).plain)  # only websockets are expected
            self.close(door, 4401, invalid.text)
            return
        del self._expected[door]
        self.join(door, grant)
        if (client := self._clients.get(door)) is not None:
            self._answer(client, _reply("authenticated", request.id))

    def _grant_of(self, request: Request) -> Grant:
        """What the token in a message permits; everything if none is needed. Raises InvalidRequest."""
        if not isinstance(request, Auth):
            raise InvalidRequest("unauthenticated", "the first message must be auth, with a token", request.id)
        if self._read_token is None:
            return EVERYTHING
        try:
            return self._read_token(request.token)
        except InvalidToken as invalid:
            raise InvalidRequest("invalid_token", str(invalid), request.id) from None

    def _end_of(self, grant: Grant) -> float:
        """When a grant ends, on our clock."""
        if grant.expires_ms is None:
            return math.inf
        return self._clock.time() + (grant.expires_ms - _now_ms()) / 1000

    def _renew(self, client: Client, request: Auth) -> None:
        """Take another token; with one that is not valid the old one counts on. Raises InvalidRequest."""
        client.grant = self._grant_of(request)
        client.expires_at_s = self._end_of(client.grant)
        client.look_at_s = 0.0
        self._answer(client, _reply("authenticated", request.id))
        self._revise(client)

    def _revise(self, client: Client) -> None:
        """End the subscriptions that are not permitted any more."""
        if client.grant.scope is None:
            return
        groups = self._replica.tables[Channel.GROUPS]
        for channel, subscription in list(client.subscriptions.items()):
            if not client.grant.permits(channel, subscription.view.key.selection, groups):
                self._fan_out.unwatch(client, channel)
                self._refuse(client, forbidden(subscription.request_id))


def _reply(kind: str, request_id: JSON, **rest: JSON) -> dict[str, JSON]:
    body: dict[str, JSON] = {"type": kind}
    if request_id is not None:
        body["id"] = request_id
    return body | rest


def _now_ms() -> int:
    return time.time_ns() // 1_000_000
