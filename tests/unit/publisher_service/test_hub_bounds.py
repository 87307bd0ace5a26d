"""What clients can make a replica keep, or say: bounded, refused beyond, and counted."""

import pytest

from publisher_service.core import view_index
from publisher_service.core.position import MAX_LENGTH
from publisher_service.core.requests import MAX_ID_LENGTH
from shared.channels import Channel
from tests.fakes.publisher import FakePublisher


@pytest.fixture
def publisher() -> FakePublisher:
    """With a group and a few prices."""
    publisher = FakePublisher()
    publisher.commit({Channel.GROUPS: {"VN30": {"keys": ["SSI", "VNM"]}}})
    for symbol in ("SSI", "VNM", "FPT"):
        publisher.market(symbol, 1)
    return publisher


@pytest.mark.parametrize("kind", ["subscribe", "ping", "nonsense"])
def test_an_id_that_is_too_long_is_refused_and_not_repeated(publisher: FakePublisher, kind: str) -> None:
    door = publisher.client()
    door.take()

    publisher.say(door, type=kind, channel="market", id="x" * (MAX_ID_LENGTH + 1))
    publisher.say(door, type="ping", id="x" * MAX_ID_LENGTH)

    refusal, pong = door.take()
    assert (refusal["type"], refusal["code"], refusal.get("id")) == ("error", "invalid_message", None)
    assert (pong["type"], len(pong["id"])) == ("pong", MAX_ID_LENGTH)


def test_a_position_that_is_too_long_is_refused(publisher: FakePublisher) -> None:
    door = publisher.client("market")
    position = door.take("snapshot")[0]["position"]

    publisher.say(door, type="subscribe", channel="market", since=position + "0" * MAX_LENGTH)

    assert [message["code"] for message in door.take()] == ["invalid_position"]


def watched_keys(publisher: FakePublisher) -> float:
    return publisher.value("publisher_watched_keys")


def test_more_keys_than_can_be_watched_are_refused_and_nobody_who_watches_already_is_harmed(
    publisher: FakePublisher, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(view_index, "MAX_WATCHED_KEYS", 4)
    first, late = publisher.client("market", keys="SSI,NONE"), publisher.client("market", keys="FPT")
    first.take()
    late.take()

    publisher.say(late, type="subscribe", channel="market", id=7, keys=["FPT", "@VN30"])
    refusal = late.take()
    publisher.say(late, type="subscribe", channel="market", keys=["SSI", "NONE"])
    publisher.say(publisher.client(), type="subscribe", channel="market")
    shared = late.take()
    publisher.market("SSI", 2)

    assert [(message["id"], message["code"]) for message in refusal] == [(7, "too_many_keys")]
    assert [message["type"] for message in shared] == ["snapshot"]
    assert [door.take()[-1]["data"]["SSI"]["last"] for door in (first, late)] == [2, 2]
    assert publisher.value("publisher_invalid_messages_total", reason="too_many_keys") == 1


def test_keys_are_counted_as_long_as_a_view_watches_them_with_those_of_its_groups(publisher: FakePublisher) -> None:
    counts = [watched_keys(publisher)]

    doors = [publisher.client("market", keys="@VN30,FPT") for _ in range(2)]
    counts.append(watched_keys(publisher))
    publisher.commit({Channel.GROUPS: {"VN30": {"keys": ["SSI", "VNM", "HPG"]}}})
    counts.append(watched_keys(publisher))
    publisher.commit({Channel.GROUPS: {"VN30": None}})
    counts.append(watched_keys(publisher))
    for door in doors:
        publisher.hub.leave(door)
    counts.append(watched_keys(publisher))

    assert counts == [0, 3, 4, 1, 0]


def test_subscriptions_that_wait_for_the_replica_are_counted() -> None:
    publisher = FakePublisher(epoch="")
    doors = [publisher.client("market") for _ in range(3)]
    waiting = publisher.value("publisher_unanswered")

    publisher.load("20261123-aaaaaa", 1)

    assert (waiting, publisher.value("publisher_unanswered")) == (3, 0)
    assert [len(door.take("snapshot")) for door in doors] == [1, 1, 1]
