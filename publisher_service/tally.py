"""What is counted while frames are written, told to the metrics once a pass: they cost more than the writing."""

import time

from publisher_service.metrics import Metrics
from shared.channels import Channel


class _Counts:
    """Of one channel, since the last publication."""

    __slots__ = ("bytes", "flushes", "frames", "merged", "skipped")

    def __init__(self) -> None:
        self.flushes = self.frames = self.bytes = self.skipped = self.merged = 0


class Tally:
    """Counts of each channel."""

    def __init__(self, metrics: Metrics) -> None:
        self._metrics = metrics
        self._counts: dict[Channel, _Counts] = {}

    def wrote(self, channel: Channel, frames: int, size: int) -> None:
        """Data frames, and their bytes together."""
        counts = self._of(channel)
        counts.frames += frames
        counts.bytes += size

    def flushed(self, channel: Channel, merged: int) -> None:
        """A view was brought up to date; so many changes were replaced by newer ones before that."""
        counts = self._of(channel)
        counts.flushes += 1
        counts.merged += merged

    def skipped(self, channel: Channel, clients: int) -> None:
        """So many clients could take no frame."""
        self._of(channel).skipped += clients

    def publish(self, newest_ms: int | None = None) -> None:
        """Hand on, and begin anew. `newest_ms`: the clock of the newest data, after a pass, Unix ms."""
        metrics = self._metrics
        for channel, counts in self._counts.items():
            metrics.flushes.labels(channel).inc(counts.flushes)
            metrics.merged.labels(channel).inc(counts.merged)
            metrics.skipped.labels(channel).inc(counts.skipped)
            metrics.frames.labels(channel).inc(counts.frames)
            metrics.frame_bytes.labels(channel).inc(counts.bytes)
            if counts.frames and newest_ms is not None:
                age_s = (time.time_ns() // 1_000_000 - newest_ms) / 1000
                metrics.age_seconds.labels(channel).observe(max(0.0, age_s))
        self._counts.clear()

    def _of(self, channel: Channel) -> _Counts:
        counts = self._counts.get(channel)
        if counts is None:
            counts = self._counts[channel] = _Counts()
        return counts
