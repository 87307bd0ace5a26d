"""What the Python SDK says, hears and holds, by the client's rule."""

import json
from typing import Any

import pytest

from clients.python.banggia_client.core.session import Session
from clients.python.banggia_client.core.subscription import Subscription, Wish


class Talk:
    """A session with an open connection, as a server sees it."""

    def __init__(self, wish: Wish | None = None) -> None:
        self.session = Session(random=lambda: 0.5)
        self.table: Subscription = self.session.subscribe(wish or Wish("market"))
        self.now_s = 0.0
        self.connect()

    def connect(self, token: str | None = None) -> None:
        self.session.connecting()
        self.session.opened(self.now_s, token)
        self.hear(a_status())

    def hear(self, body: dict[str, Any]) -> None:
        self.last = self.session.receive(json.dumps(body), self.now_s)

    def said(self) -> list[dict[str, Any]]:
        return [json.loads(text) for text in self.session.messages()]

    def answered(self, body: dict[str, Any]) -> None:
        """The one request that is due, and its answer."""
        (request,) = self.said()
        self.hear({**body, "id": request["id"]})


def a_status(**other: Any) -> dict[str, Any]:
    return {"type": "status", "protocol": 1, "connected": True, "feed": "live", "heartbeat_ms": 1000, **other}


def a_snapshot(rev: int, data: dict[str, Any], **other: Any) -> dict[str, Any]:
    head = {"type": "snapshot", "channel": "market", "epoch": "e", "rev": rev, "position": f"e.{rev}.f", "time": rev}
    return {**head, "interval": 500, "data": data, **other}


def an_update(from_rev: int, rev: int, data: dict[str, Any], **other: Any) -> dict[str, Any]:
    head = {"type": "update", "channel": "market", "from": from_rev, "rev": rev, "position": f"e.{rev}.f", "time": rev}
    return {**head, "data": data, **other}


def test_a_snapshot_replaces_and_an_update_merges_and_removes() -> None:
    talk = Talk()
    talk.answered(a_snapshot(5, {"SSI": {"last": 1, "high": 3}, "OLD": {"last": 1}}))

    talk.hear(an_update(4, 8, {"SSI": {"last": 2}, "OLD": None}))

    assert talk.table.rows == {"SSI": {"last": 2, "high": 3}}
    assert (talk.table.rev, talk.table.position, talk.session.table_state(talk.table)) == (8, "e.8.f", "live")


def test_a_row_that_was_taken_out_never_changes() -> None:
    talk = Talk()
    talk.answered(a_snapshot(5, {"SSI": {"last": 1}}))
    row = talk.table.rows["SSI"]

    talk.hear(an_update(5, 6, {"SSI": {"last": 2}}))

    assert (row, talk.table.rows["SSI"]) == ({"last": 1}, {"last": 2})


def test_a_gap_is_asked_for_once_from_the_last_position() -> None:
    talk = Talk()
    talk.answered(a_snapshot(5, {"SSI": {"last": 1}}))

    talk.hear(an_update(7, 8, {"SSI": {"last": 3}}))
    (again,) = talk.said()
    talk.hear(an_update(8, 9, {"SSI": {"last": 4}}))

    assert (again["type"], again["since"]) == ("subscribe", "e.5.f")
    assert talk.said() == []
    assert talk.table.rows == {"SSI": {"last": 1}}
    talk.hear(an_update(5, 9, {"SSI": {"last": 4}}, id=again["id"]))
    assert (talk.table.rows, talk.table.rev) == ({"SSI": {"last": 4}}, 9)


def test_an_update_that_is_known_already_changes_nothing() -> None:
    talk = Talk()
    talk.answered(a_snapshot(5, {"SSI": {"last": 1}}))

    talk.hear(an_update(3, 5, {"SSI": {"last": 0}}))

    assert (talk.table.rows, talk.last.change, talk.said()) == ({"SSI": {"last": 1}}, None, [])


def test_parts_count_with_the_last_and_are_one_change() -> None:
    talk = Talk()
    (request,) = talk.said()
    changes = []

    for part, data in enumerate(({"A": {"last": 1}}, {"B": {"last": 2}}), 1):
        talk.hear(a_snapshot(9, data, part=part, parts=2, id=request["id"]))
        changes.append(talk.last.change)

    assert changes[0] is None
    assert changes[1] is not None
    assert (changes[1].reset, changes[1].rows) == (True, {"A": {"last": 1}, "B": {"last": 2}})
    assert talk.table.rev == 9


def test_half_a_snapshot_has_no_position_and_the_rows_before_it_stay() -> None:
    talk = Talk()
    talk.answered(a_snapshot(5, {"SSI": {"last": 1}}))

    talk.hear(a_snapshot(9, {"A": {"last": 1}}, part=1, parts=2))
    talk.session.closed(talk.now_s)
    talk.connect()
    (request,) = talk.said()

    assert "since" not in request
    assert talk.table.rows == {"SSI": {"last": 1}}
    assert talk.session.table_state(talk.table) == "stale"


def test_half_an_update_moves_nothing_and_is_resumed_from_where_the_table_stands() -> None:
    talk = Talk()
    talk.answered(a_snapshot(5, {"SSI": {"last": 1}}))

    talk.hear(an_update(5, 9, {"SSI": {"last": 2}}, part=1, parts=2))
    talk.session.closed(talk.now_s)
    talk.connect()
    (request,) = talk.said()

    assert request["since"] == "e.5.f"
    assert talk.table.rows == {"SSI": {"last": 1}}


