"""What a client can rely on: answers, resuming, slow reading, groups, modes, sizes."""

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from publisher_service import turns
from publisher_service.core import kept_frames
from publisher_service.core.requests import AddressQuery
from publisher_service.core.status import Broker, Ingest, Link
from shared.channels import Channel
from shared.table import Row
from shared.wire import Head
from tests.fakes.door import FakeDoor
from tests.fakes.publisher import EPOCH, FakePublisher
from tests.fakes.table_client import TableClient
from tests.fakes.texts import entries

NEXT_DAY = "20261124-bbbbbb"


def pause(door: FakeDoor, publisher: FakePublisher) -> None:
    door.paused_since_s = publisher.clock.time()


def drain(door: FakeDoor, publisher: FakePublisher) -> None:
    door.paused_since_s = None
    publisher.hub.drained(door)


def test_a_subscription_is_answered_by_one_snapshot_with_the_request_id() -> None:
    publisher = FakePublisher()
    publisher.market("SSI", 1)
    door = publisher.client()
    door.take()

    publisher.say(door, type="subscribe", id="a", channel="market", keys=["SSI", "VNM"], interval=300, mode="rows")

    (snapshot,) = door.take()
    assert (snapshot["type"], snapshot["id"], snapshot["interval"]) == ("snapshot", "a", 500)
    assert snapshot["data"] == {"SSI": {"last": 1, "reference": 100}}


def test_shared_frames_never_carry_an_id() -> None:
    publisher = FakePublisher()
    door = publisher.client()
    publisher.say(door, type="subscribe", id="a", channel="market")
    door.take()

    publisher.market("SSI", 1)

    assert all("id" not in message for message in door.take())


def test_a_second_subscription_of_a_channel_replaces_the_first() -> None:
    publisher = FakePublisher()
    door = publisher.client("market", keys="SSI")
    publisher.say(door, type="subscribe", channel="market", keys=["VNM"])
    door.take()

    publisher.market("SSI", 1)
    publisher.clock.advance(1)
    publisher.market("VNM", 2)

    assert [list(message["data"]) for message in door.take("update")] == [["VNM"]]


def test_unsubscribe_ends_the_updates_and_ping_is_answered() -> None:
    publisher = FakePublisher()
    door = publisher.client("market")
    door.take()

    publisher.say(door, type="unsubscribe", id=1, channel="market")
    publisher.say(door, type="ping", id=2)
    publisher.market("SSI", 1)

    unsubscribed, pong = door.take()
    assert (unsubscribed["type"], unsubscribed["id"]) == ("unsubscribed", 1)
    assert (pong["type"], pong["id"]) == ("pong", 2)


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("{", "invalid_json"),
        ("[]", "invalid_message"),
        ("{}", "unknown_type"),
        ('{"type":"subscribe"}', "invalid_message"),
        ('{"type":"subscribe","channel":"market","interval":-1}', "invalid_interval"),
        ('{"type":"subscribe","channel":"market","interval":0}', "invalid_interval"),
        ('{"type":"subscribe","channel":"market","interval":"fast"}', "invalid_interval"),
        ('{"type":"subscribe","channel":"market","mode":"video"}', "invalid_mode"),
        ('{"type":"subscribe","channel":"market","keys":[]}', "invalid_keys"),
        ('{"type":"subscribe","channel":"market","since":"yesterday"}', "invalid_position"),
        ('{"type":"subscribe","channel":"bonds"}', "unknown_channel"),
        ('{"type":"subscribe","channel":"market","key":["SSI"]}', "unknown_field"),
        ('{"type":"ping","channel":"market"}', "unknown_field"),
        (None, "binary_message"),
    ],
)
def test_a_wrong_message_is_answered_by_an_error_and_the_connection_lives_on(text: str | None, code: str) -> None:
    publisher = FakePublisher()
    door = publisher.client("market")
    door.take()

    publisher.hub.receive(door, text)
    publisher.market("SSI", 1)

    error, update = door.take()
    assert (error["type"], error["code"]) == ("error", code)
    assert error["message"]
    assert update["type"] == "update"
    assert publisher.value("publisher_invalid_messages_total", reason=code) == 1


