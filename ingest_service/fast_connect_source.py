"""SSI FastConnect Data v2 as a source: its stream and its REST interface, with one log-in for both."""

from collections.abc import Callable

import httpx2

from ingest_service.core.recording import Record
from ingest_service.core.symbols import Listing
from ingest_service.fast_connect import FastConnect
from ingest_service.rest import Rest, SecurityDetails
from ingest_service.settings import IngestSettings


class FastConnectSource:
    """The exchange that the settings name."""

    def __init__(self, settings: IngestSettings, http: httpx2.AsyncClient) -> None:
        self._settings = settings
        self._http = http
        self.rest = Rest(
            http,
            api_url=settings.ssi_api_url,
            consumer_id=settings.ssi_consumer_id,
            consumer_secret=settings.ssi_consumer_secret,
        )
        self.address: str = settings.ssi_api_url
        self.wanted_types = wanted_types(settings.ssi_channels)

    def feed(self, *, full: Callable[[], None], record: Callable[[Record], None] | None) -> FastConnect:
        """All channels of the settings."""
        return FastConnect(
            self._http,
            self.rest,
            stream_url=self._settings.ssi_stream_url,
            channels=self._settings.ssi_channels,
            full=full,
            record=record,
        )

    async def index_components(self, code: str) -> list[str]:
        """As `Rest` does."""
        return await self.rest.index_components(code)

    async def listings(self, market: str) -> list[Listing]:
        """Raises RestError."""
        return [_listing(market, row) for row in await self.rest.details(market)]


def wanted_types(channels: tuple[str, ...]) -> list[str]:
    """The data types that must keep coming while the market trades, of those subscribed."""
    subscribed = {channel.partition(":")[0].upper() for channel in channels}
    return [name for name in ("X", "X-QUOTE", "X-TRADE", "R", "MI") if name in subscribed or "ALL" in subscribed]


def _listing(market: str, row: SecurityDetails) -> Listing:
    return Listing(
        symbol=row.symbol,
        market=row.exchange or row.market or market,
        name_vi=row.name_vi,
        name_en=row.name_en,
        kind=row.kind,
        lot_size=row.lot_size,
        underlying=row.underlying,
        last_trading_date=row.last_trading_date,
    )
