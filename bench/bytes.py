"""
How many bytes a second a client is sent: by selection and by mode, plain and compressed.

An hour of the simulated market, with windows of 500 ms, in virtual time (minutes). `snapshot` sends the whole selection
each time, `rows` the changed rows, `fields` the changed fields. Compressed means permessage-deflate without context
takeover: each frame by itself, once for all who are sent it; frames below 512 bytes stay plain. Headers count.

The first part of the same stream then goes through a real Centrifugo, with its delta compression and
permessage-deflate: the rows that we send, at the same moments, with a channel for each symbol, or with the whole table
in one channel. What counts is what a client receives on its socket.
"""

import argparse
import asyncio
import json
import sys
import zlib
from argparse import RawDescriptionHelpFormatter
from dataclasses import dataclass, field
from pathlib import Path
from random import Random
from time import perf_counter
from typing import cast

from bench import centrifugo
from bench.centrifugo import Recorded, Rows, Unavailable
from bench.figures import Figures, machine
from bench.hour import MAX_MINUTES, Hour
from local_stack.number import number
from local_stack.terminal import say
from publisher_service.core.kept_frames import KeptFrames
from publisher_service.core.replica import Replica
from publisher_service.core.selection import ALL, Selection
from publisher_service.core.views import Mode, View, ViewKey
from shared.channels import Channel
from shared.wire import Head

INTERVAL_MS = 500
LEVELS = (1, 6)
#: Frames below stay plain: little is saved, and it costs the same.
THRESHOLD_BYTES = 512
#: A snapshot of the whole market is 50 frames: one in so many is compressed, and stands for the others.
SAMPLED, LARGE_ROWS = 40, 500
NAMES = 20


def payload(frame: bytes) -> bytes:
    """What a finished frame carries."""
    short = frame[1]
    return frame[2 if short < 126 else 4 if short == 126 else 10 :]


def header_bytes(size: int) -> int:
    """Of a server's frame with so large a payload."""
    return 2 if size < 126 else 4 if size < 65_536 else 10


def deflated_bytes(frame: bytes, level: int) -> int:
    """The size of the compressed frame, or of the frame itself where compressing does not pay."""
    text = payload(frame)
    if len(text) < THRESHOLD_BYTES:
        return len(frame)
    compressor = zlib.compressobj(level, zlib.DEFLATED, -15)
    size = len(compressor.compress(text)) + len(compressor.flush(zlib.Z_SYNC_FLUSH)) - 4  # RFC 7692, 7.2.1
    return min(len(frame), size + header_bytes(size))


@dataclass
class Tally:
    """What one client was sent, its first snapshot left out."""

    messages: int = 0
    frames: int = 0
    plain: int = 0  # bytes
    deflated: dict[int, int] = field(default_factory=lambda: dict.fromkeys(LEVELS, 0))  # level → bytes
    deflate_s: dict[int, float] = field(default_factory=lambda: dict.fromkeys(LEVELS, 0.0))

    def add(self, frames: list[bytes], times: int = 1) -> None:
        """A message, which stands for so many."""
        self.messages += times
        self.frames += len(frames) * times
        self.plain += sum(map(len, frames)) * times
        for level in LEVELS:
            began_s = perf_counter()
            self.deflated[level] += sum(deflated_bytes(frame, level) for frame in frames) * times
            self.deflate_s[level] += (perf_counter() - began_s) * times

    def figures(self, seconds: float) -> Figures:
        """For each second."""
        return {
            "messages_per_s": round(self.messages / seconds, 2),
            "plain_bytes_per_s": round(self.plain / seconds),
            **{f"deflated_{level}_bytes_per_s": round(self.deflated[level] / seconds) for level in LEVELS},
            **{f"deflate_{level}_ms_per_s": round(self.deflate_s[level] / seconds * 1000, 3) for level in LEVELS},
        }


