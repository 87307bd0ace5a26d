"""Those who are behind are served in turns, and nobody else waits for them."""

from collections.abc import Iterator

import pytest

from publisher_service import turns as turns_of
from publisher_service.core.kept_frames import KeptFrames
from publisher_service.core.selection import ALL
from publisher_service.core.status import Broker, Ingest, Link
from publisher_service.core.views import Mode, View, ViewKey
from shared.channels import Channel
from shared.table import Row
from shared.wire import Head
from tests.fakes.door import FakeDoor
from tests.fakes.publisher import EPOCH, FakePublisher
from tests.fakes.table_client import TableClient
from tests.fakes.texts import entries

NEXT_DAY = "20261124-bbbbbb"
LARGE: dict[str, Row | None] = {f"S{number:03}": {"last": number, "filler": "x" * 900} for number in range(200)}


@pytest.fixture(autouse=True)
def ten_clients_a_turn(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(turns_of, "TURN_BYTES", 10 * turns_of.LEAST_BYTES)


def turns(publisher: FakePublisher) -> Iterator[None]:
    """One turn of the loop after the other: the timers that are due when it begins, and no more."""
    clock = publisher.clock
    while due := [timer for timer in clock.timers if not timer.cancelled and timer.when <= clock.now_s]:
        for timer in due:
            clock.timers.remove(timer)
            timer.callback(timer.argument)
        yield


def got(doors: list[FakeDoor], kind: str) -> int:
    return sum(bool(door.messages(kind)) for door in doors)


def test_a_new_epoch_reaches_so_many_clients_a_turn_and_everybody_in_the_end() -> None:
    publisher = FakePublisher()
    publisher.market("SSI", 1)
    doors = [publisher.client("market") for _ in range(35)]
    for door in doors:
        door.take()

    publisher.load(NEXT_DAY, 1, {Channel.MARKET: {"VNM": {"last": 9}}})
    publisher.clock.now_s += 1  # the window is over
    reached = [got(doors, "snapshot") for _ in turns(publisher)]

    assert reached[:4] == [10, 20, 30, 35]
    assert publisher.value("publisher_late") == 0


def test_regular_updates_go_out_while_others_wait_for_their_turn() -> None:
    publisher = FakePublisher()
    publisher.load(NEXT_DAY, 1, {Channel.MARKET: LARGE, Channel.INDEX: {"VNINDEX": {"value": 1}}})
    many = [publisher.client("market") for _ in range(20)]
    other = publisher.client("index", interval="100")
    publisher.clock.advance(1)
    for door in (*many, other):
        door.take()

    publisher.commit({Channel.MARKET: {key: {"last": 0, "filler": "y" * 900} for key in LARGE}})
    next(running := turns(publisher))
    publisher.commit({Channel.INDEX: {"VNINDEX": {"value": 2}}})
    next(running)
    waiting = publisher.value("publisher_late")
    for _ in running:
        pass

    assert [message["data"]["VNINDEX"]["value"] for message in other.messages("update")] == [2]
    assert waiting > 0
    assert got(many, "update") == 20


def test_a_status_waits_with_the_facts_that_it_follows() -> None:
    publisher = FakePublisher()
    publisher.live()
    doors = [publisher.client("market") for _ in range(25)]
    publisher.clock.advance(5)
    for door in doors:
        door.take()

    head = Head(NEXT_DAY, 1, "c", 0, "server", more=False)
    rows = {
        Channel.MARKET: entries([("VNM", {"last": 9}, 1)]),
        Channel.STATUS: entries([("feed", {"state": "down", "reason": None}, 1)]),
    }
    publisher.hub.changed(publisher.replica.load(head, rows, head))
    publisher.clock.advance(0)

    assert [[message["type"] for message in door.take()] for door in doors] == [["snapshot", "status"]] * 25


def test_many_who_wait_for_the_first_load_are_answered_in_turns() -> None:
    publisher = FakePublisher(epoch="")
    doors = [publisher.client("market") for _ in range(25)]

    publisher.load(EPOCH, 5, {Channel.MARKET: {"SSI": {"last": 1}}})
    at_once = got(doors, "snapshot")
    for _ in turns(publisher):
        pass

    assert (at_once, got(doors, "snapshot")) == (10, 25)


def test_answers_to_many_subscriptions_in_one_moment_take_turns() -> None:
    publisher = FakePublisher()
    publisher.market("SSI", 1)

    doors = [publisher.client("market") for _ in range(25)]
    reached = [got(doors, "snapshot"), *(got(doors, "snapshot") for _ in turns(publisher))]

    assert reached[:3] == [10, 20, 25]


def test_an_answer_of_ones_own_counts_with_its_size_whether_it_is_read_or_not() -> None:
    publisher = FakePublisher()
    publisher.load(EPOCH, 1, {Channel.MARKET: LARGE})
    publisher.clock.advance(1)
    doors = [publisher.client() for _ in range(5)]
    for door in doors:
        door.paused_since_s = publisher.clock.time()

    for door in doors:
        publisher.say(door, type="subscribe", channel="market", id=1)
    waiting = publisher.value("publisher_late")
    for _ in turns(publisher):
        pass

    assert (waiting, publisher.value("publisher_late")) == (3, 0)


def test_one_that_leaves_before_its_turn_is_forgotten() -> None:
    publisher = FakePublisher()
    publisher.market("SSI", 1)
    doors = [publisher.client("market") for _ in range(15)]

    publisher.load(NEXT_DAY, 1, {Channel.MARKET: {"VNM": {"last": 9}}})
    publisher.clock.now_s += 1
    next(running := turns(publisher))
    waiting = publisher.value("publisher_late")
    for door in doors:
        door.take()
        publisher.hub.leave(door)
    left = publisher.value("publisher_late")
    for _ in running:
        pass

    assert (waiting, left) == (5, 0)
    assert all(not door.frames for door in doors)


def test_who_asks_for_the_same_again_while_a_flush_is_due_is_brought_to_now() -> None:
    publisher = FakePublisher()
    door = publisher.client("market")
    publisher.market("SSI", 1)
    publisher.say(door, type="subscribe", channel="market")
    publisher.market("SSI", 2)  # waits for the end of the window
    table = TableClient()

    publisher.say(door, type="subscribe", channel="market")
    publisher.clock.advance(1)
    for message in door.take():
        table.take(message)

    assert table.rows["SSI"]["last"] == 2


def test_clients_get_the_right_rows_after_wrong_ones_were_found_at_the_same_revision() -> None:
    publisher = FakePublisher(epoch="")
    publisher.load(EPOCH, 5, {Channel.MARKET: {"SSI": {"last": 1}}})
    door = publisher.client("market")
    wrong = door.take("snapshot")

    publisher.replica.distrust()
    publisher.load(EPOCH, 5, {Channel.MARKET: {"SSI": {"last": 2}}})
    publisher.clock.advance(1)

    assert [message["data"]["SSI"]["last"] for message in (*wrong, *door.take("snapshot"))] == [1, 2]


@pytest.mark.parametrize("meanwhile", ["elsewhere", "in another channel"])
def test_nobody_goes_on_from_a_position_of_rows_that_were_found_to_be_wrong(meanwhile: str) -> None:
    publisher = FakePublisher(epoch="")
    publisher.load(EPOCH, 5, {Channel.MARKET: {"SSI": {"last": 1}}})
    door, table = publisher.client("market"), TableClient()
    for message in door.take():
        table.take(message)
    if meanwhile == "elsewhere":
        publisher.hub.leave(door)
    else:
        publisher.say(door, type="unsubscribe", channel="market")

    publisher.replica.distrust()
    publisher.load(EPOCH, 5, {Channel.MARKET: {"SSI": {"last": 2}}})
    publisher.market("VNM", 1)
    if meanwhile == "elsewhere":
        door = publisher.client("market", since=table.position)
    else:
        publisher.say(door, type="subscribe", channel="market", since=table.position)
    publisher.clock.advance(1)
    for message in door.take():
        table.take(message)
    after = publisher.client("market", since=table.position)

    assert table.rows["SSI"]["last"] == 2
    assert [message["type"] for message in after.take()] == ["status", "update"]  # what was right goes on


def test_the_version_of_a_document_is_another_after_wrong_rows_were_found_at_the_same_revision() -> None:
    publisher = FakePublisher(epoch="")
    publisher.load(EPOCH, 5, {Channel.MARKET: {"SSI": {"last": 1}}})
    view = View(ViewKey(Channel.MARKET, ALL, 500, Mode.ROWS), publisher.replica, KeptFrames())
    before = view.version

    publisher.replica.distrust()
    publisher.load(EPOCH, 5, {Channel.MARKET: {"SSI": {"last": 2}}})

    assert view.version != before


@pytest.mark.parametrize("mode", ["rows", "fields"])
def test_who_stops_reading_for_half_a_minute_gets_one_frame_that_brings_it_to_now(mode: str) -> None:
    publisher = FakePublisher()
    publisher.market("SSI", 0)
    door, table = publisher.client("market", mode=mode), TableClient()
    for message in door.take():
        table.take(message)
    door.paused_since_s = publisher.clock.time()

    for last in range(1, 57):
        publisher.market("SSI", last)
        publisher.market(f"S{last % 7}", last)
        publisher.clock.advance(0.5)
        publisher.hub.tick()
    door.paused_since_s = None
    publisher.hub.drained(door)
    publisher.clock.advance(1)
    updates = door.take("update", "snapshot")
    for message in updates:
        table.take(message)

    assert len(updates) == 1
    assert table.rows == dict(publisher.replica.tables[Channel.MARKET].live())


def test_a_status_comes_to_all_who_still_wait_for_their_answer() -> None:
    publisher = FakePublisher(epoch="")
    doors = [publisher.client("market") for _ in range(25)]
    for door in doors:
        door.take()

    publisher.clock.now_s += 1.2
    publisher.hub.tick()  # the first ten have their turn
    publisher.hub.link(Link(Broker.LIVE, Ingest.SILENT, "no ingest"))
    publisher.clock.advance(0.5)

    assert got(doors, "status") == 25


def test_a_status_comes_to_a_client_that_could_not_be_brought_to_now(monkeypatch: pytest.MonkeyPatch) -> None:
    publisher = FakePublisher()
    publisher.live()
    door = publisher.client("market", interval="100")
    publisher.clock.advance(2)
    door.take()
    door.paused_since_s = publisher.clock.time()
    publisher.market("SSI", 1)
    publisher.commit({Channel.STATUS: {"feed": {"state": "down", "reason": "lost"}}})
    publisher.clock.advance(1)

    def fail(*_: object) -> None:
        raise RuntimeError("cannot encode")

    with monkeypatch.context() as patch:
        patch.setattr(View, "update", fail)
        door.paused_since_s = None
        publisher.hub.drained(door)
    publisher.clock.advance(1)

    assert [message["type"] for message in door.take()] == ["status", "update"]
