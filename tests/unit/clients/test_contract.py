"""The Python SDK does what any client must do: the cases of clients/contract, in virtual time."""

import asyncio
import json
from collections import deque
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from websockets.exceptions import ConnectionClosedError
from websockets.frames import Close

from clients.python.banggia_client import Change, Feed, Table

DOCUMENT = json.loads((Path(__file__).parents[3] / "clients" / "contract" / "cases.json").read_text(encoding="utf-8"))
MESSAGES: dict[str, dict[str, Any]] = DOCUMENT["messages"]
#: How the members of the cases are called in Python.
NAMES = {"interval": "interval_ms", "time": "time_ms", "from": "from_rev"}
#: No timer of a case is nearer to another.
STEP_MS = 50
TURNS = 12


class VirtualTimeLoop(asyncio.SelectorEventLoop):
    """Time stands still but for what a test lets pass; it must never have to wait for a timer."""

    now_s = 0.0

    def time(self) -> float:
        return self.now_s


class ScriptedConnection:
    """One end of a websocket; the other is the case."""

    def __init__(self) -> None:
        self.said: deque[dict[str, Any]] = deque()
        self.is_given_up = False
        self._to_say: deque[str | int] = deque()
        self._news = asyncio.Event()

    def put(self, text_or_code: str | int) -> None:
        self._to_say.append(text_or_code)
        self._news.set()

    async def recv(self) -> str | bytes:
        while not self._to_say:
            self._news.clear()
            await self._news.wait()
        text_or_code = self._to_say.popleft()
        if isinstance(text_or_code, str):
            return text_or_code
        raise ConnectionClosedError(None if text_or_code == 1006 else Close(text_or_code, ""), None)

    async def send(self, message: str, /) -> None:
        self.said.append(json.loads(message))

    async def close(self) -> None:
        self.is_given_up = True


