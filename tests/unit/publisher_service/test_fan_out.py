"""What is written to whom: one encoding a view, one write a client."""

import zlib
from typing import Any

import pytest

from publisher_service.core import deflation, frames
from publisher_service.core.frames import Form, Frame
from publisher_service.core.grant import EVERYTHING
from publisher_service.core.requests import AddressQuery
from shared.channels import Channel
from shared.table import Entry, Row
from tests.fakes.door import FakeDoor, decode
from tests.fakes.publisher import FakePublisher
from tests.fakes.table_client import TableClient


class CountingDoor(FakeDoor):
    """Counts the writes, each of which is a call of the kernel."""

    def __init__(self, form: Form = Form.PLAIN) -> None:
        super().__init__(form)
        self.writes: list[bytes] = []

    def write(self, data: bytes) -> None:
        """Keep the piece as well."""
        self.writes.append(data)
        super().write(data)


def joined(publisher: FakePublisher, *channels: Channel, form: Form = Form.PLAIN, **options: Any) -> CountingDoor:
    """A client that has read its snapshots."""
    door = CountingDoor(form)
    publisher.hub.join(door)
    for channel in channels:
        publisher.say(door, type="subscribe", channel=channel, **options)
    publisher.clock.advance(1)
    door.take()
    door.writes.clear()
    return door


def wide(number: int) -> Row:
    """A row that is worth compressing."""
    return {f"field{at}": number * at for at in range(60)}


def test_channels_that_are_due_together_leave_in_one_write_shared_by_all_who_watch_the_same() -> None:
    publisher = FakePublisher()
    doors = [joined(publisher, Channel.MARKET, Channel.INDEX) for _ in range(2)]
    alone = joined(publisher, Channel.MARKET)

    publisher.commit({Channel.MARKET: {"SSI": {"last": 1}}, Channel.INDEX: {"VNINDEX": {"value": 2}}})
    publisher.clock.advance(0)

    assert [[message["channel"] for message in door.take()] for door in doors] == [["market", "index"]] * 2
    assert doors[0].writes[0] is doors[1].writes[0]
    assert [len(door.writes) for door in (*doors, alone)] == [1, 1, 1]


def test_all_clients_of_a_view_are_written_the_same_bytes() -> None:
    publisher = FakePublisher()
    first, second = (joined(publisher, Channel.MARKET) for _ in range(2))

    publisher.market("SSI", 1)

    assert first.writes[0] is second.writes[0]


def test_those_who_agreed_on_compression_share_a_compressed_frame_that_says_the_same() -> None:
    publisher = FakePublisher()
    plain, *squeezed = (
        joined(publisher, Channel.MARKET, form=form) for form in (Form.PLAIN, Form.DEFLATED, Form.DEFLATED)
    )

    publisher.commit({Channel.MARKET: {"SSI": wide(3)}})
    publisher.clock.advance(0)

    assert squeezed[0].writes[0] is squeezed[1].writes[0]
    assert len(squeezed[0].writes[0]) < len(plain.writes[0]) / 2
    assert plain.take() == squeezed[0].take()
    assert publisher.value("publisher_frame_bytes_total", channel="market") >= (
        len(plain.writes[0]) + 2 * len(squeezed[0].writes[0])
    )


def test_streams_of_events_share_one_event_and_websockets_their_frame() -> None:
    publisher = FakePublisher()
    websocket = joined(publisher, Channel.MARKET)
    streams = [joined(publisher, Channel.MARKET, form=Form.EVENT) for _ in range(2)]

    publisher.market("SSI", 1)

    assert streams[0].writes[0] is streams[1].writes[0]
    assert streams[0].writes[0].startswith(b"id: ")
    assert websocket.take() == streams[0].take()


