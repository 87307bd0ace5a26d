"""What is counted at each commit and flush, told to the metrics a few times a second: they cost more than the rest."""

import time

from publisher_service.metrics import Metrics
from shared.channels import Channel


class _Counts:
    """Of one channel, since the last publication."""

    __slots__ = ("bytes", "changes", "flushes", "frames", "merged", "skipped")

    def __init__(self) -> None:
        self.changes = self.flushes = self.frames = self.bytes = self.skipped = self.merged = 0


class Tally:
    """Counts of each channel."""

    def __init__(self, metrics: Metrics) -> None:
        self._metrics = metrics
        self._counts: dict[Channel, _Counts] = {}
        self._written: set[Channel] = set()  # of these, data frames since the last pass

    def changed(self, channel: Channel, rows: int) -> None:
        """A commit changed so many rows."""
        self._of(channel).changes += rows

    def wrote(self, channel: Channel, frames: int, size: int) -> None:
        """Data frames, and their bytes together."""
        counts = self._of(channel)
        counts.frames += frames
        counts.bytes += size
        if frames:
            self._written.add(channel)

    def flushed(self, channel: Channel, merged: int) -> None:
        """A view was brought up to date; so many changes were replaced by newer ones before that."""
        counts = self._of(channel)
        counts.flushes += 1
        counts.merged += merged

    def skipped(self, channel: Channel, clients: int) -> None:
        """So many clients could take no frame."""
        self._of(channel).skipped += clients

    def passed(self, newest_ms: int) -> None:
        """A pass is over. `newest_ms`: the clock of the newest data in it, Unix ms."""
        age_s = (time.time_ns() // 1_000_000 - newest_ms) / 1000
        for channel in self._written:
            self._metrics.age_seconds.labels(channel).observe(max(0.0, age_s))
        self._written.clear()

    def publish(self) -> None:
        """Hand on, and begin anew."""
        metrics = self._metrics
        for channel, counts in self._counts.items():
            metrics.changes.labels(channel).inc(counts.changes)
            metrics.flushes.labels(channel).inc(counts.flushes)
            metrics.merged.labels(channel).inc(counts.merged)
            metrics.skipped.labels(channel).inc(counts.skipped)
            metrics.frames.labels(channel).inc(counts.frames)
            metrics.frame_bytes.labels(channel).inc(counts.bytes)
        self._counts.clear()
        self._written.clear()

    def _of(self, channel: Channel) -> _Counts:
        counts = self._counts.get(channel)
        if counts is None:
            counts = self._counts[channel] = _Counts()
        return counts
