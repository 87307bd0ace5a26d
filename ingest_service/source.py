"""
What the ingest needs of whoever tells of the market: a feed, and lists. Another protocol is another file.

Nothing beyond an adapter knows how messages look, or how one logs in: past it are ticks, listings and events of a link.
"""

from collections.abc import Callable, Sequence
from typing import Protocol

from ingest_service.core.recording import Record
from ingest_service.core.symbols import Listing
from ingest_service.feed_reader import Feed


class Source(Protocol):
    """One exchange's data service, with a key to it. `FastConnectSource` is the one that there is."""

    @property
    def address(self) -> str:
        """Tells its lists on the disk from those of another."""

    @property
    def wanted_types(self) -> Sequence[str]:
        """Types of messages that must keep coming while the market trades: if one stays away, the link is no good."""

    def feed(self, *, full: Callable[[], None], record: Callable[[Record], None] | None) -> Feed:
        """
        Its stream; to be called once.

        `full` is called each time that a message has to wait for room, `record` with each frame and each change of the
        link, as they come; None: nobody records.
        """

    async def index_components(self, code: str) -> list[str]:
        """The symbols of an index. Raises RestError, also for an empty list."""

    async def listings(self, market: str) -> list[Listing]:
        """What is listed on a market: HOSE, HNX, UPCOM or DER. Raises RestError."""
