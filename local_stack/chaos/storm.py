"""One fault after the other, each until everything is well again; and what the oracles saw meanwhile."""

import asyncio
import time
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress

import httpx2

from local_stack.chaos.complaint import Kind, Weather
from local_stack.chaos.deck import Card
from local_stack.chaos.faults import FAULTS
from local_stack.chaos.ledger import Ledger
from local_stack.chaos.oracle import Oracle
from local_stack.chaos.report import Blow, blow_line
from local_stack.chaos.stack import POLL_S, NotStruck, Stack
from local_stack.chaos.watch import day_of

#: Whoever is not well again by then never will be.
RECOVERY_DEADLINE_S = 60.0
#: For bringing it about, and for healing it; none is held longer than ten seconds.
FAULT_DEADLINE_S = 90.0
CALM_S = 2.0
CHECK_S = 1.0
#: All tables of an oracle are looked at this often, one oracle after the other.
TABLES_S = 5.0
#: What the ledger remembers; no client is further behind.
LEDGER_S = 90.0


class Storm:
    """Brings faults upon a stack and watches it recover."""

    def __init__(
        self, stack: Stack, oracles: Sequence[Oracle], ledger: Ledger, weather: Weather, say: Callable[[str], None]
    ) -> None:
        self._stack = stack
        self._oracles = oracles
        self._ledger = ledger
        self._weather = weather
        self._say = say
        self.longest_pause_s = 0.0  # of this very program: proxies and oracles are late by as much

    async def watch(self) -> None:
        """Let the oracles look at what does not come; until cancelled."""
        loop = asyncio.get_running_loop()
        turn = 0
        while True:
            await asyncio.sleep(CHECK_S)
            for oracle in self._oracles:
                oracle.check(loop.time())
            if turn % TABLES_S < len(self._oracles):
                self._oracles[turn % len(self._oracles)].check_tables()
            self._ledger.forget(loop.time() - LEDGER_S)
            turn += 1

    async def watch_itself(self) -> None:
        """Note how late this program is; until cancelled."""
        loop = asyncio.get_running_loop()
        while True:
            due_s = loop.time() + POLL_S
            await asyncio.sleep(POLL_S)
            self.longest_pause_s = max(self.longest_pause_s, loop.time() - due_s)

    async def settle(self) -> bool:
        """Wait until everything is well: whole, connected everywhere, with data from now. False: it never was."""
        from_ms = time.time() * 1000
        with suppress(TimeoutError):
            async with asyncio.timeout(RECOVERY_DEADLINE_S):
                while not (self._is_seen_well(from_ms) and await self._stack.is_whole()):  # noqa: ASYNC110 (other processes)
                    await asyncio.sleep(POLL_S)
                return True
        return False

    async def run(self, cards: Iterable[Card], until_s: float, least: int) -> list[Blow]:
        """Fault after fault until that time, and at least so many; what each has done."""
        loop = asyncio.get_running_loop()
        blows: list[Blow] = []
        self._weather.calm = True
        for card in cards:
            if loop.time() >= until_s and len(blows) >= least:
                break
            self._say(f"{time.strftime('%H:%M:%S')} {card.name}")
            blow = await self._strike(card)
            blows.append(blow)
            self._say(f"         {blow_line(blow)}")
            if blow.trouble is not None:
                break  # what came next would suffer from it, too
        return blows

    async def _strike(self, card: Card) -> Blow:
        loop = asyncio.get_running_loop()
        fault, before = FAULTS[card.name], self.counts()
        began_s = loop.time()
        self._weather.calm = False
        if fault.other_market:
            self._weather.mixed_days |= {day_of(epoch) for epoch in self._ledger.epochs}
        trouble = not_struck = None
        try:
            async with asyncio.timeout(FAULT_DEADLINE_S), fault.strike(self._stack, card.victim):
                await asyncio.sleep(fault.hold_s)
        except NotStruck as error:
            not_struck = str(error)
        except (TimeoutError, httpx2.HTTPError) as error:
            trouble = f"it could not be brought about or healed: {type(error).__name__} {error}"
        if not trouble and not await self.settle():
            trouble = f"not everything is well after {RECOVERY_DEADLINE_S:g} s"
        ended_s = loop.time()
        await asyncio.sleep(CALM_S / 2)
        self._weather.calm = trouble is None
        await asyncio.sleep(CALM_S / 2)
        ordinary = [oracle for oracle in self._oracles if oracle.ordinary]
        return Blow(
            fault=card.name,
            blind_s=max(oracle.longest_wait_s(began_s, ended_s) for oracle in ordinary),
            seconds=ended_s - began_s,
            complaints=self.counts() - before,
            trouble=trouble,
            not_struck=not_struck,
        )

    def counts(self) -> Counter[Kind]:
        """Complaints of all oracles so far."""
        return sum((oracle.counts for oracle in self._oracles), Counter[Kind]())

    def _is_seen_well(self, from_ms: float) -> bool:
        return all(oracle.connected and oracle.time_ms > from_ms for oracle in self._oracles if oracle.ordinary)
