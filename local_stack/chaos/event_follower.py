"""The same over server-sent events, by the rules of browsers: it comes back with the id of the last event."""

import asyncio
from urllib.parse import urlencode, urlsplit

import orjson

from local_stack.chaos.follower import OPEN_DEADLINE_S, Follower

#: Three heartbeats.
SILENT_S = 45.0
#: More than an event has.
MAX_LINE_BYTES = 262_144
OK = b"200"


class EventFollower(Follower):
    """Follows one channel at `http://HOST:PORT`: its oracle has one wish."""

    _last_id = ""

    async def talk(self) -> None:
        """One stream, to its end. Raises OSError or EOFError."""
        own = await self.dial()
        reader, writer = await asyncio.open_connection(sock=own, limit=MAX_LINE_BYTES)
        try:
            (wish,) = self.opened(writer.transport)
            writer.write(self._request(wish))
            async with asyncio.timeout(OPEN_DEADLINE_S):
                head = await reader.readuntil(b"\r\n\r\n")
            status = head.split(b" ", 2)[1]
            if status == OK:
                await self._read(reader)
            elif status.startswith(b"4"):  # the others say that nobody can be served now
                await self.take(orjson.dumps({"type": "error", "message": head.decode("latin-1")}))
        finally:
            self.closed()
            writer.close()

    def _request(self, wish: dict[str, object]) -> bytes:
        query = {name: value for name, value in wish.items() if name in ("mode", "interval")}
        if isinstance(keys := wish.get("keys"), list):
            query["keys"] = ",".join(keys)
        if not self._last_id and "since" in wish:
            query["since"] = wish["since"]
        lines = [
            f"GET /sse/{wish['channel']}?{urlencode(query)} HTTP/1.1",
            f"Host: {urlsplit(self._url).netloc}",
            *([f"Last-Event-ID: {self._last_id}"] if self._last_id else []),
        ]
        return "\r\n".join([*lines, "", ""]).encode()

    async def _read(self, reader: asyncio.StreamReader) -> None:
        event_id, data = self._last_id, b""
        while True:
            async with asyncio.timeout(SILENT_S):
                line = await reader.readuntil(b"\n")
            name, _, value = line.rstrip(b"\n").partition(b": ")
            if name == b"id":
                event_id = value.decode()
            elif name == b"data":
                data = value
            elif not name and data:
                self._last_id = event_id
                if await self.take(data) is not None:
                    self._last_id = ""  # of a frame that was not taken: the table's own position counts
                    return
                data = b""
