"""
Who watches which view, and the writing of frames: one encoding a view, one write a client, no waiting.

A client whose socket cannot take more costs nothing but the revision it stands at. When the socket drains, the next
flush of its view brings it to now.
"""

import logging
import math
import time
from collections.abc import Callable, Iterable
from functools import partial

from publisher_service.audience import Audience
from publisher_service.client import Client, Door, Subscription
from publisher_service.core.deflation import Deflation
from publisher_service.core.delivery import Delivery
from publisher_service.core.frames import Form, Frame
from publisher_service.core.kept_frames import KeptFrames
from publisher_service.core.news import News
from publisher_service.core.replica import Change, Replica
from publisher_service.core.view_index import ViewIndex
from publisher_service.core.views import NOTHING, Mode, View, ViewKey
from publisher_service.flush_pass import FlushPass
from publisher_service.metrics import Metrics
from publisher_service.pacer import Clock, Pacer
from publisher_service.tally import Tally
from publisher_service.turns import Made, Turns
from shared.channels import Channel

log = logging.getLogger(__name__)

#: A view with nothing to send tells its position this often, so that a resume stays cheap.
EMPTY_UPDATE_S = 10.0


class FanOut:
    """
    All views of this replica with their clients.

    `close` is called for a client that cannot be written to; `refuse` for a subscription that became too large to be
    answered. `write` is the kernel's: it takes a socket's descriptor and bytes, tells how many of them were taken, and
    raises OSError if none.
    """

    def __init__(
        self,
        replica: Replica,
        metrics: Metrics,
        clock: Clock,
        *,
        write: Callable[[int, bytes], int],
        close: Callable[[Door, int, str], None],
        refuse: Callable[[Subscription], None],
    ) -> None:
        self._replica = replica
        self._metrics = metrics
        self._clock = clock
        self._write = write
        self._close = close
        self._refuse = refuse
        self._views = ViewIndex()
        metrics.watched_keys.set_function(lambda: self._views.watched_keys)
        metrics.views.set_function(lambda: len(self._views))
        self._kept = KeptFrames()
        metrics.kept_bytes.set_function(lambda: self._kept.bytes)
        self._audiences: dict[View, Audience] = {}
        for channel in Channel:
            metrics.subscriptions.labels(channel).set_function(partial(self._watching, channel))
        self._unanswered: set[Subscription] = set()
        metrics.unanswered.set_function(lambda: len(self._unanswered))
        self._late = Turns(clock, self._bring_safely_to_now)  # owed more than one shared frame
        metrics.late.set_function(lambda: len(self._late))
        self._pacer = Pacer(clock, self._flush, held=self._is_held)
        self._tally = Tally(metrics)
        self._deflation = Deflation(clock.time())
        self.status_frame: Frame  # the newest; whoever made this object sets it
        self._status_rev = replica.rev  # what happened until here comes before the status
        self._stopped = False

    # -------------------------------------------------------------------------------------------------- subscriptions

    def view(self, key: ViewKey) -> View:
        """The view that subscriptions of this kind share; a new one is kept when somebody watches it."""
        return self._views.get(key) or View(key, self._replica, self._kept)

    def has_room_for(self, view: View) -> bool:
        """Whether it may be watched as well."""
        return view in self._audiences or self._views.has_room_for(view)

    def watch(self, subscription: Subscription) -> None:
        """Answer a new subscription, now or when the replica can, and keep its client up to date from then on."""
        view, client = subscription.view, subscription.client
        channel = view.key.channel
        self.unwatch(client, channel)
        since = subscription.since
        if since is not None:
            of_since = since.epoch, since.fingerprint
            if client.left.get(channel, of_since) != of_since:
                # What was written before has replaced its table, whatever it had read of that when it asked.
                subscription.since = None
        if view not in self._audiences:
            view.start_over()  # it may have been another's a moment ago, with a flush due that is forgotten now
            view.flushed_at_s = self._clock.time()
            self._views.add(view)
            self._replica.compared = self._views.compared
            self._audiences[view] = Audience(view)
        self._fall_out(client)  # what it watches already leaves together with this
        client.subscriptions[channel] = subscription
        self._audiences[view].add(subscription)
        if self._must_wait(subscription):
            self._unanswered.add(subscription)
            self.pump(client)
        else:
            self._late.take([subscription])  # now, unless this turn of the loop has had enough of them

    def unwatch(self, client: Client, channel: Channel) -> None:
        """End a client's subscription of a channel, if there is one."""
        subscription = client.subscriptions.pop(channel, None)
        if subscription is None:
            return
        self._unanswered.discard(subscription)
        self._late.remove(subscription)
        if subscription.told and not subscription.inside_first_update:
            stands = subscription.rev != NOTHING and not subscription.inside_snapshot
            at = self._replica.epoch if stands else "", subscription.view.fingerprint.decode()
            client.left = {**client.left, channel: at}
        view = subscription.view
        audience = self._audiences[view]
        audience.remove(subscription)
        if not audience:
            self._views.remove(view)
            self._replica.compared = self._views.compared
            self._pacer.disarm(view)
            del self._audiences[view]

    def _watching(self, channel: Channel) -> int:
        """How many subscriptions a channel has."""
        return sum(len(audience) for view, audience in self._audiences.items() if view.key.channel is channel)

    # --------------------------------------------------------------------------------------- what the source tells

    def changed(self, change: Change) -> None:
        """The replica took a commit, or was loaded. See to it that whom it concerns is told in time."""
        if change.new_epoch:
            self._start_epoch()
        if Channel.GROUPS in change.keys:
            for view in self._views:
                if view.has_groups and self._views.resolve(view):
                    self._forget(view)
        waking: list[View] = []
        for channel, keys in change.keys.items():
            self._tally.changed(channel, len(keys))
            for view in self._views.of_all_keys(channel):
                view.noticed += len(keys)
                waking.append(view)
            for key in keys:
                for view in self._views.of_key(channel, key):
                    if not view.noticed:
                        waking.append(view)
                    view.noticed += 1
        self._pacer.arm(*waking)

    def go_on(self) -> None:
        """The tables may be shown: flush what was due meanwhile."""
        self._pacer.go_on()

    def _start_epoch(self) -> None:
        self._status_rev = self._replica.rev
        for view in self._views:
            self._views.resolve(view)
            view.start_over()
            self._forget(view)

    def _forget(self, view: View) -> None:
        audience = self._audiences[view]
        for subscription in audience:
            audience.fall_out(subscription)
            if subscription.answering:
                subscription.answered = False  # the snapshot that comes instead is the answer, and has its id
                self._unanswered.add(subscription)
            subscription.forget()
        self._pacer.arm(view)

    # ------------------------------------------------------------------------------------------------------- clients

    def paused(self, client: Client) -> None:
        """The client's socket takes no more for now."""
        client.clear = False
        self._fall_out(client)

    def drained(self, client: Client) -> None:
        """The client's socket can take more."""
        tells_status = client.owes_status and client.greeted
        late = [
            subscription
            for subscription in client.subscriptions.values()
            if subscription.sending or (tells_status and self._missed_facts(subscription))
        ]
        if late:
            client.settle()
            self._late.take(late)
        else:
            self.pump(client)

    def tell_status(self, clients: Iterable[Client], frame: Frame) -> None:
        """Write the newest status to all who can take it; the others are owed it."""
        self.status_frame, self._status_rev = frame, self._replica.rev
        behind = self._late.clients
        for client in clients:
            client.owes_status, client.clear = True, False
            if client in behind:
                self._fall_out(client)
            else:
                self.pump(client)

    def told_at_s(self, client: Client) -> float:
        """When a client that is in step got its last frame; -inf: not known, or never."""
        subscriptions = client.subscriptions.values()
        return max((self._audiences[each.view].told_at_s for each in subscriptions if each.in_step), default=-math.inf)

    def write(self, client: Client, frame: bytes) -> None:
        """Write to a client that is clear."""
        try:
            client.door.write(frame)
        except Exception:  # noqa: BLE001 (whatever it is, it is this client's)
            self._give_up(client)

    def tell(self, client: Client, message: Frame) -> None:
        """Write a message without data to a client that is clear."""
        self.write(client, message.uncompressed(client.form))

    def pump(self, client: Client, *, facts_first: bool = False) -> int:
        """
        Write what a client is owed, as long as its socket takes it; how many bytes of data that was.

        A client that cannot be written to is closed, and stops nobody else.
        """
        try:
            return self._write_owed(client, facts_first=facts_first)
        except Exception:  # noqa: BLE001 (whatever it is, it is this client's)
            self._give_up(client)
            return 0

    def _give_up(self, client: Client) -> None:
        log.error("a client could not be written to", exc_info=True)  # noqa: LOG014 (an exception is being handled)
        self._close(client.door, 1011, "internal error")

    def _write_owed(self, client: Client, *, facts_first: bool) -> int:
        door, written = client.door, 0
        while door.ready:
            subscription = client.sending
            if client.owes_status and not (facts_first and (subscription or self._is_late(client))):
                client.owes_status, client.greeted = False, True
                client.door.write(self.status_frame.uncompressed(client.form))
            elif client.owed and not (facts_first and subscription):
                client.door.write(client.owed.pop(0).uncompressed(client.form))
            elif subscription is not None:
                channel = subscription.view.key.channel
                if subscription.let_go:
                    self._metrics.remade.labels(channel).inc()
                data = self._form(subscription.pop_frame(), client.form)
                client.door.write(data)
                written += len(data)
                self._tally.wrote(channel, 1, len(data))
            else:
                # Behind, though the view has nothing new to send: see to it that it is flushed again.
                for subscription in client.subscriptions.values():
                    if subscription.answered and subscription.rev < subscription.view.rev:
                        self._pacer.arm(subscription.view)
                break
        client.settle()
        return written

    def _form(self, frame: Frame, form: Form, takers: int = 1) -> bytes:
        if form is Form.DEFLATED:
            return self._deflation.form(frame, takers=takers, now_s=self._clock.time())
        return frame.uncompressed(form)

    def _fall_out(self, client: Client) -> None:
        for subscription in client.subscriptions.values():
            self._audiences[subscription.view].fall_out(subscription)

    def _is_late(self, client: Client) -> bool:
        return any(subscription in self._late for subscription in client.subscriptions.values())

    # ---------------------------------------------------------------------------------------------------- answers

    def serve_unanswered(self) -> None:
        """Answer those who wait for it, if that is possible now."""
        self._late.take([each for each in self._unanswered if not self._must_wait(each)])

    def _serve(self, subscription: Subscription) -> int:
        """Answer a subscription, or let it wait for the replica and tell the status; how many bytes were written."""
        view, since = subscription.view, subscription.since
        if self._must_wait(subscription):
            self._unanswered.add(subscription)
            return self.pump(subscription.client)
        if view.is_too_large():
            self._unanswered.discard(subscription)
            self.unwatch(subscription.client, view.key.channel)
            self._refuse(subscription)
            return 0
        resumed_at = since.rev if since is not None and view.resumes(since) else None
        answer = view.answer(resumed_at, subscription.request_id)
        self._unanswered.discard(subscription)
        subscription.answered = True
        subscription.since = None
        subscription.send(answer)
        written = self.pump(subscription.client)
        # One of its own was made for it, whether it reads it or not.
        return max(written, answer.size) if resumed_at is not None or subscription.request_id is not None else written

    def _must_wait(self, subscription: Subscription) -> bool:
        """It cannot be answered yet: nothing may be shown, or the replica is behind what the client has seen."""
        if not self._replica.settled:
            return True
        since = subscription.since
        return (
            since is not None
            and since.rev > self._replica.rev
            and since.epoch == self._replica.epoch
            and since.fingerprint == subscription.view.fingerprint.decode()
            and self._clock.time() < subscription.deadline_s
        )

    # ------------------------------------------------------------------------------------------ those who are behind

    def _bring_safely_to_now(self, subscription: Subscription, made: Made) -> int:
        try:
            return self._bring_to_now(subscription, made)
        except Exception:
            view = subscription.view
            log.exception("a client could not be served", extra={"channel": view.key.channel})
            self._metrics.flush_errors.labels(view.key.channel).inc()
            if subscription.answered:
                self._pacer.arm(view)  # tried again when its window ends
            else:
                self._unanswered.add(subscription)
            return self.pump(subscription.client)  # a status does not wait for that

    def _bring_to_now(self, subscription: Subscription, made: Made) -> int:
        """Write what the subscription's client is owed; how many bytes that was."""
        client, view = subscription.client, subscription.view
        if not subscription.answered:
            return self._serve(subscription)
        if self._is_held():
            self._pacer.arm(view)  # its turn comes when the tables are of one moment again
        elif not subscription.sending and client.door.ready and subscription.rev < self._replica.rev:
            at = (view, subscription.rev)
            sent = made[at] = made.get(at) or self._catch_up(*at)
            self._audiences[view].fall_out(subscription)
            subscription.send(sent)
        # A status that changed meanwhile speaks of what comes now.
        facts_first = client.greeted and subscription.sending and subscription.next_frame == 0
        return self.pump(client, facts_first=facts_first)

    def _catch_up(self, view: View, rev: int) -> Delivery:
        if rev == NOTHING or view.key.mode is Mode.SNAPSHOT:
            return view.snapshot(self._replica.rev)
        return view.update(rev, view.changes(rev))

    def _missed_facts(self, subscription: Subscription) -> bool:
        """What happened before the newest status has not reached the client."""
        return subscription.answered and subscription.rev < min(subscription.view.rev, self._status_rev)

    # ------------------------------------------------------------------------------------------------------ flushes

    def count(self) -> None:
        """Tell the metrics what was counted since the last time."""
        self._tally.publish()

    def tell_positions(self, now_s: float) -> None:
        """Send an empty update to views that have had nothing to send for long."""
        quiet = [
            view
            for view in self._views
            if view.rev < self._replica.rev and now_s - view.flushed_at_s >= EMPTY_UPDATE_S and not view.throttle.armed
        ]
        if quiet:
            self._flush(quiet, now_s, even_if_empty=True)

    def flush_all(self) -> None:
        """Send whatever waits for the end of a window now."""
        if not self._is_held() and (waiting := self._pacer.armed):
            for view in waiting:
                self._pacer.disarm(view)
            self._flush(waiting, self._clock.time())

    def stop(self) -> None:
        """Flush what waits; nothing leaves afterwards."""
        self.flush_all()
        self._stopped = True
        self._pacer.stop()
        self._late.stop()

    def _is_held(self) -> bool:
        """Nothing may be shown: the tables are not of one moment, or we have stopped."""
        return self._stopped or not self._replica.settled

    def _flush(
        self, views: list[View], now_s: float, due_s: float | None = None, *, even_if_empty: bool = False
    ) -> None:
        """
        Bring every client of the views that can take a frame to now. A view that fails stops nobody else.

        Views that are due together are one pass: a client that watches several of them gets one write. `due_s`: when
        their turn was, if they had to wait for one.
        """
        if self._is_held():
            return
        if due_s is not None:
            self._metrics.late_seconds.observe(max(0.0, now_s - due_s))
        began_s = time.perf_counter()
        one_pass = FlushPass(self._replica, now_s)
        for view in views:
            if view not in self._audiences:
                continue  # the flush of another view may have closed its last client
            view.throttle.flushed(now_s)
            view.flushed_at_s = now_s
            try:
                self._send_news(view, one_pass, even_if_empty=even_if_empty)
            except Exception:
                channel = view.key.channel
                log.exception("a view could not be flushed", extra={"channel": channel})
                self._metrics.flush_errors.labels(channel).inc()
                self._pacer.arm(view)  # tried again when its window ends
        self._write_joint(one_pass.joint)
        self._late.go_on()
        self._tally.passed(self._replica.time_ms)
        self._metrics.flush_seconds.observe(time.perf_counter() - began_s)

    def _send_news(self, view: View, one_pass: FlushPass, *, even_if_empty: bool) -> None:
        """Write what is new in a view to all who stand where it was flushed last; those behind take their turn."""
        audience, from_rev = self._audiences[view], view.rev
        news = one_pass.news(view)
        rows = news.of(view.keys)
        is_new = bool(rows) or even_if_empty
        takers = self._takers(audience, from_rev)
        update: Frame | None = None
        forms: dict[Form, bytes] = {}
        in_step = {form: len(group) for form in Form if (group := audience.in_step(form))}
        if is_new and (takers or in_step):
            update = self._update(view, news, rows)
        if update is not None:
            forms = {form: self._form(update, form, takers=size) for form, size in in_step.items()}
        elif is_new:
            for subscription in [*takers, *audience.scatter()]:
                self._late.add(subscription)  # what takes several frames is made and written in turns
        merged, view.noticed = max(0, view.noticed - len(rows)), 0
        self._tally.flushed(view.key.channel, merged)
        if is_new:
            view.rev = self._replica.rev  # nothing has failed: who is in step stands here now
        if update is not None:
            audience.told_at_s = one_pass.now_s
            self._write_in_step(audience, forms)
            self._write_to(takers, audience, update, one_pass)

    def _takers(self, audience: Audience, from_rev: int) -> list[Subscription]:
        """Those who are not in step and can take the view's next frame. Those behind take their turn."""
        takers: list[Subscription] = []
        skipped = 0
        for subscription in audience.others:
            if subscription.rev_apart >= self._replica.rev:
                continue
            if not subscription.client.clear or subscription.delivery is not None:
                skipped += subscription.answered
            elif subscription.rev_apart >= from_rev:
                takers.append(subscription)
            elif subscription.answered:
                self._late.add(subscription)
        self._tally.skipped(audience.view.key.channel, skipped)
        return takers

    def _update(self, view: View, news: News, rows: list[bytes]) -> Frame | None:
        """What brings those who stand where the view stands to now; None if it takes more than one frame."""
        if view.key.mode is not Mode.SNAPSHOT:
            return news.frame(view, rows)
        if view.takes_several_frames:
            return None
        snapshot = view.snapshot(self._replica.rev)
        return view.part(snapshot, 0) if len(snapshot) == 1 else None

    def _write_in_step(self, audience: Audience, forms: dict[Form, bytes]) -> None:
        """The heart of the publisher: for each of thousands of clients nothing may be done but the write."""
        write = self._write
        for form, data in forms.items():
            size, in_step = len(data), audience.in_step(form)
            not_whole: list[tuple[Client, int]] = []
            for descriptor in in_step:
                try:
                    taken = write(descriptor, data)
                except OSError:
                    taken = 0
                if taken != size:
                    not_whole.append((in_step[descriptor].client, taken))
            self._tally.wrote(audience.view.key.channel, len(in_step), len(in_step) * size)
            for client, taken in not_whole:
                # The door waits until the socket takes the rest, or finds out why it does not.
                self.write(client, data[taken:])

    def _write_to(self, takers: list[Subscription], audience: Audience, frame: Frame, one_pass: FlushPass) -> None:
        """The same for those who were not in step, or watch several channels; they fall in if they can."""
        size = 0
        for subscription in takers:
            client = subscription.client
            data = self._form(frame, client.form, takers=len(takers))
            subscription.rev_apart = audience.view.rev
            self._late.remove(subscription)
            size += len(data)
            if len(client.subscriptions) > 1:
                one_pass.joint.setdefault(client, []).append(data)
                continue
            self.write(client, data)
            if client.clear:
                audience.fall_in(subscription)
        self._tally.wrote(audience.view.key.channel, len(takers), size)

    def _write_joint(self, joint: dict[Client, list[bytes]]) -> None:
        """One write for each client, of all frames that it gets in this pass."""
        joined: dict[tuple[int, ...], bytes] = {}  # shared by all who get the same
        for client, frames in joint.items():
            which = tuple(map(id, frames))
            data = joined.get(which)
            if data is None:
                data = joined[which] = b"".join(frames)
            self.write(client, data)
