"""Many clients that come back whenever they lose their connection, and check each frame against the client's rule."""

import asyncio
import json
import random
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, nullcontext
from typing import Any

from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed, InvalidHandshake, InvalidStatus

from tests.fakes.table_client import TableClient

#: So many are connected for the first time at the same moment.
FIRST_CONNECTS = 20
LONGEST_RETRY_S = 2.0


class CrowdClient:
    """
    One client of one channel, by docs/protocol.md alone.

    An update that does not continue what is held raises AssertionError: a gap that it was not told of.
    """

    def __init__(self, url: str) -> None:
        self._url = url
        self.table = TableClient()
        self.connects: list[float] = []  # when each connection opened, on the monotonic clock
        self.snapshots = 0
        self.resumes = 0  # connections that went on where the last one ended
        self.closes: list[int | None] = []  # codes of the server; None: it said nothing
        self.goodbyes = 0
        self.refused: list[str] = []  # handshakes that failed, by type and status
        self.statuses: list[dict[str, Any]] = []

    async def follow(self, gate: asyncio.Semaphore) -> None:
        """Until cancelled. The gate keeps those who come for the first time from doing so all at once."""
        while True:
            pause_s = random.uniform(0.05, LONGEST_RETRY_S)
            held = self.table.position
            url = f"{self._url}&since={held}" if held else self._url
            try:
                async with nullcontext() if held else gate:
                    socket = await connect(url, proxy=None, open_timeout=10, compression=None)
                try:
                    pause_s = await self._stay(socket) or pause_s
                finally:
                    await socket.close()
            except (OSError, InvalidHandshake, TimeoutError) as error:
                status = error.response.status_code if isinstance(error, InvalidStatus) else ""
                self.refused.append(f"{type(error).__name__} {status}".strip())
            await asyncio.sleep(pause_s)

    async def _stay(self, socket: ClientConnection) -> float | None:
        """One connection to its end; after how many seconds the server asked to come back."""
        self.connects.append(time.monotonic())
        answered, pause_s = False, None
        try:
            while True:
                message: dict[str, Any] = json.loads(await socket.recv())
                if message["type"] == "goodbye":
                    self.goodbyes += 1
                    pause_s = message["reconnect_after_ms"] / 1000
                elif message["type"] in ("snapshot", "update") and not answered:
                    answered = True
                    self.resumes += message["type"] == "update"
                self._take(message)
        except ConnectionClosed as closed:
            self.closes.append(closed.rcvd.code if closed.rcvd else None)
        return pause_s

    def _take(self, message: dict[str, Any]) -> None:
        if message["type"] == "status":
            self.statuses.append(message)
        if message["type"] == "snapshot" and message.get("part", 1) == 1:
            self.snapshots += 1
        assert message["type"] != "error", message
        self.table.take(message)


class Crowd:
    """All of them. A client that fails ends the block with its AssertionError."""

    def __init__(self, clients: list[CrowdClient]) -> None:
        self.clients = clients

    @property
    def connected(self) -> int:
        """How many have their table."""
        return sum(client.table.rev >= 0 for client in self.clients)

    @property
    def closes(self) -> list[int | None]:
        """All close codes."""
        return [code for client in self.clients for code in client.closes]

    def connects_since(self, moment_s: float) -> list[float]:
        """When connections opened after that moment, in order, as seconds since then."""
        return sorted(at_s - moment_s for client in self.clients for at_s in client.connects if at_s > moment_s)

    def differences(self, rows: dict[str, Any]) -> list[str]:
        """Where clients hold something else than these rows."""
        return [
            f"client {number}: {key} is {client.table.rows.get(key)}, not {rows.get(key)}"
            for number, client in enumerate(self.clients)
            for key in sorted(client.table.rows.keys() | rows.keys())
            if client.table.rows.get(key) != rows.get(key)
        ]


@asynccontextmanager
async def crowd(number: int, url: str) -> AsyncIterator[Crowd]:
    """So many clients of one address (with its query), all with their tables, for the length of the block."""
    clients = [CrowdClient(url) for _ in range(number)]
    gate = asyncio.Semaphore(FIRST_CONNECTS)
    async with asyncio.TaskGroup() as group:
        tasks = [group.create_task(client.follow(gate), name="one of the crowd") for client in clients]
        together = Crowd(clients)
        async with asyncio.timeout(60):
            while together.connected < number:  # noqa: ASYNC110 (what is waited for is on the other side of sockets)
                await asyncio.sleep(0.05)
        yield together
        for task in tasks:
            task.cancel()