class Play:
    """Takes the steps of one case in turn."""

    def __init__(self, case: dict[str, Any], loop: VirtualTimeLoop) -> None:
        self.loop = loop
        self.unix_s = case.get("now_ms", 0) / 1000
        self.tables: dict[str, Table] = {}
        self.changes: dict[str, list[Change]] = {}
        self.ids: dict[str, object] = {}
        self.attempts: deque[asyncio.Future[ScriptedConnection]] = deque()
        self.connection = ScriptedConnection()
        tokens = deque(case.get("tokens", ()))
        self.feed = Feed(
            "ws://board",
            token=(lambda: tokens.popleft() if len(tokens) > 1 else tokens[0]) if tokens else None,
            random=lambda: 0.5,
            unix_s=lambda: self.unix_s + loop.now_s,
            dial=self.dial,
        )

    async def dial(self, url: str) -> ScriptedConnection:
        assert url == "ws://board/ws"
        attempt: asyncio.Future[ScriptedConnection] = self.loop.create_future()
        self.attempts.append(attempt)
        return await attempt

    async def take(self, step: dict[str, Any]) -> None:
        ((name, detail),) = step.items()
        await self.settle()
        await getattr(self, f"do_{name}")(detail)

    async def settle(self) -> None:
        for _ in range(TURNS):
            await asyncio.sleep(0)

    async def let_pass(self, ms: int) -> None:
        end_s = self.loop.now_s + ms / 1000
        while self.loop.now_s < end_s:
            self.loop.now_s = min(end_s, round(self.loop.now_s + STEP_MS / 1000, 6))
            await self.settle()

    def of_attempt(self) -> asyncio.Future[ScriptedConnection]:
        assert self.attempts, "there is no attempt to connect"
        return self.attempts.popleft()

    async def do_table(self, wish: dict[str, Any]) -> None:
        channel = wish["channel"]
        options = {NAMES.get(name, name): value for name, value in wish.items() if name != "channel"}
        table = self.tables[channel] = self.feed.table(channel, **options)
        self.changes[channel] = []
        table.on_change(self.changes[channel].append)

    async def do_update(self, wish: dict[str, Any]) -> None:
        options = {NAMES.get(name, name): value for name, value in wish.items() if name != "channel"}
        self.tables[wish["channel"]].update(**options)

    async def do_close_table(self, channel: str) -> None:
        self.tables[channel].close()

    async def do_close(self, _: bool) -> None:  # noqa: FBT001 (a step has a detail)
        await self.feed.close()

    async def do_accepts(self, _: bool) -> None:  # noqa: FBT001 (as above)
        self.connection = ScriptedConnection()
        self.of_attempt().set_result(self.connection)

    async def do_refuses(self, _: bool) -> None:  # noqa: FBT001 (as above)
        self.of_attempt().set_exception(ConnectionRefusedError("refused"))

    async def do_says(self, message: str | dict[str, Any]) -> None:
        body = MESSAGES[message] if isinstance(message, str) else message
        self.connection.put(json.dumps({**body, "id": self.ids.get(body["id"], body["id"])} if "id" in body else body))

    async def do_says_text(self, text: str) -> None:
        self.connection.put(text)

    async def do_closes(self, code: int) -> None:
        self.connection.put(code)

    async def do_hears(self, wanted: dict[str, Any]) -> None:
        assert self.connection.said, f"{wanted} was not said"
        said = self.connection.said.popleft()
        if "id" in wanted:
            self.ids[wanted["id"]] = said["id"]
        assert {name: said.get(name) for name in wanted if name != "id"} == {
            name: value for name, value in wanted.items() if name != "id"
        }

    async def do_hears_nothing(self, _: bool) -> None:  # noqa: FBT001 (as above)
        assert list(self.connection.said) == []

    async def do_hangs_up(self, _: bool) -> None:  # noqa: FBT001 (as above)
        assert self.connection.is_given_up

    async def do_pauses_ms(self, ms: int) -> None:
        assert not self.attempts
        await self.let_pass(ms - 1)
        assert not self.attempts, "came back too early"
        await self.let_pass(1)
        assert self.attempts, "did not come back"

    async def do_passes_ms(self, ms: int) -> None:
        await self.let_pass(ms)

    async def do_feed(self, wanted: dict[str, Any]) -> None:
        error = self.feed.error
        held = {
            "state": self.feed.state,
            "connected": self.feed.connected,
            "error": None if error is None else error.code,
        }
        assert {name: held[name] for name in wanted} == wanted

    async def do_holds(self, wanted: dict[str, dict[str, Any]]) -> None:
        for channel, members in wanted.items():
            table = self.tables[channel]
            read: dict[str, Callable[[], object]] = {
                "rows": lambda table=table: dict(table.rows),  # type: ignore[misc]  # (mypy cannot type a lambda with a default)
                "error": lambda table=table: None if table.error is None else table.error.code,  # type: ignore[misc]  # (as above)
            }
            held = {name: read[name]() if name in read else getattr(table, NAMES.get(name, name)) for name in members}
            assert held == members

    async def do_changes(self, wanted: dict[str, list[dict[str, Any]]]) -> None:
        for channel, changes in wanted.items():
            told = list(self.changes[channel])
            self.changes[channel].clear()
            assert len(told) == len(changes)
            for change, members in zip(told, changes, strict=True):
                assert {name: getattr(change, NAMES.get(name, name)) for name in members} == members


@pytest.fixture
def loop() -> Iterator[VirtualTimeLoop]:
    loop = VirtualTimeLoop()
    yield loop
    loop.close()


@pytest.mark.parametrize("case", DOCUMENT["cases"], ids=lambda case: case["name"])
def test_the_sdk_passes_the_case(case: dict[str, Any], loop: VirtualTimeLoop) -> None:
    async def played() -> None:
        play = Play(case, loop)
        async with play.feed:
            for number, step in enumerate(case["steps"], 1):
                try:
                    await play.take(step)
                except AssertionError as error:
                    raise AssertionError(f"step {number}, {step}: {error}") from error

    loop.run_until_complete(played())
