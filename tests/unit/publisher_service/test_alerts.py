"""The channel without an interval: what clients of `alerts` get, and when."""

import pytest

from shared.channels import Channel
from tests.fakes.publisher import FakePublisher

RING = 200


def alert(publisher: FakePublisher, number: int) -> None:
    """The ingest tells one."""
    publisher.commit({Channel.ALERTS: {f"alert#{number % RING}": {"number": number, "symbol": "SSI"}}})
    publisher.clock.advance(0.001)


@pytest.mark.parametrize("interval", [None, "100", "5000"])
def test_each_alert_leaves_at_once_whatever_interval_is_asked_for(interval: str | None) -> None:
    publisher = FakePublisher()
    door = publisher.client("alerts", **({} if interval is None else {"interval": interval}))
    (snapshot,) = door.take("snapshot")

    told = []
    for number in range(1, 11):
        alert(publisher, number)
        told.append([row["number"] for message in door.take("update") for row in message["data"].values()])

    assert snapshot["interval"] == 0
    assert told == [[number] for number in range(1, 11)]


def test_other_channels_keep_their_interval() -> None:
    publisher = FakePublisher()
    door = publisher.client("market", interval="500")

    for last in range(10):
        publisher.market("SSI", last)
        publisher.clock.advance(0.001)

    assert len(door.take("update")) == 1


def test_who_comes_gets_all_that_are_retained_and_who_comes_back_those_it_missed() -> None:
    publisher = FakePublisher()
    for number in range(1, RING + 51):
        alert(publisher, number)
    door = publisher.client("alerts")
    parts = door.take("snapshot")
    publisher.hub.leave(door)
    for number in range(RING + 51, RING + 54):
        alert(publisher, number)

    again = publisher.client("alerts", since=parts[-1]["position"])

    held = sorted(row["number"] for part in parts for row in part["data"].values())
    missed = sorted(row["number"] for message in again.take("update") for row in message["data"].values())
    assert held == list(range(51, RING + 51))
    assert missed == [RING + 51, RING + 52, RING + 53]


def test_a_client_that_did_not_read_is_told_what_it_missed_up_to_the_size_of_the_ring() -> None:
    publisher = FakePublisher()
    door = publisher.client("alerts")
    door.take()

    door.paused_since_s = publisher.clock.time()
    for number in range(1, RING + 31):
        alert(publisher, number)
    door.paused_since_s = None
    publisher.hub.drained(door)
    publisher.clock.advance(0.1)

    numbers = sorted(row["number"] for message in door.take("update") for row in message["data"].values())
    assert numbers == list(range(31, RING + 31))
