"""
Clients that come at once: how many a second get their first data.

So many clients open a connection, at most so many of them at a time without an answer, until each has had its first
data: the snapshot of one row, or the latest message. All contestants take turns.

With --with-clients there are clients already, whom a frame reaches five times a second: the age of their data before,
and while the others come. With --epoch (the publisher alone) all are there, and a new epoch begins: how long until
each has the new snapshot.
"""

import argparse
import asyncio
import sys
from dataclasses import asdict, dataclass, replace
from functools import partial
from statistics import median

from bench import contest
from bench.contest import Contest
from bench.contestant import Contestant
from bench.cores import CannotMeasure
from bench.crowd import Opened
from bench.figures import Figures, print_table, spread, told
from bench.ground import Ground
from bench.supply import pace
from local_stack.number import number
from tests.fakes.writer import DAY

#: Frames a second for those who are there already, and how long they are watched before.
RATE, BEFORE_S = 5.0, 3.0


@dataclass(frozen=True, slots=True)
class Storm:
    """All came."""

    per_s: float  # clients that got their first data
    first_p50_ms: float  # from a client's first packet to its first data
    first_p99_ms: float
    cpu_us_per_client: float
    p99_before_ms: float = 0.0  # age of data of those who were there, before
    p99_during_ms: float = 0.0  # and while the others came
    longest_during_ms: float = 0.0


def stormed(opened: Opened, clients: int, cpu_s: float) -> Storm:
    """All of them had their first data, for so much of the server's time."""
    return Storm(
        per_s=clients / opened.seconds,
        first_p50_ms=opened.first.below_ms(50),
        first_p99_ms=opened.first.below_ms(99),
        cpu_us_per_client=cpu_s / clients * 1e6,
    )


async def storm(place: Ground, clients: int, concurrent: int, contestant: Contestant) -> Storm:
    """Nobody is there before. Raises CannotMeasure."""
    async with place.serving(contestant) as server, place.feeding(server):
        before_s = server.cpu_s()
        async with place.clients(server, clients, concurrent=concurrent) as there:
            return stormed(await there.opened(), clients, server.cpu_s() - before_s)


async def storm_beside(place: Ground, clients: int, concurrent: int, others: int, contestant: Contestant) -> Storm:
    """Others are there, and get frames. Raises CannotMeasure."""
    async with place.served(contestant, others) as served, pace(served.send, RATE):
        server, settled = served.server, served.clients
        await asyncio.sleep(1)
        await settled.begin_window(RATE)
        await asyncio.sleep(BEFORE_S)
        before = await settled.window()
        await settled.begin_window(RATE)
        before_s = server.cpu_s()
        async with place.clients(server, clients, concurrent=concurrent) as there:
            opened = await there.opened()
            cpu_s = server.cpu_s() - before_s
            during = await settled.window()
    if during.lost or not during.data or not before.data:
        raise CannotMeasure("those who were there were lost, or got nothing")
    return replace(
        stormed(opened, clients, cpu_s),
        p99_before_ms=before.ages.below_ms(99),
        p99_during_ms=during.ages.below_ms(99),
        longest_during_ms=during.ages.below_ms(100),
    )


async def new_epoch(place: Ground, clients: int, concurrent: int, contestant: Contestant) -> Storm:
    """All are there, and get a new table. Raises CannotMeasure."""
    async with place.served(contestant, clients, concurrent=concurrent) as served:
        server, there = served.server, served.clients
        await asyncio.sleep(1)
        before_s = server.cpu_s()
        await there.begin_wait(contestant.first)
        await place.writer.publication.open_epoch(DAY)
        await place.writer.commit(place.market.all())
        waited = await there.waited()
        return stormed(waited, clients, server.cpu_s() - before_s)


def show(results: dict[str, list[Storm]], *, beside: bool) -> None:
    """The table."""
    titles = ["", "clients/s", "first data p50 ms", "p99 ms", "µs CPU a client"]
    titles += ["age p99 before ms", "during ms", "longest ms"] if beside else []
    rows = []
    for name, runs in results.items():
        row = [name, told([run.per_s for run in runs], 0)]
        row += [f"{median(getattr(run, field) for run in runs):,.0f}" for field in _MIDDLE]
        row += [told([getattr(run, field) for run in runs], 1) for field in _BESIDE] if beside else []
        rows.append(row)
    print_table(titles, rows)


_MIDDLE = ("first_p50_ms", "first_p99_ms", "cpu_us_per_client")
_BESIDE = ("p99_before_ms", "p99_during_ms", "longest_during_ms")


async def measure(contest: Contest, clients: int, concurrent: int, others: int, *, epoch: bool) -> Figures:
    """One of the three."""
    if epoch:
        what, once = f"a new epoch for {clients} clients", partial(new_epoch, contest.place, clients, concurrent)
    elif others:
        what = f"{clients} clients come, {others} are there"
        once = partial(storm_beside, contest.place, clients, concurrent, others)
    else:
        what, once = f"{clients} clients come", partial(storm, contest.place, clients, concurrent)
    results = await contest.turns(what, once)
    show(results, beside=bool(others))
    fields = [field for field in asdict(Storm(0, 0, 0, 0)) if others or field not in _BESIDE]
    figures = {
        name: {field: spread([asdict(run)[field] for run in runs], 3) for field in fields}
        for name, runs in results.items()
    }
    return {
        "frame_bytes": contest.place.frames.size,
        "clients": clients,
        "concurrent": concurrent,
        "others": others,
        "epoch" if epoch else "connect": figures,
    }


def main() -> int:
    """Measure and print. Exit code 1: something could not be measured."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--clients", type=number(int, 1, 1_000_000), default=10_000, help="so many come (10,000)")
    parser.add_argument(
        "--concurrent", type=number(int, 1, 4000), default=256, help="at most so many of them without an answer (256)"
    )
    parser.add_argument("--with-clients", type=number(int, 1, 1_000_000), default=0, help="so many are there already")
    parser.add_argument("--epoch", action="store_true", help="the publisher alone: all are there, a new epoch begins")
    contest.add_options(parser)
    chosen = parser.parse_args()
    if chosen.epoch:
        contest.publisher_alone(parser, chosen)
    clients, concurrent, others = int(chosen.clients), int(chosen.concurrent), int(chosen.with_clients)
    return contest.hold(
        chosen, clients + others, lambda held: measure(held, clients, concurrent, others, epoch=chosen.epoch)
    )


if __name__ == "__main__":
    sys.exit(main())
