"""Who is let in, and how many."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from publisher_service.core import admission
from publisher_service.core.admission import Admission, Limits, Reason, Refusal, group

OPEN = Limits(connections=1000, connections_per_address=0, handshakes_per_s=0, handshakes_per_address_per_s=0)


def enter(entrance: Admission, address: str = "192.0.2.1", now_s: float = 0.0) -> Reason | None:
    refusal = entrance.enter(address, now_s)
    return None if refusal is None else refusal.reason


def test_of_many_from_one_address_exactly_as_many_are_let_in_as_may() -> None:
    entrance = Admission(OPEN._replace(connections_per_address=3), 0.0)

    answers = [enter(entrance) for _ in range(5)]

    assert answers == [None, None, None, Reason.ADDRESS_CONNECTIONS, Reason.ADDRESS_CONNECTIONS]
    assert enter(entrance, "192.0.2.2") is None


def test_who_leaves_makes_room_for_one() -> None:
    entrance = Admission(OPEN._replace(connections=2, connections_per_address=2), 0.0)
    for _ in range(2):
        enter(entrance)

    before = enter(entrance, "192.0.2.9")
    entrance.leave("192.0.2.1")
    after = [enter(entrance, "192.0.2.9"), enter(entrance, "192.0.2.9")]

    assert before is Reason.CONNECTIONS
    assert after == [None, Reason.CONNECTIONS]


def test_handshakes_of_an_address_come_in_a_burst_and_then_at_the_rate() -> None:
    entrance = Admission(OPEN._replace(handshakes_per_address_per_s=5), 0.0)

    burst = [enter(entrance) for _ in range(11)]
    later = [enter(entrance, now_s=1.0) for _ in range(6)]

    assert burst == [None] * 10 + [Reason.ADDRESS_HANDSHAKES]
    assert later == [None] * 5 + [Reason.ADDRESS_HANDSHAKES]


def test_handshakes_of_all_addresses_together_are_limited() -> None:
    entrance = Admission(OPEN._replace(handshakes_per_s=2), 0.0)

    answers = [enter(entrance, f"192.0.2.{number}") for number in range(5)]

    assert answers == [None] * 4 + [Reason.HANDSHAKES]


def test_a_rate_below_one_in_two_seconds_permits_one_now_and_then() -> None:
    entrance = Admission(OPEN._replace(handshakes_per_address_per_s=0.2), 0.0)

    answers = [enter(entrance, now_s=at_s) for at_s in (0.0, 1.0, 5.0, 6.0)]

    assert answers == [None, Reason.ADDRESS_HANDSHAKES, None, Reason.ADDRESS_HANDSHAKES]


def test_a_limit_of_zero_is_none() -> None:
    entrance = Admission(OPEN, 0.0)

    assert [enter(entrance) for _ in range(1000)] == [None] * 1000


def test_nobody_is_let_in_while_the_replica_drains() -> None:
    entrance = Admission(OPEN, 0.0)
    entrance.draining = True

    refusal = entrance.enter("192.0.2.1", 0.0)

    assert refusal == Refusal(Reason.DRAINING, 503, "this replica stops; connect again to reach another", 1)


@pytest.mark.parametrize(
    ("reason", "setting"),
    [
        (Reason.CONNECTIONS, "MAX_CONNECTIONS"),
        (Reason.ADDRESS_CONNECTIONS, "MAX_CONNECTIONS_PER_ADDRESS"),
        (Reason.HANDSHAKES, "HANDSHAKES_PER_S"),
        (Reason.ADDRESS_HANDSHAKES, "HANDSHAKES_PER_ADDRESS_PER_S"),
    ],
)
def test_a_refusal_names_the_setting_and_when_to_try_again(reason: Reason, setting: str) -> None:
    limits = {
        Reason.CONNECTIONS: OPEN._replace(connections=1),
        Reason.ADDRESS_CONNECTIONS: OPEN._replace(connections_per_address=1),
        Reason.HANDSHAKES: OPEN._replace(handshakes_per_s=0.5),
        Reason.ADDRESS_HANDSHAKES: OPEN._replace(handshakes_per_address_per_s=0.5),
    }
    entrance = Admission(limits[reason], 0.0)
    entrance.enter("192.0.2.1", 0.0)

    refusal = entrance.enter("192.0.2.1", 0.0)

    assert refusal is not None
    assert refusal.reason is reason
    assert f"({setting})" in refusal.text
    assert refusal.retry_after_s


def test_addresses_of_one_ipv6_customer_are_counted_together() -> None:
    assert group("2001:db8:1:2::1") == group("2001:db8:1:2:ffff::9") != group("2001:db8:1:3::1")
    assert group("::ffff:192.0.2.1") == "192.0.2.1"
    assert group("") == ""


def test_what_is_remembered_of_addresses_is_bounded_and_forgetting_lets_nobody_in_beyond_the_others(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(admission, "MAX_ADDRESSES", 10)
    entrance = Admission(OPEN._replace(handshakes_per_address_per_s=0.5), 0.0)
    for number in range(100):
        enter(entrance, f"192.0.2.{number}")

    newest = enter(entrance, "192.0.2.99")

    assert len(entrance._handshakes_of) <= 10
    assert newest is Reason.ADDRESS_HANDSHAKES


def test_when_there_are_too_many_addresses_the_first_ones_are_forgotten_and_not_all(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(admission, "MAX_ADDRESSES", 10)
    entrance = Admission(OPEN._replace(handshakes_per_address_per_s=0.5), 0.0)
    for number in range(11):
        enter(entrance, f"192.0.2.{number}")

    answers = [enter(entrance, f"192.0.2.{number}") for number in (5, 10, 0)]

    assert answers == [Reason.ADDRESS_HANDSHAKES, Reason.ADDRESS_HANDSHAKES, None]


@given(st.lists(st.tuples(st.booleans(), st.integers(0, 3)), max_size=60))
def test_never_more_are_in_than_may_be_whatever_comes_and_goes(steps: list[tuple[bool, int]]) -> None:
    entrance = Admission(OPEN._replace(connections=5, connections_per_address=2), 0.0)
    inside: list[str] = []

    for comes, number in steps:
        address = f"192.0.2.{number}"
        if comes and enter(entrance, address) is None:
            inside.append(address)
        elif not comes and address in inside:
            inside.remove(address)
            entrance.leave(address)

        assert len(inside) <= 5
        assert all(inside.count(each) <= 2 for each in inside)
