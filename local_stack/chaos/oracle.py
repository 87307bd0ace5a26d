"""
A client that believes nothing: one connection after the other, its subscriptions, and the truth of its statuses.

Pure: messages and times in, complaints out.
"""

import math
from collections import Counter, deque
from collections.abc import Sequence

import orjson
from pydantic import BaseModel

from local_stack.board_client import DataFrame
from local_stack.chaos.complaint import Complaint, Kind, Weather
from local_stack.chaos.ledger import Ledger
from local_stack.chaos.watch import DELAY_MARGIN_S, Watch, Wish
from shared.channels import Channel

#: One can see the pattern in so many; all are counted.
MAX_COMPLAINTS = 200
#: Arrivals of newer data that are remembered: more than there are within a fault.
MAX_ADVANCES = 10_000


class _Answer(DataFrame):
    id: object = None  # of the request that it answers


class _Status(BaseModel):
    connected: bool
    feed: str


class Oracle:
    """
    Holds several channels over one connection at a time.

    An ordinary one is judged by its status and delays as well; one that reads only now and then is not.
    """

    def __init__(
        self,
        name: str,
        wishes: Sequence[Wish],
        ledger: Ledger,
        weather: Weather,
        *,
        with_ids: bool = True,
        ordinary: bool = True,
    ) -> None:
        self.name = name
        self.ordinary = ordinary
        self.complaints: deque[Complaint] = deque(maxlen=MAX_COMPLAINTS)
        self.counts: Counter[Kind] = Counter()
        self.watches = {
            wish.channel: Watch(wish, ledger, weather, self._complain, reads_at_once=ordinary) for wish in wishes
        }
        self.advances: deque[float] = deque(maxlen=MAX_ADVANCES)  # when newer data of the market came
        self.connected = False  # what the last status of an open connection said
        self._weather = weather
        self._with_ids = with_ids
        self._asked = 0
        self._open = False
        self._greeted = False  # the first message has come
        self._heard_s = -math.inf  # newer data of the market, or the beginning of the connection
        self._well_since_s = -math.inf  # when the status turned true. What it speaks of may still be on its way
        self._outage_by_feed = False  # the status says so, and no data has come since

    @property
    def frames(self) -> int:
        """Data frames that were looked at."""
        return sum(watch.frames for watch in self.watches.values())

    @property
    def time_ms(self) -> int:
        """Of the newest data of the market."""
        return self.watches[Channel.MARKET].time_ms

    def opened(self, now_s: float) -> list[dict[str, object]]:
        """A connection is open; what to send."""
        self._open, self._greeted, self.connected, self._outage_by_feed = True, False, False, False
        self._heard_s = now_s
        return [self.ask(channel, now_s) for channel in self.watches]

    def ask(self, channel: Channel, now_s: float) -> dict[str, object]:
        """Subscribe a channel; what to send."""
        self._asked += 1
        return self.watches[channel].ask(self._asked if self._with_ids else None, now_s)

    def closed(self) -> None:
        """The connection is gone."""
        self._open = self.connected = False
        for watch in self.watches.values():
            watch.lost()

    def take(self, message: str | bytes, now_s: float, wall_ms: float) -> Channel | None:
        """A message came; the channel to subscribe anew, if one misses something."""
        try:
            body = orjson.loads(message)
            kind = body["type"]
            if not self._greeted and kind != "status":
                self._complain(Kind.RULE, f"the first message was {kind}")
            self._greeted = True
            match kind:
                case "snapshot" | "update":
                    return self._take_data(_Answer.model_validate(body), now_s, wall_ms)
                case "status":
                    self._take_status(_Status.model_validate(body), now_s)
                case "error":
                    self._complain(Kind.RULE, f"an error: {body.get('message')}")
        except (ValueError, KeyError, TypeError) as error:  # no JSON, no object, or not what the protocol says
            self._complain(Kind.RULE, f"a frame that is none: {type(error).__name__} {error}")
        return None

    def check(self, now_s: float) -> None:
        """To be called about once a second."""
        if not self._open:
            return
        for watch in self.watches.values():
            watch.check(now_s)
        silent_s, well_s = now_s - self._heard_s, now_s - self._well_since_s
        too_long = silent_s > self._weather.silence_s and well_s > DELAY_MARGIN_S
        if self.ordinary and self.connected and too_long:
            self._complain(Kind.STATUS, f"no data for {silent_s:.1f} s, and the status says that all is well")
            self._heard_s = now_s  # told once

    def check_tables(self) -> None:
        """Everything that is held, against the ledger. To be called every few seconds, and at the end."""
        for watch in self.watches.values():
            watch.check_table()

    def longest_wait_s(self, from_s: float, to_s: float) -> float:
        """The longest time without newer data of the market that has a part between these moments."""
        before_s, longest_s = -math.inf, 0.0
        for arrived_s in [*self.advances, to_s]:
            if before_s > -math.inf and arrived_s >= from_s and before_s <= to_s:
                longest_s = max(longest_s, arrived_s - before_s)
            before_s = arrived_s
        return longest_s

    def _take_data(self, frame: _Answer, now_s: float, wall_ms: float) -> Channel | None:
        channel = Channel(frame.channel)
        watch = self.watches[channel]
        if frame.data:
            self._outage_by_feed = False
        if watch.advances(frame) and channel is Channel.MARKET:
            self._heard_s = now_s
            self.advances.append(now_s)
        return None if watch.take(frame, frame.id, wall_ms) else channel

    def _take_status(self, status: _Status, now_s: float) -> None:
        # A group that is not known yet has no rows of which data could come.
        holds_rows = any(watch.table.rows for watch in self.watches.values())
        if status.connected and self._outage_by_feed and holds_rows:
            self._complain(Kind.STATUS, "the feed is said to be back before any data came")
        if not status.connected:
            self._outage_by_feed = status.feed in ("down", "stale")
        else:
            self._outage_by_feed = False
            self._well_since_s = self._well_since_s if self.connected else now_s
        self.connected = status.connected

    def _complain(self, kind: Kind, text: str) -> None:
        self.counts[kind] += 1
        self.complaints.append(Complaint(kind, f"{self.name}: {text}"))