@given(text=st.text(max_size=200))
@settings(max_examples=300, deadline=None)
def test_no_text_from_a_client_does_harm(text: str) -> None:
    publisher = FakePublisher()
    door = publisher.client()

    publisher.hub.receive(door, text)

    assert all(message["type"] in ("status", "error", "pong") for message in door.take())


def test_a_wrong_address_is_told_and_closes_the_connection() -> None:
    publisher = FakePublisher()

    door = publisher.client("market", interval="-1")

    assert [message["type"] for message in door.messages()] == ["status", "error"]
    assert door.closed == (1008, "the subscription in the address is not valid")


def test_a_resume_brings_exactly_what_changed_since() -> None:
    publisher = FakePublisher()
    publisher.market("SSI", 1)
    position = publisher.client("market").take("snapshot")[0]["position"]
    publisher.market("VNM", 2)

    door = publisher.client("market", since=position)

    (update,) = door.take("update", "snapshot")
    assert (update["type"], update["from"], list(update["data"])) == ("update", 2, ["VNM"])


def test_an_accepted_resume_without_changes_is_an_empty_update() -> None:
    publisher = FakePublisher()
    publisher.market("SSI", 1)
    position = publisher.client("market").take("snapshot")[0]["position"]

    door = publisher.client("market", since=position)

    (update,) = door.take("update", "snapshot")
    assert (update["type"], update["from"], update["rev"], update["data"]) == ("update", 2, 2, {})


@pytest.mark.parametrize("query", [{"keys": "SSI"}, {"since": "20261122-zzzzzz.1.00000000"}])
def test_a_position_of_other_keys_or_another_epoch_brings_a_snapshot(query: dict[str, str]) -> None:
    publisher = FakePublisher()
    publisher.market("SSI", 1)
    position = publisher.client("market").take("snapshot")[0]["position"]

    door = publisher.client("market", **({"since": position} | query))

    assert [message["type"] for message in door.take("update", "snapshot")] == ["snapshot"]


def test_a_replica_behind_the_position_catches_up_before_it_answers() -> None:
    ahead, behind = FakePublisher(), FakePublisher()
    ahead.market("SSI", 1)
    position = ahead.client("market").take("snapshot")[0]["position"]

    door = behind.client("market", since=position)
    before = door.take("update", "snapshot")
    behind.market("SSI", 1)
    after = door.take("update", "snapshot")

    assert before == []
    assert [(message["type"], message["data"]) for message in after] == [("update", {})]


def test_a_replica_that_stays_behind_answers_with_what_it_has_after_two_seconds() -> None:
    ahead, behind = FakePublisher(), FakePublisher()
    ahead.market("SSI", 1)
    position = ahead.client("market").take("snapshot")[0]["position"]

    door = behind.client("market", since=position)
    behind.clock.advance(2.1)
    behind.hub.tick()

    assert [message["type"] for message in door.take("update", "snapshot")] == ["snapshot"]


def test_a_client_that_comes_before_anything_is_loaded_gets_the_snapshot_when_it_is() -> None:
    publisher = FakePublisher(epoch="")
    door = publisher.client("market")
    first = door.take()

    publisher.load(EPOCH, 5, {Channel.MARKET: {"SSI": {"last": 1}}})

    assert [message["type"] for message in first] == ["status"]
    assert [message["type"] for message in door.take("snapshot", "update")] == ["snapshot"]


def test_nothing_is_shown_of_a_larger_change_before_its_last_part_and_what_was_before_it_still_is() -> None:
    publisher = FakePublisher()
    publisher.market("SSI", 0)
    door = publisher.client("market")
    door.take()

    publisher.commit({Channel.MARKET: {"SSI": {"last": 1}}}, more=True)
    publisher.clock.advance(5)
    early = door.take("update")
    late = publisher.client("market")
    joined_early = late.take("snapshot")
    publisher.commit({Channel.MARKET: {"VNM": {"last": 2}}})
    publisher.clock.advance(1)

    assert early == []
    assert joined_early[0]["data"] == {"SSI": {"last": 0, "reference": 100}}
    assert [door.take("update")[0]["data"], late.take("update")[0]["data"]] == [
        {"SSI": {"last": 1}, "VNM": {"last": 2}}
    ] * 2


