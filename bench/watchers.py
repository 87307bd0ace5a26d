"""
Somebody's selection, watched in virtual time: what the publisher's core makes for it, plain and compressed.

Views are flushed as the publisher does it: after a quiet window at once, else at its end.
"""

import zlib
from dataclasses import dataclass, field
from time import perf_counter

from bench.centrifugo import Recorded, Rows
from bench.figures import Figures
from publisher_service.core.frames import DEFLATE_FROM_BYTES, DEFLATE_LEVEL, Frame, payload_of
from publisher_service.core.kept_frames import KeptFrames
from publisher_service.core.replica import Replica
from publisher_service.core.selection import Selection
from publisher_service.core.views import Mode, View, ViewKey
from shared.channels import Channel

INTERVAL_MS = 500
#: Of compression, to compare.
LEVELS = (1, 6)
#: What the publisher does.
THRESHOLD_BYTES, LEVEL = DEFLATE_FROM_BYTES, DEFLATE_LEVEL
#: A snapshot of the whole market is 50 frames: one in so many is compressed, and stands for the others.
SAMPLED, LARGE_ROWS = 40, 500


def header_bytes(size: int) -> int:
    """Of a server's frame with so large a payload."""
    return 2 if size < 126 else 4 if size < 65_536 else 10


def deflated_bytes(text: bytes, level: int) -> int:
    """The size of the frame of a text, compressed if that makes it smaller."""
    compressor = zlib.compressobj(level, zlib.DEFLATED, -15)
    size = len(compressor.compress(text)) + len(compressor.flush(zlib.Z_SYNC_FLUSH)) - 4  # RFC 7692, 7.2.1
    size = min(size, len(text))
    return size + header_bytes(size)


def sent_bytes(text: bytes) -> int:
    """The size of the frame of a text as the publisher sends it to clients that agreed on compression."""
    return len(Frame(text).deflated)


@dataclass
class Tally:
    """What one client was sent, its first snapshot left out."""

    messages: int = 0
    frames: int = 0
    plain: int = 0  # bytes
    sent: int = 0  # bytes, compressed as the publisher does it
    deflate_s: float = 0.0  # what that took
    deflated: dict[int, int] = field(default_factory=lambda: dict.fromkeys(LEVELS, 0))  # level → bytes

    def add(self, frames: list[bytes], times: int = 1) -> None:
        """A message, which stands for so many."""
        self.messages += times
        self.frames += len(frames) * times
        self.plain += sum(map(len, frames)) * times
        texts = [payload_of(frame) for frame in frames]
        began_s = perf_counter()
        self.sent += sum(map(sent_bytes, texts)) * times
        self.deflate_s += (perf_counter() - began_s) * times
        for level in LEVELS:
            self.deflated[level] += sum(deflated_bytes(text, level) for text in texts) * times

    def figures(self, seconds: float) -> Figures:
        """For each second."""
        return {
            "messages_per_s": round(self.messages / seconds, 2),
            "plain_bytes_per_s": round(self.plain / seconds),
            "sent_bytes_per_s": round(self.sent / seconds),
            "deflate_ms_per_s": round(self.deflate_s / seconds * 1000, 3),
            **{f"deflated_{level}_bytes_per_s": round(self.deflated[level] / seconds) for level in LEVELS},
        }


class Watched:
    """A view with one client that takes every frame."""

    def __init__(self, replica: Replica, selection: Selection, mode: Mode) -> None:
        self.tally = Tally()
        self._mode = mode
        self._replica = replica
        self._view = View(ViewKey(Channel.MARKET, selection, INTERVAL_MS, mode), replica, KeptFrames())
        self._every = SAMPLED if mode is Mode.SNAPSHOT and len(self.rows()) > LARGE_ROWS else 1
        self._flushes = 0

    def rows(self) -> Rows:
        """All that the client watches, as it is now."""
        return {key: entry.json for key, entry in self._view.changes(0)}

    def end_window(self, now_s: float) -> Rows | None:
        """Before anything else happens: what changed in a window that has ended by now is sent."""
        throttle = self._view.throttle
        return self._flush(throttle.open_at_s) if throttle.armed and throttle.open_at_s <= now_s else None

    def change(self, keys: list[str], now_s: float) -> Rows | None:
        """These keys have changed: sent at once after a quiet window."""
        if self._view.keys is not None and self._view.keys.isdisjoint(keys):
            return None
        throttle = self._view.throttle
        throttle.notify()
        return self._flush(now_s) if throttle.open_at_s <= now_s else None

    def _flush(self, now_s: float) -> Rows:
        view, from_rev = self._view, self._view.rev
        view.throttle.flushed(now_s)
        changes = view.changes(from_rev)
        view.rev = self._replica.rev
        if self._mode is not Mode.SNAPSHOT:
            self.tally.add([frame.plain for frame in view.update(from_rev, changes).parts.frames])
        elif self._flushes % self._every == 0:
            self.tally.add([frame.plain for frame in view.snapshot(view.rev).parts.frames], self._every)
        self._flushes += 1
        return {key: entry.json for key, entry in changes}


class Watcher:
    """Somebody's selection, in all modes side by side; and what was told of it while it was recorded."""

    def __init__(self, replica: Replica, selection: Selection) -> None:
        self.modes = {mode: Watched(replica, selection, mode) for mode in Mode}
        self.recorded = Recorded(self.modes[Mode.ROWS].rows(), [])
        self._recording = True

    def end_window(self, now_s: float) -> None:
        """See `Watched`."""
        self._record({mode: watched.end_window(now_s) for mode, watched in self.modes.items()})

    def change(self, keys: list[str], now_s: float) -> None:
        """The same."""
        self._record({mode: watched.change(keys, now_s) for mode, watched in self.modes.items()})

    def figures(self, seconds: float) -> Figures:
        """By mode, so far."""
        return {mode.value: watched.tally.figures(seconds) for mode, watched in self.modes.items()}

    def end_record(self) -> None:
        """Record no more."""
        self._recording = False

    def _record(self, told: dict[Mode, Rows | None]) -> None:
        if self._recording and (rows := told[Mode.ROWS]):
            self.recorded.updates.append(rows)
