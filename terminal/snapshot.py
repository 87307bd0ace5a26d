"""`python3 run.py snapshot CHANNEL`: a channel as it is now."""

import argparse
import sys
from collections.abc import Sequence

from clients.python.banggia_client import Feed, Table
from terminal.exit_code import ExitCode
from terminal.line import chosen, text_line, to_json
from terminal.options import add_keys, names, parser_of
from terminal.watching import complain, loaded, missing, run, unknown_fields
from terminal.words import road


def main(arguments: list[str] | None = None) -> int:
    """The exit code."""
    parser = parser_of(
        "snapshot",
        "A channel's rows as they are now, one a line, by name; docs/tables.md lists channels and fields.",
        "what the VN30 costs:\n\n  python3 run.py snapshot market --keys @VN30 --fields last,change_pct",
    )
    parser.add_argument("channel", help="market, index, …")
    add_keys(parser)
    parser.add_argument("--fields", type=names, help="only these: last,change_pct")
    return run(snapshot, parser.parse_args(arguments))


async def snapshot(options: argparse.Namespace, feed: Feed) -> ExitCode:
    """Print it."""
    table = feed.table(options.channel, keys=options.keys)
    code = await loaded(feed, table)
    if code is not ExitCode.DONE:
        return code
    if unknown_fields(table, options.fields):
        return ExitCode.WRONG_ARGUMENT
    sys.stdout.write(as_json(table, options.fields) if options.json else as_text(table, options.fields))
    sys.stdout.flush()
    if await missing(feed, table, options.keys):
        return ExitCode.NOT_FOUND
    if table.state != "live":
        complain(f"These rows are old: {road(feed.status, feed.error, 'en')}.")
        return ExitCode.OLD
    return ExitCode.DONE


def as_text(table: Table, fields: Sequence[str] | None) -> str:
    """For people."""
    if fields:
        cells = [["key", *fields], *([key, *_texts(table.rows[key], fields)] for key in sorted(table.rows))]
        widths = [max(map(len, column)) for column in zip(*cells, strict=True)]
        return "".join(f"{_aligned(line, widths)}\n" for line in cells)
    return "".join(f"{text_line(key, table.rows[key], fields)}\n" for key in sorted(table.rows))


def as_json(table: Table, fields: Sequence[str] | None) -> str:
    """For programs: one object."""
    head = {"channel": table.channel, "state": table.state, "epoch": table.epoch, "rev": table.rev}
    return to_json(head | {"time": table.time_ms, "rows": chosen(table.rows, fields)}) + "\n"


def _texts(row: dict[str, object], fields: Sequence[str]) -> list[str]:
    return ["" if row.get(name) is None else str(row[name]) for name in fields]


def _aligned(line: Sequence[str], widths: Sequence[int]) -> str:
    cells = [f"{line[0]:<{widths[0]}}", *(f"{text:>{width}}" for text, width in zip(line[1:], widths[1:], strict=True))]
    return "  ".join(cells).rstrip()


if __name__ == "__main__":
    sys.exit(main())