def test_a_larger_change_whose_rest_never_comes_leaves_everybody_with_the_last_whole_table() -> None:
    publisher = FakePublisher()
    publisher.market("SSI", 0)
    publisher.commit({Channel.MARKET: {"SSI": {"last": 1}}}, more=True)

    late = publisher.client("market")
    publisher.load("20261123-bbbbbb", 1, {Channel.MARKET: {"SSI": {"last": 0}}})
    publisher.clock.advance(1)

    assert [message["data"]["SSI"]["last"] for message in late.take("snapshot")] == [0, 0]


def test_a_client_that_does_not_read_costs_no_frames_and_is_brought_to_now_when_it_reads() -> None:
    publisher = FakePublisher()
    slow, fast = publisher.client("market"), publisher.client("market")
    slow.take(), fast.take()
    pause(slow, publisher)

    for last in range(1, 6):
        publisher.market("SSI", last)
        publisher.clock.advance(0.5)
    drain(slow, publisher)
    publisher.clock.advance(0.5)

    assert [message["data"]["SSI"]["last"] for message in slow.take("update")] == [5]
    assert [message["data"]["SSI"]["last"] for message in fast.take("update")] == [1, 2, 3, 4, 5]


def tick_for(publisher: FakePublisher, seconds: float) -> None:
    """Let time pass as in a process."""
    for _ in range(round(seconds * 10)):
        publisher.clock.advance(0.1)
        publisher.hub.tick()


def test_a_client_that_does_not_read_for_long_is_closed() -> None:
    publisher = FakePublisher()
    door = publisher.client("market")
    pause(door, publisher)

    publisher.clock.advance(31)
    publisher.hub.tick()

    assert door.closed == (1013, "too slow")


def test_a_client_that_asks_and_does_not_read_is_closed() -> None:
    publisher = FakePublisher()
    door = publisher.client("market")
    pause(door, publisher)

    for number in range(40):
        publisher.say(door, type="ping", id=number)

    assert door.closed == (1008, "asks more than it reads")


def test_a_paused_client_gets_the_newest_status_when_it_reads_again() -> None:
    publisher = FakePublisher()
    publisher.live()
    door = publisher.client("market")
    door.take()
    pause(door, publisher)
    for state in ("down", "live", "stale"):
        publisher.commit({Channel.STATUS: {"feed": {"state": state, "reason": state}}})
        publisher.clock.advance(1.5)

    drain(door, publisher)

    assert [message["feed"] for message in door.take("status")] == ["stale"]


@pytest.mark.parametrize("turn_bytes", [turns.TURN_BYTES, 1])
def test_who_was_slow_for_a_moment_reads_the_facts_of_all_channels_before_the_status_that_follows_them(
    monkeypatch: pytest.MonkeyPatch, turn_bytes: int
) -> None:
    monkeypatch.setattr(turns, "TURN_BYTES", turn_bytes)
    publisher = FakePublisher()
    publisher.live()
    door = publisher.client("market", interval="100")
    publisher.say(door, type="subscribe", channel="index", interval=100)
    publisher.clock.advance(2)
    door.take()

    door.paused_since_s = publisher.clock.time()
    publisher.commit({Channel.MARKET: {"SSI": {"last": 1}}, Channel.INDEX: {"VNINDEX": {"value": 1}}})
    publisher.clock.advance(0.2)
    publisher.commit({Channel.STATUS: {"feed": {"state": "down", "reason": "lost"}}})
    publisher.clock.advance(0.5)
    door.paused_since_s = None
    publisher.hub.drained(door)
    publisher.clock.advance(0.5)

    assert [message["type"] for message in door.take()] == ["update", "update", "status"]


def test_a_status_comes_to_a_client_that_takes_one_frame_at_a_time_and_is_always_behind() -> None:
    publisher = FakePublisher()
    publisher.live()
    door = publisher.client("market", interval="100")
    publisher.clock.advance(2)
    door.take()

    door.paused_since_s = publisher.clock.time()
    publisher.market("SSI", 0)
    publisher.commit({Channel.STATUS: {"feed": {"state": "down", "reason": "lost"}}})
    publisher.clock.advance(1)
    for last in (1, 2):
        publisher.market("SSI", last)
        publisher.clock.advance(1)
        door.paused_since_s, door.pause_after = None, 1
        publisher.hub.drained(door)
        publisher.clock.advance(0)

    assert [message["type"] for message in door.take()] == ["update", "status"]


