"""
How many bytes a second a client is sent: by selection and by mode, plain and compressed.

An hour of the simulated market, with windows of 500 ms, in virtual time (minutes). `snapshot` sends the whole selection
each time, `rows` the changed rows, `fields` the changed fields. Compressed means permessage-deflate without context
takeover: each frame by itself, once for all who are sent it, as publishers do it, or at one level. Headers count.

The first part of the same stream then goes through a real Centrifugo, with its delta compression and
permessage-deflate: the rows that we send, at the same moments, with a channel for each symbol, or with the whole table
in one channel. What counts is what a client receives on its socket. And the same part in other encodings, which nobody
speaks: what they would save.
"""

import argparse
import asyncio
import sys
from argparse import RawDescriptionHelpFormatter
from dataclasses import dataclass
from random import Random
from typing import cast

from bench import centrifugo
from bench.contestant import Unavailable
from bench.encodings import sizes
from bench.figures import Figures, add_json, finish, machine
from bench.hour import MAX_MINUTES, Hour
from bench.progress import Progress
from bench.watchers import INTERVAL_MS, LEVEL, LEVELS, THRESHOLD_BYTES, Watcher, sent_bytes
from local_stack.number import number
from local_stack.terminal import say
from publisher_service.core.replica import Replica
from publisher_service.core.selection import ALL, Selection
from publisher_service.core.views import Mode
from shared.channels import Channel
from shared.wire import Commit, Head, encode_envelope

NAMES = 20
#: Parts of the hour that are told as they begin.
TOLD = 10
#: What a client of ours gets.
OURS = "sent_bytes_per_s"


def selections(symbols: list[str], seed: int) -> dict[str, Selection]:
    """What people watch: everything, the VN30, or twenty names, mostly busy ones."""
    pick = Random(seed)  # noqa: S311 (no secret)
    names: set[str] = set()
    while len(names) < NAMES:
        names.add(symbols[min(int(pick.expovariate(1 / 80)), len(symbols) - 1)])
    return {"all": ALL, "@VN30": Selection.of(["@VN30"]), f"{NAMES} names": Selection.of(names)}


@dataclass
class Road:
    """What the broker passes on to each replica, the first rows left out."""

    commits: int = 0
    rows: int = 0
    bytes: int = 0

    def add(self, commit: Commit) -> None:
        """One message of the updates channel."""
        self.commits += 1
        self.rows += sum(map(len, commit.rows.values()))
        self.bytes += len(encode_envelope(commit))

    def figures(self, seconds: float) -> Figures:
        """For each second."""
        return {
            "commits_per_s": round(self.commits / seconds, 1),
            "rows_per_s": round(self.rows / seconds, 1),
            "bytes_per_s": round(self.bytes / seconds),
        }


@dataclass
class Watching:
    """All watchers, and what comes to them."""

    watchers: dict[str, Watcher]
    samples: dict[str, Figures]  # the watchers' figures at the end of the sample
    road: Road


def watch(hour: Hour, minutes: float, sample_s: float, seed: int) -> Watching:
    """Let the time pass."""
    replica, road, samples = Replica(), Road(), dict[str, Figures]()
    replica.compared = {Channel.MARKET}  # as where clients follow fields
    moments = hour.moments(minutes)
    first = next(moments)
    head = Head(first.commits[0].epoch, 0, "", first.commits[0].time_ms, "", more=False)
    replica.load(head, {}, head)
    for commit in first.commits:
        replica.apply(commit)
    watchers = {name: Watcher(replica, chosen) for name, chosen in selections(hour.symbols, seed).items()}
    progress, told = Progress(TOLD), 0
    for moment in moments:
        if told < TOLD and moment.at_s >= told * minutes * 60 / TOLD:
            progress.turn(f"trading from minute {told * minutes / TOLD:g} of {minutes:g}, in all modes")
            told += 1
        if moment.at_s > sample_s and not samples:
            for name, watcher in watchers.items():
                samples[name] = watcher.figures(sample_s)
                watcher.end_record()
        for watcher in watchers.values():
            watcher.end_window(moment.at_s)
        for commit in moment.commits:
            road.add(commit)
            keys = replica.apply(commit).keys.get(Channel.MARKET)
            if keys:
                for watcher in watchers.values():
                    watcher.change(keys, moment.at_s)
    samples = samples or {name: watcher.figures(minutes * 60) for name, watcher in watchers.items()}
    return Watching(watchers, samples, road)


def ratios(modes: Figures) -> Figures:
    """How many times fewer bytes than whole snapshots that are plain, or compressed as well."""
    figures = cast("dict[str, dict[str, float]]", modes)
    whole, found = figures[Mode.SNAPSHOT], Figures()
    for mode in (Mode.ROWS, Mode.FIELDS):
        found[f"{mode} plain to plain"] = round(whole["plain_bytes_per_s"] / figures[mode]["plain_bytes_per_s"], 1)
        found[f"{mode} compressed to plain"] = round(whole["plain_bytes_per_s"] / figures[mode][OURS], 1)
        found[f"{mode} compressed to compressed"] = round(whole[OURS] / figures[mode][OURS], 1)
    return found


