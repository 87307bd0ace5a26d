"""
A feed rendered before it is sent, in a process of its own: it costs next to nothing while the ingest is measured.

    python -m bench.feed --port PORT --messages N --ledger FILE [--rate N] [--batch N]

It speaks what the ingest needs of SSI's protocol. The last message of everything comes with the subscription; after a
line on its standard input the rest leaves at the rate, or as fast as it is read. The ledger tells what was sent, when
each frame was due, and what the tables must hold in the end.
"""

import argparse
import base64
import hashlib
import json
import random
import socket
import sys
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from itertools import accumulate, islice
from pathlib import Path
from threading import Event, Thread
from typing import ClassVar, NamedTuple
from urllib.parse import urlsplit

import orjson

SYMBOLS = 2000
INDICES = ("VNINDEX", "VN30", "HNXIndex", "HNX30", "HNXUpcomIndex", "VN100")
#: Of all messages. An X tells of a trade or of the book alone.
FOREIGN_SHARE, INDEX_SHARE, TRADE_SHARE = 0.10, 0.02, 0.45
#: Messages that the market's clock needs for a second.
MESSAGES_A_SECOND = 3000
_GUID = b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11"

Content = dict[str, str | float | None]


class Message(NamedTuple):
    """One message. `ordinal` counts those of its key, and is in its row: who sees a row knows what it tells of."""

    channel: str  # the table it goes to
    key: str
    ordinal: int
    data_type: str
    content: Content


class Symbol:
    """One instrument, and what the feed has told of it."""

    def __init__(self, rank: int) -> None:
        self.exchange = "DERIVATIVES" if rank < 2 else ("HOSE", "HOSE", "HNX", "UPCOM")[rank % 4]
        self.key = ("41I1GC000", "41I2GC000")[rank] if rank < 2 else f"S{rank:04}"
        self.levels = 3 if self.exchange == "HOSE" else 10
        self.step, self.reference = (0.1, 1900.0) if rank < 2 else (50.0, 20_000.0 + 50 * (rank % 400))
        self.last = self.reference
        self.told = self.foreign_told = self.volume = self.value = self.bought = self.sold = 0

    def security(self, day: str, clock: str, pick: random.Random, *, trade: bool) -> Content:
        """X. The first level's bid volume is its number."""
        self.told += 1
        lot = 0
        if trade:
            lot = 100 * pick.randrange(1, 50)
            self.last = round(self.reference + self.step * pick.randrange(-20, 21), 1)
            self.volume += lot
            self.value += round(lot * self.last)
        content: Content = {
            "RType": "X", "TradingDate": day, "Time": clock, "Isin": self.key, "Symbol": self.key,
            "Ceiling": round(self.reference + 30 * self.step, 1), "Floor": round(self.reference - 30 * self.step, 1),
            "RefPrice": self.reference, "Open": self.reference, "High": round(self.reference + 20 * self.step, 1),
            "Low": round(self.reference - 20 * self.step, 1), "Close": self.last,
            "AvgPrice": self.reference + 0.2657141, "PriorVal": self.reference, "LastPrice": self.last,
            "LastVol": float(lot or 100), "TotalVal": float(self.value), "TotalVol": float(self.volume),
        }  # fmt: skip
        for side, sign in (("Bid", -1), ("Ask", 1)):
            for level in range(1, 11):
                price = round(self.last + sign * level * self.step, 1)
                content[f"{side}Price{level}"] = price if level <= self.levels else 0.0
            for level in range(1, 11):
                content[f"{side}Vol{level}"] = 100.0 * pick.randrange(1, 900) if level <= self.levels else 0.0
        content["BidVol1"] = float(self.told)
        content |= {
            "MarketId": self.exchange, "Exchange": self.exchange, "TradingSession": "LO", "TradingStatus": "N",
            "Change": self.last - self.reference,
            "RatioChange": round(100 * (self.last - self.reference) / self.reference, 2),
            "EstMatchedPrice": 0.0, "Side": None, "CloseQtty": 0.0,
        }  # fmt: skip
        return content

    def foreign(self, day: str, clock: str, pick: random.Random) -> Content:
        """R. The value sold is its number."""
        self.foreign_told += 1
        self.bought += 100 * pick.randrange(50)
        self.sold += 100 * pick.randrange(50)
        return {
            "RType": "R", "TradingDate": day, "Time": clock, "Isin": self.key, "Symbol": self.key,
            "TotalRoom": 9e8, "CurrentRoom": 4e8 - self.bought, "BuyVol": float(self.bought),
            "SellVol": float(self.sold), "BuyVal": self.bought * self.reference, "SellVal": float(self.foreign_told),
            "MarketId": self.exchange, "Exchange": self.exchange,
        }  # fmt: skip


