"""
A real Centrifugo on a stream that was recorded: what a client receives with delta compression and permessage-deflate.

Its natural ways for a board: a channel for each symbol with the row as the publication, or one channel with the whole
table; and its two protocols, JSON and Protobuf. It keeps the newest publication of a channel, as deltas need, in its
memory engine; it compresses as we do: from the same size on, at the higher of our levels. Each update is published when
the one before has been received, so that nothing is merged that would not be merged in real time.
"""

import asyncio
import json
from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from contextlib import asynccontextmanager
from enum import StrEnum
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import NamedTuple

import httpx2
import orjson

from bench.centrifugo_client import Client, Protocol
from bench.contestant import Unavailable
from bench.peers.centrifugo import program
from local_stack.engine import free_port, last_line
from local_stack.leash import Leash

READY_S, RECEIVE_S = 15.0, 20.0
BATCH = 200  # publications in one request

Rows = Mapping[str, bytes]  # key → row as JSON text


class Recorded(NamedTuple):
    """What a client of ours was told."""

    first: Rows
    updates: list[Rows]


class Layout(StrEnum):
    """What a channel is."""

    SYMBOL = "a channel for each symbol"
    TABLE = "the whole table in one channel"


def settings(port: int, level: int, threshold_bytes: int) -> dict[str, object]:
    """Its configuration file."""
    return {
        "http_server": {"address": "127.0.0.1", "port": port},
        "http_api": {"insecure": True},
        "health": {"enabled": True},
        "log": {"level": "error"},
        "usage_stats": {"disabled": True},
        "client": {"insecure": True, "channel_limit": 10_000, "queue_max_size": 64_000_000, "ping_interval": "1h"},
        "websocket": {"compression": True, "compression_level": level, "compression_min_size": threshold_bytes},
        "channel": {
            "without_namespace": {
                "allow_subscribe_for_client": True,
                "allow_subscribe_for_anonymous": True,
                "history_size": 1,
                "history_ttl": "24h",
                "force_recovery": True,
                "force_recovery_mode": "cache",
                "allowed_delta_types": ["fossil"],
                "delta_publish": True,
            }
        },
    }


@asynccontextmanager
async def running(level: int, threshold_bytes: int) -> AsyncIterator[int]:
    """The port of a server, for the length of the block. Raises Unavailable."""
    server, port = program(), free_port()
    with TemporaryDirectory(prefix="banggia-bench-") as name, Leash() as leash:
        folder = Path(name)
        (folder / "config.json").write_text(json.dumps(settings(port, level, threshold_bytes)), "utf-8")
        log = folder / "log"
        with log.open("wb") as output:
            process = await asyncio.create_subprocess_exec(
                *leash.command([str(server), "--config", str(folder / "config.json")]),
                stdin=asyncio.subprocess.DEVNULL, stdout=output, stderr=output,
                pass_fds=leash.pass_fds, start_new_session=True,
            )  # fmt: skip
        leash.handed_over()
        try:
            await _until_ready(port, process, log)
            yield port
        finally:
            leash.cut()
            await process.wait()


async def _until_ready(port: int, process: asyncio.subprocess.Process, log: Path) -> None:
    async with httpx2.AsyncClient(trust_env=False, timeout=2) as http:
        for _ in range(int(READY_S / 0.1)):
            try:
                if (await http.get(f"http://127.0.0.1:{port}/health")).status_code == 200:
                    return
            except httpx2.HTTPError:
                pass
            if process.returncode is not None:
                break
            await asyncio.sleep(0.1)
    raise Unavailable(f"it does not start: {last_line(log)}")


def publications(recorded: Recorded, layout: Layout) -> Iterator[list[tuple[str, bytes]]]:
    """(channel, data) of the first rows, then of each update."""
    if layout is Layout.SYMBOL:
        yield list(recorded.first.items())
        for update in recorded.updates:
            yield list(update.items())
        return
    table = dict(recorded.first)
    yield [("board", _table(table))]
    for update in recorded.updates:
        table.update(update)
        yield [("board", _table(table))]


def _table(rows: Rows) -> bytes:
    return b"{" + b",".join(orjson.dumps(key) + b":" + row for key, row in rows.items()) + b"}"


async def measure(recorded: Recorded, seconds: float, level: int, threshold_bytes: int) -> dict[str, dict[str, float]]:
    """By layout and protocol: bytes a second, publications and how many of them were deltas. Raises Unavailable."""
    found: dict[str, dict[str, float]] = {}
    for layout in Layout:
        for protocol in Protocol:
            async with running(level, threshold_bytes) as port:
                try:
                    played = await _play(port, publications(recorded, layout), protocol, seconds)
                except (ConnectionError, TimeoutError, httpx2.HTTPError) as error:
                    raise Unavailable(
                        f"it does not send what was published ({layout}, {protocol}): {error!r}"
                    ) from error
                found[f"{layout}, {protocol}"] = played
    return found


async def _play(
    port: int, updates: Iterator[list[tuple[str, bytes]]], protocol: Protocol, seconds: float
) -> dict[str, float]:
    async with (
        Client.connected(port, protocol) as client,
        httpx2.AsyncClient(base_url=f"http://127.0.0.1:{port}", trust_env=False, timeout=RECEIVE_S) as http,
    ):
        first = next(updates)
        await client.subscribe([channel for channel, _ in first])
        await _publish(http, client, first)  # what deltas refer to from now on
        client.counted.clear()
        for update in updates:
            await _publish(http, client, update)
        counted = client.counted
        return {
            "bytes_per_s": round(counted["bytes"] / seconds),
            "frames_per_s": round(counted["frames"] / seconds, 2),
            "publications": counted["publications"],
            "deltas": counted["deltas"],
        }


async def _publish(http: httpx2.AsyncClient, client: Client, update: Sequence[tuple[str, bytes]]) -> None:
    """Return when the client has it."""
    wanted = client.counted["publications"] + len(update)
    for at in range(0, len(update), BATCH):
        commands = b",".join(
            b'{"publish":{"channel":%b,"data":%b}}' % (orjson.dumps(channel), data)
            for channel, data in update[at : at + BATCH]
        )
        answer = await http.post("/api/batch", content=b'{"commands":[' + commands + b"]}")
        replies = answer.json().get("replies", [{"error": answer.text}]) if answer.status_code == 200 else []
        if answer.status_code != 200 or any("error" in reply for reply in replies):
            raise Unavailable(f"it refuses to publish: {answer.status_code} {answer.text[:200]}")
    await client.received(wanted, RECEIVE_S)
