"""
What it costs to send one frame to many clients, and how old the data is when it is there.

One frame of about a kilobyte, so many times a second, to all clients. The server has a core for itself; the clients,
the broker and the feed share the other one (or two). All contestants take turns, run after run. Ages count from the
moment when a frame was due, also for data that was merged into a later one, so that a stall does not hide.
"""

import argparse
import asyncio
import sys
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from functools import partial
from statistics import median

from bench import contest, usage
from bench.contest import Contest
from bench.contestant import Contestant
from bench.cores import CannotMeasure
from bench.crowd import Crowd, check_room
from bench.figures import Figures, print_table, spread, told
from bench.ground import Ground, Server
from bench.publisher import SYMBOLS, watch_lists
from bench.supply import Pace, pace
from local_stack.number import number
from local_stack.terminal import say

#: Clients, frames a second.
SMALL, LARGE = (1000, 20.0), (8000, 5.0)
LISTS, SATURATED = (5000, 2.0), (2000, 0.0)
PRESETS = {"small": [SMALL], "large": [LARGE], "both": [SMALL, LARGE]}
#: Buffers and caches find their size.
WARM_S = 1.5
#: How much is offered to a server that is to be saturated, and how its cost is found before.
OFFERED, PROBE_PER_S, PROBE_S = 1.33, 10.0, 1.0
#: The publisher's shortest interval merges what comes faster.
FASTEST_PER_S = 95.0
#: A core that works longer than this share of the time delays what it is to measure.
BUSY = 0.85
#: What a server's core may do for others without a warning.
STOLEN = 0.05


@dataclass(frozen=True, slots=True)
class Run:
    """One contestant, once."""

    cpu_us_per_frame: float
    frames_per_s: float
    delivered_per_cent: float  # of clients times frames sent; a server that merges, or is late, has less
    p50_ms: float
    p99_ms: float
    p999_ms: float
    bytes_per_client_and_s: float
    server_core: float  # share of its core that the server used
    others_on_it: float  # and that somebody else did: it should be none
    clients_core: float  # share of the other core, by anybody
    clients_cpu: float  # by the clients alone
    fed_late_p99_ms: float  # how late the frames were fed


async def window(place: Ground, server: Server, there: Crowd, feeding: Pace, seconds: float) -> Run:
    """What happens in the next seconds. Raises CannotMeasure."""
    cores, clients = place.cores, there.clients

    def used() -> tuple[float, float, float]:
        return server.cpu_s(), usage.busy_s(cores.server), usage.busy_s(cores.load)

    await feeding.lull()
    before = used()
    feeding.begin_window()
    await there.begin_window(feeding.per_s if server.contestant.rows == 1 else 0)
    await asyncio.sleep(seconds)
    await feeding.lull()
    seen, sent = await there.window(), feeding.sent
    cpu_s, server_s, load_s = (now - then for now, then in zip(used(), before, strict=True))
    if seen.lost:
        raise CannotMeasure(f"{seen.lost} of {clients} clients were lost")
    if not seen.data or not sent:
        raise CannotMeasure("no data came")
    return Run(
        cpu_us_per_frame=cpu_s / seen.data * 1e6,
        frames_per_s=seen.data / seen.seconds,
        delivered_per_cent=seen.data / (clients * sent) * 100,
        p50_ms=seen.ages.below_ms(50),
        p99_ms=seen.ages.below_ms(99),
        p999_ms=seen.ages.below_ms(99.9),
        bytes_per_client_and_s=seen.bytes / clients / seen.seconds,
        server_core=cpu_s / seen.seconds,
        others_on_it=max(0.0, server_s - cpu_s) / seen.seconds,
        clients_core=load_s / seen.seconds,
        clients_cpu=seen.cpu_s / seen.seconds,
        fed_late_p99_ms=feeding.late.below_ms(99),
    )


async def lists(contest: Contest, clients: int, per_s: float, seconds: float) -> Figures:
    """All clients have one watch list, or each has its own."""
    market = contest.place.market
    contest.contestants = [watch_lists(each, market, number) for each in contest.contestants for number in (1, clients)]
    what = f"{clients} clients, {per_s:g} commits a second, watch lists of {SYMBOLS} symbols"
    results = await contest.turns(what, partial(once, contest.place, clients, per_s, seconds))
    show(results)
    warn(results)
    return {"clients": clients, "rate": per_s, "seconds": seconds, "lists": figures_of(results)}


async def full(place: Ground, clients: int, seconds: float, contestant: Contestant) -> Run:
    """As many frames as it can send: it is offered a third more. Raises CannotMeasure."""
    async with (
        place.serving(contestant) as server,
        place.feeding(server) as send,
        place.clients(server, clients) as there,
    ):
        await there.opened()
        async with pace(send, PROBE_PER_S) as feeding:
            await asyncio.sleep(WARM_S)
            probe = await window(place, server, there, feeding, PROBE_S)
        per_s = min(FASTEST_PER_S, OFFERED / (probe.cpu_us_per_frame / 1e6 * clients))
        async with pace(send, per_s) as feeding:
            await asyncio.sleep(WARM_S)
            return await window(place, server, there, feeding, seconds)


