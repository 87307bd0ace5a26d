"""What a publisher counts and measures."""

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, Info

from shared.version import VERSION

#: From "the kernel took it at once" to "nobody is looking any more".
_AGE_BUCKETS_S = (0.002, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)
_FLUSH_BUCKETS_S = (0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1)


class Metrics:
    """All series of one publisher, in a registry of its own."""

    def __init__(self) -> None:
        registry = self.registry = CollectorRegistry()
        Info("publisher_build", "Which version runs", registry=registry).info({"version": VERSION})
        self.clients = Gauge("publisher_clients", "Open websockets and streams of events", registry=registry)
        self.capacity = Gauge(
            "publisher_capacity", "Websockets and streams of events that this replica takes", registry=registry
        )
        self.refused = Counter(
            "publisher_refused", "Handshakes and requests refused at the entrance", ["reason"], registry=registry
        )
        self.addresses = Gauge(
            "publisher_remembered_addresses", "Addresses whose handshakes are remembered", registry=registry
        )
        self.http_cut = Counter(
            "publisher_http_cut", "HTTP connections cut for what they sent, or for how long they took",
            ["reason"], registry=registry,
        )  # fmt: skip
        self.draining = Gauge("publisher_draining", "1 while this replica stops", registry=registry)
        self.rebalanced = Counter(
            "publisher_rebalanced", "Connections sent to another replica for their age", registry=registry
        )
        self.subscriptions = Gauge("publisher_subscriptions", "What clients subscribed", ["channel"], registry=registry)
        self.views = Gauge("publisher_views", "Views: subscriptions that differ", registry=registry)
        self.watched_keys = Gauge(
            "publisher_watched_keys", "Keys of all views together, names that stand for nothing included",
            registry=registry,
        )  # fmt: skip
        self.unanswered = Gauge(
            "publisher_unanswered", "Subscriptions that wait until the replica can answer them", registry=registry
        )
        self.commits = Counter("publisher_commits", "Commits taken from Redis", registry=registry)
        self.changes = Counter("publisher_changes", "Rows changed by commits", ["channel"], registry=registry)
        self.loads = Counter("publisher_loads", "Times the rows were read from Redis", registry=registry)
        self.divergences = Counter(
            "publisher_divergences", "Tables that were not what the ingest holds, and were loaded anew",
            ["channel"], registry=registry,
        )  # fmt: skip
        self.unknown_envelopes = Counter(
            "publisher_invalid_envelopes",
            "Messages on the pub/sub channel that cannot be read",
            ["reason"],
            registry=registry,
        )
        self.flushes = Counter("publisher_flushes", "Views brought up to date", ["channel"], registry=registry)
        self.flush_errors = Counter("publisher_flush_errors", "Flushes that failed", ["channel"], registry=registry)
        self.flush_seconds = Histogram(
            "publisher_flush_seconds", "Time that one flush took", buckets=_FLUSH_BUCKETS_S, registry=registry
        )
        self.frames = Counter("publisher_frames", "Data frames written", ["channel"], registry=registry)
        self.frame_bytes = Counter("publisher_frame_bytes", "Bytes of data frames", ["channel"], registry=registry)
        self.merged = Counter(
            "publisher_changes_merged", "Changes that a newer one of the same row replaced before the flush",
            ["channel"], registry=registry,
        )  # fmt: skip
        self.age_seconds = Histogram(
            "publisher_data_age_seconds", "Age of the newest data in a flush when it is written",
            ["channel"], buckets=_AGE_BUCKETS_S, registry=registry,
        )  # fmt: skip
        self.late_seconds = Histogram(
            "publisher_flush_late_seconds", "How much later than it was due a flush began",
            buckets=_AGE_BUCKETS_S, registry=registry,
        )  # fmt: skip
        self.skipped = Counter(
            "publisher_slow_skips", "Frames not written because the client's buffer was not empty",
            ["channel"], registry=registry,
        )  # fmt: skip
        self.at_gate = Gauge(
            "publisher_at_gate", "New connections that wait for their turn to be let in", registry=registry
        )
        self.late = Gauge("publisher_late", "Subscriptions that wait for their turn to be served", registry=registry)
        self.kept_bytes = Gauge(
            "publisher_kept_frame_bytes", "Bytes of finished frames that several clients are on their way through",
            registry=registry,
        )  # fmt: skip
        self.remade = Counter(
            "publisher_frames_remade", "Frames made anew, since their client read too slowly for them to be kept",
            ["channel"], registry=registry,
        )  # fmt: skip
        self.closed = Counter("publisher_closed", "Connections closed by the publisher", ["code"], registry=registry)
        self.invalid_messages = Counter(
            "publisher_invalid_messages", "Client messages refused", ["reason"], registry=registry
        )
        self.connected = Gauge(
            "publisher_connected",
            "1 while the whole road is sound, from the exchange to this replica",
            registry=registry,
        )
