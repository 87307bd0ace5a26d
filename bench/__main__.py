"""
`python3 run.py bench NAME [options]`: measurements that anyone can repeat.

Each prints a table and, last, one line of JSON. `bench NAME --help` says what it measures.
"""

import sys
from importlib import import_module
from importlib.util import find_spec

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


def usage() -> str:
    """The list."""
    lines = ["usage: python3 run.py bench NAME [options]", ""]
    for name, (about, takes) in MEASUREMENTS.items():
        lines.append(f"  {name:<14}{about}" + (f" ({takes})" if takes else ""))
    return "\n".join([*lines, "", "NAME --help tells more. Every measurement ends with one line of JSON."])


def main(arguments: list[str]) -> int:
    """The exit code of the measurement; 2 if it was not understood."""
    name, *rest = arguments or [""]
    if name in ("-h", "--help", "help"):
        print(usage())
        return 0
    module = f"bench.{name.replace('-', '_')}"
    if name not in MEASUREMENTS or find_spec(module) is None:
        sys.stderr.write(f"There is no measurement {name}.\n\n" * bool(name) + usage() + "\n")
        return 2
    sys.argv = [f"run.py bench {name}", *rest]  # each reads its own options
    return int(import_module(module).main())


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