class Market:
    """The messages of a morning, busy names first: the first one trades twice as often as the second."""

    def __init__(self, seed: int = 1) -> None:
        self._pick = random.Random(seed)  # noqa: S311 (no secret)
        self._day = f"{datetime.now(UTC) + timedelta(hours=7):%d/%m/%Y}"
        self.symbols = [Symbol(rank) for rank in range(SYMBOLS)]
        self.indices = dict.fromkeys(INDICES, 0)
        self._weights = list(accumulate(1 / (rank + 1) for rank in range(SYMBOLS)))
        self._sent = 0

    def snapshot(self) -> Iterator[Message]:
        """Everything once."""
        for symbol in self.symbols:
            yield self._security(symbol)
            yield self._foreign(symbol)
        for key in self.indices:
            yield self._index(key)

    def messages(self, count: int) -> Iterator[Message]:
        """What happens."""
        pick = self._pick
        for symbol in pick.choices(self.symbols, cum_weights=self._weights, k=count):
            self._sent += 1
            kind = pick.random()
            if kind < INDEX_SHARE:
                yield self._index(pick.choice(INDICES))
            elif kind < INDEX_SHARE + FOREIGN_SHARE:
                yield self._foreign(symbol)
            else:
                yield self._security(symbol)

    def totals(self) -> dict[str, dict[str, dict[str, float]]]:
        """What the tables must hold now."""
        return {
            "market": {
                one.key: {"total_volume": one.volume, "total_value": one.value, "last": one.last, "told": one.told}
                for one in self.symbols
            },
            "foreign": {
                one.key: {"buy_volume": one.bought, "sell_volume": one.sold, "told": one.foreign_told}
                for one in self.symbols
            },
            "index": {key: {"told": told} for key, told in self.indices.items()},
        }

    def _security(self, symbol: Symbol) -> Message:
        trade = self._pick.random() < TRADE_SHARE or not symbol.told
        content = symbol.security(self._day, self._clock(), self._pick, trade=trade)
        return Message("market", symbol.key, symbol.told, "X", content)

    def _foreign(self, symbol: Symbol) -> Message:
        content = symbol.foreign(self._day, self._clock(), self._pick)
        return Message("foreign", symbol.key, symbol.foreign_told, "R", content)

    def _index(self, key: str) -> Message:
        told = self.indices[key] = self.indices[key] + 1
        content: Content = {
            "RType": "MI", "IndexId": key, "IndexName": key, "IndexValue": 1800 + told % 50 / 10,
            "PriorIndexValue": 1800.0, "TradingDate": self._day, "Time": self._clock(), "TotalTrade": 0.0,
            "TotalQtty": float(told), "TotalValue": 2e13, "Advances": 210.0, "NoChanges": 60.0, "Declines": 130.0,
            "Ceilings": 4.0, "Floors": 3.0, "Change": told % 50 / 10, "RatioChange": 0.1, "TotalQttyPt": 4e7,
            "TotalValuePt": 1e12, "Exchange": "HNX" if key.startswith("HNX") else "HOSE", "AllQty": 5e8,
            "AllValue": 2.1e13, "IndexType": "", "TradingSession": "LO", "MarketId": None, "RTypeOl": "",
            "IndexValEst": 0.0,
        }  # fmt: skip
        return Message("index", key, told, "MI", content)

    def _clock(self) -> str:
        minutes, seconds = divmod(9 * 3600 + 20 * 60 + self._sent // MESSAGES_A_SECOND, 60)
        return f"{minutes // 60:02}:{minutes % 60:02}:{seconds:02}"


def frame(messages: tuple[Message, ...]) -> bytes:
    """One data frame of SignalR in one of the websocket: JSON in JSON in JSON."""
    calls = [
        {
            "H": "FcMarketDataV2Hub",
            "M": "Broadcast",
            "A": [orjson.dumps({"DataType": one.data_type, "Content": orjson.dumps(one.content).decode()}).decode()],
        }
        for one in messages
    ]
    return text_frame(orjson.dumps({"C": "d-5A1C20F4-B,1F|Qx2,0|Qx3,1", "M": calls}))


def text_frame(payload: bytes) -> bytes:
    """A server's frame: not masked."""
    size = len(payload)
    if size < 126:
        return bytes((0x81, size)) + payload
    if size < 65536:
        return b"\x81\x7e" + size.to_bytes(2, "big") + payload
    return b"\x81\x7f" + size.to_bytes(8, "big") + payload


class Feed(NamedTuple):
    """What is sent: at once, and after the word."""

    snapshot: list[bytes]
    frames: list[bytes]
    gap_s: float  # between two frames; 0: none
    go: Event
    sent: Event


class Handler(BaseHTTPRequestHandler):
    """SSI's endpoints, as far as an ingest asks."""

    protocol_version = "HTTP/1.1"
    feed: ClassVar[Feed]

    def log_message(self, *_: object) -> None:
        """Nobody reads it."""

    def do_POST(self) -> None:
        """The token."""
        self.rfile.read(int(self.headers.get("Content-Length") or 0))
        claims = base64.urlsafe_b64encode(json.dumps({"exp": int(time.time()) + 36_000}).encode()).decode().rstrip("=")
        self._answer({"message": "Success", "status": 200, "data": {"accessToken": f"eyJhIjoxfQ.{claims}.c2ln"}})

    def do_GET(self) -> None:
        """Negotiation, the stream, and no lists."""
        path = urlsplit(self.path).path.lower()
        if path.endswith("/negotiate"):
            self._answer({"ConnectionToken": "t", "ProtocolVersion": "1.5", "TryWebSockets": True})
        elif path.endswith("/connect"):
            self._stream()
        elif path.endswith("/start"):
            self._answer({"Response": "started"})
        else:
            self._answer({"data": None, "message": "no lists here", "status": "Error", "totalRecord": 0})

    def _answer(self, body: object) -> None:
        text = orjson.dumps(body)
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(text)))
        self.end_headers()
        self.wfile.write(text)

    def _stream(self) -> None:
        feed, key = self.feed, self.headers["Sec-WebSocket-Key"].encode()
        self.send_response(101)
        self.send_header("Upgrade", "websocket")
        self.send_header("Connection", "Upgrade")
        accept = hashlib.sha1(key + _GUID).digest()  # noqa: S324 (as the protocol has it)
        self.send_header("Sec-WebSocket-Accept", base64.b64encode(accept).decode())
        self.end_headers()
        self.connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.connection.sendall(text_frame(b'{"C":"d-1","S":1,"M":[]}'))
        self.connection.recv(4096)  # the subscription
        self.connection.sendall(text_frame(b'{"I":"0"}') + b"".join(feed.snapshot))
        feed.go.wait()
        began_s = time.monotonic()
        say({"began_s": began_s})
        for number, one in enumerate(feed.frames):
            if (early_s := began_s + number * feed.gap_s - time.monotonic()) > 0:
                time.sleep(early_s)
            self.connection.sendall(one)
        say({"ended_s": time.monotonic()})
        feed.sent.set()
        self.connection.recv(4096)  # until it is closed


