"""
An exchange that is not SSI FastConnect v2, as a source: one topic a message, letters for names, nothing of SignalR.

Its messages are put in by the test. Whole numbers of shares and VND, times in Unix ms, books as pairs.
"""

import asyncio
import json
from collections.abc import AsyncGenerator, Callable
from datetime import date

from ingest_service.core.book import Book
from ingest_service.core.feed_events import Broadcasts, FeedEvent, LinkDown, LinkUp
from ingest_service.core.invalid_row import InvalidRow
from ingest_service.core.recording import Record
from ingest_service.core.sessions import day_of
from ingest_service.core.symbols import Listing
from ingest_service.core.ticks import ForeignTick, IndexTick, Prices, SecurityTick, Tick, Trade
from ingest_service.rest import RestError


class OtherFeed:
    """Tells what is put into it."""

    def __init__(self) -> None:
        self._told: asyncio.Queue[FeedEvent] = asyncio.Queue()
        self.reconnects: list[str] = []

    def say(self, topic: str, **content: object) -> None:
        """The exchange sends a message."""
        self._told.put_nowait(Broadcasts([json.dumps({"topic": topic, **content})], received_ms=1))

    def lose(self, reason: str) -> None:
        """The link breaks."""
        self._told.put_nowait(LinkDown(reason))

    @property
    def waiting(self) -> int:
        return self._told.qsize()

    async def events(self) -> AsyncGenerator[FeedEvent, None]:
        yield LinkUp(("trade.*", "quote.*", "room.*", "trade.index.*"))
        while True:
            yield await self._told.get()

    def tick(self, argument: str) -> Tick:
        message = json.loads(argument)
        topic, symbol, time_ms = message["topic"], message.get("s", ""), message.get("t", 0)
        head: tuple[str, date, int, str | None, str | None, list[str]]
        head = (symbol, day_of(time_ms), time_ms, message.get("x"), message.get("state"), [])
        match topic:
            case "trade":
                side = {"b": "buy", "s": "sell"}.get(message["side"])
                trade = Trade(message["p"], message["q"], message["v"], message["val"], side)  # type: ignore[arg-type]  # one of the two words, or None
                prices = Prices(message["ref"], message["ceil"], message["floor"], None, None, None, None, None)
                return SecurityTick("X-TRADE", *head, "N", prices, trade, None)
            case "quote":
                return SecurityTick("X-QUOTE", *head, None, None, None, Book(message["bids"], message["asks"]))
            case "room":
                return ForeignTick("R", *head, None, message["room"], message["bv"], message["sv"], None, None)
            case "trade.index":
                empty = [None] * 11
                return IndexTick("MI", *head, symbol, message["p"], message["ref"], *empty)
            case _:
                raise InvalidRow("unknown_type", topic)

    def reconnect(self, reason: str) -> None:
        self.reconnects.append(reason)

    def split(self) -> None:
        """It has one connection for everything."""

    def stop(self) -> None:
        """Nothing is open."""


class OtherSource:
    """The exchange with its lists: four shares, three of them in VN30."""

    address = "an exchange of the tests"
    wanted_types = ("X-TRADE",)

    def __init__(self) -> None:
        self.told = OtherFeed()

    def feed(self, *, full: Callable[[], None], record: Callable[[Record], None] | None) -> OtherFeed:
        assert full is not None
        assert record is None
        return self.told

    async def index_components(self, code: str) -> list[str]:
        if code != "VN30":
            raise RestError("there is no such index")
        return ["FPT", "SSI", "VNM"]

    async def listings(self, market: str) -> list[Listing]:
        symbols = ["FPT", "SSI", "VNM", "ACB"] if market == "HOSE" else []
        return [Listing(symbol=symbol, market=market, name_en=f"{symbol} Corporation", kind="ST") for symbol in symbols]