class Watched:
    """A view with one client that takes every frame."""

    def __init__(self, replica: Replica, selection: Selection, mode: Mode) -> None:
        self.tally = Tally()
        self._mode = mode
        self._replica = replica
        self._view = View(ViewKey(Channel.MARKET, selection, INTERVAL_MS, mode), replica, KeptFrames())
        self._every = SAMPLED if mode is Mode.SNAPSHOT and len(self.rows()) > LARGE_ROWS else 1
        self._flushes = 0

    def rows(self) -> Rows:
        """All that the client watches, as it is now."""
        return {key: entry.json for key, entry in self._view.changes(0)}

    def end_window(self, now_s: float) -> Rows | None:
        """Before anything else happens: what changed in a window that has ended by now is sent."""
        throttle = self._view.throttle
        return self._flush(throttle.open_at_s) if throttle.armed and throttle.open_at_s <= now_s else None

    def change(self, keys: list[str], now_s: float) -> Rows | None:
        """These keys have changed: sent at once after a quiet window."""
        if self._view.keys is not None and self._view.keys.isdisjoint(keys):
            return None
        throttle = self._view.throttle
        throttle.notify()
        return self._flush(now_s) if throttle.open_at_s <= now_s else None

    def _flush(self, now_s: float) -> Rows:
        view, from_rev = self._view, self._view.rev
        view.throttle.flushed(now_s)
        changes = view.changes(from_rev)
        view.rev = self._replica.rev
        if self._mode is not Mode.SNAPSHOT:
            self.tally.add(view.update(from_rev, changes).parts.frames)
        elif self._flushes % self._every == 0:
            self.tally.add(view.snapshot(view.rev).parts.frames, self._every)
        self._flushes += 1
        return {key: entry.json for key, entry in changes}


class Watcher:
    """Somebody's selection, in all modes side by side; and what was told of it while it was recorded."""

    def __init__(self, replica: Replica, selection: Selection) -> None:
        self.modes = {mode: Watched(replica, selection, mode) for mode in Mode}
        self.recorded = Recorded(self.modes[Mode.ROWS].rows(), [])
        self._recording = True

    def end_window(self, now_s: float) -> None:
        """See `Watched`."""
        self._record({mode: watched.end_window(now_s) for mode, watched in self.modes.items()})

    def change(self, keys: list[str], now_s: float) -> None:
        """The same."""
        self._record({mode: watched.change(keys, now_s) for mode, watched in self.modes.items()})

    def figures(self, seconds: float) -> Figures:
        """By mode, so far."""
        return {mode.value: watched.tally.figures(seconds) for mode, watched in self.modes.items()}

    def end_record(self) -> None:
        """Record no more."""
        self._recording = False

    def _record(self, told: dict[Mode, Rows | None]) -> None:
        if self._recording and (rows := told[Mode.ROWS]):
            self.recorded.updates.append(rows)


def selections(symbols: list[str], seed: int) -> dict[str, Selection]:
    """What people watch: everything, the VN30, or twenty names, mostly busy ones."""
    pick = Random(seed)  # noqa: S311 (no secret)
    names: set[str] = set()
    while len(names) < NAMES:
        names.add(symbols[min(int(pick.expovariate(1 / 80)), len(symbols) - 1)])
    return {"all": ALL, "@VN30": Selection.of(["@VN30"]), f"{NAMES} names": Selection.of(names)}


def watch(hour: Hour, minutes: float, sample_s: float, seed: int) -> tuple[dict[str, Watcher], dict[str, Figures]]:
    """Let the time pass. The watchers at its end, and their figures at the end of the sample."""
    replica, samples = Replica(), dict[str, Figures]()
    moments = hour.moments(minutes)
    first = next(moments)
    head = Head(first.commits[0].epoch, 0, "", first.commits[0].time_ms, "", more=False)
    replica.load(head, {}, head)
    for commit in first.commits:
        replica.apply(commit)
    watchers = {name: Watcher(replica, chosen) for name, chosen in selections(hour.symbols, seed).items()}
    for moment in moments:
        if moment.at_s > sample_s and not samples:
            for name, watcher in watchers.items():
                samples[name] = watcher.figures(sample_s)
                watcher.end_record()
        for watcher in watchers.values():
            watcher.end_window(moment.at_s)
        for commit in moment.commits:
            keys = replica.apply(commit).keys.get(Channel.MARKET)
            if keys:
                for watcher in watchers.values():
                    watcher.change(keys, moment.at_s)
    return watchers, samples or {name: watcher.figures(minutes * 60) for name, watcher in watchers.items()}