def say(what: object) -> None:
    """A line for the one who measures."""
    print(json.dumps(what), flush=True)


def main() -> None:
    """Render, serve one client, and end with the standard input."""
    parser = argparse.ArgumentParser(prog="python -m bench.feed")
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--messages", type=int, required=True)
    parser.add_argument("--ledger", type=Path, required=True, help="where to write what is sent")
    parser.add_argument("--rate", type=int, default=0, help="messages a second; 0: as fast as they are read")
    parser.add_argument("--batch", type=int, default=4, help="messages a frame")
    chosen = parser.parse_args()
    market = Market()
    snapshot = [frame(tuple(some)) for some in _in_parts(market.snapshot(), 50)]
    frames, told = list[bytes](), list[tuple[str, str, int]]()
    for some in _in_parts(market.messages(chosen.messages), chosen.batch):
        frames.append(frame(some))
        told += [(one.channel, one.key, one.ordinal) for one in some]
    gap_s = chosen.batch / chosen.rate if chosen.rate else 0.0
    chosen.ledger.write_bytes(
        orjson.dumps({"batch": chosen.batch, "gap_s": gap_s, "told": told, "totals": market.totals()})
    )
    Handler.feed = Feed(snapshot, frames, gap_s, Event(), Event())
    server = ThreadingHTTPServer(("127.0.0.1", chosen.port), Handler)
    server.daemon_threads = True
    with server:
        Thread(target=server.serve_forever, daemon=True).start()
        say({"bytes": sum(map(len, frames)), "frames": len(frames)})
        for _ in sys.stdin:
            Handler.feed.go.set()


def _in_parts(messages: Iterator[Message], size: int) -> Iterator[tuple[Message, ...]]:
    while part := tuple(islice(messages, size)):
        yield part


if __name__ == "__main__":
    main()