def test_facts_reach_clients_before_the_status_that_follows_them() -> None:
    publisher = FakePublisher()
    publisher.live()
    door = publisher.client("market")
    publisher.market("SSI", 1)
    publisher.market("SSI", 2)
    door.take()

    publisher.commit({Channel.STATUS: {"feed": {"state": "down", "reason": "x"}}})

    assert [message["type"] for message in door.take()] == ["update", "status"]


def test_what_waits_for_the_end_of_its_interval_leaves_before_the_close_is_told() -> None:
    publisher = FakePublisher()
    publisher.live()
    publisher.commit({Channel.STATUS: {"HOSE": {"phase": "continuous"}}})
    publisher.clock.advance(2)
    door = publisher.client("market", interval="5000")
    publisher.market("SSI", 1)
    publisher.market("SSI", 2)
    door.take()

    publisher.commit({Channel.STATUS: {"HOSE": {"phase": "closed"}}})

    update, status = door.take()
    assert (update["type"], update["data"]["SSI"]["last"]) == ("update", 2)
    assert (status["type"], status["phases"]) == ("status", {"HOSE": "closed"})


def test_a_road_that_is_sound_again_is_told_after_the_data_of_the_load() -> None:
    publisher = FakePublisher()
    publisher.live()
    door = publisher.client("market")
    publisher.hub.link(Link(Broker.DOWN, Ingest.SILENT))
    publisher.clock.advance(2)
    door.take()

    before, after = (Head("20261123-bbbbbb", rev, "c", 1_795_405_337_000, "server", more=False) for rev in (5, 6))
    rows = {
        Channel.MARKET: entries([("SSI", {"last": 1}, 5)]),
        Channel.STATUS: entries([("feed", {"state": "live", "reason": None}, 5)]),
    }
    publisher.hub.changed(publisher.replica.load(before, rows, after))  # what was committed meanwhile is still to come
    publisher.hub.link(Link(Broker.LIVE, Ingest.LIVE))
    publisher.clock.advance(2)
    early = door.take()
    publisher.market("SSI", 2)

    assert early == []
    assert [message["type"] for message in door.take()] == ["snapshot", "status"]


def test_a_flapping_status_is_told_once_a_second_and_the_newest_arrives() -> None:
    publisher = FakePublisher()
    publisher.live()
    door = publisher.client()
    door.take()

    for number in range(20):
        state = "live" if number % 2 else "down"
        publisher.commit({Channel.STATUS: {"feed": {"state": state, "reason": None}}})
        publisher.clock.advance(0.05)
    publisher.commit({Channel.STATUS: {"feed": {"state": "stale", "reason": None}}})
    publisher.clock.advance(2)

    told = [message["feed"] for message in door.take("status")]
    assert len(told) <= 3
    assert told[-1] == "stale"


def big_rows(count: int) -> dict[str, Row | None]:
    return {f"S{number:04}": {"last": number, "text": "x" * 500} for number in range(count)}


def test_no_frame_is_larger_than_64_kb_and_the_parts_make_the_whole() -> None:
    publisher = FakePublisher(epoch="")
    publisher.load(EPOCH, 5, {Channel.MARKET: big_rows(1000)})

    door = publisher.client("market")

    parts = door.messages("snapshot")
    assert max(map(len, door.frames)) <= 64_000
    assert [part["part"] for part in parts] == list(range(1, len(parts) + 1))
    assert {part["parts"] for part in parts} == {len(parts)}
    assert sum(len(part["data"]) for part in parts) == 1000


def test_a_snapshot_in_parts_goes_on_where_the_client_stopped_reading() -> None:
    publisher = FakePublisher(epoch="")
    publisher.load(EPOCH, 5, {Channel.MARKET: big_rows(1000)})
    door, held = FakeDoor(), TableClient()
    door.pause_after = 3
    publisher.hub.join(door)
    publisher.say(door, type="subscribe", channel="market")

    publisher.market("S0001", 777)
    for _ in range(20):
        publisher.clock.advance(0.5)
        drain(door, publisher)
    for message in door.take():
        held.take(message)

    assert len(held.rows) == 1000
    assert held.rows["S0001"]["last"] == 777
    assert held.rev == publisher.replica.rev