def ratios(modes: Figures) -> Figures:
    """How many times fewer bytes than whole snapshots, by mode and compression, each against snapshots of its kind."""
    figures = cast("dict[str, dict[str, float]]", modes)
    whole, found = figures[Mode.SNAPSHOT], Figures()
    for mode in (Mode.ROWS, Mode.FIELDS):
        for kind in ("plain", *(f"deflated_{level}" for level in LEVELS)):
            name = f"{kind}_bytes_per_s"
            found[f"{mode}_{kind}"] = round(whole[name] / figures[mode][name], 1)
        best = f"deflated_{LEVELS[-1]}_bytes_per_s"
        found[f"{mode}_{best.removesuffix('_bytes_per_s')}_to_plain_snapshots"] = round(
            whole["plain_bytes_per_s"] / figures[mode][best], 1
        )
    return found


def tell(name: str, modes: Figures) -> None:
    """A table for people."""
    say(f"\n{name:22} {'messages/s':>12} {'plain B/s':>14}" + "".join(f" {f'level {each} B/s':>14}" for each in LEVELS))
    for mode, row in cast("dict[str, dict[str, float]]", modes).items():
        sizes = [row["plain_bytes_per_s"], *(row[f"deflated_{level}_bytes_per_s"] for level in LEVELS)]
        say(f"  {mode:20} {row['messages_per_s']:>12.2f}" + "".join(f" {size:>14,.0f}" for size in sizes))
    say("  times fewer than snapshots: " + ", ".join(f"{what} {times}" for what, times in ratios(modes).items()))


def compare(watchers: dict[str, Watcher], samples: dict[str, Figures], sample_s: float) -> Figures:
    """The sample through Centrifugo, beside ours. Raises Unavailable."""
    found: Figures = {}
    for name, watcher in watchers.items():
        theirs = asyncio.run(centrifugo.measure(watcher.recorded, sample_s, THRESHOLD_BYTES))
        ours = cast("dict[str, dict[str, float]]", samples[name])[Mode.FIELDS][f"deflated_{LEVELS[-1]}_bytes_per_s"]
        least = min(row["bytes_per_s"] for row in theirs.values())
        say(f"\n{name}: the first {sample_s:g} s; ours: {ours:,.0f} B/s (fields, level {LEVELS[-1]})")
        for way, row in theirs.items():
            deltas = f"{row['deltas']:,.0f} of {row['publications']:,.0f} deltas"
            say(f"  {way:44} {row['bytes_per_s']:>12,.0f} B/s, {deltas}")
        found[name] = {"ours": ours, "centrifugo": theirs, "best_of_centrifugo_to_ours": round(least / ours, 2)}
    return found


def main(arguments: list[str] | None = None) -> int:
    """Measure and print. Exit code 0, also if Centrifugo cannot be had here: a line says so."""
    parser = argparse.ArgumentParser(
        prog="bench bytes", description=__doc__, formatter_class=RawDescriptionHelpFormatter
    )
    parser.add_argument("--minutes", type=number(float, 0.1, MAX_MINUTES), default=60, help="of trading (default: 60)")
    parser.add_argument("--rate", type=number(float, 1, 5000), default=200, help="events a second (default: 200)")
    parser.add_argument("--seed", type=number(int, 0, 10**9), default=1, help="of the market (default: 1)")
    parser.add_argument("--sample", type=number(float, 1, 3600), default=120, help="s for Centrifugo (default: 120)")
    parser.add_argument("--no-centrifugo", action="store_true", help="ours only")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the figures to a file as well")
    chosen = parser.parse_args(arguments)
    sample_s = min(chosen.sample, chosen.minutes * 60)
    hour = Hour(seed=int(chosen.seed), events_per_s=chosen.rate)
    watchers, samples = watch(hour, chosen.minutes, sample_s, int(chosen.seed))
    figures: Figures = {
        "machine": machine(),
        "minutes": chosen.minutes,
        "events_per_s": chosen.rate,
        "seed": chosen.seed,
        "interval_ms": INTERVAL_MS,
        "threshold_bytes": THRESHOLD_BYTES,
    }
    for name, watcher in watchers.items():
        modes = watcher.figures(chosen.minutes * 60)
        tell(name, modes)
        figures[name] = {**modes, "times_fewer_than_snapshots": ratios(modes)}
    if not chosen.no_centrifugo:
        try:
            figures["centrifugo"] = compare(watchers, samples, sample_s)
        except Unavailable as reason:
            say(f"\nwithout Centrifugo: {reason}")
            figures["centrifugo"] = {"skipped": str(reason)}
    line = json.dumps(figures)
    say(line)
    if chosen.json is not None:
        chosen.json.write_text(line + "\n", "utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
