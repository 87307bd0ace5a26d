"""What processes use of the cores, and who runs where. Linux only."""

import os
from pathlib import Path

TICKS_PER_S = os.sysconf("SC_CLK_TCK")


def used_s(pid: int) -> float:
    """Time on a core so far, user's and system's, of all threads."""
    fields = Path(f"/proc/{pid}/stat").read_text("utf-8", "replace").rpartition(")")[2].split()
    return sum(map(int, fields[11:13])) / TICKS_PER_S


def keep_apart(*pids: int) -> bool:
    """The last core for these, the others for us and whom we start from now on. False if there is one core only."""
    cores = sorted(os.sched_getaffinity(0))
    if len(cores) < 2:
        return False
    os.sched_setaffinity(0, cores[:-1])
    for pid in pids:
        os.sched_setaffinity(pid, cores[-1:])
    return True
