"""
What it costs to send one frame to many clients, and how old the data is when it is there.

One frame of about a kilobyte, so many times a second, to all clients. The server has a core for itself; the clients,
the broker and the feed share the other one (or two). All contestants take turns, run after run. Ages count from the
moment when a frame was due, also for data that was merged into a later one, so that a stall does not hide.
"""

import argparse
import sys
from collections.abc import Sequence
from functools import partial
from statistics import median

from bench import contest
from bench.contest import Contest
from bench.contestant import Contestant
from bench.figures import Figures, doubt_window, print_table, told
from bench.ground import Ground
from bench.publisher import SYMBOLS, watch_lists
from bench.window import Run, figures_of, paced_window, show, warn
from local_stack.number import number
from local_stack.terminal import say

#: Clients, frames a second.
SMALL, LARGE = (1000, 20.0), (8000, 5.0)
LISTS, SATURATED = (5000, 2.0), (2000, 0.0)
PRESETS = {"small": [SMALL], "large": [LARGE], "both": [SMALL, LARGE]}
#: How much is offered to a server that is to be saturated, and how its cost is found before.
OFFERED, PROBE_PER_S, PROBE_S = 1.33, 10.0, 1.0
#: A server that uses less of its core is not saturated.
FULL = 0.9
#: The publisher's shortest interval merges what comes faster.
FASTEST_PER_S = 95.0


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
    async with place.served(contestant, clients) as served:
        probe = await paced_window(place, served, PROBE_PER_S, PROBE_S)
        per_s = min(FASTEST_PER_S, OFFERED / (probe.cpu_us_per_frame / 1e6 * clients))
        return await paced_window(place, served, per_s, seconds)


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
    for name, runs in results.items():
        if (full_core := min(run.server_core for run in runs)) < FULL:
            say(f"{name} used {full_core:.0%} of its core only: something else held it up, and it can send more.")
    return {
        "frame_bytes": contest.place.frames.size,
        "clients": clients,
        "seconds": seconds,
        "saturated": figures_of(results),
    }


async def once(place: Ground, clients: int, per_s: float, seconds: float, contestant: Contestant) -> Run:
    """A server, its clients, a window. Raises CannotMeasure."""
    async with place.served(contestant, clients) as served:
        return await paced_window(place, served, per_s, seconds)


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
    parser.add_argument(
        "--preset",
        choices=PRESETS,
        default="both",
        help="small: 1,000 clients, 20 frames a second; large: 8,000, 5 (both)",
    )
    parser.add_argument("--clients", type=number(int, 1, 1_000_000), help="so many instead")
    parser.add_argument("--rate", type=number(float, 0.1, 1000), help="frames a second, with --clients")
    parser.add_argument("--seconds", type=number(float, 0.5, 600), default=5.0, help="of a run (5)")
    instead = parser.add_mutually_exclusive_group()
    instead.add_argument(
        "--saturate", action="store_true", help="as many frames a second as they can send, 2,000 clients"
    )
    instead.add_argument(
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
        contest.publisher_alone(parser, chosen)
    doubt_window(chosen.seconds)

    async def run(held: Contest) -> Figures:
        if chosen.own_keys:
            return await lists(held, *sizes[0], chosen.seconds)
        if chosen.saturate:
            return await saturate(held, sizes[0][0], chosen.seconds)
        return await measure(held, sizes, chosen.seconds)

    return contest.hold(chosen, max(clients for clients, _ in sizes), run)


if __name__ == "__main__":
    sys.exit(main())
