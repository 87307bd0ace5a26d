"""What is counted as sent, and when, in virtual time."""

import zlib
from itertools import islice

from bench.bytes import selections
from bench.hour import Hour
from bench.watchers import THRESHOLD_BYTES, Tally, Watched, deflated_bytes, sent_bytes
from publisher_service.core.frames import payload_of, text_frame
from publisher_service.core.replica import Replica
from publisher_service.core.selection import ALL
from publisher_service.core.views import Mode
from shared.channels import Channel
from shared.wire import Commit, Head
from tests.fakes.texts import texts

JSON_TEXT = b'{"last":31500,"bids":[[31450,100],[31400,200]]},' * 100


def test_a_compressed_frame_counts_as_large_as_a_client_needs_it_to_read_the_text() -> None:
    compressor = zlib.compressobj(6, zlib.DEFLATED, -15)
    sent = (compressor.compress(JSON_TEXT) + compressor.flush(zlib.Z_SYNC_FLUSH)).removesuffix(b"\x00\x00\xff\xff")

    assert zlib.decompressobj(-15).decompress(sent + b"\x00\x00\xff\xff") == JSON_TEXT
    assert deflated_bytes(JSON_TEXT, 6) == len(text_frame(sent))


def test_a_small_frame_stays_plain() -> None:
    text = b"a" * (THRESHOLD_BYTES - 10)

    assert sent_bytes(text) == len(text_frame(text))
    assert sent_bytes(text * 2) < len(text)


def test_a_payload_is_found_behind_each_size_of_header() -> None:
    assert [len(payload_of(text_frame(bytes(size)))) for size in (0, 125, 126, 65_535, 65_536)] == [
        0, 125, 126, 65_535, 65_536,
    ]  # fmt: skip


def test_a_sample_stands_for_the_messages_that_were_not_measured() -> None:
    tally = Tally()

    tally.add([b"\x81\x02ab", b"\x81\x02cd"], times=10)

    assert (tally.messages, tally.frames, tally.plain) == (10, 20, 80)


def test_a_change_after_quiet_leaves_at_once_and_those_within_a_window_together_at_its_end() -> None:
    replica = a_replica()
    watched = Watched(replica, ALL, Mode.ROWS)

    def change(at_s: float, last: int) -> tuple[int | None, int | None]:
        """How many rows left at the end of a window, and how many at once."""
        ended = watched.end_window(at_s)
        rows = {Channel.MARKET: texts({"SSI": {"last": last}, "FPT": {"last": last}})}
        keys = replica.apply(Commit("day", replica.rev, replica.rev + 1, 1, rows)).keys[Channel.MARKET]
        told = watched.change(keys, at_s)
        return (None if ended is None else len(ended)), (None if told is None else len(told))

    assert [change(1.0, 1), change(1.1, 2), change(1.4, 3), change(1.6, 4), change(9.0, 5)] == [
        (None, 2), (None, None), (None, None), (2, None), (2, 2),
    ]  # fmt: skip
    assert watched.tally.messages == 4


def test_the_same_seed_commits_the_same_hour() -> None:
    first, again = ([*islice(Hour(seed=7).moments(1), 20)] for _ in range(2))

    assert first == again
    assert first[0].commits[-1].rev > 1  # all rows, in parts
    assert sum(len(moment.commits) for moment in first[1:]) > 10


def test_everybody_watches_names_that_are_traded() -> None:
    symbols = Hour(seed=1).symbols

    for selection in selections(symbols, 1).values():
        assert all(name.startswith("@") or name in symbols for name in selection.names)


def a_replica() -> Replica:
    replica = Replica()
    head = Head("day", 0, "", 1, "", more=False)
    replica.load(head, {}, head)
    return replica
