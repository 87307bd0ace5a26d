"""What a server did within a time: its cost for each frame, and how old the data was at its clients."""

import asyncio
from dataclasses import asdict, dataclass
from statistics import median

from bench import usage
from bench.cores import CannotMeasure
from bench.crowd import Crowd
from bench.figures import Figures, print_table, spread, told
from bench.ground import Ground, Served, Server
from bench.supply import Pace, pace
from local_stack.terminal import say

#: Buffers and caches find their size.
WARM_S = 1.5
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
    clients_core: float  # share of the busiest core of the clients, by anybody
    clients_cpu: float  # by the clients alone
    fed_late_p99_ms: float  # how late the frames were fed


async def paced_window(place: Ground, served: Served, per_s: float, seconds: float) -> Run:
    """So many frames a second, and after a while what happens in the next seconds. Raises CannotMeasure."""
    async with pace(served.send, per_s) as feeding:
        await asyncio.sleep(WARM_S)
        return await _window(place, served.server, served.clients, feeding, seconds)


async def _window(place: Ground, server: Server, there: Crowd, feeding: Pace, seconds: float) -> Run:
    """What happens in the next seconds."""
    cores, clients = place.cores, there.clients

    def used() -> tuple[float, ...]:
        return server.cpu_s(), usage.busy_s(cores.server), *map(usage.busy_s, cores.load)

    await feeding.lull()
    before = used()
    feeding.begin_window()
    await there.begin_window(feeding.per_s if server.contestant.rows == 1 else 0)
    await asyncio.sleep(seconds)
    await feeding.lull()
    seen, sent = await there.window(), feeding.sent
    cpu_s, server_s, *load_s = (now - then for now, then in zip(used(), before, strict=True))
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
        clients_core=max(load_s) / seen.seconds,
        clients_cpu=seen.cpu_s / seen.seconds,
        fed_late_p99_ms=feeding.late.below_ms(99),
    )


def show(results: dict[str, list[Run]]) -> None:
    """The table."""
    titles = (
        "", "µs CPU a frame", "times floor", "frames/s", "delivered %", "age p50 ms", "p99 ms", "p99.9 ms",
        "B/client/s", "core %",
    )  # fmt: skip
    rows = []
    floor = median(run.cpu_us_per_frame for run in results["floor"]) if "floor" in results else None
    for name, runs in results.items():
        costs = [run.cpu_us_per_frame for run in runs]
        rows.append(
            (
                name,
                told(costs),
                f"{median(costs) / floor:.2f}" if floor else "",
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
