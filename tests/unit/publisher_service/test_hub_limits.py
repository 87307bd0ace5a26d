"""When the hub ends a connection or refuses a request by itself: rates, ages, tokens, scopes."""

import time
from itertools import pairwise

import pytest

from publisher_service.core.grant import Grant, InvalidToken, parse_scope
from publisher_service.core.requests import AddressQuery
from publisher_service.hub import TOKEN_DEADLINE_S
from shared.channels import Channel
from tests.fakes.door import FakeDoor
from tests.fakes.publisher import FakePublisher

TOKENS = {
    "everything": Grant(),
    "market only": Grant(None, parse_scope("market")),
    "vn30 only": Grant(None, parse_scope("market:@VN30")),
}


def read_token(token: str) -> Grant:
    """As the real one, but the tokens are written in plain text: a name above, or seconds to live."""
    if token.isdecimal():
        return Grant(expires_ms=time.time_ns() // 1_000_000 + int(token) * 1000)
    if token not in TOKENS:
        raise InvalidToken("the token is not valid")
    return TOKENS[token]


@pytest.fixture
def guarded() -> FakePublisher:
    """A hub that reads tokens, with a group and prices."""
    publisher = FakePublisher(read_token=read_token)
    publisher.commit({Channel.GROUPS: {"VN30": {"keys": ["SSI", "VNM"]}}})
    publisher.market("SSI", 1)
    publisher.market("FPT", 2)
    return publisher


def kinds(door: FakeDoor) -> list[str]:
    return [message["type"] for message in door.take()]


# ---------------------------------------------------------------------------------------------------------- messages


def test_a_client_that_sends_more_messages_than_it_may_is_closed_with_4429() -> None:
    publisher = FakePublisher(messages_per_s=5)
    door = publisher.client()
    other = publisher.client()

    for _ in range(11):
        publisher.say(door, type="ping")

    assert door.closed is not None
    assert door.closed[0] == 4429
    assert "MESSAGES_PER_S" in door.closed[1]
    assert kinds(door).count("pong") == 10
    assert other.closed is None


def test_a_client_that_keeps_to_the_rate_may_go_on_for_ever() -> None:
    publisher = FakePublisher(messages_per_s=5)
    door = publisher.client()

    for _ in range(100):
        publisher.say(door, type="ping")
        publisher.clock.advance(0.2)

    assert (door.closed, kinds(door).count("pong")) == (None, 100)


# -------------------------------------------------------------------------------------------------------------- ages


def test_a_connection_of_the_greatest_age_is_sent_to_another_replica_and_not_all_in_the_same_moment() -> None:
    publisher = FakePublisher(max_age_s=100)
    doors = [publisher.client("market") for _ in range(200)]
    ends = []

    for _ in range(140):
        publisher.clock.advance(1)
        publisher.hub.tick()
        ends.append(sum(door.closed is not None for door in doors))

    assert ends[78] == 0
    assert ends[121] == 200
    assert max(later - before for before, later in pairwise(ends)) < 30
    assert all(door.closed is not None and door.closed[0] == 1012 for door in doors)
    assert all(door.messages("goodbye") for door in doors)
    assert publisher.value("publisher_rebalanced_total") == 200


def test_without_a_greatest_age_connections_stay() -> None:
    publisher = FakePublisher()
    door = publisher.client("market")

    publisher.clock.advance(10_000_000)
    publisher.hub.tick()

    assert door.closed is None


# ------------------------------------------------------------------------------------------------------------ tokens


def test_a_connection_ends_with_its_token(guarded: FakePublisher) -> None:
    door = guarded.holder(read_token("60"), "market")

    guarded.clock.advance(58)
    guarded.hub.tick()
    before = door.closed
    guarded.clock.advance(3)
    guarded.hub.tick()

    assert before is None
    assert door.closed == (4401, "the token has expired")


def test_a_token_can_be_renewed_in_band(guarded: FakePublisher) -> None:
    door = guarded.holder(read_token("60"), "market")

    guarded.say(door, type="auth", id=7, token="600")
    guarded.clock.advance(120)
    guarded.hub.tick()

    assert {"type": "authenticated", "id": 7} in door.messages("authenticated")
    assert door.closed is None


def test_a_token_that_ends_earlier_than_the_one_before_counts_as_well(guarded: FakePublisher) -> None:
    door = guarded.holder(read_token("600"), "market")
    door.asks_after_s = 1000
    guarded.hub.tick()

    guarded.say(door, type="auth", id=7, token="5")
    for _ in range(7):
        guarded.clock.advance(1)
        guarded.hub.tick()

    assert door.closed == (4401, "the token has expired")


def test_a_renewal_that_is_not_valid_is_an_error_and_the_old_token_counts_on(guarded: FakePublisher) -> None:
    door = guarded.holder(read_token("60"), "market")

    guarded.say(door, type="auth", id=7, token="forged")
    guarded.clock.advance(30)
    guarded.hub.tick()
    before = door.closed
    guarded.clock.advance(31)
    guarded.hub.tick()

    (error,) = door.messages("error")
    assert (error["code"], error["id"]) == ("invalid_token", 7)
    assert "forged" not in error["message"]
    assert (before, door.closed and door.closed[0]) == (None, 4401)


def test_a_narrower_token_ends_the_subscriptions_beyond_it(guarded: FakePublisher) -> None:
    door = guarded.holder(TOKENS["everything"], "market")
    guarded.say(door, type="subscribe", id=2, channel="index")
    door.take()

    guarded.say(door, type="auth", token="market only")
    guarded.commit({Channel.INDEX: {"VNINDEX": {"value": 1}}, Channel.MARKET: {"SSI": {"last": 9}}})
    guarded.clock.advance(1)

    messages = door.take()
    assert [(m["code"], m["id"]) for m in messages if m["type"] == "error"] == [("forbidden", 2)]
    assert [m["channel"] for m in messages if m["type"] == "update"] == ["market"]


def test_an_auth_message_is_answered_where_no_token_is_needed() -> None:
    publisher = FakePublisher()
    door = publisher.client()

    publisher.say(door, type="auth", token="anything")

    assert kinds(door) == ["status", "authenticated"]


def test_a_client_may_say_its_token_first_and_then_hears_the_status_first(guarded: FakePublisher) -> None:
    door = FakeDoor()
    guarded.hub.expect(door)

    guarded.hub.receive(door, '{"type":"auth","id":1,"token":"market only"}')

    status, answer = door.take()
    assert (status["type"], answer) == ("status", {"type": "authenticated", "id": 1})


@pytest.mark.parametrize(
    ("first", "code"),
    [
        ('{"type":"auth","token":"forged"}', "invalid_token"),
        ('{"type":"subscribe","channel":"market"}', "unauthenticated"),
        ('{"type":"ping"}', "unauthenticated"),
        ("garbage", "invalid_json"),
        (None, "binary_message"),
    ],
)
def test_a_client_that_says_anything_else_first_is_closed_with_4401_and_hears_nothing_more(
    guarded: FakePublisher, first: str | None, code: str
) -> None:
    door = FakeDoor()
    guarded.hub.expect(door)

    guarded.hub.receive(door, first)

    assert door.closed is not None
    assert door.closed[0] == 4401
    assert [message.get("code") for message in door.take()] == [code]
    assert guarded.hub.doors == []


def test_a_token_ends_the_connection_of_a_client_that_does_not_read_as_well(guarded: FakePublisher) -> None:
    door = guarded.holder(read_token("20"), "market")
    door.paused_since_s = guarded.clock.time()

    guarded.clock.advance(21)
    guarded.hub.tick()

    assert door.closed == (4401, "the token has expired")


def test_a_client_that_still_has_to_say_its_token_is_sent_away_with_the_others(guarded: FakePublisher) -> None:
    silent, late = FakeDoor(), FakeDoor()
    guarded.hub.expect(silent)
    guarded.hub.expect(late)
    doors = guarded.hub.doors

    guarded.hub.dismiss(silent)
    guarded.hub.stop()
    guarded.hub.receive(late, '{"type":"auth","token":"everything"}')

    assert doors in ([silent, late], [late, silent])
    assert (silent.closed and silent.closed[0], late.closed and late.closed[0]) == (1012, 1012)
    assert guarded.hub.doors == []
    assert silent.messages() == late.messages() == []


def test_the_first_message_of_a_client_that_brought_no_token_is_taken_for_one(guarded: FakePublisher) -> None:
    door, liar = FakeDoor(), FakeDoor()
    guarded.hub.expect(door)
    guarded.hub.expect(liar)

    guarded.hub.receive(door, '{"type":"auth","id":1,"token":"everything"}')
    guarded.hub.receive(liar, '{"type":"ping"}')

    assert [message["type"] for message in door.take()] == ["status", "authenticated"]
    assert liar.closed is not None
    assert liar.closed[0] == 4401


def test_a_client_that_never_says_its_token_is_closed_when_its_time_is_over(guarded: FakePublisher) -> None:
    door = FakeDoor()
    guarded.hub.expect(door)

    guarded.clock.advance(TOKEN_DEADLINE_S - 0.1)
    guarded.hub.tick()
    before = door.closed
    guarded.clock.advance(0.1)
    guarded.hub.tick()

    assert (before, door.closed, guarded.hub.doors) == (None, (4401, "no token was told"), [])


# ------------------------------------------------------------------------------------------------------------ scopes


def test_each_subscription_is_held_against_the_scope_groups_included(guarded: FakePublisher) -> None:
    door = guarded.holder(TOKENS["vn30 only"])
    asked = [["@VN30"], ["SSI"], ["FPT"], None, ["@HNX30"]]

    for number, keys in enumerate(asked):
        guarded.say(door, type="subscribe", id=number, channel="market", keys=keys)
    guarded.say(door, type="subscribe", id=9, channel="index")

    answers = {message["id"]: message.get("code", "granted") for message in door.take("snapshot", "error")}
    forbidden = dict.fromkeys([2, 3, 4, 9], "forbidden")
    assert answers == {0: "granted", 1: "granted"} | forbidden


def test_a_refused_subscription_leaves_the_earlier_one_as_it_is(guarded: FakePublisher) -> None:
    door = guarded.holder(TOKENS["vn30 only"])
    guarded.say(door, type="subscribe", channel="market", keys=["SSI"])
    guarded.say(door, type="subscribe", channel="market", keys=["FPT"])
    door.take()

    guarded.clock.advance(1)
    guarded.market("SSI", 5)

    assert [message["data"]["SSI"]["last"] for message in door.take("update")] == [5]


def test_a_subscription_in_the_address_beyond_the_scope_closes_with_4403(guarded: FakePublisher) -> None:
    door = guarded.holder(TOKENS["vn30 only"], "market", keys="FPT")

    assert door.closed is not None
    assert door.closed[0] == 4403
    assert [message["code"] for message in door.messages("error")] == ["forbidden"]


def test_a_symbol_that_leaves_the_group_that_permitted_it_is_sent_no_more(guarded: FakePublisher) -> None:
    door = guarded.holder(TOKENS["vn30 only"], "market", keys="SSI")
    group = guarded.holder(TOKENS["vn30 only"], "market", keys="@VN30")
    door.take()

    guarded.commit({Channel.GROUPS: {"VN30": {"keys": ["VNM", "FPT"]}}})
    guarded.clock.advance(1)
    guarded.market("SSI", 100)
    guarded.clock.advance(1)

    assert [message["code"] for message in door.messages("error")] == ["forbidden"]
    assert not door.messages("update")
    assert group.closed is None
    assert sorted(group.messages("snapshot")[-1]["data"]) == ["FPT"]


# ------------------------------------------------------------------------------------------------------------ dismiss


def test_a_client_that_is_sent_away_hears_goodbye_and_is_closed_with_1012() -> None:
    publisher = FakePublisher()
    door, slow, other = publisher.client("market"), publisher.client("market"), publisher.client("market")
    slow.paused_since_s = publisher.clock.time()

    publisher.hub.dismiss(door)
    publisher.hub.dismiss(slow)
    publisher.hub.dismiss(door)  # it may have gone by itself

    (goodbye,) = door.messages("goodbye")
    assert 0 <= goodbye["reconnect_after_ms"] < 3000
    assert (door.closed and door.closed[0], slow.closed and slow.closed[0], other.closed) == (1012, 1012, None)
    assert publisher.hub.doors == [other]


def test_what_a_client_is_still_owed_goes_with_the_close_for_doors_that_take_one_frame_at_a_time() -> None:
    publisher = FakePublisher()
    wrong, slow = FakeDoor(), FakeDoor()
    wrong.pause_after = slow.pause_after = 1  # the status is on its way

    publisher.hub.join(wrong, query=AddressQuery("market", mode="video"))
    publisher.hub.join(slow)
    publisher.hub.dismiss(slow)

    assert [word["type"] for door in (wrong, slow) for word in door.last_words] == ["error", "goodbye"]