def test_fields_mode_carries_the_changed_fields_only() -> None:
    publisher = FakePublisher()
    publisher.market("SSI", 1)
    door = publisher.client("market", mode="fields")
    door.take()

    publisher.market("SSI", 2)

    assert door.take("update")[0]["data"] == {"SSI": {"last": 2}}


def test_snapshot_mode_repeats_the_whole_selection() -> None:
    publisher = FakePublisher()
    publisher.market("SSI", 1)
    door = publisher.client("market", mode="snapshot", keys="SSI,VNM")
    door.take()

    publisher.market("VNM", 2)

    assert [sorted(message["data"]) for message in door.take("snapshot")] == [["SSI", "VNM"]]


def test_snapshot_mode_is_refused_for_large_selections() -> None:
    publisher = FakePublisher(epoch="")
    publisher.load(EPOCH, 5, {Channel.MARKET: big_rows(501)})

    door = publisher.client("market", mode="snapshot")

    assert door.messages("error")[0]["code"] == "too_many_rows"


def test_a_removed_row_is_told_as_null_and_left_out_of_snapshots() -> None:
    publisher = FakePublisher()
    publisher.market("OLD", 1)
    door = publisher.client("market")
    door.take()

    publisher.commit({Channel.MARKET: {"OLD": None}})
    publisher.clock.advance(1)

    assert door.take("update")[0]["data"] == {"OLD": None}
    assert publisher.client("market").take("snapshot")[0]["data"] == {}


def test_a_group_selects_its_members_and_a_change_of_it_brings_a_snapshot() -> None:
    publisher = FakePublisher()
    publisher.commit({Channel.GROUPS: {"VN30": {"keys": ["SSI"]}}})
    publisher.market("SSI", 1)
    publisher.market("VNM", 2)
    door = publisher.client("market", keys="@VN30")
    position = door.messages("snapshot")[0]["position"]
    first = door.take("snapshot")

    publisher.commit({Channel.GROUPS: {"VN30": {"keys": ["VNM"]}}})
    publisher.clock.advance(1)

    assert list(first[0]["data"]) == ["SSI"]
    assert [list(message["data"]) for message in door.take("snapshot")] == [["VNM"]]
    late = publisher.client("market", keys="@VN30", since=position)
    assert [message["type"] for message in late.take("snapshot", "update")] == ["snapshot"]


def test_a_view_with_nothing_to_send_tells_its_position_after_ten_seconds() -> None:
    publisher = FakePublisher()
    publisher.market("SSI", 1)
    door = publisher.client("market", keys="SSI")
    door.take()
    publisher.market("VNM", 2)

    publisher.clock.advance(10.1)
    publisher.hub.tick()

    (update,) = door.take("update")
    assert (update["from"], update["rev"], update["data"]) == (2, 3, {})


def test_heartbeats_come_in_their_interval() -> None:
    publisher = FakePublisher()
    door = publisher.client()
    door.take()

    publisher.clock.advance(15.1)
    publisher.hub.tick()
    publisher.hub.tick()

    assert [message["type"] for message in door.take()] == ["heartbeat"]


def test_data_is_as_good_as_a_heartbeat_and_one_comes_in_time_when_there_is_none() -> None:
    publisher = FakePublisher()
    door = publisher.client("market", interval="1000")
    publisher.market("SSI", 0)
    tick_for(publisher, 1)

    for last in range(1, 61):
        publisher.market("SSI", last)
        tick_for(publisher, 1)
    fed = door.take("heartbeat", "update")
    tick_for(publisher, 14)
    idle = door.take("heartbeat")
    tick_for(publisher, 14)

    assert [message["type"] for message in fed].count("heartbeat") == 0
    assert len(fed) >= 60
    assert (len(idle), len(door.take("heartbeat"))) == (1, 1)


def test_a_client_for_which_nothing_is_due_is_not_looked_at() -> None:
    publisher = FakePublisher()
    door = publisher.client("market")
    door.asks_after_s = 20

    tick_for(publisher, 60)

    assert door.asked in range(3, 9)  # heartbeats are occasions too
    assert len(door.messages("heartbeat")) == 4


