"""What the ingest counts and measures."""

from functools import cached_property
from typing import get_args

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, Info

from ingest_service.core.ticks import DataType
from shared.version import VERSION

_COMMIT_BUCKETS_S = (0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 1.0)


class Metrics:
    """All series of one ingest, in a registry of its own."""

    def __init__(self) -> None:
        registry = self.registry = CollectorRegistry()
        Info("ingest_build", "Which version runs", registry=registry).info({"version": VERSION})
        self.messages = Counter(
            "ingest_messages", "Feed messages read; a standby counts too", ["channel"], registry=registry
        )
        self.oddities = Counter(
            "ingest_oddities", "Oddities of feed rows that were tolerated", ["oddity"], registry=registry
        )
        self.invalid_rows = Counter(
            "ingest_invalid_rows",
            "Feed rows dropped: unreadable, beyond belief, or of too many symbols",
            ["reason"],
            registry=registry,
        )
        self.skipped_frames = Counter(
            "ingest_skipped_frames", "Frames of the feed that could not be read", ["reason"], registry=registry
        )
        self.commits = Counter(
            "ingest_commits", "Commits to Redis that carry rows of the channel", ["channel"], registry=registry
        )
        self.committed_rows = Counter("ingest_committed_rows", "Rows committed", ["channel"], registry=registry)
        self.commit_seconds = Histogram(
            "ingest_commit_seconds", "Time of one commit, from script call to answer",
            buckets=_COMMIT_BUCKETS_S, registry=registry,
        )  # fmt: skip
        self.commit_retries = Counter("ingest_commit_retries", "Commits sent again", registry=registry)
        self.replacements = Counter("ingest_replacements", "Times all rows were written anew", registry=registry)
        self.link_losses = Counter("ingest_link_losses", "Losses of the exchange link", registry=registry)
        self.feed_open = Gauge(
            "ingest_feed_open", "1 while this process keeps a connection to the exchange; 0: a cold standby",
            registry=registry,
        )  # fmt: skip
        self.inbox = Gauge(
            "ingest_inbox_messages", "Feed messages read and not yet taken; full at 4096: then reading waits",
            registry=registry,
        )  # fmt: skip
        self.inbox_full = Counter(
            "ingest_inbox_full", "Times that reading had to wait, as the inbox was full", registry=registry
        )
        self.backlog = Gauge(
            "ingest_backlog_ticks", "Feed messages that a standby has read lately, to go on with", registry=registry
        )
        self.recording = Gauge(
            "ingest_recording", "1 while the feed is recorded, and the disk takes it", registry=registry
        )
        self.recorded_frames = Counter("ingest_recorded_frames", "Frames of the feed on the disk", registry=registry)
        self.recorded_bytes = Counter(
            "ingest_recorded_bytes", "Bytes that recorded frames take on the disk, compressed", registry=registry
        )
        self.recording_dropped = Counter(
            "ingest_recording_dropped_frames", "Frames that are missing in the recording", ["reason"],
            registry=registry,
        )  # fmt: skip
        for reason in ("slow", "disk"):
            self.recording_dropped.labels(reason)  # from 0 on: the first one that is missing is seen as a rise
        self.leader = Gauge("ingest_leader", "1 while this process holds the lease", registry=registry)

    @cached_property
    def messages_of(self) -> dict[DataType, Counter]:
        """The counter of each data type: to look one up by its label costs 2 µs, for each message."""
        return {data_type: self.messages.labels(data_type) for data_type in get_args(DataType)}