def test_a_part_out_of_turn_is_a_gap() -> None:
    talk = Talk()
    talk.answered(a_snapshot(5, {"SSI": {"last": 1}}))

    talk.hear(an_update(5, 9, {"SSI": {"last": 2}}, part=2, parts=3))

    assert [request["since"] for request in talk.said()] == ["e.5.f"]


def test_an_accepted_resume_makes_old_rows_live_again() -> None:
    talk = Talk()
    talk.answered(a_snapshot(5, {"SSI": {"last": 1}}))
    talk.session.closed(talk.now_s)
    assert talk.session.table_state(talk.table) == "stale"

    talk.connect()
    talk.answered(an_update(5, 5, {}))

    assert talk.session.table_state(talk.table) == "live"


def test_a_broken_road_behind_the_publisher_makes_rows_stale() -> None:
    talk = Talk()
    talk.answered(a_snapshot(5, {"SSI": {"last": 1}}))

    talk.hear(a_status(connected=False, feed="down"))

    assert talk.session.table_state(talk.table) == "stale"


def test_with_other_keys_only_the_answer_counts_and_nothing_is_resumed() -> None:
    talk = Talk(Wish("market", ("SSI",)))
    talk.answered(a_snapshot(5, {"SSI": {"last": 1}}))

    talk.table.change_wish(Wish("market", ("FPT",)))
    talk.hear(an_update(5, 6, {"SSI": {"last": 2}}))
    (request,) = talk.said()
    talk.hear(an_update(6, 7, {"SSI": {"last": 3}}))

    assert (request["keys"], "since" in request) == (["FPT"], False)
    assert talk.table.rows == {}
    talk.hear(a_snapshot(7, {"FPT": {"last": 9}}, id=request["id"]))
    assert talk.table.rows == {"FPT": {"last": 9}}


def test_with_another_interval_the_position_stays() -> None:
    talk = Talk()
    talk.answered(a_snapshot(5, {"SSI": {"last": 1}}))

    talk.table.change_wish(Wish("market", interval_ms=1000))
    (request,) = talk.said()

    assert (request["interval"], request["since"]) == (1000, "e.5.f")


def test_an_error_fails_its_table_and_only_that() -> None:
    talk = Talk()
    other = talk.session.subscribe(Wish("indx"))
    market, wrong = talk.said()
    talk.hear(a_snapshot(5, {}, id=market["id"]))

    talk.hear({"type": "error", "id": wrong["id"], "code": "unknown_channel", "message": "there are …"})

    assert other.error is not None
    assert (other.error.code, talk.session.table_state(other)) == ("unknown_channel", "failed")
    assert talk.session.table_state(talk.table) == "live"


def test_types_and_fields_that_are_not_known_are_ignored() -> None:
    talk = Talk()
    talk.answered(a_snapshot(5, {"SSI": {"last": 1}}, colour="blue"))

    talk.hear({"type": "fireworks"})

    assert talk.session.invalid_frames == 0
    assert talk.table.rows == {"SSI": {"last": 1}}


@pytest.mark.parametrize("text", ["", "[]", '{"type":"update"}', '{"time":NaN}', "\x00", '{"type":"status"'])
def test_what_is_no_message_is_counted_and_ends_the_connection(text: str) -> None:
    talk = Talk()
    talk.answered(a_snapshot(5, {"SSI": {"last": 1}}))

    heard = talk.session.receive(text, talk.now_s)

    assert heard.hang_up
    assert (talk.session.invalid_frames, talk.table.rev, talk.table.position) == (1, 5, "e.5.f")


def test_a_link_is_silent_after_three_heartbeats() -> None:
    talk = Talk()
    talk.now_s = 10.0

    talk.hear({"type": "heartbeat", "time": 1})

    assert talk.session.silent_at_s == 13.0


def test_waits_are_a_random_part_of_a_limit_that_doubles_up_to_half_a_minute_until_a_link_was_good() -> None:
    talk = Talk()
    talk.session.closed(talk.now_s)
    delays_s = [talk.session.closed(talk.now_s) for _ in range(8)]

    talk.connect()
    talk.now_s += 10.0

    assert delays_s == [0.5, 1, 2, 4, 8, 15, 15, 15]
    assert talk.session.closed(talk.now_s) == 0.25


def test_a_token_is_the_first_thing_that_is_said() -> None:
    talk = Talk()
    talk.session.closed(talk.now_s)

    talk.connect(token="secret")

    assert [message["type"] for message in talk.said()] == ["auth", "subscribe"]


def test_a_closed_table_is_unsubscribed_and_its_late_frames_are_ignored() -> None:
    talk = Talk()
    talk.answered(a_snapshot(5, {}))

    talk.session.unsubscribe("market")
    talk.hear(an_update(5, 6, {"SSI": {"last": 1}}))

    assert [message["type"] for message in talk.said()] == ["unsubscribe"]
    assert talk.table.rows == {}


@pytest.mark.parametrize(
    "text",
    ["[" * 200_000, '{"type":"update","rev":1%s}' % ("0" * 400)],
    ids=["nested", "huge number"],
)
def test_what_no_computer_can_take_ends_the_link_and_not_the_feed(text: str) -> None:
    talk = Talk()

    assert talk.session.receive(text, talk.now_s).hang_up
    assert talk.session.error is not None
    assert talk.session.error.code == "invalid_message"


def test_a_heartbeat_of_any_length_leaves_the_feed_alive() -> None:
    talk = Talk()

    talk.hear(a_status() | {"heartbeat_ms": 10**400})

    assert not talk.last.hang_up
    assert talk.session.silent_at_s == 45