def test_a_client_that_stops_reading_between_two_looks_is_closed_in_time() -> None:
    publisher = FakePublisher()
    door = publisher.client("market")
    door.asks_after_s = 1000
    tick_for(publisher, 17)
    pause(door, publisher)

    tick_for(publisher, 29)
    before = door.closed
    tick_for(publisher, 2.5)

    assert (before, door.closed) == (None, (1013, "too slow"))


def test_a_new_epoch_brings_every_client_a_snapshot() -> None:
    publisher = FakePublisher()
    publisher.market("SSI", 1)
    door = publisher.client("market")
    door.take()

    publisher.load("20261124-bbbbbb", 1, {Channel.MARKET: {"VNM": {"last": 9}}})
    publisher.clock.advance(1)

    (snapshot,) = door.take("snapshot", "update")
    assert (snapshot["epoch"], list(snapshot["data"])) == ("20261124-bbbbbb", ["VNM"])


@pytest.mark.parametrize("parts_written", [0, 1])
def test_an_answer_that_a_new_epoch_overtakes_still_has_the_id_of_its_request(parts_written: int) -> None:
    publisher = FakePublisher()
    publisher.commit({Channel.MARKET: big_rows(300)})
    door = publisher.client()
    door.take()
    door.pause_after = parts_written
    if parts_written == 0:
        pause(door, publisher)
    publisher.say(door, type="subscribe", channel="market", id=7)
    early = door.take()
    door.paused_since_s = publisher.clock.time()

    publisher.load("20261123-bbbbbb", 1, {Channel.MARKET: {"SSI": {"last": 1}}})
    publisher.clock.advance(1)
    drain(door, publisher)
    publisher.market("SSI", 2)
    publisher.clock.advance(1)

    answer, update = door.take("snapshot", "update")
    assert len(early) == parts_written
    assert (answer["id"], answer["data"]) == (7, {"SSI": {"last": 1}})
    assert "id" not in update


def test_a_value_that_went_and_came_back_across_a_load_is_sent_all_the_same() -> None:
    publisher = FakePublisher()
    publisher.market("SSI", 1)
    door = publisher.client("market", mode="fields")
    door.take()

    head = Head(EPOCH, 9, "c", 0, "server", more=False)
    publisher.hub.changed(
        publisher.replica.load(head, {Channel.MARKET: entries([("SSI", {"last": 1, "reference": 100}, 9)])}, head)
    )
    publisher.clock.advance(1)

    assert door.take("update")[0]["data"] == {"SSI": {"last": 1, "reference": 100}}


STEPS = st.lists(
    st.one_of(
        st.tuples(st.just("set"), st.sampled_from("ABC"), st.integers(0, 3)),
        st.tuples(st.just("remove"), st.sampled_from("ABC"), st.just(0)),
        st.tuples(st.just("wait"), st.just(""), st.integers(1, 8)),
        st.tuples(st.just("pause"), st.just(""), st.just(0)),
        st.tuples(st.just("drain"), st.just(""), st.just(0)),
        st.tuples(st.just("return"), st.just(""), st.just(0)),
    ),
    max_size=40,
)


@given(steps=STEPS, mode=st.sampled_from(["rows", "fields", "snapshot"]))
@settings(max_examples=200, deadline=None)
def test_a_client_ends_with_the_table_whatever_happened_on_the_way(steps: list[Any], mode: str) -> None:
    publisher = FakePublisher()
    keys = {"keys": "A,B,C"} if mode == "snapshot" else {}
    door, held = publisher.client("market", mode=mode, **keys), TableClient()
    expected: dict[str, dict[str, int]] = {}
    for step, key, number in steps:
        if step == "set":
            expected[key] = {"last": number, "fixed": 1}
            publisher.commit({Channel.MARKET: {key: {"last": number, "fixed": 1}}})
        elif step == "remove":
            expected.pop(key, None)
            publisher.commit({Channel.MARKET: {key: None}})
        elif step == "wait":
            publisher.clock.advance(number / 10)
        elif step == "pause":
            pause(door, publisher)
        elif step == "drain":
            drain(door, publisher)
        elif step == "return":
            for message in door.take():
                held.take(message)
            publisher.hub.leave(door)
            since = {"since": held.position} if held.position else {}
            door = publisher.client("market", mode=mode, **keys, **since)
    drain(door, publisher)
    publisher.clock.advance(2)

    for message in door.take():
        held.take(message)

    assert held.rows == expected


