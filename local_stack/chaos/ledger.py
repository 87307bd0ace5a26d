"""
What ingests have committed, by their own conversation with Redis: for each row its versions, for each commit its keys.

A commit is noted before Redis gets it, so nobody can see a row that is not here. Whether it ran is known when it is
answered. Until then it is a candidate: a leader that was killed may have sent a number that its successor gives again.
"""

from bisect import bisect_right, insort
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import NamedTuple

import orjson

from shared.channels import Channel
from shared.table import Row
from shared.wire import Commit

#: So many histories are remembered.
MAX_EPOCHS = 6

#: channel → key → (revision of its last change, row)
BuiltRows = Mapping[Channel, Mapping[str, tuple[int, Row | None]]]


@dataclass(eq=False, slots=True)
class Sent:
    """A commit or a replacement that an ingest has sent."""

    identity: str
    rev: int
    sent_s: float
    more: bool = False  # a part of a larger change: nobody may show it
    confirmed: bool = False
    void_from: int | None = None  # it never ran, or was lost: nobody at this revision or above may hold it
    keys: dict[Channel, tuple[str, ...]] = field(default_factory=dict)

    def counts_at(self, rev: int) -> bool:
        """Whether somebody at that revision may hold its rows."""
        return self.void_from is None or rev < self.void_from


class Version(NamedTuple):
    """A row from a revision on; None: removed."""

    rev: int
    row: Row | None
    sent: Sent


class EpochLedger:
    """One history."""

    def __init__(self) -> None:
        self.floor_rev = 0  # what was before is forgotten
        self._sent: list[Sent] = []  # in the order of their revisions
        self._versions: dict[Channel, dict[str, list[Version]]] = {channel: {} for channel in Channel}

    def send(self, commit: Commit, identity: str, now_s: float) -> Sent:
        """A commit is on its way, perhaps once more."""
        for sent in self._between(commit.rev - 1, commit.rev):
            if sent.identity == identity:
                return sent
        keys = {channel: tuple(rows) for channel, rows in commit.rows.items()}
        sent = Sent(identity, commit.rev, now_s, commit.more, keys=keys)
        insort(self._sent, sent, key=_rev)
        for channel, rows in commit.rows.items():
            for key, text in rows.items():
                self._add(channel, key, Version(commit.rev, orjson.loads(text), sent))
        return sent

    def confirm(self, sent: Sent, from_rev: int) -> None:
        """
        It ran: so the head stood at `from_rev` before, and of the numbers after that only its own has run.

        A replacement begins at 0: what is not among its rows never ran, or was lost.
        """
        sent.confirmed, sent.void_from = True, None
        before = [other for other in self._between(from_rev - 1, from_rev) if other.void_from is None]
        if len(before) == 1:
            before[0].confirmed = True
        for other in self._between(from_rev, sent.rev):
            if not other.confirmed and other.void_from is None:
                other.void_from = sent.rev

    def replace(self, identity: str, rev: int, built: BuiltRows, now_s: float, *, more: bool) -> Sent:
        """All rows are on their way anew, each with its own revision, the whole at `rev`."""
        sent = Sent(identity, rev, now_s, more)
        insort(self._sent, sent, key=_rev)
        for channel, rows in built.items():
            for key, (row_rev, row) in rows.items():
                self._add(channel, key, Version(row_rev, row, sent))
        return sent

    def knows(self, rev: int) -> bool:
        """Whether this revision was ever that of a whole change."""
        return any(not sent.more and sent.counts_at(rev) for sent in self._between(rev - 1, rev))

    def changed(self, channel: Channel, after_rev: int, up_to_rev: int) -> set[str]:
        """The keys of the commits after one revision, up to another."""
        return {key for sent in self._between(after_rev, up_to_rev) for key in sent.keys.get(channel, ())}

    def keys(self, channel: Channel) -> set[str]:
        """All that there ever were."""
        return set(self._versions[channel])

    def rows(self, channel: Channel, key: str, rev: int, *, or_newer: bool = False) -> Iterator[Row | None]:
        """What may stand there at that revision: one row, or several while it is not known which commit ran."""
        for version in reversed(self._versions[channel].get(key, ())):
            if version.rev > rev:
                if or_newer:
                    yield version.row
            elif version.sent.counts_at(rev):
                yield version.row
                if version.sent.confirmed:
                    return
        yield None

    def forget(self, before_s: float) -> None:
        """Drop what was replaced before that moment."""
        old = next((at for at, sent in enumerate(self._sent) if sent.sent_s >= before_s), len(self._sent)) - 1
        if old < 1:
            return
        self.floor_rev = self._sent[old].rev
        concerned = {(channel, key) for sent in self._sent[:old] for channel, keys in sent.keys.items() for key in keys}
        del self._sent[:old]
        for channel, key in concerned:
            versions = self._versions[channel][key]
            at = bisect_right(versions, self.floor_rev, key=_rev)
            while at > 0 and not versions[at - 1].sent.confirmed:
                at -= 1
            del versions[: max(0, at - 1)]

    def _add(self, channel: Channel, key: str, version: Version) -> None:
        insort(self._versions[channel].setdefault(key, []), version, key=_rev)

    def _between(self, after_rev: int, up_to_rev: int) -> list[Sent]:
        """Those with a revision after the one, up to the other."""
        return self._sent[bisect_right(self._sent, after_rev, key=_rev) : bisect_right(self._sent, up_to_rev, key=_rev)]


class Ledger:
    """All histories that were written, the newest last."""

    def __init__(self) -> None:
        self.epochs: dict[str, EpochLedger] = {}

    def epoch(self, name: str) -> EpochLedger:
        """A history, begun now if it is new; then the oldest goes."""
        if name not in self.epochs:
            self.epochs[name] = EpochLedger()
            if len(self.epochs) > MAX_EPOCHS:
                del self.epochs[next(iter(self.epochs))]
        return self.epochs[name]

    def forget(self, before_s: float) -> None:
        """Drop what was replaced before that moment."""
        for epoch in self.epochs.values():
            epoch.forget(before_s)


def _rev(item: Sent | Version) -> int:
    return item.rev
