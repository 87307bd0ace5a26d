"""
All that one feed says and hears, over as many connections as it takes.

An edge opens connections, tells `opened`, hands each text to `receive`, sends what `messages` gives, tells `closed`,
and waits as long as that says. Times are seconds of any clock that runs steadily.
"""

import json
from collections.abc import Callable
from itertools import count
from typing import Literal, NamedTuple, TypeAlias

from .backoff import Backoff
from .change import Change
from .frames import ErrorFrame, Goodbye, InvalidFrame, Status, TableFrame, parse
from .subscription import Subscription, Wish

State: TypeAlias = Literal["connecting", "open", "waiting", "closed"]
TableState: TypeAlias = Literal["loading", "live", "stale", "failed"]

#: Until a status names the server's own.
DEFAULT_HEARTBEAT_MS = 15_000
#: A link is silent after so many heartbeats that did not come.
SILENT_HEARTBEATS = 3


class Problem(NamedTuple):
    """Why there is no link, or what was refused on it: a word for programs, words for people."""

    code: str  # a close code, `http_503`, an error's code, or `unreachable`, `silent`, `invalid_message`, …
    message: str

    def __str__(self) -> str:
        return f"{self.message} ({self.code})"


class Heard(NamedTuple):
    """What a message did, for who waits."""

    channel: str | None = None  # whose table is another, or has failed
    change: Change | None = None
    status: bool = False  # there is a new status
    hang_up: bool = False  # this connection is worth nothing: see the session's `error`


class Session:
    """The protocol's state. Nothing is queued: what has to be said follows from what each subscription is owed."""

    def __init__(self, random: Callable[[], float]) -> None:
        self.state: State = "connecting"
        self.status: Status | None = None  # None while no connection is open
        self.subscriptions: dict[str, Subscription] = {}
        self.error: Problem | None = None  # None again when a connection opens
        self.invalid_frames = 0
        self.silent_at_s = 0.0  # if nothing is heard until then, the connection is dead
        self._backoff = Backoff(random)
        self._ids = count(1)
        self._token: str | None = None  # to be said
        self._dropped: list[str] = []  # channels to unsubscribe from; each at most once
        self._opened_s: float | None = None
        self._return_s: float | None = None  # of a goodbye: when to come back, after the end

    def subscribe(self, wish: Wish) -> Subscription:
        """One table a channel. Raises ValueError if there is one."""
        if wish.channel in self.subscriptions:
            raise ValueError(f"the feed has a table of {wish.channel} already: update it, or close it first")
        if wish.channel in self._dropped:
            self._dropped.remove(wish.channel)  # a second subscription replaces the first
        subscription = self.subscriptions[wish.channel] = Subscription(wish)
        return subscription

    def unsubscribe(self, channel: str) -> None:
        """Nothing more of it is wanted."""
        subscription = self.subscriptions.pop(channel, None)
        if subscription is not None and self.state == "open" and channel not in self._dropped:
            self._dropped.append(channel)

    def connecting(self) -> None:
        """An attempt begins."""
        self.state = "connecting"

    def opened(self, now_s: float, token: str | None = None) -> None:
        """A connection is there; the token is the first thing that is said."""
        self.state, self._opened_s, self._token, self.error = "open", now_s, token, None
        self._heard(now_s)

    def renew(self, token: str) -> None:
        """Say a newer token on the connection."""
        self._token = token

    def closed(self, now_s: float, error: Problem | None = None, at_least_s: float = 0.0) -> float:
        """The connection, or the attempt, is over: how long to wait before the next one."""
        self.error = error
        held_s = 0.0 if self._opened_s is None else now_s - self._opened_s
        return_s, self._return_s, self._opened_s = self._return_s, None, None
        self.state, self.status, self._token, self._dropped = "waiting", None, None, []
        for subscription in self.subscriptions.values():
            subscription.lost()
        return max(self._backoff.next_delay_s(held_s, return_s), at_least_s)

    def ended(self) -> None:
        """No more connections."""
        self.state, self.status = "closed", None
        for subscription in self.subscriptions.values():
            subscription.is_current = False

    def messages(self) -> list[str]:
        """What has to be sent now, in this order; nothing of it is given twice."""
        if self.state != "open":
            return []
        bodies: list[dict[str, object]] = []
        if self._token is not None:
            bodies.append({"type": "auth", "id": next(self._ids), "token": self._token})
            self._token = None
        bodies += [{"type": "unsubscribe", "id": next(self._ids), "channel": channel} for channel in self._dropped]
        self._dropped = []
        for subscription in self.subscriptions.values():
            if subscription.is_owed:
                bodies.append(subscription.request(next(self._ids)))
        return [json.dumps(body, ensure_ascii=False, separators=(",", ":")) for body in bodies]

    def receive(self, text: str | bytes, now_s: float) -> Heard:
        """A message of the server. One that is none of the protocol is counted, and ends the connection."""
        try:
            frame = parse(text)
        except InvalidFrame as error:
            self.invalid_frames += 1
            self.error = Problem("invalid_message", f"what the server sent is no message: {error}")
            return Heard(hang_up=True)
        heard = Heard()
        match frame:
            case TableFrame():
                heard = self._take(frame)
            case Status():
                self.status = frame
                heard = Heard(status=True)
            case Goodbye():
                self._return_s = None if frame.reconnect_after_ms is None else frame.reconnect_after_ms / 1000
            case ErrorFrame():
                heard = self._refused(frame)
            case None:
                pass
        self._heard(now_s)
        return heard

    def table_state(self, subscription: Subscription) -> TableState:
        """`stale`: there are rows, and nobody knows whether they still hold."""
        if subscription.error is not None:
            return "failed"
        if subscription.rev is None:
            return "loading"
        road = self.status is not None and self.status.connected
        return "live" if road and subscription.is_current else "stale"

    def _take(self, frame: TableFrame) -> Heard:
        subscription = self.subscriptions.get(frame.channel)
        if subscription is None:
            return Heard()
        taken = subscription.take(frame)
        if taken.wrong:
            self.error = Problem("wrong_answer", f"{frame.channel}: an answer that is none to what was asked")
        return Heard(frame.channel, taken.change, hang_up=taken.wrong)

    def _refused(self, error: ErrorFrame) -> Heard:
        for channel, subscription in self.subscriptions.items():
            if subscription.owns(error.id):
                subscription.refused(error)
                return Heard(channel)
        self.error = Problem(error.code, error.message)
        return Heard()

    def _heard(self, now_s: float) -> None:
        known_ms = self.status.heartbeat_ms if self.status is not None else None
        self.silent_at_s = now_s + SILENT_HEARTBEATS * (known_ms or DEFAULT_HEARTBEAT_MS) / 1000
