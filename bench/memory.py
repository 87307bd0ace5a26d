"""
Memory of a server for each idle client: connected, subscribed, served once.

What the server's processes hold with so many clients, less what they held before, after it has settled. What the
kernel holds for sockets is not in it. All contestants take turns.
"""

import argparse
import asyncio
import sys
from dataclasses import asdict, dataclass
from functools import partial
from statistics import median

from bench import contest
from bench.contest import Contest
from bench.contestant import Contestant
from bench.figures import Figures, print_table, spread, told
from bench.ground import Ground, Server
from bench.usage import Memory
from local_stack.number import number

#: Memory has settled when it changed by less than this within the time; it is waited for so often.
STILL_KB, LOOK_S, LOOKS = 200, 2.0, 8


@dataclass(frozen=True, slots=True)
class Held:
    """By one server, once."""

    resident_kb_per_client: float
    proportional_kb_per_client: float  # what processes of it share is counted once
    before_mb: float
    with_clients_mb: float


async def settled(server: Server) -> Memory:
    """What it holds when it holds no more than before, or after a while."""
    now = server.memory()
    for _ in range(LOOKS):
        before = now
        await asyncio.sleep(LOOK_S)
        now = server.memory()
        if abs(now.resident_kb - before.resident_kb) < STILL_KB:
            break
    return now


async def once(place: Ground, clients: int, contestant: Contestant) -> Held:
    """Raises CannotMeasure."""
    async with place.serving(contestant) as server, place.feeding(server):
        before = await settled(server)
        async with place.clients(server, clients) as there:
            await there.opened()
            after = await settled(server)
    return Held(
        resident_kb_per_client=(after.resident_kb - before.resident_kb) / clients,
        proportional_kb_per_client=(after.proportional_kb - before.proportional_kb) / clients,
        before_mb=before.resident_kb / 1024,
        with_clients_mb=after.resident_kb / 1024,
    )


async def measure(contest: Contest, clients: int) -> Figures:
    """The figures."""
    results = await contest.turns(f"{clients} idle clients", partial(once, contest.place, clients))
    rows = [
        (
            name,
            told([run.resident_kb_per_client for run in runs], 1),
            told([run.proportional_kb_per_client for run in runs], 1),
            f"{median(run.before_mb for run in runs):.0f}",
            f"{median(run.with_clients_mb for run in runs):.0f}",
        )
        for name, runs in results.items()
    ]
    print_table(("", "RSS kB a client", "PSS kB a client", "MB before", "MB with them"), rows)
    figures = {
        name: {field: spread([asdict(run)[field] for run in runs], 2) for field in asdict(runs[0])}
        for name, runs in results.items()
    }
    return {"clients": clients, "memory": figures}


def main() -> int:
    """Measure and print. Exit code 1: something could not be measured."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--clients", type=number(int, 1, 1_000_000), default=8000, help="so many (8,000)")
    contest.add_options(parser)
    chosen = parser.parse_args()
    return contest.hold(chosen, int(chosen.clients), lambda held: measure(held, int(chosen.clients)))


if __name__ == "__main__":
    sys.exit(main())
