"""
The tables of a day that is nearly over, published as an ingest does it, for the next ingest to take over.

The tape of each symbol is full. The busy fifth of them has a bar in each minute of the day and all steps of the windows
behind speeds and alerts, the others a few. The rows of what is traded at the moment are left to the exchange's feed.
"""

import random
from collections.abc import Iterator, Sequence
from datetime import date, timedelta
from typing import cast

from pydantic import SecretStr

from ingest_service.core.alerts import RING as ALERTS
from ingest_service.core.bars import MINUTE_MS, bar_key, minutes_key
from ingest_service.core.history import Changes
from ingest_service.core.lookback import LOOKBACK_MS
from ingest_service.core.lookback import STEP_MS as LOOKBACK_STEP_MS
from ingest_service.core.rows import BarRow
from ingest_service.core.sessions import Calendar, midnight_ms
from ingest_service.core.tape import RING, tape_key
from ingest_service.core.window import MAX_STEPS, STEP_MS
from ingest_service.metrics import Metrics
from ingest_service.publication import Publication, now_ms
from ingest_service.redis_sink import RedisSink
from ingest_service.settings import IngestSettings
from shared.channels import Channel, Internal, RedisNames, Stored
from shared.redis_client import open_redis
from shared.table import JSON, Row
from ssi_simulator.core.exchange import Exchange
from ssi_simulator.market_clock import OPEN_S

#: Minutes of trading of a whole day.
MINUTES = 240
#: Bars of a symbol that is rarely traded.
FEW = 20
_BUSY_PART = 5
_LEASE_MS = 5000


def trading_day() -> date:
    """Today by the machine, or the next day of trading."""
    day, calendar = date.today(), Calendar()  # noqa: DTZ011 (any day near now will do)
    while not calendar.trades_on(day):
        day += timedelta(days=1)
    return day


async def publish(redis_url: str, prefix: str, exchange_url: str, day: date) -> int:
    """Publish it into an empty Redis, for the ingests of that simulated exchange; how many rows it has."""
    settings = IngestSettings(
        ssi_api_url=exchange_url,
        ssi_stream_url=exchange_url,
        ssi_consumer_id="demo",
        ssi_consumer_secret=SecretStr("demo"),
        simulated=True,
    )
    changes = rows_of(symbols_of(day), midnight_ms(day) + OPEN_S * 1000)
    async with open_redis(redis_url) as redis:
        sink = RedisSink(redis, RedisNames(prefix), token="bench", lease_ms=_LEASE_MS, source=settings.source)  # noqa: S106 (it names who leads)
        publication = Publication(sink, Metrics(), random=random.random)
        async with publication.leading():
            await publication.open_epoch(day)
            await publication.publish(changes, now_ms())
        await publication.resign()
    return sum(map(len, changes.values()))


def symbols_of(day: date) -> Sequence[str]:
    """What the simulated exchange of the first seed lists, the busiest first."""
    listed = sorted(Exchange(seed=1, day=day).listings, key=lambda listing: -listing.weight)
    return [listing.symbol for listing in listed]


def rows_of(symbols: Sequence[str], end_ms: int) -> Changes:
    """The rows of all tables that grow in the course of a day, up to a moment."""
    tables: dict[Stored, dict[str, Row | None]] = {}
    for place, symbol in enumerate(symbols):
        busy = place < len(symbols) // _BUSY_PART
        for channel, key, row in _rows_of(symbol, end_ms, busy=busy):
            tables.setdefault(channel, {})[key] = row
    tables[Channel.ALERTS] = {f"alert#{number % ALERTS}": _alert(number, end_ms) for number in range(ALERTS)}
    return tables


def _rows_of(symbol: str, end_ms: int, *, busy: bool) -> Iterator[tuple[Stored, str, Row]]:
    for number in range(1, RING + 1):
        yield Channel.TRADES, tape_key(symbol, number), _trade(number, end_ms)
    last_ms = end_ms // MINUTE_MS * MINUTE_MS - MINUTE_MS
    hours: dict[str, list[JSON]] = {}
    for back in reversed(range(MINUTES if busy else FEW)):
        bar = _bar(last_ms - MINUTE_MS * back)
        if back < 2:
            yield Channel.BARS, bar_key(symbol, bar["start"]), cast("Row", bar)
        else:
            hours.setdefault(minutes_key(symbol, bar), []).append(cast("Row", bar))
    for hour, bars in hours.items():
        yield Internal.MINUTES, hour, {"bars": bars}
    steps: list[JSON] = list(range(end_ms // STEP_MS - (MAX_STEPS if busy else 2), end_ms // STEP_MS))
    totals: list[JSON] = [0] * len(steps)
    yield Internal.WINDOWS, symbol, {"steps": steps, "bought": totals, "sold": totals}
    yield (
        *(Internal.FLOW_WINDOWS, symbol),
        {"steps": steps, "bought": totals, "sold": totals, "buys": totals, "sells": totals},
    )
    now = end_ms // LOOKBACK_STEP_MS
    for kind, sums in (("imbalance", [0, 0]), ("foreign_acceleration", [0])):
        kept: list[JSON] = [[now - back, *sums] for back in reversed(range(LOOKBACK_MS // LOOKBACK_STEP_MS))]
        yield Internal.LOOKBACKS, f"{symbol}#{kind}", {"steps": kept if busy else kept[-2:]}
        yield Internal.TOLD, f"{symbol}#{kind}", {"time": None, "state": 0}


def _trade(number: int, end_ms: int) -> Row:
    return {
        "number": number,
        "time": end_ms - 1000 * (RING - number),
        "price": 31500,
        "volume": 1200,
        "value": 37_800_000,
        "side": "active_buy",
        "session": "LO",
    }


def _bar(start_ms: int) -> BarRow:
    return {
        "start": start_ms,
        "open": 31500,
        "high": 31650,
        "low": 31450,
        "close": 31550,
        "volume": 54_300,
        "value": 1_713_165_000,
        "trades": 37,
    }


def _alert(number: int, end_ms: int) -> Row:
    numbers = ("usual_volume", "net_value", "earlier_net_value", "basis", "underlying_value", "buy_value", "sell_value")
    return {
        "number": number,
        "time": end_ms,
        "kind": "volume_spike",
        "symbol": "SSI",
        "severity": "critical",
        "price": 31500,
        "minute_volume": 1000,
        **dict.fromkeys(numbers),
    }
