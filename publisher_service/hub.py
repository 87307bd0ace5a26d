"""
Who watches which view, and the writing of frames: one encoding a view, one write a client, no waiting.

A client whose socket cannot take more costs nothing but the revision it stands at. When the socket drains, the next
flush of its view brings it to now.
"""

import logging
import math
import random
import time
from collections.abc import Callable, Iterable

from publisher_service.client import MAX_OWED_ANSWERS, Client, Door, Subscription
from publisher_service.core import frames
from publisher_service.core.allowance import Allowance
from publisher_service.core.delivery import Delivery
from publisher_service.core.grant import EVERYTHING, Grant, InvalidToken
from publisher_service.core.kept_frames import KeptFrames
from publisher_service.core.replica import Change, Replica
from publisher_service.core.requests import (
    AddressQuery,
    Auth,
    Intervals,
    InvalidRequest,
    Ping,
    Request,
    Subscribe,
    Unsubscribe,
    parse,
    parse_channel,
    parse_since,
)
from publisher_service.core.status import Broker, Ingest, Link, Status, compose
from publisher_service.core.view_index import ViewIndex
from publisher_service.core.views import NOTHING, Mode, View
from publisher_service.metrics import Metrics
from publisher_service.pacer import Clock, Pacer, Timer
from shared.channels import Channel
from shared.table import JSON

log = logging.getLogger(__name__)

#: A view with nothing to send tells its position this often, so that a resume stays cheap.
EMPTY_UPDATE_S = 10.0
#: How long an answer may wait for a replica that is behind the client's position.
CATCH_UP_S = 2.0
#: Over how long clients that are sent away are asked to spread their return.
GOODBYE_SPREAD_MS = 3000
#: Connections made in the same moment do not end in the same moment: their greatest age varies by this share.
AGE_JITTER = 0.2
#: The error of a request beyond the token's scope.
FORBIDDEN = "forbidden"
#: What a turn of the loop writes to those who are behind: about five milliseconds. The others come first.
TURN_BYTES = 2_000_000
#: To make a frame and to write it costs time, however small it is: each client counts as so many bytes.
LEAST_BYTES = 20_000
#: How long a client that brought no token may take to say one.
TOKEN_DEADLINE_S = 10.0
#: Statuses are at least this far apart. The newest always arrives.
STATUS_INTERVAL_S = 1.0