def test_a_flush_is_late_only_by_what_it_came_after_its_turn() -> None:
    publisher = FakePublisher()
    publisher.client("market")

    publisher.clock.advance(60)  # a quiet minute is no lateness
    publisher.market("SSI", 1)
    publisher.market("SSI", 2)
    publisher.clock.timers[-1].when += 0.3  # the loop has other things to do
    publisher.clock.advance(1)

    assert publisher.value("publisher_flush_late_seconds_count") == 2
    assert publisher.value("publisher_flush_late_seconds_sum") == pytest.approx(0.3)


def test_a_snapshot_for_who_joins_is_never_older_than_what_the_others_were_told_last() -> None:
    publisher = FakePublisher()
    publisher.market("SSI", 1)
    publisher.client("market")
    publisher.commit({Channel.INDEX: {"VNINDEX": {"value": 1}}})  # another channel: the market's rows stay as they are
    publisher.clock.advance(11)
    publisher.hub.tick()

    joined = publisher.client("market")
    table = TableClient()
    for message in joined.take():
        table.take(message)
    publisher.market("SSI", 2)
    publisher.clock.advance(1)
    for message in joined.take():
        table.take(message)  # fails if the update does not continue the snapshot

    assert table.rows["SSI"]["last"] == 2


def test_who_asks_for_the_same_again_while_a_flush_is_due_goes_on_getting_updates() -> None:
    publisher = FakePublisher()
    door = publisher.client("market", keys="SSI")
    publisher.market("SSI", 1)
    publisher.market("SSI", 2)  # waits for the end of the window

    publisher.say(door, type="subscribe", channel="market", keys=["SSI"])
    door.take()
    publisher.clock.advance(1)
    publisher.market("SSI", 3)
    publisher.clock.advance(1)

    assert door.take("update")[-1]["data"]["SSI"]["last"] == 3


