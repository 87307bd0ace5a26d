"""A client holds the table of its keys: after groups, keys and rows changed, while it listened or was away."""

import pytest

from publisher_service.core.views import MAX_SNAPSHOT_MODE_ROWS, Mode
from shared.channels import Channel
from shared.table import JSON, Row
from tests.fakes.door import FakeDoor
from tests.fakes.publisher import EPOCH, FakePublisher
from tests.fakes.table_client import TableClient


def group(*members: JSON) -> dict[Channel, dict[str, Row | None]]:
    return {Channel.GROUPS: {"VN30": {"keys": list(members)}}}


def a_market() -> FakePublisher:
    """SSI, VNM and FPT, and a group that holds SSI."""
    publisher = FakePublisher()
    publisher.commit(group("SSI"))
    for last, symbol in enumerate(("SSI", "VNM", "FPT"), 1):
        publisher.market(symbol, last)
    return publisher


def read(door: FakeDoor, table: TableClient) -> list[str]:
    """Let a client take what came, after the end of its window; the types of it."""
    messages = door.take("snapshot", "update", "error")
    for message in messages:
        table.take(message)
    return [message["type"] for message in messages]


def prices(table: TableClient) -> dict[str, JSON]:
    return {key: row["last"] for key, row in table.rows.items()}


@pytest.mark.parametrize("mode", list(Mode))
def test_a_group_that_changes_while_a_client_watches_brings_the_table_of_its_new_members(mode: Mode) -> None:
    publisher, table = a_market(), TableClient()
    door = publisher.client("market", keys="@VN30,FPT", mode=mode)
    read(door, table)

    publisher.commit(group("VNM"))
    publisher.clock.advance(1)
    publisher.market("SSI", 90)
    publisher.market("VNM", 91)
    publisher.clock.advance(1)
    read(door, table)

    assert prices(table) == {"VNM": 91, "FPT": 3}


@pytest.mark.parametrize("changed", [group("VNM"), group(), {Channel.GROUPS: {"VN30": None}}])
def test_a_group_that_changed_while_a_client_was_away_brings_a_snapshot(
    changed: dict[Channel, dict[str, Row | None]],
) -> None:
    publisher, table = a_market(), TableClient()
    door = publisher.client("market", keys="@VN30,FPT")
    read(door, table)
    publisher.hub.leave(door)
    publisher.commit(changed)

    kinds = read(publisher.client("market", keys="@VN30,FPT", since=table.position), table)

    assert kinds == ["snapshot"]
    assert prices(table) == ({"VNM": 2, "FPT": 3} if changed == group("VNM") else {"FPT": 3})


def test_a_group_that_left_and_came_back_the_same_brings_a_snapshot_to_who_was_away() -> None:
    publisher, table = a_market(), TableClient()
    door = publisher.client("market", keys="@VN30")
    read(door, table)
    publisher.hub.leave(door)
    for members in (group("VNM"), group("SSI")):
        publisher.commit(members)

    kinds = read(publisher.client("market", keys="@VN30", since=table.position), table)

    assert kinds == ["snapshot"]
    assert prices(table) == {"SSI": 1}


def test_a_group_that_others_watch_costs_a_client_no_snapshot() -> None:
    publisher, table = a_market(), TableClient()
    door = publisher.client("market", keys="SSI")
    read(door, table)

    publisher.commit(group("VNM"))
    publisher.market("SSI", 90)
    publisher.clock.advance(1)

    assert read(door, table) == ["update"]
    assert prices(table) == {"SSI": 90}


def test_after_a_second_subscribe_with_other_keys_the_table_is_that_of_the_new_ones() -> None:
    publisher, table = a_market(), TableClient()
    door = publisher.client("market", keys="SSI,VNM")
    read(door, table)
    publisher.market("VNM", 90)

    publisher.say(door, type="subscribe", channel="market", keys=["VNM", "FPT"], since=table.position)
    publisher.market("SSI", 91)
    publisher.market("FPT", 92)
    publisher.clock.advance(1)
    read(door, table)

    assert prices(table) == {"VNM": 90, "FPT": 92}


def test_a_second_subscribe_with_the_same_keys_goes_on_from_the_position_it_names() -> None:
    publisher, table = a_market(), TableClient()
    door = publisher.client("market", keys="SSI,VNM")
    read(door, table)
    publisher.market("FPT", 90)

    publisher.say(door, type="subscribe", channel="market", keys=["VNM", "SSI"], since=table.position)

    assert read(door, table) == ["update"]
    assert prices(table) == {"SSI": 1, "VNM": 2}


