"""The processes, proxies and oracles of one run, as faults find them."""

import asyncio
import os
import signal
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

import httpx2
import orjson
from prometheus_client.parser import text_string_to_metric_families
from redis.asyncio import Redis

from local_stack.chaos.fault_proxy import FaultProxy
from local_stack.chaos.follower import Follower
from local_stack.supervisor import Supervisor

#: Who does not answer within this is frozen, or on its way.
ASK_DEADLINE_S = 2.0
POLL_S = 0.1


class NotStruck(Exception):  # noqa: N818 (the name says what it is)
    """A fault hit nothing; the text says why."""


@dataclass(frozen=True, slots=True)
class Ingest:
    """One of the two."""

    name: str
    metrics: str  # address
    proxy: FaultProxy  # on its way to Redis


@dataclass(frozen=True, slots=True)
class Publisher:
    """One of several."""

    name: str
    at: str  # host:port
    proxy: FaultProxy  # on its way to Redis


@dataclass(frozen=True, slots=True)
class Stack:
    """Everything that a fault may hit."""

    supervisor: Supervisor
    redis: Redis  # directly, by no proxy
    http: httpx2.AsyncClient
    simulator: str  # address
    ingests: Sequence[Ingest]
    publishers: Sequence[Publisher]
    followers: Sequence[Follower]

    def send(self, name: str, number: signal.Signals) -> int:
        """Signal a process of ours; its id. Raises NotStruck."""
        pid = self.supervisor.pid(name)
        try:
            if pid is not None:
                os.kill(pid, number)
                return pid
        except ProcessLookupError:
            pass  # it died just now
        raise NotStruck(f"{name} does not run")

    async def leader(self) -> Ingest:
        """The ingest that leads; waits until there is exactly one."""
        while True:
            leading = [each for each in self.ingests if await self._leads(each)]
            if len(leading) == 1:
                return leading[0]
            await asyncio.sleep(POLL_S)

    async def standby(self) -> Ingest:
        """The other one."""
        leader = await self.leader()
        return next(each for each in self.ingests if each is not leader)

    async def is_whole(self) -> bool:
        """Whether every process answers, every publisher is ready, one ingest leads, and all hold a feed."""
        leading = [await self._leads(each) for each in self.ingests]
        if None in leading or leading.count(True) != 1:
            return False
        ready = [await self._get(f"http://{each.at}/readyz") is not None for each in self.publishers]
        text = await self._get(f"{self.simulator}/control")
        return all(ready) and text is not None and len(orjson.loads(text)["connections"]) >= len(self.ingests)

    async def day(self) -> date:
        """The market's trading day."""
        answer = await self.http.get(f"{self.simulator}/control")
        return date.fromisoformat(answer.raise_for_status().json()["market"]["day"])

    async def order(self, word: str, **body: object) -> None:
        """Tell the simulator something. Raises httpx2.HTTPError."""
        (await self.http.post(f"{self.simulator}/control/{word}", json=body)).raise_for_status()

    async def clear(self, fault: str) -> None:
        """Take a fault of the simulator back."""
        (await self.http.delete(f"{self.simulator}/control/faults/{fault}")).raise_for_status()

    async def _leads(self, ingest: Ingest) -> bool | None:
        """None: it does not answer."""
        text = await self._get(f"{ingest.metrics}/metrics")
        if text is None:
            return None
        values = [
            sample.value
            for family in text_string_to_metric_families(text)
            for sample in family.samples
            if sample.name == "ingest_leader"
        ]
        return values == [1.0]

    async def _get(self, url: str) -> str | None:
        try:
            answer = await self.http.get(url, timeout=ASK_DEADLINE_S)
        except httpx2.HTTPError:
            return None
        return answer.text if answer.status_code == 200 else None
