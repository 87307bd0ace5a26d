"""
The check at the end of a demo: do clients hold what Redis holds, and does Redis hold what the market did?

Two clients watch two publishers while the market moves, one in whole rows, one in changed fields. Then the market is
stopped, and what all of them hold must become the same.
"""

import asyncio
import statistics
from collections.abc import Iterable, Iterator, Sequence

import httpx2
import orjson
from prometheus_client.parser import text_string_to_metric_families
from pydantic import BaseModel
from redis.asyncio import Redis
from redis.exceptions import RedisError

from local_stack.board_client import BoardClient
from local_stack.services import Addresses
from shared.channels import Channel, RedisNames
from shared.redis_client import open_redis
from shared.wire import decode_row

CHANNELS = (Channel.MARKET, Channel.FOREIGN, Channel.INDEX, Channel.DERIVATIVES)
#: The feed's data types that a channel is made of. Futures are a part of X, and their basis comes with MI.
DATA_TYPES = {"market": ("X", "F"), "foreign": ("R",), "index": ("MI",), "derivatives": ("X",)}
#: From the market's stop to equal tables: one throttle window, and whatever still waits in sockets.
SETTLE_DEADLINE_S = 20.0
#: The imports of a process that was killed, and starts again, on a slow machine.
RESTART_DEADLINE_S = 20.0
#: One can see the pattern in so many.
MAX_DIFFERENCES = 50

Tables = dict[str, dict[str, dict[str, object]]]  # channel → key → row
Counters = dict[tuple[str, str], float]  # (name, channel) → value


class _SymbolTotals(BaseModel):
    last: float
    total_volume: int
    foreign_buy_volume: int
    foreign_sell_volume: int


class _IndexTotals(BaseModel):
    value: float


class MarketLedger(BaseModel):
    """What the simulated market told, by its own account."""

    symbols: dict[str, _SymbolTotals]
    indices: dict[str, _IndexTotals]


class ChannelFigures(BaseModel):
    """One channel during the check. Ages: from the ingest's reading of a message to the client's of its frame."""

    messages_in: int  # feed messages of the data types that the channel is made of
    commits: int  # commits that carried it
    frames_out: int  # data frames written, by all publishers
    merge_ratio: float | None  # of the changes of rows, the share that a newer one replaced before it left
    data_age_p50_ms: float | None
    data_age_p99_ms: float | None


class Report(BaseModel):
    """The outcome."""

    ok: bool
    differences: list[str]  # the first MAX_DIFFERENCES
    seconds: float
    channels: dict[str, ChannelFigures]


async def check(addresses: Addresses, seconds: float, http: httpx2.AsyncClient) -> Report:
    """Watch for so many seconds, then stop the market and compare."""
    first, last = addresses.publishers[0], addresses.publishers[-1]
    clients = [BoardClient(f"ws://{first}/ws", CHANNELS, "rows"), BoardClient(f"ws://{last}/ws", CHANNELS, "fields")]
    grown: Counters = {}
    async with asyncio.TaskGroup() as group, open_redis(addresses.redis_url) as redis:
        following = [group.create_task(client.follow(), name=f"follow {client.url}") for client in clients]
        try:
            before = await counters(addresses, http)
            await asyncio.sleep(seconds)
            (await http.post(f"{addresses.simulator}/control/pause")).raise_for_status()
            differences = await settle(addresses, clients, redis, http)
            after = await counters(addresses, http)
            # A publisher that was started again counts from nothing.
            grown = {series: value - min(before.get(series, 0.0), value) for series, value in after.items()}
        except (httpx2.HTTPError, RedisError) as error:
            differences = [f"a part of the stack does not answer: {type(error).__name__} {error}"]
        for task in following:
            task.cancel()
    return Report(
        ok=not differences,
        differences=differences[:MAX_DIFFERENCES],
        seconds=seconds,
        channels={channel: figures(channel, grown, clients) for channel in CHANNELS},
    )


async def settle(
    addresses: Addresses, clients: Sequence[BoardClient], redis: Redis, http: httpx2.AsyncClient
) -> list[str]:
    """
    The differences, once there are none or the deadline has passed.

    Not everything stands still when the market does (speeds fall, the feed is called stale), so what is looked for is
    a moment at which all agree; it comes a window after any change.
    """
    loop = asyncio.get_running_loop()
    deadline_s = loop.time() + SETTLE_DEADLINE_S
    names = RedisNames(addresses.redis_prefix)
    answer = await answered(f"{addresses.simulator}/control/ledger", http)
    ledger = MarketLedger.model_validate_json(answer.content)
    while True:
        stored = await stored_tables(redis, names)
        differences = [
            *ledger_differences(ledger, stored),
            *(line for client in clients for line in client_differences(client, stored)),
            *(client.complaint for client in clients if client.complaint is not None),
        ]
        if not differences or loop.time() > deadline_s:
            return differences
        await asyncio.sleep(0.1)


