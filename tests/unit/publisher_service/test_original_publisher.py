"""
The fifteen behaviours that the system before this one promised of its publisher, and the defects it had there.

Its test names are kept in the words of today: a broadcast is a frame to every client of a view.
"""

import pytest

from publisher_service.core.news import News
from publisher_service.core.status import Broker, Ingest, Link
from shared.channels import Channel
from shared.wire import Commit
from tests.fakes.door import FakeDoor
from tests.fakes.publisher import EPOCH, FakePublisher

MARKETS = ("market", "foreign", "index")


def change(publisher: FakePublisher, channel: str, value: int) -> None:
    """One commit to a channel, and one turn of the loop."""
    publisher.commit({Channel(channel): {"KEY": {"value": value}}})
    publisher.clock.advance(0)


def values(door: FakeDoor) -> list[int]:
    """The values that reached a client by updates."""
    return [message["data"]["KEY"]["value"] for message in door.messages("update")]


@pytest.mark.parametrize("channel", MARKETS)
def test_the_first_notify_leaves_at_once(channel: str) -> None:
    publisher = FakePublisher()
    door = publisher.client(channel)

    change(publisher, channel, 1)

    assert values(door) == [1]


def test_the_second_notify_is_deferred() -> None:
    publisher = FakePublisher()
    door = publisher.client("market")
    change(publisher, "market", 1)

    publisher.clock.advance(0.1)
    change(publisher, "market", 2)
    publisher.clock.advance(0.39)

    assert values(door) == [1]


def test_the_deferred_broadcast_fires_at_the_end_of_the_window() -> None:
    publisher = FakePublisher()
    door = publisher.client("market")
    change(publisher, "market", 1)
    change(publisher, "market", 2)

    publisher.clock.advance(0.5)

    assert values(door) == [1, 2]


def test_ten_quick_notifies_are_exactly_two_broadcasts_and_the_second_holds_the_last_values() -> None:
    publisher = FakePublisher()
    door = publisher.client("market")

    for value in range(1, 11):
        change(publisher, "market", value)
        publisher.clock.advance(0.01)
    publisher.clock.advance(2.0)

    assert values(door) == [1, 10]
    assert publisher.value("publisher_changes_merged_total", channel="market") == 8


def test_a_notify_after_the_window_leaves_at_once_again() -> None:
    publisher = FakePublisher()
    door = publisher.client("market")
    change(publisher, "market", 1)

    publisher.clock.advance(0.6)
    change(publisher, "market", 2)

    assert values(door) == [1, 2]


def test_channels_are_throttled_apart_from_each_other() -> None:
    publisher = FakePublisher()
    market, index = publisher.client("market"), publisher.client("index")
    change(publisher, "market", 1)

    change(publisher, "index", 1)
    change(publisher, "market", 2)

    assert values(index) == [1]
    assert values(market) == [1]


def test_nothing_is_encoded_for_a_channel_without_clients() -> None:
    publisher = FakePublisher()
    publisher.client("index")

    change(publisher, "market", 1)
    publisher.clock.advance(1.0)

    assert publisher.value("publisher_flushes_total", channel="market") == 0


def test_values_that_changed_while_nobody_was_connected_are_there_for_who_comes_later() -> None:
    publisher = FakePublisher()
    change(publisher, "market", 1)
    change(publisher, "market", 2)

    door = publisher.client("market")

    assert door.messages("snapshot")[0]["data"] == {"KEY": {"value": 2}}


def test_the_loss_of_the_feed_reaches_every_channel_that_has_clients() -> None:
    publisher = FakePublisher()
    publisher.live()
    doors = [publisher.client(channel) for channel in MARKETS]
    for door in doors:
        door.take()

    publisher.commit({Channel.STATUS: {"feed": {"state": "down", "reason": "closed by the server"}}})
    publisher.clock.advance(1.0)

    for door in doors:
        (status,) = door.take("status")
        assert (status["type"], status["connected"]) == ("status", False)
        assert status["reason"] == "closed by the server"


def test_the_return_of_the_feed_reaches_every_client() -> None:
    publisher = FakePublisher()
    publisher.live()
    door = publisher.client("market")
    publisher.commit({Channel.STATUS: {"feed": {"state": "down", "reason": "x"}}})
    publisher.clock.advance(1.5)
    door.take()

    publisher.commit({Channel.STATUS: {"feed": {"state": "live", "reason": None}}})
    publisher.clock.advance(1.5)

    assert [message["connected"] for message in door.take("status")] == [True]


def test_a_channel_without_clients_is_skipped_by_a_status() -> None:
    publisher = FakePublisher()
    publisher.live()
    door = publisher.client("market")
    publisher.hub.leave(door)
    door.take()

    publisher.hub.link(Link(Broker.DOWN, Ingest.SILENT, "gone"))
    publisher.clock.advance(1.5)

    assert door.messages() == []


def test_stop_flushes_the_pending_window_and_cancels_every_timer() -> None:
    publisher = FakePublisher()
    door = publisher.client("market")
    change(publisher, "market", 1)
    change(publisher, "market", 2)

    publisher.hub.stop()

    assert values(door) == [1, 2]
    assert publisher.clock.waiting == 0


def test_nothing_leaves_after_stop() -> None:
    publisher = FakePublisher()
    door = publisher.client("market")
    publisher.hub.stop()
    door.take()

    change(publisher, "market", 1)
    publisher.clock.advance(5.0)
    publisher.hub.tick()

    assert door.messages("update", "snapshot", "status") == []


