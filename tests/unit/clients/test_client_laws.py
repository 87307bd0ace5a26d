"""Laws of the Python SDK's core, whatever a server sends and whenever connections end."""

import json
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from clients.python.banggia_client.core.access_token import renewal_delay_s
from clients.python.banggia_client.core.change import Change
from clients.python.banggia_client.core.session import Session
from clients.python.banggia_client.core.subscription import Wish
from shared.table import Table
from tests.fakes.texts import texts

KEYS = ("A", "B", "C")
EDITS = st.dictionaries(st.sampled_from(KEYS), st.none() | st.integers(0, 9), min_size=1)
#: What happens next: a commit, a frame that arrives (in so many parts), one that is lost, a connection that ends.
STEPS = st.lists(
    st.one_of(
        st.tuples(st.just("commit"), EDITS),
        st.tuples(st.just("send"), st.integers(1, 3)),
        st.tuples(st.just("lose"), st.none()),
        st.tuples(st.just("break"), st.integers(1, 3)),
    ),
    max_size=40,
)


class Server:
    """One table and one client of it; it speaks the protocol, with frames in as many parts as it is told."""

    def __init__(self) -> None:
        self.table = Table()
        self.rev = 1
        self.sent_rev = 0
        self.session = Session(random=lambda: 0.0)
        self.client = self.session.subscribe(Wish("market"))
        self.loop: Change | None = None
        self.session.opened(0.0)

    def commit(self, edits: dict[str, int | None]) -> None:
        rows: dict[str, Any] = {key: None if value is None else {"last": value, "n": 1} for key, value in edits.items()}
        self.table.apply(texts(rows), self.rev + 1)
        self.rev += 1

    def answer(self, parts: int) -> None:
        """To whatever the client says."""
        for text in self.session.messages():
            request = json.loads(text)
            since = int(request["since"].split(".")[1]) if "since" in request else None
            self.send(since, parts, id=request["id"])

    def send(self, since: int | None, parts: int, *, only: int | None = None, **head: Any) -> None:
        """A snapshot, or an update from there; `only`: so many parts of it."""
        found = {key: entry.row for key, entry in self.table.since(since or 0)}
        data = {key: row for key, row in found.items() if row is not None or since is not None}
        base = {"channel": "market", "rev": self.rev, "position": f"e.{self.rev}.f", "time": 0, "parts": parts, **head}
        base |= (
            {"type": "snapshot", "epoch": "e", "interval": 0} if since is None else {"type": "update", "from": since}
        )
        for part in range(1, (only or parts) + 1):
            piece = {key: data[key] for key in sorted(data)[part - 1 :: parts]}
            heard = self.session.receive(json.dumps({**base, "part": part, "data": piece}), 0.0)
            if heard.change is not None:
                self.loop = heard.change if self.loop is None else self.loop.then(heard.change)
        self.sent_rev = self.rev

    def truth(self) -> dict[str, Any]:
        return {key: entry.row for key, entry in self.table.since(0)}


@given(STEPS)
def test_whatever_is_lost_the_client_ends_with_the_table_and_so_does_who_merges_its_changes(
    steps: list[tuple[str, Any]],
) -> None:
    server = Server()
    server.answer(1)

    for what, detail in steps:
        if what == "commit":
            server.commit(detail)
        elif what == "send":
            server.send(server.sent_rev, detail)
            server.answer(detail)
        elif what == "lose":
            server.sent_rev = server.rev
        else:
            server.send(server.sent_rev if detail > 1 else None, detail, only=max(1, detail - 1))
            server.session.closed(0.0)
            server.session.opened(0.0)
            server.answer(detail)
    server.commit({"A": 1})
    server.send(server.sent_rev, 1)
    server.answer(2)

    assert server.client.rows == server.truth()
    assert (server.client.rev, server.session.invalid_frames) == (server.rev, 0)
    assert server.loop is not None
    assert {key: row for key, row in server.loop.rows.items() if row is not None} == server.truth()


@given(st.text() | st.binary())
def test_no_text_of_a_server_raises(text: str | bytes) -> None:
    session = Session(random=lambda: 0.0)
    session.subscribe(Wish("market"))
    session.opened(0.0)

    session.receive(text, 0.0)

    assert session.invalid_frames <= 1


@given(st.text())
def test_a_token_that_is_none_is_never_renewed(token: str) -> None:
    assert renewal_delay_s(token, 0.0) is None
