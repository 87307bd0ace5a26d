"""
One subscription, and what must be true of its frames: answered once, no gap, no step back, and each value the
ledger's. Beside that, some numbers of the market must be right by themselves: the ledger holds what the ingest wrote,
also where that is wrong.

Pure: frames and times in, complaints out.
"""

from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass
from typing import NamedTuple

from local_stack.board_client import ClientTable, DataFrame
from local_stack.chaos.complaint import Kind, Weather
from local_stack.chaos.ledger import EpochLedger, Ledger
from shared.channels import Channel
from shared.table import Row

#: In calm weather: how long an answer may take (a replica that is behind waits two seconds), and data beyond its
#: interval. Generous: machines under test are at their limit.
ANSWER_DEADLINE_S = 20.0
DELAY_MARGIN_S = 2.0
#: They add up to `total_volume`.
PARTS = ("active_buy_volume", "active_sell_volume", "neutral_volume", "unseen_volume")


class Wish(NamedTuple):
    """What is subscribed."""

    channel: Channel
    mode: str
    interval_ms: int
    group: str | None = None  # only the members of this group


@dataclass(slots=True)
class _Question:
    """A subscription that waits for its answer."""

    id: int | None
    since: str | None
    rev: int  # of `since`
    asked_s: float


class Watch:
    """The table of one subscription, by the client's rule, beside the ledger."""

    def __init__(
        self,
        wish: Wish,
        ledger: Ledger,
        weather: Weather,
        complain: Callable[[Kind, str], None],
        *,
        reads_at_once: bool = True,
    ) -> None:
        self.wish = wish
        self.table = ClientTable()
        self.epoch = ""
        self.frames = 0
        self.time_ms = 0  # of the newest data
        self.resumes = 0  # that were accepted
        self.longest_delay_s = 0.0  # beyond the interval, in calm weather
        self._ledger = ledger
        self._weather = weather
        self._complain = complain
        self._reads_at_once = reads_at_once
        self._question: _Question | None = None
        self._answering = False  # the answer has begun, and its last part is still to come
        self._touched: set[str] = set()  # by the parts of a message so far
        # Came in a part, newer than the part's revision. The next update tells it again.
        self._newer: set[str] = set()
        self._totals: dict[str, tuple[int, int]] = {}  # of the epoch: revision, and `total_volume` at that

    def ask(self, request_id: int | None, now_s: float) -> dict[str, object]:
        """Subscribe, from where the table stands; the message to send."""
        since = self.table.position
        self._question = _Question(request_id, since, self.table.rev, now_s)
        self._answering = False
        wish: dict[str, object] = {
            "type": "subscribe",
            "channel": self.wish.channel.value,
            "mode": self.wish.mode,
            "interval": self.wish.interval_ms,
        }
        if self.wish.group is not None:
            wish["keys"] = [f"@{self.wish.group}"]
        if request_id is not None:
            wish["id"] = request_id
        if since is not None:
            wish["since"] = since
        return wish

    def lost(self) -> None:
        """The connection is gone, and so is whatever was on its way."""
        self._question, self._answering = None, False
        # What an unfinished message has merged is told again by the resume, or thrown away by the snapshot.
        self._newer |= self._touched
        self._touched = set()

    def take(self, frame: DataFrame, request_id: object, wall_ms: float) -> bool:
        """False: something is missing before this frame, so ask again."""
        self.frames += 1
        before_rev, solicited = self.table.rev, self._take_answer(frame, request_id)
        epoch = frame.position.partition(".")[0]
        if frame.type == "update" and epoch != self.epoch:
            self._say(Kind.RULE, f"an update of epoch {epoch} came upon a table of {self.epoch}")
        if epoch == self.epoch and not solicited and frame.rev < before_rev:
            self._say(Kind.RULE, f"revision {frame.rev} came after {before_rev}")
        if not self.table.take(frame):
            self._say(Kind.GAP, f"an update from {frame.from_rev} came upon {before_rev}")
            return False
        if frame.part == 1:
            self._touched = set()
        self._touched |= frame.data.keys()
        if frame.part == frame.parts:
            # A snapshot replaces all, so all of it is looked at.
            if epoch != self.epoch:
                self._totals.clear()
            self.epoch = epoch
            self._check_message(frame, None if frame.type == "snapshot" else before_rev)
            if self.wish.channel is Channel.MARKET:
                self._check_numbers(self.table.rows.keys() if frame.type == "snapshot" else self._touched)
            self._touched = set()
            if not solicited and frame.type == "update" and frame.data:
                self._check_delay(frame, wall_ms)
        return True

    def check(self, now_s: float) -> None:
        """An answer must come, when nothing is in its way."""
        question = self._question
        if (
            self._weather.calm
            and self._reads_at_once
            and question is not None
            and now_s - question.asked_s > ANSWER_DEADLINE_S
        ):
            self._say(Kind.RULE, f"a subscription was not answered within {ANSWER_DEADLINE_S:g} s")
            question.asked_s = now_s  # told once

    def check_table(self) -> None:
        """All that is held, not only what came last."""
        if self.table.position is None or self._touched or (epoch := self._epoch()) is None:
            return
        if self.table.rev >= epoch.floor_rev:
            self._check_keys(epoch, epoch.keys(self.wish.channel) | self.table.rows.keys(), in_parts=False)

    def advances(self, frame: DataFrame) -> bool:
        """Whether a frame brings newer data than all before."""
        if not frame.data or frame.time <= self.time_ms:
            return False
        self.time_ms = frame.time
        return True

    # --------------------------------------------------------------------------------------------------- the answer

    def _take_answer(self, frame: DataFrame, request_id: object) -> bool:
        """Whether this frame belongs to the answer of a subscription."""
        question = self._question
        if question is None:
            if request_id is not None:
                self._say(Kind.RULE, f"request {request_id} was answered twice")
            return False
        if request_id != question.id:
            self._say(Kind.RULE, f"data came before the answer to request {question.id}")
            return False
        if not self._answering:
            self._check_answer(frame, question)
        self._answering = frame.part < frame.parts
        if not self._answering:
            self._question = None
        return True

    def _check_answer(self, frame: DataFrame, question: _Question) -> None:
        epoch = frame.position.partition(".")[0]
        if frame.type == "update":
            self.resumes += 1
            if question.since is None:
                self._say(Kind.RULE, "an update answered a subscription that named no position")
            elif frame.from_rev != question.rev:
                self._say(Kind.RULE, f"a resume from {question.rev} was answered by an update from {frame.from_rev}")
        elif self._weather.calm and epoch == self.epoch and frame.rev < question.rev:
            # A replica that cannot catch up answers with what it has: only faults excuse it.
            self._say(Kind.RULE, f"a resume from {question.rev} was answered by a snapshot of {frame.rev}")

    # --------------------------------------------------------------------------------------------------- the values

    def _epoch(self) -> EpochLedger | None:
        return self._ledger.epochs.get(self.epoch)

    def _check_message(self, frame: DataFrame, before_rev: int | None) -> None:
        """The table after the last part of a message."""
        epoch, channel, rev = self._epoch(), self.wish.channel, self.table.rev
        if epoch is None:
            self._say(Kind.DIVERGENCE, f"no ingest has written the epoch {self.epoch}")
        elif rev < epoch.floor_rev:
            self._say(Kind.RULE, f"revision {rev} is too old to be judged")
        elif not epoch.knows(rev):
            self._say(Kind.DIVERGENCE, f"no ingest has written a whole change at revision {rev}")
        else:
            if before_rev is None:
                self._newer.clear()
                keys = epoch.keys(channel) | self.table.rows.keys()
            else:
                keys = self._touched | epoch.changed(channel, before_rev, rev)
            self._check_keys(epoch, keys, in_parts=frame.parts > 1)

    def _check_keys(self, epoch: EpochLedger, keys: set[str], *, in_parts: bool) -> None:
        channel, rev, rows = self.wish.channel, self.table.rev, self.table.rows
        members = None if self.wish.group is None else self._members(epoch, self.wish.group)
        for key in keys:
            held = rows.get(key)
            if members is not None and key not in members:
                if held is not None:
                    self._say(Kind.DIVERGENCE, f"{key} at revision {rev} is no member of {self.wish.group}")
            elif _is_one_of(held, epoch.rows(channel, key, rev)):
                self._newer.discard(key)
            elif (in_parts or key in self._newer) and _is_one_of(held, epoch.rows(channel, key, rev, or_newer=True)):
                self._newer.add(key)
            else:
                self._say(Kind.DIVERGENCE, _difference(key, rev, held, next(epoch.rows(channel, key, rev))))

    def _check_numbers(self, keys: Collection[str]) -> None:
        rev = self.table.rev
        for key in keys:
            row = self.table.rows.get(key, {})
            total, parts = row.get("total_volume") or 0, [row.get(part) for part in PARTS]
            if not isinstance(total, int) or not all(isinstance(part, int) for part in parts):
                continue  # gone, or not of this form: that is for the ledger
            if sum(part for part in parts if isinstance(part, int)) != total:
                told = " + ".join(str(part) for part in parts)
                self._say(Kind.NUMBERS, f"{key} at revision {rev}: {told} are not the total_volume {total}")
            before_rev, before = self._totals.get(key, (0, 0))
            if rev < before_rev or key in self._newer:
                continue  # an older table, or a row of a revision that is still to come
            if total < before and day_of(self.epoch) not in self._weather.mixed_days:
                self._say(Kind.NUMBERS, f"{key} at revision {rev}: total_volume fell from {before} to {total}")
            self._totals[key] = (rev, total)

    def _members(self, epoch: EpochLedger, group: str) -> set[object]:
        return {member for row in epoch.rows(Channel.GROUPS, group, self.table.rev) for member in _members_of(row)}

    def _check_delay(self, frame: DataFrame, wall_ms: float) -> None:
        delay_s = (wall_ms - frame.time - self.wish.interval_ms) / 1000
        if self._weather.calm and self._reads_at_once:
            self.longest_delay_s = max(self.longest_delay_s, delay_s)
            if delay_s > DELAY_MARGIN_S:
                self._say(Kind.DELAY, f"data came {delay_s:.1f} s later than its interval")

    def _say(self, kind: Kind, text: str) -> None:
        self._complain(kind, f"{self.wish.channel}: {text}")


def day_of(epoch: str) -> str:
    """The trading day, as the epoch's name begins."""
    return epoch.partition("-")[0]


def _is_one_of(held: dict[str, object] | None, rows: Iterator[Row | None]) -> bool:
    return any(held == row for row in rows)


def _members_of(row: Row | None) -> Iterator[object]:
    members = (row or {}).get("keys")
    yield from members if isinstance(members, list) else ()


def _difference(key: str, rev: int, held: dict[str, object] | None, wanted: Row | None) -> str:
    if held is None or wanted is None:
        return f"{key} at revision {rev}: {'no row' if held is None else 'a row'}, but not so in the ledger"
    fields = [field for field in sorted(held.keys() | wanted.keys()) if held.get(field) != wanted.get(field)]
    told = ", ".join(f"{field} is {held.get(field)} and should be {wanted.get(field)}" for field in fields[:3])
    return f"{key} at revision {rev}: {told}"
