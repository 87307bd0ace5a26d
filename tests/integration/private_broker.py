"""A broker of a test's own."""

import asyncio
import os
import signal
import subprocess

from redis.asyncio import Redis

from local_stack.engine import Broker
from shared.redis_client import open_redis


class PrivateBroker:
    """A real server that a test may kill, freeze and start again on the same port."""

    def __init__(self, broker: Broker) -> None:
        self.broker = broker
        self.url = broker.url
        self._process: subprocess.Popen[bytes] | None = None

    async def start(self) -> None:
        """Start it, empty; returns when it answers."""
        self._process = subprocess.Popen(self.broker.command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)  # noqa: ASYNC220 (starting takes no time)
        async with asyncio.timeout(10), open_redis(self.url) as redis:
            while not await _answers(redis):  # noqa: ASYNC110 (what is waited for is another process)
                await asyncio.sleep(0.01)

    def signal(self, number: signal.Signals) -> None:
        """Freeze (SIGSTOP), go on (SIGCONT), die (SIGKILL)."""
        assert self._process is not None
        os.kill(self._process.pid, number)
        if number is signal.SIGKILL:
            self._process.wait(10)
            self._process = None

    def end(self) -> None:
        """Whatever state it is in."""
        if self._process is not None:
            self.signal(signal.SIGKILL)


async def _answers(redis: Redis) -> bool:
    try:
        return bool(await redis.ping())
    except Exception:  # noqa: BLE001 (it is asked until it does)
        return False