def test_an_unknown_channel_is_told_and_counted_and_stops_nobody() -> None:
    publisher = FakePublisher()
    door = publisher.client()
    door.take()

    publisher.say(door, type="subscribe", id=7, channel="bonds")

    (error,) = door.take()
    assert (error["type"], error["id"], error["code"]) == ("error", 7, "unknown_channel")
    assert publisher.value("publisher_invalid_messages_total", reason="unknown_channel") == 1


# -------------------------------------------------------------------------------------- its defects in the publisher


def test_the_first_frames_are_status_and_snapshot_even_in_a_silent_market() -> None:
    publisher = FakePublisher()
    publisher.market("SSI", 100)

    door = publisher.client("market")

    assert [message["type"] for message in door.messages()] == ["status", "snapshot"]


def test_there_are_never_two_broadcasts_in_one_window_even_after_a_failed_one(monkeypatch: pytest.MonkeyPatch) -> None:
    publisher = FakePublisher()
    door = publisher.client("market")

    def fail(*_: object) -> list[bytes]:
        raise RuntimeError("cannot encode")

    with monkeypatch.context() as patch:
        patch.setattr(News, "frame", fail)
        change(publisher, "market", 1)
    change(publisher, "market", 2)

    assert values(door) == []
    publisher.clock.advance(0.5)
    assert values(door) == [2]
    assert publisher.value("publisher_flush_errors_total", channel="market") == 1


def test_a_client_that_fails_stops_no_other() -> None:
    publisher = FakePublisher()
    broken, healthy = publisher.client("market"), publisher.client("market")
    broken.broken = True

    change(publisher, "market", 1)

    assert values(healthy) == [1]
    assert broken.closed == (1011, "internal error")


@pytest.mark.parametrize("kind", ["status", "heartbeat", "goodbye"])
def test_a_client_that_fails_keeps_no_other_from_hearing(kind: str) -> None:
    publisher = FakePublisher()
    publisher.live()
    first, broken, last = (publisher.client("market") for _ in range(3))
    publisher.clock.advance(2)
    for door in (first, broken, last):
        door.take()
    broken.broken = True

    match kind:
        case "status":
            publisher.hub.link(Link(Broker.DOWN, Ingest.SILENT, "lost"))
        case "heartbeat":
            publisher.clock.now_s += 20
            publisher.hub.tick()
        case _:
            publisher.hub.stop()

    assert [len(door.messages(kind)) for door in (first, broken, last)] == [1, 0, 1]
    assert broken.closed == (1011, "internal error")


@pytest.mark.parametrize("how", ["joins", "asks", "drains"])
def test_a_client_that_fails_by_itself_is_closed(how: str) -> None:
    publisher = FakePublisher()
    door = FakeDoor() if how == "joins" else publisher.client("market")
    door.broken = True

    match how:
        case "joins":
            publisher.hub.join(door)
        case "asks":
            publisher.say(door, type="subscribe", channel="index")
        case _:
            door.paused_since_s = publisher.clock.time()
            publisher.say(door, type="ping")
            door.paused_since_s = None
            publisher.hub.drained(door)

    assert door.closed == (1011, "internal error")
    assert publisher.hub.doors == []


def test_a_view_whose_last_client_failed_in_another_view_waits_for_no_flush() -> None:
    publisher = FakePublisher()
    door = publisher.client("market", interval="500")
    publisher.say(door, type="subscribe", channel="index", interval=500)
    publisher.clock.advance(2)
    door.broken = True

    publisher.commit({Channel.MARKET: {"SSI": {"last": 1}}, Channel.INDEX: {"VNINDEX": {"value": 1}}})
    publisher.clock.advance(5)

    assert publisher.value("publisher_views") == 0
    assert [publisher.value("publisher_flush_errors_total", channel=name) for name in ("market", "index")] == [0, 0]


def test_every_frame_says_type_channel_and_position_so_that_a_gap_can_be_seen() -> None:
    publisher = FakePublisher()
    door = publisher.client("market")

    change(publisher, "market", 1)

    snapshot, update = door.messages("snapshot", "update")
    assert snapshot["channel"] == update["channel"] == "market"
    assert (update["from"], update["rev"]) == (snapshot["rev"], snapshot["rev"] + 1)
    assert update["position"].startswith(f"{EPOCH}.{update['rev']}.")


def test_an_index_tick_alone_leaves_on_its_own_channel() -> None:
    publisher = FakePublisher()
    index, market = publisher.client("index"), publisher.client("market")

    change(publisher, "index", 1)

    assert values(index) == [1]
    assert values(market) == []


def test_a_live_frame_carries_what_changed_and_does_not_grow_with_the_day() -> None:
    publisher = FakePublisher()
    door = publisher.client("market")
    sizes = []
    for value in range(1000, 1100):
        door.frames.clear()
        change(publisher, "market", value)
        publisher.clock.advance(0.5)
        sizes.append(len(door.frames[-1]))

    assert max(sizes) - min(sizes) <= 6  # the revision stands in it three times, with more digits by and by


def test_a_burst_of_a_hundred_thousand_changes_costs_one_row_and_the_newest_wins() -> None:
    publisher = FakePublisher()
    door = publisher.client("market")
    replica = publisher.replica

    for value in range(100_000):
        rows = {Channel.MARKET: {"KEY": b'{"value":%d}' % value}}
        commit = Commit(EPOCH, replica.rev, replica.rev + 1, 0, rows)
        publisher.hub.changed(replica.apply(commit))
    publisher.clock.advance(1.0)

    assert values(door)[-1] == 99_999
    assert len(door.messages("update")) <= 2