class Hub:
    """All clients of this replica."""

    def __init__(
        self,
        replica: Replica,
        intervals: Intervals,
        metrics: Metrics,
        clock: Clock,
        *,
        heartbeat_ms: int,
        slow_client_s: float,
        messages_per_s: float = 0,
        max_age_s: float | None = None,
        read_token: Callable[[str], Grant] | None = None,
    ) -> None:
        self._replica = replica
        self._intervals = intervals
        self._metrics = metrics
        self._heartbeat_ms = heartbeat_ms
        self._slow_client_s = slow_client_s
        self._messages_per_s = messages_per_s
        self._max_age_s = max_age_s
        self._read_token = read_token
        self._clock = clock
        self._clients: dict[Door, Client] = {}
        self._expected: dict[Door, float] = {}  # still have to say their token, and until when
        self._views = ViewIndex()
        metrics.watched_keys.set_function(lambda: self._views.watched_keys)
        self._kept = KeptFrames()
        metrics.kept_bytes.set_function(lambda: self._kept.bytes)
        self._subscriptions: dict[View, dict[Subscription, None]] = {}
        self._pacer = Pacer(clock, intervals.tiers_ms, self._flush, held=self._is_held)
        self._notified: dict[View, int] = {}  # changes since the last flush, for the count of those merged away
        self._unanswered: set[Subscription] = set()
        metrics.unanswered.set_function(lambda: len(self._unanswered))
        self._late: dict[Subscription, None] = {}  # owed more than one shared frame, first come first served
        metrics.late.set_function(lambda: len(self._late))
        self._turn: Timer | None = None  # ends a turn of the loop in which some of them were served
        self._turn_bytes = 0  # what this turn may still write to them
        self._link = Link(Broker.DOWN, Ingest.SILENT, "starting")
        self._status = compose(self._link, replica.tables[Channel.STATUS])
        self._status_frame = self._encode_status()
        self._status_at_s = -STATUS_INTERVAL_S
        self._status_rev = replica.rev  # what happened until here comes before the status
        self._status_timer: Timer | None = None
        self._heartbeat_at_s = self._clock.time()
        self._stopped = False

    # ------------------------------------------------------------------------------------------- what clients do

    @property
    def doors(self) -> list[Door]:
        """All connections, those that still have to say their token too."""
        return [*self._clients, *self._expected]

    def join(self, door: Door, grant: Grant = EVERYTHING) -> None:
        """A connection is open: it gets the status first."""
        now_s = self._clock.time()
        client = self._clients[door] = Client(door, grant, Allowance(self._messages_per_s, now_s))
        client.expires_at_s = self._end_of(grant)
        if self._max_age_s is not None:
            client.leaves_at_s = now_s + self._max_age_s * random.uniform(1 - AGE_JITTER, 1 + AGE_JITTER)  # noqa: S311 (no secret)
        self._metrics.clients.set(len(self._clients))
        self._pump(client)

    def expect(self, door: Door) -> None:
        """A connection is open that must say its token first. It hears nothing before."""
        self._expected[door] = self._clock.time() + TOKEN_DEADLINE_S

    def join_by_token(self, door: Door, text: str | None) -> bool:
        """The first message of a connection must bring a token; False if it does not: then it is closed."""
        if self._stopped:
            self.dismiss(door)
            return False
        try:
            request = parse(text)
            grant = self._grant_of(request)
        except InvalidRequest as invalid:
            self._metrics.invalid_messages.labels(invalid.code).inc()
            door.write(frames.message(invalid.message()))
            self.close(door, 4401, invalid.text)
            return False
        self._expected.pop(door, None)
        self.join(door, grant)
        self.answer(door, _reply("authenticated", request.id))
        return True

    def leave(self, door: Door) -> None:
        """A connection is gone."""
        self._expected.pop(door, None)
        client = self._clients.pop(door, None)
        if client is not None:
            for channel in list(client.subscriptions):
                self._drop(client, channel)
            self._metrics.clients.set(len(self._clients))

    def paused(self, door: Door) -> None:
        """The socket can take no more."""

    def drained(self, door: Door) -> None:
        """The socket can take more."""
        client = self._clients.get(door)
        if client is None:
            return
        tells_status = client.owes_status and client.greeted
        late = [
            subscription
            for subscription in client.subscriptions.values()
            if subscription.sending or (tells_status and self._missed_facts(subscription))
        ]
        if late:
            self._late.update(dict.fromkeys(late))
            self._serve_late()
        else:
            self._pump(client)

    def receive(self, door: Door, text: str | None) -> None:
        """
        Carry a client's message out (None: a binary one).

        An invalid one is answered with an error and counted, and the connection lives on. Too many in a second end it.
        """
        if door in self._expected:
            self.join_by_token(door, text)
            return
        client = self._clients.get(door)
        if client is not None and not client.allowance.take(self._messages_per_s, self._clock.time()):
            self.close(door, 4429, f"more than {self._messages_per_s:g} messages a second (MESSAGES_PER_S)")
            return
        try:
            self.request(door, parse(text))
        except InvalidRequest as invalid:
            self._refuse(door, invalid)

    def subscribe_by_address(self, door: Door, query: AddressQuery) -> None:
        """Carry out the subscription that an address asks for; without it the connection makes no sense."""
        try:
            self.request(door, query.subscription())
        except InvalidRequest as invalid:
            self._refuse(door, invalid)
            if invalid.code == FORBIDDEN:
                self.close(door, 4403, "the token does not permit the subscription in the address")
            else:
                self.close(door, 1008, "the subscription in the address is not valid")

    def request(self, door: Door, request: Request) -> None:
        """Carry out a valid message. Raises InvalidRequest."""
        client = self._clients.get(door)
        if client is None:
            return  # closed by us, and its last words come in
        match request:
            case Subscribe():
                self._subscribe(client, request)
            case Unsubscribe():
                channel = parse_channel(request.channel, request.id)
                self._drop(client, channel)
                self.answer(door, _reply("unsubscribed", request.id, channel=channel))
            case Ping():
                self.answer(door, _reply("pong", request.id, time=_now_ms()))
            case Auth():
                self._renew(client, request)

    def answer(self, door: Door, body: dict[str, JSON]) -> None:
        """Send a control message to one client, after those that wait already."""
        client = self._clients.get(door)
        if client is None:
            return
        if len(client.owed) >= MAX_OWED_ANSWERS:
            self.close(door, 1008, "asks more than it reads")
            return
        client.owed.append(frames.message(body))
        self._pump(client)

    def _refuse(self, door: Door, invalid: InvalidRequest) -> None:
        self._metrics.invalid_messages.labels(invalid.code).inc()
        self.answer(door, invalid.message())

    def dismiss(self, door: Door) -> None:
        """Send a client to another replica: where it stands, it can go on there."""
        client = self._clients.get(door)
        if client is not None and client.idle:
            after_ms = random.randrange(GOODBYE_SPREAD_MS)  # noqa: S311 (no secret)
            self._write(client, frames.message({"type": "goodbye", "reconnect_after_ms": after_ms}))
        if door in self._clients or door in self._expected:
            self.close(door, 1012, "go on at another replica: it has the same tables")

    def close(self, door: Door, code: int, reason: str) -> None:
        """Close a connection from our side."""
        self._metrics.closed.labels(str(code)).inc()
        door.close(code, reason)
        self.leave(door)

    # --------------------------------------------------------------------------------------- what the source tells

    def changed(self, change: Change) -> None:
        """The replica took a commit, or was loaded."""
        if change.new_epoch:
            self._start_epoch()
        if Channel.GROUPS in change.keys:
            self._resolve_groups()
        for channel, keys in change.keys.items():
            self._metrics.changes.labels(channel).inc(len(keys))
            for view, changes in self._views.concerned(channel, keys):
                self._arm(view, changes)
        if self._replica.settled:
            self._serve_unanswered()
            self._update_status()
            self._pacer.go_on()

    def link(self, link: Link) -> None:
        """The state of this replica's side of the road."""
        self._link = link
        self._update_status()

    # ------------------------------------------------------------------------------------------------------- time

    def tick(self) -> None:
        """Once a second or so: heartbeats, positions of quiet views, answers that waited, clients that do not read."""
        now_s = self._clock.time()
        self._serve_unanswered()
        for view in self._views:
            if view.rev < self._replica.rev and now_s - view.flushed_at_s >= EMPTY_UPDATE_S and not view.throttle.armed:
                self._flush(view, now_s, even_if_empty=True)
        if now_s - self._heartbeat_at_s >= self._heartbeat_ms / 1000:
            self._heartbeat_at_s = now_s
            frame = frames.message({"type": "heartbeat", "time": _now_ms()})
            for client in list(self._clients.values()):
                if client.idle:
                    self._write(client, frame)
        for client in list(self._clients.values()):
            self._look_after(client, now_s)
        for door in [door for door, until_s in self._expected.items() if now_s >= until_s]:
            self.close(door, 4401, "no token was told")
        for door in self.doors:
            door.keep_alive(now_s)

    def _look_after(self, client: Client, now_s: float) -> None:
        """Close a client whose time is over."""
        stalled_s = 0.0 if client.door.paused_since_s is None else now_s - client.door.paused_since_s
        if stalled_s > self._slow_client_s:
            self.close(client.door, 1013, "too slow")
        elif now_s >= client.expires_at_s:
            self.close(client.door, 4401, "the token has expired")
        elif now_s >= client.leaves_at_s:
            self._metrics.rebalanced.inc()
            self.dismiss(client.door)

    def flush_all(self) -> None:
        """Send whatever waits for the end of a window now."""
        now_s = self._clock.time()
        for view in self._pacer.armed:
            self._flush(view, now_s)

    def stop(self) -> None:
        """Flush what waits, and send whoever is still here away; nothing leaves afterwards."""
        if self._stopped:
            return
        self.flush_all()
        self._stopped = True
        for door in self.doors:
            self.dismiss(door)
        self._pacer.stop()
        if self._turn is not None:
            self._turn.cancel()
        if self._status_timer is not None:
            self._status_timer.cancel()

    # -------------------------------------------------------------------------------------------------- subscriptions

    def _subscribe(self, client: Client, request: Subscribe) -> None:
        key = self._intervals.view_key(request)
        if not client.grant.permits(key.channel, key.selection, self._replica.tables[Channel.GROUPS]):
            raise forbidden(request.id)
        since = parse_since(request)
        view = self._views.get(key) or View(key, self._replica, self._kept)
        if view.is_too_large():
            raise too_many_rows(request.id)
        if self._views.get(key) is None and not self._views.has_room_for(view):
            raise too_many_keys(request.id)
        self._drop(client, key.channel)
        if self._views.get(key) is None:
            self._add_view(view)
        subscription = Subscription(client, view, request.id, since)
        subscription.deadline_s = self._clock.time() + CATCH_UP_S
        client.subscriptions[key.channel] = subscription
        self._subscriptions[view][subscription] = None
        self._metrics.subscriptions.labels(key.channel).inc()
        self._serve(subscription)

    def _drop(self, client: Client, channel: Channel) -> None:
        subscription = client.subscriptions.pop(channel, None)
        if subscription is None:
            return
        self._unanswered.discard(subscription)
        self._late.pop(subscription, None)
        self._metrics.subscriptions.labels(channel).dec()
        view = subscription.view
        watching = self._subscriptions[view]
        del watching[subscription]
        if not watching:
            self._remove_view(view)

    def _add_view(self, view: View) -> None:
        view.start_over()  # it may have been another's a moment ago, with a flush due that is forgotten now
        self._views.add(view)
        self._subscriptions[view] = {}
        self._metrics.views.set(len(self._views))
        view.flushed_at_s = self._clock.time()

    def _remove_view(self, view: View) -> None:
        self._views.remove(view)
        self._pacer.disarm(view)
        del self._subscriptions[view]
        self._notified.pop(view, None)
        self._metrics.views.set(len(self._views))

    def _resolve_groups(self) -> None:
        for view in self._views:
            if view.has_groups and self._views.resolve(view):
                self._forget(view)
        for client in list(self._clients.values()):
            self._revise(client)

    def _start_epoch(self) -> None:
        self._status_rev = self._replica.rev
        for view in self._views:
            self._views.resolve(view)
            view.start_over()
            self._forget(view)

    def _forget(self, view: View) -> None:
        for subscription in self._subscriptions[view]:
            if subscription.answering:
                subscription.answered = False  # the snapshot that comes instead is the answer, and has its id
                self._unanswered.add(subscription)
            subscription.forget()
        self._arm(view, changes=0)

    # ----------------------------------------------------------------------------------------------------- grants

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
        self.answer(client.door, _reply("authenticated", request.id))
        self._revise(client)

    def _revise(self, client: Client) -> None:
        """End the subscriptions that are not permitted any more."""
        if client.grant.scope is None:
            return
        groups = self._replica.tables[Channel.GROUPS]
        for channel, subscription in list(client.subscriptions.items()):
            if not client.grant.permits(channel, subscription.view.key.selection, groups):
                self._drop(client, channel)
                self._refuse(client.door, forbidden(subscription.request_id))

    # ---------------------------------------------------------------------------------------------------- answers

    def _serve(self, subscription: Subscription) -> int:
        """Answer a subscription, or let it wait for the replica; how many bytes were written."""
        view, since = subscription.view, subscription.since
        replica = self._replica
        behind = since is not None and since.epoch == replica.epoch and since.rev > replica.rev
        if not replica.settled or (behind and self._clock.time() < subscription.deadline_s):
            self._unanswered.add(subscription)
            return 0
        self._unanswered.discard(subscription)
        if view.is_too_large():
            self._drop(subscription.client, view.key.channel)
            self._refuse(subscription.client.door, too_many_rows(subscription.request_id))
            return 0
        resumed_at = since.rev if since is not None and view.resumes(since) else None
        subscription.answered = True
        subscription.since = None
        subscription.send(view.answer(resumed_at, subscription.request_id))
        return self._pump(subscription.client)

    def _serve_unanswered(self) -> None:
        self._late.update(dict.fromkeys(self._unanswered))
        self._serve_late()

    # ------------------------------------------------------------------------------------------ those who are behind

    def _serve_late(self) -> None:
        """
        Answer those who wait for it, and bring those who are behind to now: in each turn of the loop so many.

        Thousands come back at once when another replica dies, and all need a snapshot when an epoch begins.
        """
        made: dict[tuple[View, int], Delivery] = {}
        while self._late:
            if self._turn is None:
                self._turn, self._turn_bytes = self._clock.call_at(self._clock.time(), self._next_turn, 0), TURN_BYTES
            if self._turn_bytes <= 0:
                break
            subscription = next(iter(self._late))
            del self._late[subscription]
            self._turn_bytes -= max(LEAST_BYTES, self._bring_safely_to_now(subscription, made))

    def _next_turn(self, _: int) -> None:
        self._turn = None
        self._serve_late()

    def _bring_safely_to_now(self, subscription: Subscription, made: dict[tuple[View, int], Delivery]) -> int:
        try:
            return self._bring_to_now(subscription, made)
        except Exception:
            view = subscription.view
            log.exception("a client could not be served", extra={"channel": view.key.channel})
            self._metrics.flush_errors.labels(view.key.channel).inc()
            if subscription.answered:
                self._arm(view, 0)  # tried again when its window ends
            else:
                self._unanswered.add(subscription)
            return self._pump(subscription.client)  # a status does not wait for that

    def _bring_to_now(self, subscription: Subscription, made: dict[tuple[View, int], Delivery]) -> int:
        """Write what the subscription's client is owed; how many bytes that was."""
        client, view = subscription.client, subscription.view
        if not subscription.answered:
            return self._serve(subscription) + self._pump(client)  # still unanswered: a status is owed all the same
        if self._is_held():
            self._arm(view, 0)  # its turn comes when the tables are of one moment again
        elif not subscription.sending and client.door.ready and subscription.rev < self._replica.rev:
            at = (view, subscription.rev)
            sent = made[at] = made.get(at) or self._catch_up(*at)
            subscription.send(sent)
        # A status that changed meanwhile speaks of what comes now.
        facts_first = client.greeted and subscription.sending and subscription.next_frame == 0
        return self._pump(client, facts_first=facts_first)

    def _missed_facts(self, subscription: Subscription) -> bool:
        """What happened before the newest status has not reached the client."""
        return subscription.answered and subscription.rev < min(subscription.view.rev, self._status_rev)

    # ------------------------------------------------------------------------------------------------------ flushes

    def _arm(self, view: View, changes: int) -> None:
        if view not in self._subscriptions:
            return  # its last client is gone
        self._notified[view] = self._notified.get(view, 0) + changes
        self._pacer.arm(view)

    def _is_held(self) -> bool:
        """Nothing may be shown: the tables are not of one moment, or we have stopped."""
        return self._stopped or not self._replica.settled

    def _flush(self, view: View, now_s: float, due_s: float | None = None, *, even_if_empty: bool = False) -> None:
        """
        Bring every client of the view that can take a frame to now. A view that fails stops nobody else.

        `due_s`: when its turn was, if it had to wait for one.
        """
        channel = view.key.channel
        if self._is_held() or view not in self._subscriptions:
            return  # the flush of another view may have closed its last client
        if due_s is not None:
            self._metrics.late_seconds.observe(max(0.0, now_s - due_s))
        self._pacer.disarm(view)
        view.throttle.flushed(now_s)
        began_s = time.perf_counter()
        try:
            self._write_view(view, even_if_empty=even_if_empty)
        except Exception:
            log.exception("a view could not be flushed", extra={"channel": channel})
            self._metrics.flush_errors.labels(channel).inc()
            self._arm(view, 0)  # tried again when its window ends
        view.flushed_at_s = now_s
        self._metrics.flushes.labels(channel).inc()
        self._metrics.flush_seconds.observe(time.perf_counter() - began_s)

    def _write_view(self, view: View, *, even_if_empty: bool) -> None:
        replica, channel = self._replica, view.key.channel
        from_rev, rev = view.rev, replica.rev
        changes = view.changes(from_rev)
        self._metrics.merged.labels(channel).inc(max(0, self._notified.pop(view, 0) - len(changes)))
        news = bool(changes) or even_if_empty
        if news:
            view.rev = rev
        shared: Delivery | None = None  # made when the first client takes it
        written = 0
        for subscription in list(self._subscriptions[view]):
            client = subscription.client
            if not subscription.answered or subscription.rev >= rev:
                continue
            if not client.idle or subscription.sending:
                self._metrics.skipped.labels(channel).inc()
                continue
            if subscription.rev < from_rev:
                self._late[subscription] = None
            elif news:
                if shared is None:
                    shared = view.snapshot(rev) if view.key.mode is Mode.SNAPSHOT else view.update(from_rev, changes)
                subscription.send(shared)
                written += 1
                if len(shared) > 1:
                    self._late[subscription] = None
                else:
                    self._pump(client)
        self._serve_late()
        if written:
            self._metrics.age_seconds.labels(channel).observe(max(0.0, _now_ms() - replica.time_ms) / 1000)

    def _catch_up(self, view: View, rev: int) -> Delivery:
        if rev == NOTHING or view.key.mode is Mode.SNAPSHOT:
            return view.snapshot(self._replica.rev)
        return view.update(rev, view.changes(rev))

    def _pump(self, client: Client, *, facts_first: bool = False) -> int:
        """
        Write what a client is owed, as long as its socket takes it; how many bytes of data that was.

        A client that cannot be written to is closed, and stops nobody else.
        """
        try:
            return self._write_owed(client, facts_first=facts_first)
        except Exception:
            log.exception("a client could not be written to")
            self.close(client.door, 1011, "internal error")
            return 0

    def _write(self, client: Client, frame: bytes) -> None:
        """Write to a client that is idle; the same holds."""
        try:
            client.door.write(frame)
        except Exception:
            log.exception("a client could not be written to")
            self.close(client.door, 1011, "internal error")

    def _write_owed(self, client: Client, *, facts_first: bool) -> int:
        door, written = client.door, 0
        while door.ready:
            subscription = _sending(client.subscriptions.values())
            if client.owes_status and not (facts_first and (subscription or self._is_late(client))):
                client.owes_status, client.greeted = False, True
                door.write(self._status_frame)
            elif client.owed and not (facts_first and subscription):
                door.write(client.owed.popleft())
            elif subscription is not None:
                channel = subscription.view.key.channel
                if subscription.let_go:
                    self._metrics.remade.labels(channel).inc()
                frame = subscription.pop_frame()
                door.write(frame)
                written += len(frame)
                self._metrics.frames.labels(channel).inc()
                self._metrics.frame_bytes.labels(channel).inc(len(frame))
            else:
                # Behind, though the view has nothing new to send: see to it that it is flushed again.
                for subscription in client.subscriptions.values():
                    if subscription.answered and subscription.rev < subscription.view.rev:
                        self._arm(subscription.view, 0)
                break
        return written

    def _is_late(self, client: Client) -> bool:
        return any(subscription in self._late for subscription in client.subscriptions.values())

    # ------------------------------------------------------------------------------------------------------- status

    def _update_status(self) -> None:
        """Tell all clients if the status changed, but not more often than once a second."""
        status = compose(self._link, self._replica.tables[Channel.STATUS])
        if status == self._status or self._stopped:
            return
        if status.connected and not self._replica.settled:
            return  # the data that it speaks of cannot be shown yet; told when it can
        now_s = self._clock.time()
        wait_s = self._status_at_s + STATUS_INTERVAL_S - now_s
        if wait_s > 0:
            if self._status_timer is None:
                self._status_timer = self._clock.call_at(now_s + wait_s, self._status_due, 0)
            return
        self._tell_status(status, now_s)

    def _status_due(self, _: int) -> None:
        self._status_timer = None
        self._update_status()

    def _tell_status(self, status: Status, now_s: float) -> None:
        if (status.connected, status.phases) != (self._status.connected, self._status.phases):
            self.flush_all()  # facts reach clients in the order in which they happened
            log.log(
                logging.INFO if status.connected else logging.WARNING,
                "feed status changed",
                extra={"connected": status.connected, "reason": status.reason, "clients": len(self._clients)},
            )
        self._status, self._status_at_s, self._status_rev = status, now_s, self._replica.rev
        self._metrics.connected.set(status.connected)
        self._status_frame = self._encode_status()
        behind = {subscription.client for subscription in self._late}
        for client in list(self._clients.values()):
            client.owes_status = True
            if client not in behind:
                self._pump(client)

    def _encode_status(self) -> bytes:
        return frames.message(self._status.message(_now_ms(), self._heartbeat_ms, self._intervals.tiers_ms))


def forbidden(request_id: JSON) -> InvalidRequest:
    """More was asked for than the token's scope permits."""
    return InvalidRequest("forbidden", "the token's scope does not permit these keys of this channel", request_id)


def too_many_rows(request_id: JSON) -> InvalidRequest:
    """Mode snapshot was asked for a large selection."""
    return InvalidRequest(
        "too_many_rows", "mode snapshot is for small selections; name keys or use mode rows", request_id
    )


def too_many_keys(request_id: JSON) -> InvalidRequest:
    """All views together watch as many as may be watched here."""
    return InvalidRequest(
        "too_many_keys", "too many different keys are watched here already; leave keys out, or use groups", request_id
    )


def _sending(subscriptions: Iterable[Subscription]) -> Subscription | None:
    return next((subscription for subscription in subscriptions if subscription.sending), None)


def _reply(kind: str, request_id: JSON, **rest: JSON) -> dict[str, JSON]:
    body: dict[str, JSON] = {"type": kind}
    if request_id is not None:
        body["id"] = request_id
    return body | rest


def _now_ms() -> int:
    return time.time_ns() // 1_000_000
