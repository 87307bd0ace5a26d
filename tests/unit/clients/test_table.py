"""Tables and loops of the Python SDK, with a server that a test plays."""

import asyncio
import json
from typing import Any

import pytest

from clients.python.banggia_client import Change, Feed, NotLoaded, Table
from clients.python.banggia_client.feed import websocket_url
from tests.eventually import eventually
from tests.unit.clients.test_contract import MESSAGES, ScriptedConnection


class Board:
    """A feed whose one connection is the test's."""

    def __init__(self) -> None:
        self.connection = ScriptedConnection()
        self.feed = Feed("ws://board", dial=self._dial)

    async def _dial(self, url: str) -> ScriptedConnection:  # noqa: ARG002 (what a feed calls)
        return self.connection

    async def loaded(self) -> Table:
        table = self.feed.table("market")
        await eventually(lambda: bool(self.connection.said))
        self.say(MESSAGES["status"])
        self.say({**MESSAGES["10"], "id": self.connection.said[0]["id"]})
        await table.loaded()
        return table

    def say(self, body: dict[str, Any]) -> None:
        self.connection.put(json.dumps(body))

    def update(self, from_rev: int, rev: int, data: dict[str, Any]) -> None:
        head = {"type": "update", "channel": "market", "from": from_rev, "rev": rev, "position": f"e1.{rev}.f"}
        self.say({**head, "time": rev, "data": data})


async def test_a_slow_loop_gets_changes_merged_by_key() -> None:
    board = Board()
    async with board.feed:
        table = await board.loaded()
        loop = aiter(table)
        assert (await anext(loop)).reset

        board.update(10, 11, {"SSI": {"last": 1}})
        board.update(11, 12, {"SSI": {"last": 2, "volume": 9}, "FPT": None})
        await eventually(lambda: table.rev == 12)
        change = await anext(loop)

    assert change == Change(False, {"SSI": {"last": 2, "volume": 9}, "FPT": None}, 10, 12, 12)  # noqa: FBT003 (`reset`)


async def test_loops_end_with_the_feed_and_one_that_begins_later_has_the_last_rows() -> None:
    board = Board()
    async with board.feed:
        table = await board.loaded()
        looping = asyncio.create_task(revs(table))
        await asyncio.sleep(0)

    assert await asyncio.wait_for(looping, 5) == [10]
    assert await asyncio.wait_for(revs(table), 5) == [10]
    assert (table.state, sorted(table.rows)) == ("stale", ["FPT", "SSI"])


async def test_who_waits_for_rows_of_a_feed_that_is_closed_is_told_at_once() -> None:
    board = Board()
    async with board.feed:
        table = board.feed.table("market")
        waiting = asyncio.create_task(table.loaded(60))
        await asyncio.sleep(0)

    with pytest.raises(NotLoaded, match="closed"):
        await asyncio.wait_for(waiting, 5)
    with pytest.raises(NotLoaded, match="closed"):
        await table.loaded(60)


async def test_a_callback_that_fails_is_told_to_the_loop_and_ends_nothing() -> None:
    board, faults = Board(), list[Any]()
    asyncio.get_running_loop().set_exception_handler(lambda _, context: faults.append(context["exception"]))
    async with board.feed:
        table = await board.loaded()
        table.on_change(lambda _: 1 / 0)

        board.update(10, 11, {"SSI": {"last": 1}})
        await eventually(lambda: table.rev == 11)
        await eventually(lambda: bool(faults))

        assert (type(faults[0]), board.feed.state) == (ZeroDivisionError, "open")


async def test_a_fault_of_the_package_itself_ends_loops_and_the_block_and_is_not_hidden() -> None:
    board = Board()

    async def broken() -> str:
        raise AssertionError("a bug")

    async def follow() -> None:
        async with board.feed:
            async for _ in board.feed.table("market"):
                pass

    board.connection.recv = broken  # type: ignore[method-assign]  # (the bug)
    with pytest.raises(ExceptionGroup) as raised:
        await follow()

    assert "a bug" in repr(raised.value)


async def test_a_channel_has_one_table_and_one_name_is_no_list_of_keys() -> None:
    feed = Feed("ws://board")
    feed.table("market")

    with pytest.raises(ValueError, match="already"):
        feed.table("market")
    with pytest.raises(TypeError, match=r'\["SSI"\]'):
        feed.table("index", keys="SSI")


@pytest.mark.parametrize(
    ("given", "wanted"),
    [
        ("ws://localhost:8000", "ws://localhost:8000/ws"),
        ("localhost:8000", "ws://localhost:8000/ws"),
        ("https://board.example/", "wss://board.example/ws"),
        ("http://board.example/under/ws", "ws://board.example/under/ws"),
    ],
)
def test_any_address_of_a_board_will_do(given: str, wanted: str) -> None:
    assert websocket_url(given) == wanted


@pytest.mark.parametrize("given", ["", "ftp://board", "ws://"])
def test_what_is_no_address_is_told(given: str) -> None:
    with pytest.raises(ValueError, match="no address"):
        websocket_url(given)


async def revs(table: Table) -> list[int]:
    return [change.rev async for change in table]