def test_what_is_compressed_for_single_clients_is_bounded_and_what_is_shared_is_not(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    publisher = FakePublisher()
    own = [joined(publisher, Channel.MARKET, form=Form.DEFLATED, keys=["SSI", f"S{number}"]) for number in range(4)]
    shared = [joined(publisher, Channel.MARKET, form=Form.DEFLATED, keys=["SSI"]) for _ in range(2)]
    monkeypatch.setattr(deflation, "OWN_BURST_BYTES", 2 * deflation.LEAST_BYTES)

    publisher.clock.advance(1)
    publisher.commit({Channel.MARKET: {"SSI": wide(3)}})
    publisher.clock.advance(0)

    assert sorted(door.writes[0][0] for door in own) == [0x81, 0x81, 0xC1, 0xC1]
    assert [door.writes[0][0] for door in shared] == [0xC1, 0xC1]
    assert all(door.take()[0]["data"] == {"SSI": wide(3)} for door in (*own, *shared))


def test_snapshots_in_parts_are_compressed_for_those_who_agreed_on_it() -> None:
    publisher = FakePublisher()
    publisher.commit({Channel.MARKET: {f"S{number}": wide(number) for number in range(200)}})
    door, table = FakeDoor(Form.DEFLATED), TableClient()
    publisher.hub.join(door)
    publisher.say(door, type="subscribe", channel="market")
    publisher.clock.advance(1)

    snapshots = door.messages("snapshot")
    for message in snapshots:
        table.take(message)

    assert len(snapshots) > 1
    assert max(map(len, door.frames)) < frames.MAX_FRAME_BYTES / 2
    assert table.rows == dict(publisher.replica.tables[Channel.MARKET].live())


@pytest.mark.parametrize("size", [10, 125, 126, 200, frames.DEFLATE_FROM_BYTES, 5_000, 65_535, 65_536, 70_000])
@pytest.mark.parametrize("filler", ["x", ""])
def test_a_frame_of_any_size_says_the_same_compressed_and_is_never_longer(size: int, filler: str) -> None:
    noise = "".join(chr(33 + zlib.crc32(at.to_bytes(4)) % 90) for at in range(size))
    text = (filler * size if filler else noise).replace("\\", "/").replace('"', "'")
    frame = Frame(b'{"text":"%b"}' % text.encode())

    assert decode(frame.deflated) == decode(frame.plain) == {"text": text}
    assert len(frame.deflated) <= len(frame.plain)


def test_a_row_is_encoded_once_for_all_views_that_carry_it() -> None:
    publisher = FakePublisher()
    doors = [joined(publisher, Channel.MARKET, keys=["SSI", f"S{number}"]) for number in range(5)]
    publisher.commit({Channel.MARKET: {"SSI": {"last": 1}}})
    entry = publisher.replica.tables[Channel.MARKET].get("SSI")
    assert entry is not None

    first = entry.fragment("SSI")
    publisher.clock.advance(0)

    assert [door.take()[0]["data"] for door in doors] == [{"SSI": {"last": 1}}] * 5
    assert entry.fragment("SSI") is first
    assert entry.fields_fragment("SSI", 1) is entry.fields_fragment("SSI", 1)


def test_rows_are_compared_only_where_somebody_follows_their_fields() -> None:
    publisher = FakePublisher()
    joined(publisher, Channel.MARKET)
    publisher.market("SSI", 1)
    follower, index = joined(publisher, Channel.MARKET, mode="fields"), joined(publisher, Channel.INDEX, mode="fields")

    publisher.market("SSI", 2)
    publisher.clock.advance(1)
    told = follower.take()
    compared = set(publisher.replica.compared)
    publisher.hub.leave(follower)

    assert [message["data"] for message in told] == [{"SSI": {"last": 2}}]
    assert (compared, publisher.replica.compared) == ({Channel.MARKET, Channel.INDEX}, {Channel.INDEX})
    publisher.hub.leave(index)
    assert not publisher.replica.compared


def test_the_changed_fields_are_those_since_the_revision_that_is_asked_for() -> None:
    entry = Entry(b'{"last":0,"high":2}', 5).successor(b'{"last":1,"high":2}', 7)

    fragments = [entry.fields_fragment("SSI", rev) for rev in (6, 4, 6, 7)]

    assert fragments == [b'"SSI":{"last":1}', b'"SSI":{"last":1,"high":2}', b'"SSI":{"last":1}', b'"SSI":{}']


@pytest.mark.parametrize("takes", [0.0, 0.5, 0.99])
def test_a_frame_that_the_socket_takes_a_part_of_is_written_to_its_end_before_the_next(takes: float) -> None:
    publisher = FakePublisher()
    slow, quick = (publisher.client("market", interval="100") for _ in range(2))

    def change(last: int) -> None:
        publisher.market("SSI", last)
        publisher.clock.advance(1)

    change(1)  # both are in step from now on
    for door in (slow, quick):
        door.take()
    slow.pause_after, slow.takes = 1, takes

    change(2)
    change(3)
    slow.paused_since_s = None
    publisher.hub.drained(slow)
    publisher.clock.advance(1)
    change(4)

    lasts = [[update["data"]["SSI"]["last"] for update in door.take("update")] for door in (slow, quick)]
    assert lasts == [[2, 3, 4], [2, 3, 4]]


def test_a_client_whose_socket_belongs_to_its_server_gets_what_the_others_get() -> None:
    publisher = FakePublisher()
    portable, direct = FakeDoor(), FakeDoor()
    portable.descriptor = None
    for door in (portable, direct):
        publisher.hub.join(door, EVERYTHING, AddressQuery("market", interval="100"))
    for last in (1, 2, 3):
        publisher.market("SSI", last)
        publisher.clock.advance(1)

    assert portable.frames == direct.frames
    assert len(direct.take("update")) == 3


def test_a_client_that_stalls_inside_one_write_of_several_channels_is_brought_to_now_in_each_of_them() -> None:
    publisher = FakePublisher()
    door = joined(publisher, Channel.MARKET, Channel.INDEX)
    door.pause_after = 1

    for value in (1, 2, 3):
        publisher.commit({Channel.MARKET: {"SSI": {"last": value}}, Channel.INDEX: {"VNINDEX": {"value": value}}})
        publisher.clock.advance(1)
    door.paused_since_s = None
    publisher.hub.drained(door)
    publisher.clock.advance(1)

    updates = door.take("update")
    assert sorted(message["channel"] for message in updates) == ["index", "index", "market", "market"]
    assert [message["data"]["SSI"]["last"] for message in updates if message["channel"] == "market"] == [1, 3]


def test_heartbeats_of_many_clients_do_not_fall_into_one_moment() -> None:
    publisher = FakePublisher()
    doors = [publisher.client() for _ in range(300)]
    for door in doors:
        door.take()
    heard = []

    for _ in range(150):
        publisher.clock.advance(0.1)
        publisher.hub.tick()
        heard.append(sum(len(door.take("heartbeat")) for door in doors))

    assert sum(heard) >= 300
    assert max(heard) < 60
    assert all(door.asked in range(14, 17) for door in doors)
