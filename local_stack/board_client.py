"""A client of the board, as its users would write one: tables held by the protocol's rule, and how old data was."""

import asyncio
import random
import time
from collections.abc import Sequence
from typing import Literal

from pydantic import BaseModel, Field, TypeAdapter, ValidationError
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import WebSocketException

#: The last so many ages are kept of each channel; more than a check of an hour brings forth.
MAX_AGES = 100_000
LONGEST_DELAY_S = 2.0


class DataFrame(BaseModel):
    """A snapshot or an update."""

    type: Literal["snapshot", "update"]
    channel: str
    rev: int
    position: str
    time: int  # when the newest feed message in it was read, Unix ms
    data: dict[str, dict[str, object] | None]
    from_rev: int = Field(-1, alias="from")
    part: int = 1
    parts: int = 1


class OtherFrame(BaseModel):
    """Anything else; what a later version says is no error."""

    type: str
    message: str = ""  # of an error


_FRAME: TypeAdapter[DataFrame | OtherFrame] = TypeAdapter(DataFrame | OtherFrame)


class ClientTable:
    """
    The rows of one channel, by the client's rule.

    A snapshot replaces them. An update that begins at or before what is held, and ends after it, is merged; one that
    begins later tells of a gap. Of a frame in parts, revision and position count with the last; between the first and
    the last part of a snapshot there is no position.
    """

    def __init__(self) -> None:
        self.rows: dict[str, dict[str, object]] = {}
        self.rev = 0
        self.position: str | None = None

    def take(self, frame: DataFrame) -> bool:
        """False if something is missing before this frame: then subscribe again, from `position`."""
        if frame.type == "snapshot":
            if frame.part == 1:
                self.rows, self.position = {}, None
        elif frame.from_rev > self.rev:
            return False
        elif frame.rev <= self.rev:
            return True
        for key, row in frame.data.items():
            if row is None:
                self.rows.pop(key, None)
            else:
                self.rows[key] = {**self.rows.get(key, {}), **row}
        if frame.part == frame.parts:
            self.rev, self.position = frame.rev, frame.position
        return True


class BoardClient:
    """Follows channels on one publisher until cancelled; comes back after each loss and resumes."""

    def __init__(self, url: str, channels: Sequence[str], mode: Literal["rows", "fields"]) -> None:
        self.url = url
        self.tables = {channel: ClientTable() for channel in channels}
        self.ages_ms: dict[str, list[float]] = {channel: [] for channel in channels}
        self.complaint: str | None = None  # the first thing that a publisher should not have said
        self._mode = mode

    async def follow(self) -> None:
        """Ends by cancellation only."""
        while True:
            try:
                async with connect(self.url, proxy=None) as connection:
                    for channel in self.tables:
                        await self._subscribe(connection, channel)
                    async for message in connection:
                        await self._take(connection, message)
            except (OSError, WebSocketException):
                pass
            await asyncio.sleep(random.uniform(0, LONGEST_DELAY_S))  # noqa: S311 (no secret: clients must not come back all at once)

    async def _subscribe(self, connection: ClientConnection, channel: str) -> None:
        wish = {"type": "subscribe", "channel": channel, "mode": self._mode}
        if (position := self.tables[channel].position) is not None:
            wish["since"] = position
        await connection.send(TypeAdapter(dict[str, str]).dump_json(wish).decode())

    async def _take(self, connection: ClientConnection, message: str | bytes) -> None:
        try:
            frame = _FRAME.validate_json(message)
        except ValidationError as error:
            self.complaint = self.complaint or f"{self.url} sent a frame that is none: {error.errors()[0]['msg']}"
            return
        if isinstance(frame, OtherFrame):
            if frame.type == "error":
                self.complaint = self.complaint or f"{self.url} sent an error: {frame.message}"
            return
        if frame.channel not in self.tables:
            return
        if frame.type == "update" and frame.data and len(self.ages_ms[frame.channel]) < MAX_AGES:
            self.ages_ms[frame.channel].append(time.time() * 1000 - frame.time)
        if not self.tables[frame.channel].take(frame):
            await self._subscribe(connection, frame.channel)
