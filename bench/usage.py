"""What a process and its children use, as the kernel counts it. They are known by their group."""

import os
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

TICKS_PER_S = os.sysconf("SC_CLK_TCK")


class Memory(NamedTuple):
    """Of all processes of the group."""

    resident_kb: int
    proportional_kb: int  # what several of them share is counted once


def used_s(pid: int) -> float:
    """Time of one process on a core so far, user's and system's."""
    fields = Path(f"/proc/{pid}/stat").read_text("utf-8", "replace").rpartition(")")[2].split()
    return sum(map(int, fields[11:13])) / TICKS_PER_S


def cpu_s(group: int) -> float:
    """Time on a core so far, user's and system's."""
    return sum(sum(map(int, fields[11:13])) for _, fields in _processes(group)) / TICKS_PER_S


def memory(group: int) -> Memory:
    """What they hold now."""
    resident_kb = proportional_kb = 0
    for folder, _ in _processes(group):
        for line in (folder / "smaps_rollup").read_text("ascii").splitlines():
            name, _, value = line.partition(":")
            resident_kb += int(value.split()[0]) if name == "Rss" else 0
            proportional_kb += int(value.split()[0]) if name == "Pss" else 0
    return Memory(resident_kb, proportional_kb)


def busy_s(core: int) -> float:
    """How long a core has worked for anybody so far."""
    lines = Path("/proc/stat").read_text("ascii").splitlines()
    fields = next(line.split()[1:] for line in lines if line.startswith(f"cpu{core} "))
    user, nice, system, _, _, irq, softirq = map(int, fields[:7])
    return (user + nice + system + irq + softirq) / TICKS_PER_S


def _processes(group: int) -> Iterator[tuple[Path, list[str]]]:
    """The folder of each, and what stands in `stat` behind the command's name."""
    for folder in Path("/proc").iterdir():
        if not folder.name.isdigit():
            continue
        try:
            fields = (folder / "stat").read_text("utf-8", "replace").rpartition(")")[2].split()
        except OSError:
            continue  # it has just ended
        if int(fields[2]) == group:
            yield folder, fields