@pytest.mark.parametrize("mode", list(Mode))
@pytest.mark.parametrize("away", [False, True])
def test_a_row_that_left_and_came_back_is_whole_for_who_watched_and_for_who_was_away(mode: Mode, *, away: bool) -> None:
    publisher, table = a_market(), TableClient()
    door = publisher.client("market", keys="SSI,VNM", mode=mode)
    read(door, table)
    if away:
        publisher.hub.leave(door)

    publisher.commit({Channel.MARKET: {"SSI": None, "VNM": None}})
    if not away:
        publisher.clock.advance(1)
        read(door, table)
        assert prices(table) == {}
    publisher.commit({Channel.MARKET: {"SSI": {"last": 1, "reference": 100}}})
    publisher.clock.advance(1)
    if away:
        door = publisher.client("market", keys="SSI,VNM", mode=mode, since=table.position)
    read(door, table)

    assert table.rows == {"SSI": {"last": 1, "reference": 100}}


def a_tape() -> FakePublisher:
    """A ring of three keys, of which two are used, beside rows and rings of similar names."""
    publisher = FakePublisher()
    names = ("SSI#0", "SSI#1", "SSIX#0", "SSI")
    publisher.commit({Channel.MARKET: {name: {"last": last} for last, name in enumerate(names)}})
    return publisher


@pytest.mark.parametrize("mode", list(Mode))
@pytest.mark.parametrize("keys", ["SSI", "@VN30"])
def test_a_name_brings_the_ring_of_that_name_whether_it_is_given_or_in_a_group(keys: str, mode: Mode) -> None:
    publisher, table = a_tape(), TableClient()
    publisher.commit(group("SSI"))
    door = publisher.client("market", keys=keys, mode=mode)
    read(door, table)
    before = prices(table)

    publisher.commit({Channel.MARKET: {"SSI#2": {"last": 8}, "SSIX#0": {"last": 9}}})
    publisher.clock.advance(1)
    publisher.commit({Channel.MARKET: {"SSI#0": {"last": 10}}})
    publisher.clock.advance(1)
    read(door, table)

    assert before == {"SSI#0": 0, "SSI#1": 1, "SSI": 3}
    assert prices(table) == {"SSI#0": 10, "SSI#1": 1, "SSI#2": 8, "SSI": 3}


def test_who_returns_to_a_ring_gets_exactly_what_it_missed() -> None:
    publisher, table = a_tape(), TableClient()
    door = publisher.client("market", keys="SSI")
    read(door, table)
    publisher.hub.leave(door)
    publisher.commit({Channel.MARKET: {"SSI#2": {"last": 8}, "SSIX#0": {"last": 9}}})
    publisher.commit({Channel.MARKET: {"SSI#0": {"last": 10}}})

    (update,) = publisher.client("market", keys="SSI", since=table.position).take("update", "snapshot")

    assert (update["type"], update["data"]) == ("update", {"SSI#2": {"last": 8}, "SSI#0": {"last": 10}})


def test_one_key_of_a_ring_can_be_watched_alone() -> None:
    publisher, table = a_tape(), TableClient()
    door = publisher.client("market", keys="SSI#1")
    read(door, table)

    publisher.commit({Channel.MARKET: {"SSI": {"last": 7}, "SSI#0": {"last": 8}, "SSI#1": {"last": 9}}})
    publisher.clock.advance(1)
    read(door, table)

    assert prices(table) == {"SSI#1": 9}


def test_the_rows_of_a_ring_count_where_a_selection_is_too_large_for_snapshot_mode() -> None:
    publisher = FakePublisher(epoch="")
    ring: dict[str, Row | None] = {f"SSI#{number}": {"last": number} for number in range(MAX_SNAPSHOT_MODE_ROWS)}
    publisher.load(EPOCH, 5, {Channel.MARKET: ring})

    door = publisher.client("market", keys="SSI", mode="snapshot")

    assert door.messages("error")[0]["code"] == "too_many_rows"


def test_a_position_of_one_key_with_a_space_is_none_of_two_keys() -> None:
    publisher, table = a_market(), TableClient()
    position = publisher.client("market", keys="SSI VNM").take("snapshot")[0]["position"]

    read(publisher.client("market", keys="SSI,VNM", since=position), table)

    assert prices(table) == {"SSI": 1, "VNM": 2}


@pytest.mark.parametrize("key", ["SSI\0VNM", "SSI\nVNM", "SSI\x7fVNM", "SSI\u2028VNM"])
def test_a_key_with_a_control_character_is_refused(key: str) -> None:
    publisher = a_market()
    door = publisher.client()

    publisher.say(door, type="subscribe", channel="market", keys=[key])

    assert [message["code"] for message in door.messages("error")] == ["invalid_keys"]
