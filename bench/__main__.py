"""
`python3 run.py bench NAME [options]`: measurements that anyone can repeat.

Each prints a table and, last, one line of JSON. `bench NAME --help` says what it measures.
"""

import sys
from asyncio import CancelledError
from importlib import import_module
from importlib.util import find_spec

from bench.cores import CannotMeasure
from shared.tasks import first_of
from terminal.suggestion import did_you_mean

#: What each is about, and how long it takes with its defaults.
MEASUREMENTS = {
    "fanout": ("server CPU for each delivered frame, age of the data, frames a second; with peers", "15 min"),
    "connect": ("clients that come at once: how many a second get their first data; with peers", "8 min"),
    "memory": ("memory of a server for each idle client; with peers", "12 min"),
    "bytes": ("bytes a client gets, by mode and compression, beside Centrifugo's delta", "5 min"),
    "scale": ("what each further publisher costs, itself and in Redis", "1 min"),
    "latency": ("from the exchange to a client; age of the data with thousands of them", "2 min"),
    "ingest": ("messages of the feed that one ingest takes, and when they are published", "1 min"),
    "reader": ("what following Redis costs a publisher", "1 min"),
    "takeover": ("how long a client sees nothing new when the leading ingest dies", "3 min"),
    "slow-readers": ("what clients that never read cost: memory, and the others' age of data", "3 min"),
    "mass-returns": ("what many clients at once cost those who are there", "1 min"),
}

_BEGINNING = """\
usage: python3 run.py bench NAME [options]

What this machine can do, measured as others have measured it: by the programs that users run, as processes, beside
other servers of the kind where there are any. Whoever is compared takes turns with the others, so that whatever else
the machine does falls on all of them. What they mean, and what they were: bench/README.md and docs/performance.md."""
_END = """\
NAME --help tells more. Every measurement ends with one line of JSON.

For example, the publisher beside a bare write(), in a minute instead of fifteen:

  python3 run.py bench fanout --preset small --only floor,banggia --runs 3"""


def usage() -> str:
    """The list."""
    lines = [_BEGINNING, ""]
    for name, (about, takes) in MEASUREMENTS.items():
        lines.append(f"  {name:<14}{about}" + (f" ({takes})" if takes else ""))
    return "\n".join([*lines, "", _END])


def main(arguments: list[str]) -> int:
    """The exit code of the measurement; 2 if it was not understood."""
    name, *rest = arguments or [""]
    if name in ("-h", "--help", "help"):
        print(usage())
        return 0
    module = f"bench.{name.replace('-', '_')}"
    if name not in MEASUREMENTS or find_spec(module) is None:
        complaint = f"There is no measurement {name}.{did_you_mean(name, MEASUREMENTS)}\n\n" if name else ""
        sys.stderr.write(f"{complaint}{usage()}\n")
        return 2
    sys.argv = [f"run.py bench {name}", *rest]  # each reads its own options
    try:
        return int(import_module(module).main())
    except (CannotMeasure, ExceptionGroup) as error:
        if not isinstance(reason := first_of(error), CannotMeasure):
            raise
        sys.stderr.write(f"{reason}\n")
        return 1
    except (KeyboardInterrupt, CancelledError):
        return 130


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