async def stored_tables(redis: Redis, names: RedisNames) -> Tables:
    """What Redis holds now, all channels at one moment."""
    async with redis.pipeline(transaction=True) as pipeline:
        for channel in CHANNELS:
            pipeline.hgetall(names.rows(channel))
        answers: list[dict[bytes, bytes]] = await pipeline.execute()
    tables: Tables = {}
    for channel, stored in zip(CHANNELS, answers, strict=True):
        rows = {key.decode(): decode_row(value)[0] for key, value in stored.items()}
        tables[channel] = {key: dict(row) for key, row in rows.items() if row is not None}
    return tables


def client_differences(client: BoardClient, stored: Tables) -> Iterator[str]:
    """Where a client's rows are not those in Redis."""
    for channel, table in client.tables.items():
        if table.position is None:
            yield f"{channel}: no snapshot has come to {client.url}"
            continue
        for key in sorted(stored[channel].keys() | table.rows.keys()):
            held, wanted = table.rows.get(key), stored[channel].get(key)
            if held is None or wanted is None:
                yield f"{channel} {key}: {'no row' if held is None else 'a row'} at {client.url}, but not so in Redis"
                continue
            for field in sorted(held.keys() | wanted.keys()):
                if held.get(field) != wanted.get(field):
                    yield f"{channel} {key} {field}: {held.get(field)} at {client.url}, {wanted.get(field)} in Redis"


def ledger_differences(ledger: MarketLedger, stored: Tables) -> Iterator[str]:
    """Where Redis does not hold what the market did. A symbol without trades may have no row or no value yet."""
    market, foreign, index = stored[Channel.MARKET], stored[Channel.FOREIGN], stored[Channel.INDEX]
    for symbol, totals in ledger.symbols.items():
        row, flow = market.get(symbol, {}), foreign.get(symbol, {})
        yield from _compare(f"market {symbol} last", row.get("last"), totals.last)
        yield from _compare(f"market {symbol} total_volume", row.get("total_volume"), totals.total_volume)
        yield from _compare(f"foreign {symbol} buy_volume", flow.get("buy_volume"), totals.foreign_buy_volume)
        yield from _compare(f"foreign {symbol} sell_volume", flow.get("sell_volume"), totals.foreign_sell_volume)
    for key, value in ledger.indices.items():
        yield from _compare(f"index {key} value", index.get(key, {}).get("value"), round(value.value, 2))


def _compare(what: str, held: object, wanted: float) -> Iterator[str]:
    if (held or 0) != wanted:
        yield f"{what}: {held} in Redis, {wanted:g} in the market"


async def counters(addresses: Addresses, http: httpx2.AsyncClient) -> Counters:
    """All counters by channel; publishers are added up."""
    sums: Counters = {}
    for at in (*addresses.ingests, *(f"http://{publisher}" for publisher in addresses.publishers)):
        answer = await answered(f"{at}/metrics", http)
        for family in text_string_to_metric_families(answer.text):
            for sample in family.samples:
                if "channel" in sample.labels and sample.name.endswith("_total"):
                    series = sample.name, sample.labels["channel"]
                    sums[series] = sums.get(series, 0.0) + sample.value
    return sums


async def answered(url: str, http: httpx2.AsyncClient) -> httpx2.Response:
    """The answer of a part of the stack, which may just have died: it is started again. Raises httpx2.HTTPError."""
    loop = asyncio.get_running_loop()
    deadline_s = loop.time() + RESTART_DEADLINE_S
    while True:
        try:
            return (await http.get(url)).raise_for_status()
        except httpx2.TransportError:
            if loop.time() > deadline_s:
                raise
        await asyncio.sleep(0.1)


def figures(channel: str, grown: Counters, clients: Iterable[BoardClient]) -> ChannelFigures:
    """A channel's figures, from what the counters grew by and the ages that clients saw."""
    changes = grown.get(("publisher_changes_total", channel), 0)
    merged = grown.get(("publisher_changes_merged_total", channel), 0)
    ages_ms = [age for client in clients for age in client.ages_ms[channel]]
    # 99 cut points: the 50th is the median, the last the 99th percentile.
    cuts_ms = statistics.quantiles(ages_ms, n=100, method="inclusive") if len(ages_ms) > 1 else None
    return ChannelFigures(
        messages_in=round(sum(grown.get(("ingest_messages_total", kind), 0) for kind in DATA_TYPES[channel])),
        commits=round(grown.get(("ingest_commits_total", channel), 0)),
        frames_out=round(grown.get(("publisher_frames_total", channel), 0)),
        merge_ratio=round(merged / changes, 4) if changes else None,
        data_age_p50_ms=round(cuts_ms[49], 1) if cuts_ms else None,
        data_age_p99_ms=round(cuts_ms[98], 1) if cuts_ms else None,
    )


def report_line(report: Report) -> str:
    """The report as one line of JSON."""
    return orjson.dumps(report.model_dump()).decode()
