"""The clients of measurements count what a server sends, however it comes."""

import asyncio
import os
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from bench.cores import CannotMeasure
from bench.crowd import Crowd, crowd

ANSWER = b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\n\r\n"
PING = b"\x89\x04last"
#: Opcode and mask, four bytes of a mask of zeros, and the payload.
PONG = b"\x8a\x84\x00\x00\x00\x00last"


def frame(payload: bytes) -> bytes:
    """A whole text frame of any length."""
    size = len(payload)
    if size < 126:
        return bytes((0x81, size)) + payload
    if size < 65_536:
        return b"\x81\x7e" + size.to_bytes(2, "big") + payload
    return b"\x81\x7f" + size.to_bytes(8, "big") + payload


def update(padding: int) -> bytes:
    """Data of this moment."""
    return b'{"type":"update","time":%d,"data":"%b"}' % (time.time_ns() // 1_000_000, b"x" * padding)


class Peer:
    """A server that sends what a test says, to each client."""

    def __init__(self, answer: bytes) -> None:
        self._answer = answer
        self.port = 0
        self.heard = b""
        self.writers: list[asyncio.StreamWriter] = []
        self._pings = 0
        self._ponged = asyncio.Event()

    async def come(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """One client; the answer to its handshake and its first data are one write."""
        asked = await reader.readuntil(b"\r\n\r\n")
        self.heard += asked
        writer.write(self._answer)
        self.writers.append(writer)
        while data := await reader.read(1000):
            self.heard += data
            if self.heard.count(PONG) == self._pings:
                self._ponged.set()

    async def send(self, pieces: Sequence[bytes]) -> None:
        """To all, piece by piece; it has been read when this returns."""
        self._ponged.clear()
        self._pings += len(self.writers)
        for writer in self.writers:
            writer.transport.set_write_buffer_limits(0)
            for piece in [*pieces, PING]:
                writer.write(piece)
                await writer.drain()
                await asyncio.sleep(0)
        async with asyncio.timeout(10):
            await self._ponged.wait()


async def begin(there: Crowd, per_s: float = 0) -> None:
    """A window that has begun when this returns."""
    await there.begin_window(per_s)
    await there.window()


@asynccontextmanager
async def served(
    load: Path, log: Path, answer: bytes, clients: int = 1, **options: str
) -> AsyncIterator[tuple[Peer, Crowd]]:
    """A server and clients on their way to it."""
    peer = Peer(answer)
    server = await asyncio.start_server(peer.come, "127.0.0.1", 0)
    peer.port = server.sockets[0].getsockname()[1]
    cores = sorted(os.sched_getaffinity(0))
    async with server, crowd(load, clients, cores, log / "clients.log", {"port": str(peer.port), **options}) as there:
        yield peer, there
        for writer in peer.writers:
            writer.transport.abort()


async def test_frames_are_counted_whether_they_come_in_pieces_or_many_at_once(load: Path, tmp_path: Path) -> None:
    frames = [frame(update(padding)) for padding in (0, 60, 300, 70_000)]
    whole = b"".join(frames)
    async with served(load, tmp_path, ANSWER + frame(update(0)), clients=3) as (peer, there):
        opened = await there.opened()
        await begin(there)

        await peer.send([whole])
        await peer.send([whole[at : at + 1] for at in range(700)] + [whole[700:]])
        await peer.send([whole[at : at + 997] for at in range(0, len(whole), 997)])
        seen = await there.window()

    assert opened.first.total == 3
    assert (seen.data, seen.frames, seen.lost) == (3 * 3 * 4, 3 * 3 * 4, 0)
    assert seen.bytes == 3 * 3 * (len(whole) + len(PING))
    assert seen.ages.total == seen.data
    assert seen.ages.below_ms(100) < 10_000


async def test_what_is_no_data_is_a_frame_and_has_no_age(load: Path, tmp_path: Path) -> None:
    async with served(load, tmp_path, ANSWER + frame(update(0))) as (peer, there):
        await there.opened()
        await begin(there)

        await peer.send([frame(b'{"type":"heartbeat","time":1}'), frame(b"")])
        seen = await there.window()

    assert (seen.frames, seen.data, seen.ages.total) == (2, 0, 0)


async def test_data_merged_into_a_later_frame_counts_with_the_age_that_it_has_then(load: Path, tmp_path: Path) -> None:
    now_ms = time.time_ns() // 1_000_000
    due = [b'{"type":"update","time":%d}' % (now_ms + late_ms) for late_ms in (-1000, -900, -500)]
    async with served(load, tmp_path, ANSWER + frame(due[0])) as (peer, there):
        await there.opened()
        await begin(there, per_s=10)

        await peer.send([frame(due[1])])
        await peer.send([frame(due[2])])  # with it the data of three more
        seen = await there.window()

    assert (seen.data, seen.ages.total) == (2, 5)
    assert 500 < seen.ages.below_ms(20) < seen.ages.below_ms(40) - 80 < seen.ages.below_ms(60) - 160


async def test_clients_say_what_they_are_told_and_ask_for_their_own_paths(load: Path, tmp_path: Path) -> None:
    (tmp_path / "paths").write_text("/one\n/two\n", "ascii")
    options = {"paths": str(tmp_path / "paths"), "say": "40"}
    async with served(load, tmp_path, ANSWER + frame(update(0)), clients=2, **options) as (peer, there):
        await there.opened()
        await peer.send([])

    assert (peer.heard.count(b"GET /one "), peer.heard.count(b"GET /two ")) == (1, 1)
    assert peer.heard.count(b"\x81\x82\x00\x00\x00\x0040") == 2


async def test_a_wait_ends_when_each_client_has_had_the_text(load: Path, tmp_path: Path) -> None:
    async with served(load, tmp_path, ANSWER + frame(update(0)), clients=2) as (peer, there):
        await there.opened()

        await there.begin_wait('"type":"snapshot"')
        await begin(there)
        await peer.send([frame(update(0)), frame(b'{"type":"snapshot","epoch":"new"}')])
        waited = await there.waited()

    assert waited.first.total == 2


async def test_a_refused_handshake_is_told_with_its_answer(load: Path, tmp_path: Path) -> None:
    async with served(load, tmp_path, b"HTTP/1.1 403 Forbidden\r\n\r\n") as (_, there):
        with pytest.raises(CannotMeasure, match=r"HTTP/1\.1 403 Forbidden"):
            await there.opened()


async def test_lost_clients_are_counted(load: Path, tmp_path: Path) -> None:
    async with served(load, tmp_path, ANSWER + frame(update(0)), clients=2) as (peer, there):
        await there.opened()

        peer.writers[0].transport.abort()
        async with asyncio.timeout(10):
            while not (await there.window()).lost:  # noqa: ASYNC110 (it is another process)
                await asyncio.sleep(0.01)
        seen = await there.window()

    assert seen.lost == 1