async def saturate(contest: Contest, clients: int, seconds: float) -> Figures:
    """Frames a second when the server's core is full."""
    what = f"{clients} clients, as many frames as it can send"
    results = await contest.turns(what, partial(full, contest.place, clients, seconds))
    rows = [
        (name, told([run.frames_per_s for run in runs], 0), f"{median(run.server_core for run in runs) * 100:.0f}")
        for name, runs in results.items()
    ]
    print_table(("", "frames/s", "core %"), rows)
    warn(results)
    return {
        "frame_bytes": contest.place.frames.size,
        "clients": clients,
        "seconds": seconds,
        "saturated": figures_of(results),
    }


async def once(place: Ground, clients: int, per_s: float, seconds: float, contestant: Contestant) -> Run:
    """A server, its clients, a window. Raises CannotMeasure."""
    async with (
        place.serving(contestant) as server,
        place.feeding(server) as send,
        place.clients(server, clients) as there,
    ):
        await there.opened()
        async with pace(send, per_s) as feeding:
            await asyncio.sleep(WARM_S)
            return await window(place, server, there, feeding, seconds)


def show(results: dict[str, list[Run]]) -> None:
    """The table."""
    titles = (
        "", "µs CPU a frame", "frames/s", "delivered %", "age p50 ms", "p99 ms", "p99.9 ms", "B/client/s", "core %",
    )  # fmt: skip
    rows = []
    for name, runs in results.items():
        costs = [run.cpu_us_per_frame for run in runs]
        rows.append(
            (
                name,
                told(costs),
                f"{median(run.frames_per_s for run in runs):,.0f}",
                f"{median(run.delivered_per_cent for run in runs):.1f}",
                *(f"{median(getattr(run, age) for run in runs):.1f}" for age in ("p50_ms", "p99_ms", "p999_ms")),
                f"{median(run.bytes_per_client_and_s for run in runs):,.0f}",
                f"{median(run.server_core for run in runs) * 100:.0f}",
            )
        )
    print_table(titles, rows)


def warn(results: dict[str, list[Run]]) -> None:
    """What makes figures doubtful."""
    for name, runs in results.items():
        if (load := max(run.clients_core for run in runs)) > BUSY:
            clients = max(run.clients_cpu for run in runs)
            say(f"{name}: the core of the clients was busy for {load:.0%} (clients {clients:.0%}): ages are too high.")
        if (others := median(run.others_on_it for run in runs)) > STOLEN:
            say(f"{name}: others took {others:.0%} of the server's core: measure on a machine that is idle.")


def figures_of(results: dict[str, list[Run]]) -> Figures:
    """All of them."""
    return {
        name: {field: spread([asdict(run)[field] for run in runs], 3) for field in asdict(runs[0])}
        for name, runs in results.items()
    }


async def measure(contest: Contest, sizes: Sequence[tuple[int, float]], seconds: float) -> Figures:
    """All sizes."""
    figures: Figures = {"frame_bytes": contest.place.frames.size, "seconds": seconds, "runs": contest.runs}
    for clients, per_s in sizes:
        what = f"{clients} clients, {per_s:g} frames a second"
        results = await contest.turns(what, partial(once, contest.place, clients, per_s, seconds))
        show(results)
        warn(results)
        figures[f"{clients}x{per_s:g}"] = figures_of(results)
    return figures


def main() -> int:
    """Measure and print. Exit code 1: something could not be measured."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--preset", choices=PRESETS, default="both", help="1,000 clients, 20 frames a second; 8,000, 5")
    parser.add_argument("--clients", type=number(int, 1, 1_000_000), help="so many instead")
    parser.add_argument("--rate", type=number(float, 0.1, 1000), help="frames a second, with --clients")
    parser.add_argument("--seconds", type=number(float, 0.5, 600), default=5.0, help="of a run (5)")
    parser.add_argument(
        "--saturate", action="store_true", help="as many frames a second as they can send, 2,000 clients"
    )
    parser.add_argument(
        "--own-keys",
        action="store_true",
        help="the publisher alone: 5,000 clients with one watch list, or each its own",
    )
    contest.add_options(parser)
    chosen = parser.parse_args()
    sizes = PRESETS[chosen.preset]
    if chosen.saturate or chosen.own_keys:
        sizes = [SATURATED if chosen.saturate else LISTS]
    if chosen.clients:
        sizes = [(int(chosen.clients), sizes[0][1])]
    if chosen.rate:
        sizes = [(clients, float(chosen.rate)) for clients, _ in sizes]
    if chosen.own_keys:
        chosen.only = "banggia"

    async def run(held: Contest) -> Figures:
        check_room(max(clients for clients, _ in sizes))
        if chosen.own_keys:
            return await lists(held, *sizes[0], chosen.seconds)
        if chosen.saturate:
            return await saturate(held, sizes[0][0], chosen.seconds)
        return await measure(held, sizes, chosen.seconds)

    return contest.hold(chosen, run)


if __name__ == "__main__":
    sys.exit(main())
