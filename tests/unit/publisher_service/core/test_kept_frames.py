"""The ring of finished frames."""

import orjson
import pytest

from ingest_service.core import market
from publisher_service.core import kept_frames
from publisher_service.core.delivery import Delivery
from publisher_service.core.frames import Frame, Parts
from publisher_service.core.kept_frames import KeptFrames

#: More than are listed on all exchanges, each with full books.
SYMBOLS = 2_000
LEVELS = [[31_550, 1_234_500]] * 10


def a_delivery(size: int) -> Delivery:
    frame = Frame(b"x" * (size - 2))  # and the two bytes of its head
    return Delivery(Parts([frame], [("SSI",)]), rev=1)


def test_the_newest_deliveries_keep_their_frames_and_the_oldest_let_them_go(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(kept_frames, "MAX_BYTES", 25)
    kept, deliveries = KeptFrames(), [a_delivery(10) for _ in range(4)]

    for delivery in deliveries:
        kept.keep(delivery)

    assert [delivery.size for delivery in deliveries] == [0, 0, 10, 10]
    assert kept.bytes == 20


def test_what_is_larger_than_the_ring_is_not_kept_and_still_knows_its_rows(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(kept_frames, "MAX_BYTES", 25)
    kept, large = KeptFrames(), a_delivery(30)

    kept.keep(large)

    assert (kept.bytes, large.size) == (0, 0)
    assert (len(large), large.parts.keys) == (1, [("SSI",)])


def test_two_snapshots_of_the_whole_market_are_kept() -> None:
    row = orjson.dumps(market.EMPTY | {"bids": LEVELS, "asks": LEVELS})
    kept, snapshots = KeptFrames(), [a_delivery(SYMBOLS * len(row)) for _ in range(2)]

    for snapshot in snapshots:
        kept.keep(snapshot)

    assert all(snapshot.size for snapshot in snapshots), f"a row has {len(row)} bytes"
