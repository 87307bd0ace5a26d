"""What faults have done: a table for people, and the same as one line of JSON."""

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import orjson
from pydantic import BaseModel

from local_stack.chaos.complaint import Kind
from local_stack.chaos.oracle import Oracle

#: One can see the pattern in so many.
MAX_COMPLAINTS = 50
#: They cut clients, who then go on where they had ended.
CUTS = {"publisher killed", "clients reset"}


@dataclass(frozen=True, slots=True)
class Blow:
    """One fault, from its beginning until everything was well again."""

    fault: str
    blind_s: float  # the longest time that an oracle had no newer data of the market
    seconds: float
    complaints: Counter[Kind]
    trouble: str | None = None  # why it never healed
    not_struck: str | None = None  # why it hit nothing


class FaultFigures(BaseModel):
    """All blows of one kind."""

    times: int
    longest_blind_s: float
    longest_s: float  # until all was well
    divergences: int


class Report(BaseModel):
    """The outcome."""

    ok: bool
    seed: int
    seconds: float
    frames: int  # data frames that were checked
    resumes: int  # subscriptions that went on where they had ended
    divergences: int
    unannounced_gaps: int
    wrong_statuses: int
    wrong_numbers: int
    broken_rules: int
    late_frames: int  # told, and no failure: the machine may be at its limit
    longest_delay_s: float  # in calm weather, beyond the interval
    longest_pause_s: float  # of this program: proxies, and so the services, and oracles were late by as much
    not_healed: list[str]
    not_tried: list[str]
    not_shown: list[str]  # what the run was for, and did not come to pass
    complaints: list[str]  # the first of them
    faults: dict[str, FaultFigures]


def report(
    seed: int,
    seconds: float,
    names: Sequence[str],
    blows: Sequence[Blow],
    oracles: Sequence[Oracle],
    *,
    longest_pause_s: float = 0.0,
) -> Report:
    """Everything added up."""
    counts = sum((oracle.counts for oracle in oracles), Counter[Kind]())
    watches = [watch for oracle in oracles for watch in oracle.watches.values()]
    not_healed = [f"{blow.fault}: {blow.trouble}" for blow in blows if blow.trouble is not None]
    wrong = sum(number for kind, number in counts.items() if kind is not Kind.DELAY)
    struck = {
        name: [blow for blow in blows if blow.fault == name and blow.not_struck is None] for name in sorted(names)
    }
    tried = {blow.fault for blow in blows}
    not_shown = list(_not_shown(blows, oracles))
    return Report(
        ok=not wrong and not not_healed and not not_shown,
        seed=seed,
        seconds=round(seconds, 1),
        frames=sum(watch.frames for watch in watches),
        resumes=sum(watch.resumes for watch in watches),
        divergences=counts[Kind.DIVERGENCE],
        unannounced_gaps=counts[Kind.GAP],
        wrong_statuses=counts[Kind.STATUS],
        wrong_numbers=counts[Kind.NUMBERS],
        broken_rules=counts[Kind.RULE],
        late_frames=counts[Kind.DELAY],
        longest_delay_s=round(max((watch.longest_delay_s for watch in watches), default=0.0), 2),
        longest_pause_s=round(longest_pause_s, 2),
        not_healed=not_healed,
        not_tried=[name for name in struck if name not in tried],
        not_shown=not_shown,
        complaints=[complaint.text for oracle in oracles for complaint in oracle.complaints][:MAX_COMPLAINTS],
        faults={name: _figures(its_blows) for name, its_blows in struck.items() if its_blows},
    )


def _not_shown(blows: Sequence[Blow], oracles: Sequence[Oracle]) -> Iterator[str]:
    yield from (f"{blow.fault}: not struck: {blow.not_struck}" for blow in blows if blow.not_struck is not None)
    struck = {blow.fault for blow in blows if blow.not_struck is None}
    if not struck:
        yield "no fault was struck"
    yield from (f"{oracle.name}: no frame was checked" for oracle in oracles if not oracle.frames)
    if struck & CUTS and not any(watch.resumes for oracle in oracles for watch in oracle.watches.values()):
        yield "clients were cut, and none went on where it had ended"


def blow_line(blow: Blow) -> str:
    """What a fault has done, for people."""
    if blow.not_struck is not None:
        return f"not struck: {blow.not_struck}"
    what = ", ".join(f"{number} {kind}" for kind, number in sorted(blow.complaints.items()))
    return f"blind {blow.blind_s:5.1f} s, well after {blow.seconds:5.1f} s{what and '  ' + what}"


def report_table(done: Report) -> str:
    """The table and its totals, for people."""
    lines = [f"{'fault':<25} {'how often':>9} {'longest blind window':>20} {'divergences':>11}"]
    lines += [
        f"{name:<25} {figures.times:>9} {figures.longest_blind_s:>18.1f} s {figures.divergences:>11}"
        for name, figures in done.faults.items()
    ]
    lines += [f"{name:<25} {0:>9}   (no time for it)" for name in done.not_tried]
    totals = (
        f"seed {done.seed}, {done.seconds:.0f} s: {done.frames} frames checked, {done.resumes} resumes, "
        f"{done.divergences} divergences, {done.unannounced_gaps} unannounced gaps, {done.wrong_statuses} wrong "
        f"statuses, {done.wrong_numbers} wrong numbers, {done.broken_rules} broken rules, {done.late_frames} late "
        f"frames (longest {done.longest_delay_s:.1f} s beyond the interval); this program itself paused for up to "
        f"{done.longest_pause_s:.1f} s"
    )
    failures = [f"not healed: {what}" for what in done.not_healed] + [f"not shown: {what}" for what in done.not_shown]
    legend = "blind window: how long some client saw no newer price, its interval included"
    lines += [legend, "", totals, *failures, *done.complaints, ""]
    return "\n".join(lines)


def report_line(done: Report) -> str:
    """The report as one line of JSON."""
    return orjson.dumps(done.model_dump()).decode()


def _figures(blows: Sequence[Blow]) -> FaultFigures:
    return FaultFigures(
        times=len(blows),
        longest_blind_s=round(max(blow.blind_s for blow in blows), 2),
        longest_s=round(max(blow.seconds for blow in blows), 2),
        divergences=sum(blow.complaints[Kind.DIVERGENCE] for blow in blows),
    )
