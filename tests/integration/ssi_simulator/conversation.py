"""A client of the simulator that says exactly what a test wants said, and hides nothing of what comes back."""

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any
from urllib.parse import urlencode

import httpx2
from websockets.asyncio.client import ClientConnection, connect

from tests.fakes.exchange import RunningSimulator, running_simulator

HUB = "FcMarketDataV2Hub"
PATIENCE_S = 15.0


class Caller:
    """Someone with a token."""

    def __init__(self, simulator: RunningSimulator, token: str) -> None:
        self.simulator = simulator
        self.headers = {"Authorization": f"Bearer {token}"} if token else {}
        self.token = token

    async def http(self, method: str, path: str, **query: str) -> httpx2.Response:
        async with httpx2.AsyncClient(trust_env=False) as http:
            return await http.request(method, self.simulator.url + path, params=query, headers=self.headers)

    async def negotiate(self) -> dict[str, Any]:
        answer = await self.http("POST", "v2.0/signalr/negotiate", clientProtocol="1.5")
        assert answer.status_code == 200, answer.text
        document: dict[str, Any] = answer.json()
        return document

    def upgrade(self, connection_token: str, endpoint: str = "connect", **query: str) -> connect:
        url = f"{self.simulator.websocket_url}v2.0/signalr/{endpoint}?" + urlencode(
            {"transport": "webSockets", "connectionToken": connection_token, "clientProtocol": "1.5", **query}
        )
        return connect(
            url,
            additional_headers=self.headers,
            proxy=None,
            max_size=None,
            max_queue=None,
            ping_interval=None,
            close_timeout=1,
        )

    @asynccontextmanager
    async def talking(self, expression: str | None = None) -> AsyncIterator["Talk"]:
        """A connection, its init frame read; with `expression`, subscribed too."""
        negotiated = await self.negotiate()
        async with self.upgrade(negotiated["ConnectionToken"]) as websocket:
            talk = Talk(websocket, negotiated)
            init = await talk.frame()
            assert init["S"] == 1
            if expression is not None:
                await talk.switch(expression)
            yield talk


class Talk:
    """One websocket conversation."""

    def __init__(self, websocket: ClientConnection, negotiated: dict[str, Any]) -> None:
        self.websocket = websocket
        self.negotiated = negotiated
        self.cursor = ""
        self._calls = 0

    async def text(self) -> str:
        """The next frame as it came."""
        text = await asyncio.wait_for(self.websocket.recv(), PATIENCE_S)
        assert isinstance(text, str)
        return text

    async def frame(self) -> dict[str, Any]:
        """The next frame that is JSON."""
        frame: dict[str, Any] = json.loads(await self.text())
        self.cursor = frame.get("C", self.cursor)
        return frame

    async def call(self, *arguments: object, method: str = "SwitchChannels", call_id: object = None) -> None:
        """Call a method of the hub, without waiting."""
        call_id = self._calls if call_id is None else call_id
        self._calls += 1
        await self.websocket.send(json.dumps({"H": HUB, "M": method, "A": arguments, "I": call_id}))

    async def switch(self, expression: str) -> None:
        """Select, and wait until it is confirmed."""
        call_id = str(self._calls)
        await self.call(expression)
        await self.frame_where(lambda frame: frame.get("I") == call_id)

    async def frame_where(self, is_it: Callable[[dict[str, Any]], bool]) -> dict[str, Any]:
        """The next frame that fits."""
        async with asyncio.timeout(PATIENCE_S):
            while not is_it(frame := await self.frame()):
                pass
        return frame

    async def message(self) -> tuple[str, dict[str, Any]]:
        """The next data message, its data type and content."""
        async with asyncio.timeout(PATIENCE_S):
            while not (found := messages(await self.frame())):
                pass
        return found[0]

    async def messages(self, count: int) -> list[tuple[str, dict[str, Any]]]:
        """The next data messages: as many as asked for, or a few more if they shared a frame."""
        found: list[tuple[str, dict[str, Any]]] = []
        async with asyncio.timeout(PATIENCE_S):
            while len(found) < count:
                found += messages(await self.frame())
        return found

    async def rest(self, quiet_s: float = 0.3) -> list[tuple[str, dict[str, Any]]]:
        """All data messages that come until none has come for a while."""
        found: list[tuple[str, dict[str, Any]]] = []
        try:
            while True:
                async with asyncio.timeout(quiet_s):
                    while not (more := messages(json.loads(await self.websocket.recv()))):
                        pass
                found += more
        except TimeoutError:
            return found


def messages(frame: dict[str, Any]) -> list[tuple[str, dict[str, Any]]]:
    """The data messages in a frame: three JSON texts in one another."""
    found = []
    for invocation in frame.get("M", []):
        if invocation["M"] == "Broadcast":
            argument = json.loads(invocation["A"][0])
            content = argument["Content"]
            found.append((argument["DataType"], json.loads(content) if isinstance(content, str) else content))
    return found


def symbols(found: list[tuple[str, dict[str, Any]]]) -> set[str]:
    """The symbols that messages are about."""
    return {content["Symbol"] for _, content in found}


async def a_caller(simulator: RunningSimulator) -> Caller:
    """Someone who has just fetched a token."""
    async with httpx2.AsyncClient(trust_env=False) as http:
        answer = await http.post(
            f"{simulator.url}api/v2/Market/AccessToken", json={"consumerID": "demo", "consumerSecret": "demo"}
        )
    return Caller(simulator, answer.json()["data"]["accessToken"])


@asynccontextmanager
async def talking(expression: str | None, **options: object) -> AsyncIterator[tuple[RunningSimulator, Talk]]:
    """A simulator of one's own, and a subscribed conversation with it."""
    async with running_simulator(**options) as simulator, (await a_caller(simulator)).talking(expression) as talk:
        yield simulator, talk


async def until(holds: Callable[[], Awaitable[bool]], within_s: float = 20.0) -> None:
    """Wait until an answer of the simulator is as it must be; fail if it is not in time."""
    async with asyncio.timeout(within_s):
        while not await holds():  # noqa: ASYNC110 (another process cannot set an event)
            await asyncio.sleep(0.05)