@pytest.mark.parametrize("mode", ["rows", "fields"])
def test_a_client_stalled_inside_a_large_delivery_keeps_none_of_it_and_ends_with_the_table(
    mode: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(kept_frames, "MAX_BYTES", 200_000)
    publisher = FakePublisher()
    rows: dict[str, Row | None] = {f"S{n:03}": {"last": n, "filler": "x" * 900} for n in range(300)}
    publisher.commit({Channel.MARKET: rows})
    door, table = FakeDoor(), TableClient()
    door.pause_after = 2  # the status and one part
    publisher.hub.join(door, query=AddressQuery("market", mode=mode))
    door.paused_since_s = publisher.clock.time()

    (subscription,) = publisher.hub._clients[door].subscriptions.values()
    kept = subscription.delivery.parts.frames if subscription.delivery else None
    publisher.commit(
        {Channel.MARKET: {"S299": {"last": 9, "filler": "y"}, "S298": None, "NEW": {"last": 1, "filler": ""}}}
    )
    drain(door, publisher)
    publisher.clock.advance(2)
    messages = door.take()
    for message in messages:
        table.take(message)

    assert kept == []
    assert publisher.value("publisher_kept_frame_bytes") <= 200_000
    assert publisher.value("publisher_frames_remade_total", channel="market") == 9
    assert [(m["part"], m["parts"]) for m in messages if "part" in m] == [(n, 9) for n in range(1, 10)]
    assert table.rows == dict(publisher.replica.tables[Channel.MARKET].live())


def test_clients_are_told_whether_the_prices_are_invented() -> None:
    publisher = FakePublisher()
    door = publisher.client()

    publisher.commit({Channel.STATUS: {"feed": {"state": "live", "reason": None, "simulated": True}}})
    publisher.clock.advance(2)

    assert [message["simulated"] for message in door.take("status")] == [False, True]


def test_clients_are_told_the_time_of_a_recording_that_is_played() -> None:
    publisher = FakePublisher()
    door = publisher.client()

    for replay_time in (1_795_405_337_000, None):
        feed: Row = {"state": "live", "reason": None, "replay_time": replay_time}
        publisher.commit({Channel.STATUS: {"feed": feed}})
        publisher.clock.advance(2)

    assert [message["replay_time"] for message in door.take("status")] == [None, 1_795_405_337_000, None]


@pytest.mark.parametrize("leaves_first", [False, True])
def test_who_asks_again_while_a_snapshot_is_on_its_way_gets_a_whole_one_whatever_it_says_it_holds(
    leaves_first: bool,  # noqa: FBT001 (as pytest calls it)
) -> None:
    publisher = FakePublisher()
    publisher.commit({Channel.MARKET: big_rows(300)})
    door, table = publisher.client("market"), TableClient()
    for message in door.take():
        table.take(message)
    door.pause_after = 1
    publisher.say(door, type="subscribe", channel="market")  # its first part is written, and not read yet
    drain(door, publisher)

    door.pause_after = 1
    publisher.say(door, type="subscribe", channel="market")
    if leaves_first:
        publisher.say(door, type="unsubscribe", channel="market")
    publisher.say(door, type="subscribe", channel="market", since=table.position)
    for _ in range(20):
        drain(door, publisher)
        publisher.clock.advance(0.5)
    for message in door.take():
        table.take(message)

    assert table.rows == dict(publisher.replica.tables[Channel.MARKET].live())


def test_a_long_list_of_what_are_no_keys_is_told_by_its_first_fault() -> None:
    publisher = FakePublisher()
    door = publisher.client()
    door.take()

    publisher.say(door, type="subscribe", channel="market", keys=[1, 2, 3])

    (error,) = door.take()
    assert error["message"].startswith("keys.0")


def test_a_position_that_is_no_ones_does_not_let_its_client_wait() -> None:
    publisher = FakePublisher()
    publisher.market("SSI", 1)

    door = publisher.client("market", since=f"{EPOCH}.999.00000000")

    assert [message["type"] for message in door.take("snapshot", "update")] == ["snapshot"]


@pytest.mark.parametrize("unsubscribes", [False, True])
def test_a_position_of_the_next_epoch_is_worth_nothing_after_a_snapshot_of_this_one(*, unsubscribes: bool) -> None:
    ahead = FakePublisher(NEXT_DAY)
    ahead.commit({Channel.MARKET: {"SSI": {"last": 1}, "VNM": {"last": 2}}})
    seen = ahead.client("market")
    (held,) = seen.take("snapshot")
    behind = FakePublisher()
    behind.commit({Channel.MARKET: {"OLD": {"last": 5}}})

    # It comes from the replica that is ahead, is given a snapshot, and asks once more before it reads that.
    door = behind.client("market", since=held["position"])
    if unsubscribes:
        behind.say(door, type="unsubscribe", channel="market")
    behind.load(NEXT_DAY, 1)
    behind.commit({Channel.MARKET: {"SSI": {"last": 1}, "VNM": {"last": 2}}})
    behind.say(door, type="subscribe", channel="market", since=held["position"])
    behind.clock.advance(1)

    table = TableClient()
    for message in door.take("snapshot", "update"):
        table.take(message)
    assert table.rows == {"SSI": {"last": 1}, "VNM": {"last": 2}}


def test_a_position_of_keys_is_worth_nothing_after_a_table_of_other_keys() -> None:
    publisher, table = FakePublisher(), TableClient()
    publisher.commit({Channel.MARKET: {"SSI": {"last": 1}, "VNM": {"last": 2}}})
    door = publisher.client("market", keys="SSI")
    for message in door.take():
        table.take(message)

    # There and back again, before it reads anything.
    publisher.say(door, type="subscribe", channel="market", keys=["VNM"])
    publisher.say(door, type="subscribe", channel="market", keys=["SSI"], since=table.position)
    for message in door.take():
        table.take(message)

    assert table.rows == {"SSI": {"last": 1}}


def test_who_asks_again_before_anything_was_written_keeps_its_position() -> None:
    publisher = FakePublisher()
    publisher.commit({Channel.MARKET: big_rows(300)})
    seen = publisher.client("market")
    held = seen.take("snapshot")[-1]["position"]
    publisher.commit({Channel.MARKET: {"S0001": {"last": 777}}})
    door = publisher.client()
    door.take()
    pause(door, publisher)

    for _ in range(3):
        publisher.say(door, type="subscribe", channel="market", since=held)
    drain(door, publisher)
    publisher.clock.advance(1)

    (update,) = door.take("snapshot", "update")
    assert (update["type"], list(update["data"])) == ("update", ["S0001"])