def tell(name: str, modes: Figures) -> None:
    """A table for people."""
    kinds = ("plain", "sent", *(f"deflated_{level}" for level in LEVELS))
    titles = ("plain B/s", "compressed B/s", *(f"level {level} B/s" for level in LEVELS))
    say(f"\n{name:22} {'messages/s':>12}" + "".join(f" {title:>14}" for title in titles))
    for mode, row in cast("dict[str, dict[str, float]]", modes).items():
        sizes_per_s = "".join(f" {row[f'{kind}_bytes_per_s']:>14,.0f}" for kind in kinds)
        say(f"  {mode:20} {row['messages_per_s']:>12.2f}{sizes_per_s}")
    say("  times fewer than snapshots: " + ", ".join(f"{what} {times}" for what, times in ratios(modes).items()))


def imagine(watching: Watching, sample_s: float) -> Figures:
    """The sample in other encodings, compressed in the same way."""
    found: Figures = {}
    progress = Progress(len(watching.watchers))
    for name, watcher in watching.watchers.items():
        progress.turn(f"{name}: {sample_s:g} s of trading in other encodings")
        totals = sizes(watcher.recorded, sent_bytes)
        say(f"\n{name}: the first {sample_s:g} s in other encodings")
        for encoding, total in totals.items():
            say(f"  {encoding:44} {total / sample_s:>12,.0f} B/s")
        found[name] = {encoding: round(total / sample_s) for encoding, total in totals.items()}
    return found


def compare(watching: Watching, sample_s: float) -> Figures:
    """The sample through Centrifugo, beside ours. Raises Unavailable."""
    found: Figures = {}
    progress = Progress(len(watching.watchers))
    for name, watcher in watching.watchers.items():
        progress.turn(f"{name}: {sample_s:g} s of trading through Centrifugo")
        theirs = asyncio.run(centrifugo.measure(watcher.recorded, sample_s, LEVEL, THRESHOLD_BYTES))
        ours = cast("dict[str, dict[str, float]]", watching.samples[name])[Mode.FIELDS][OURS]
        least = min(row["bytes_per_s"] for row in theirs.values())
        say(f"\n{name}: the first {sample_s:g} s; ours: {ours:,.0f} B/s (fields, compressed)")
        for way, row in theirs.items():
            deltas = f"{row['deltas']:,.0f} of {row['publications']:,.0f} deltas"
            say(f"  {way:44} {row['bytes_per_s']:>12,.0f} B/s, {deltas}")
        found[name] = {"ours": ours, "centrifugo": theirs, "best_of_centrifugo_to_ours": round(least / ours, 2)}
    return found


def main(arguments: list[str] | None = None) -> int:
    """Measure and print. Exit code 0, also if Centrifugo cannot be had here: a line says so."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=RawDescriptionHelpFormatter)
    parser.add_argument("--minutes", type=number(float, 0.1, MAX_MINUTES), default=60, help="of trading (default: 60)")
    parser.add_argument("--rate", type=number(float, 1, 5000), default=200, help="events a second (default: 200)")
    parser.add_argument("--seed", type=number(int, 0, 10**9), default=1, help="of the market (default: 1)")
    parser.add_argument("--sample", type=number(float, 1, 3600), default=120, help="s for Centrifugo (default: 120)")
    parser.add_argument("--no-centrifugo", action="store_true", help="ours only")
    add_json(parser)
    chosen = parser.parse_args(arguments)
    sample_s = min(chosen.sample, chosen.minutes * 60)
    hour = Hour(seed=int(chosen.seed), events_per_s=chosen.rate)
    watching = watch(hour, chosen.minutes, sample_s, int(chosen.seed))
    figures: Figures = {
        "machine": machine(),
        "minutes": chosen.minutes,
        "events_per_s": chosen.rate,
        "seed": chosen.seed,
        "interval_ms": INTERVAL_MS,
        "threshold_bytes": THRESHOLD_BYTES,
        "broker_to_each_replica": watching.road.figures(chosen.minutes * 60),
    }
    for name, watcher in watching.watchers.items():
        modes = watcher.figures(chosen.minutes * 60)
        tell(name, modes)
        figures[name] = {**modes, "times_fewer_than_snapshots": ratios(modes)}
    told = watching.road.figures(chosen.minutes * 60)
    say("\nfrom the broker to each replica: " + ", ".join(f"{what} {value}" for what, value in told.items()))
    figures["encodings_bytes_per_s"] = imagine(watching, sample_s)
    if not chosen.no_centrifugo:
        try:
            figures["centrifugo"] = compare(watching, sample_s)
        except Unavailable as reason:
            say(f"\nwithout Centrifugo: {reason}")
            figures["centrifugo"] = {"skipped": str(reason)}
    finish(figures, chosen.json)
    return 0


if __name__ == "__main__":
    sys.exit(main())
