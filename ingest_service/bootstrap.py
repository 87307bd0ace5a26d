"""
Names, types and groups of what is traded: from the disk at once, from the exchange's lists politely.

The service works without them. A refusal (quota, outage) is waited out; what was fetched lasts for the day.
"""

import asyncio
import logging
import math
from collections.abc import Awaitable, Callable
from contextlib import suppress
from datetime import date
from pathlib import Path
from typing import TypeVar

from pydantic import BaseModel, ValidationError

from ingest_service.core.board import Board
from ingest_service.core.sectors import SECTORS
from ingest_service.core.symbols import Listing
from ingest_service.rest import RestError
from ingest_service.source import Source

log = logging.getLogger(__name__)

#: Indices whose components make groups.
GROUPS = ("VN30", "HNX30")
MARKETS = ("HOSE", "HNX", "UPCOM", "DER")
RETRY_S, QUOTA_RETRY_S = 15.0, 120.0
#: An exchange may have no list of a sector: after so many refusals the board does without it, until tomorrow.
SECTOR_ATTEMPTS = 3

T = TypeVar("T")


class Lists(BaseModel):
    """What the cache file holds. `address` keeps one exchange's lists from serving for another."""

    address: str = ""
    day: date
    components: dict[str, list[str]] = {}
    listings: list[Listing] = []


class Bootstrap:
    """Gives the lists to `take`, each time that more of them are known."""

    def __init__(
        self,
        source: Source,
        *,
        cache: Path,
        today: Callable[[], date],
        take: Callable[[Lists], None],
    ) -> None:
        self._source = source
        self._cache = cache
        self._today = today
        self._take = take

    async def run(self) -> None:
        """Take the cached lists, fetch them if they are not of today, then once a day; never returns."""
        lists = self._load()
        if lists is not None:
            self._take(lists)
        while True:
            if lists is None or lists.day != self._today():
                lists = await self._fetch()
                self._save(lists)
                log.info("symbol lists fetched", extra={"symbols": len(lists.listings)})
            await asyncio.sleep(3600)

    async def _fetch(self) -> Lists:
        """All lists; each is applied as it comes, groups first, since boards open with them."""
        lists = Lists(address=self._source.address, day=self._today())
        for code in GROUPS:
            lists.components[code] = await self._until_served(self._source.index_components, code)
            self._take(lists)
        for market in MARKETS:
            lists.listings += await self._until_served(self._source.listings, market)
            self._take(lists)
        for code in SECTORS:
            with suppress(RestError):
                symbols = await self._until_served(self._source.index_components, code, attempts=SECTOR_ATTEMPTS)
                lists.components[code] = symbols
                self._take(Lists(address=lists.address, day=lists.day, components={code: symbols}))
        return lists

    async def _until_served(self, call: Callable[[str], Awaitable[T]], name: str, *, attempts: float = math.inf) -> T:
        """Raises RestError after so many refusals; those for the quota's sake do not count."""
        while True:
            try:
                return await call(name)
            except RestError as error:
                if not error.quota:
                    attempts -= 1
                delay_s = QUOTA_RETRY_S if error.quota else RETRY_S
                if attempts <= 0:
                    log.warning("a list was not served, going on without it", extra={"reason": error.reason})
                    raise
                log.warning("a list was not served", extra={"reason": error.reason, "again_in_s": delay_s})
                await asyncio.sleep(delay_s)

    def _load(self) -> Lists | None:
        try:
            lists = Lists.model_validate_json(self._cache.read_bytes())
        except (OSError, ValidationError):
            return None
        return lists if lists.address == self._source.address else None

    def _save(self, lists: Lists) -> None:
        try:
            self._cache.parent.mkdir(parents=True, exist_ok=True)
            aside = self._cache.with_suffix(".new")
            aside.write_text(lists.model_dump_json())
            aside.replace(self._cache)
        except OSError as error:
            log.warning("symbol lists were not kept on disk", extra={"reason": error.strerror})


def set_lists(board: Board, lists: Lists) -> None:
    """Fill a board's symbols and groups."""
    board.set_symbols(lists.listings)
    board.set_components(lists.components)
