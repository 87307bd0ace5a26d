"""The owner of a feed, as the ingest is one: it takes the events and, here, keeps them."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import aclosing, asynccontextmanager

from ingest_service.core.feed_events import Broadcasts, FeedEvent, LinkDown, LinkUp
from ingest_service.fast_connect import FastConnect, TokenSource
from ingest_service.rest import open_http
from tests.fakes.hub import FixedTokens

CHANNELS = ("X:ALL", "R:ALL", "MI:ALL")


class Owner:
    """Takes a feed's events as the ingest does, and keeps them."""

    def __init__(self, feed: FastConnect, delays_s: list[float]) -> None:
        self.feed = feed
        self.delays_s = delays_s  # each wait before an attempt, as it would have been
        self.events: list[FeedEvent] = []
        self.takes = asyncio.Event()
        self.takes.set()

    async def listen(self) -> None:
        """Until cancelled."""
        async with aclosing(self.feed.events()) as events:
            async for event in events:
                self.events.append(event)
                await self.takes.wait()

    @property
    def ups(self) -> list[LinkUp]:
        return [event for event in self.events if isinstance(event, LinkUp)]

    @property
    def reasons_down(self) -> list[str]:
        return [event.reason for event in self.events if isinstance(event, LinkDown)]

    @property
    def arguments(self) -> list[str]:
        return [argument for event in self.events if isinstance(event, Broadcasts) for argument in event.arguments]


@asynccontextmanager
async def listening(
    stream_url: str, tokens: TokenSource | None = None, channels: Sequence[str] = CHANNELS
) -> AsyncIterator[Owner]:
    """An owner whose feed waits a hundredth of a second at most before an attempt."""
    delays_s: list[float] = []

    async def short_sleep(delay_s: float) -> None:
        delays_s.append(delay_s)
        await asyncio.sleep(min(delay_s, 0.01))

    async with open_http() as http:
        feed = FastConnect(
            http,
            tokens or FixedTokens(),
            stream_url=stream_url,
            channels=channels,
            now_ms=lambda: 1795405337123,
            random=lambda: 0.5,
            sleep=short_sleep,
        )
        owner = Owner(feed, delays_s)
        task = asyncio.create_task(owner.listen())
        try:
            yield owner
        finally:
            task.cancel()
            await asyncio.wait([task])
            if not task.cancelled():
                task.result()
