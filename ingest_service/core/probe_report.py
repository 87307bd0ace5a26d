"""What a probe of the feed found out, in words."""

from collections import Counter, defaultdict
from collections.abc import Sequence

from ingest_service.core.ticks import InvalidRow, parse

# What comes so soon after the subscription may be the server's snapshot.
SNAPSHOT_S = 3.0


class Tally:
    """Counts of the messages of one stretch of time."""

    def __init__(self) -> None:
        self.length_s = 0.0  # set by the caller when the stretch is over
        self.types: Counter[str] = Counter()
        self.early: Counter[str] = Counter()  # of them within the first SNAPSHOT_S
        self.keys: defaultdict[str, set[str]] = defaultdict(set)  # type → symbols or indices
        self.sessions: Counter[str] = Counter()
        self.odd: Counter[str] = Counter()  # what the ingest would drop, or tolerate

    def add(self, argument: str, elapsed_s: float) -> None:
        """Count a message that came `elapsed_s` after the stretch began. Whatever it is, it counts."""
        try:
            tick = parse(argument)
        except InvalidRow as invalid:
            data_type = invalid.data_type or "?"
            self.odd[f"{data_type} dropped: {invalid.reason}"] += 1
        else:
            data_type = tick.data_type
            self.keys[data_type].add(tick.key)
            if tick.session is not None:
                self.sessions[tick.session] += 1
            self.odd.update(f"{data_type} {oddity}" for oddity in tick.oddities)
        self.types[data_type] += 1
        if elapsed_s <= SNAPSHOT_S:
            self.early[data_type] += 1


def message_lines(tally: Tally) -> list[str]:
    """How many of what came, how fast, and whether it began with a snapshot."""
    lines = [
        f"  {data_type:<9}{count:>10,}{count / tally.length_s:>10.1f}/s{len(tally.keys[data_type]):>8,} keys"
        for data_type, count in tally.types.most_common()
    ]
    later_s = max(tally.length_s - SNAPSHOT_S, 1.0)
    early, later = tally.early.total(), (tally.types - tally.early).total()
    # Twice the usual rate, and not by chance.
    burst = early > 20 and early / SNAPSHOT_S > 2 * later / later_s
    pace = f"{early:,} messages in the first {SNAPSHOT_S:g} s, {later / later_s:.1f}/s afterwards"
    lines.append(_line("snapshot", f"{'yes' if burst else 'not seen'}: {pace}"))
    lines.append(_line("sessions", _counts(tally.sessions)))
    lines.append(_line("oddities", _counts(tally.odd)))
    return lines


def comma_line(wanted: Sequence[str], tally: Tally) -> str:
    """Whether every channel of the list delivered. `wanted` are the types, first to last."""
    silent = [data_type for data_type in wanted if not tally.types[data_type]]
    if not silent:
        told = "every channel delivered"
    elif silent == list(wanted[1:]):
        told = f"only {wanted[0]} delivered: perhaps the server takes the first channel only; the ingest would split"
    else:
        told = f"silent: {', '.join(silent)} (F and MI come only on a change)"
    return _line("comma list", told)


def replacement_line(lively: str, before: Tally, other_alone: Tally, none_of_it: Tally) -> str:
    """
    What a further call does to the channels of the first.

    Args:
        lively: the type that came most often.
        before: with everything subscribed.
        other_alone: after a call for another channel.
        none_of_it: after a call for no symbol of the lively channel.
    """
    # A snapshot at the beginning tells nothing about a channel's life.
    if (before.types - before.early)[lively] < 5:
        told = f"cannot be told: hardly any {lively} came (is the market closed?)"
    elif not (other_alone.types - other_alone.early)[lively]:
        told = "replaces everything"
    elif (none_of_it.types - none_of_it.early)[lively]:
        told = "adds, and replaces nothing"
    else:
        told = "replaces the list of the channel it names"
    return _line("second call", told)


def fact_line(name: str, fact: str) -> str:
    """Any other line of the report."""
    return _line(name, fact)


def _line(name: str, fact: str) -> str:
    return f"{name:<12}{fact}"


def _counts(counter: Counter[str]) -> str:
    return ", ".join(f"{name} {count:,}" for name, count in counter.most_common()) or "none"
