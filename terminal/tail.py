"""`python3 run.py tail CHANNEL`: what changes in a channel, as it changes."""

import argparse
import asyncio
import sys
from contextlib import suppress

from clients.python.banggia_client import Change, Feed, Status, Table, TableFailed
from terminal.exit_code import ExitCode
from terminal.line import change_json, change_lines, status_json
from terminal.options import add_keys, names, parser_of, seconds
from terminal.watching import NO_ACCESS, code_of, complain, loaded, missing, no_link, run, unknown_fields
from terminal.words import road


def main(arguments: list[str] | None = None) -> int:
    """The exit code."""
    parser = parser_of(
        "tail",
        "What changes in a channel: first the rows as they are, then each row that changes, with the fields that\n"
        "changed, on a line of its own. It goes on until Ctrl-C, over lost links as well; the state of the road is\n"
        "told on standard error. With --json each frame is a line, and each status is one.",
        "each trade of two symbols:\n\n  python3 run.py tail trades --keys SSI,FPT --fields price,volume,side",
    )
    parser.add_argument("channel", help="market, index, trades, alerts, …")
    add_keys(parser)
    parser.add_argument("--fields", type=names, help="only changes of these: last,total_volume")
    parser.add_argument("--interval", type=int, metavar="MS", help="at most one frame in so many milliseconds")
    parser.add_argument("--seconds", type=seconds, help="end after so many seconds")
    return run(tail, parser.parse_args(arguments))


async def tail(options: argparse.Namespace, feed: Feed) -> ExitCode:
    """Until the time is over, or for ever."""
    table = feed.table(options.channel, keys=options.keys, interval_ms=options.interval)
    feed.on_status(Road(feed, table, as_json=options.json).tell)
    code = await loaded(feed, table)
    if code is not ExitCode.DONE:
        return code
    lacks = await missing(feed, table, options.keys)
    if options.interval is not None and table.interval_ms not in (None, options.interval):
        complain(f"-- every {table.interval_ms} ms: the board has no interval of {options.interval} ms")
    try:
        async with asyncio.timeout(options.seconds):
            async for change in table:
                if change.reset and unknown_fields(table, options.fields):
                    return ExitCode.WRONG_ARGUMENT
                _write(table, change, options)
    except TimeoutError:
        if lacks:
            return ExitCode.NOT_FOUND
        return ExitCode.DONE if table.state == "live" else ExitCode.OLD
    except TableFailed as failed:
        complain(str(failed))
        return code_of(failed)
    return no_link(feed)


def _write(table: Table, change: Change, options: argparse.Namespace) -> None:
    lines = (
        [change_json(table.channel, change, options.fields)] if options.json else change_lines(change, options.fields)
    )
    sys.stdout.write("".join(f"{line}\n" for line in lines))
    sys.stdout.flush()


class Road:
    """Says what becomes of the road: each state once, as a link that stays lost is no news with every attempt."""

    def __init__(self, feed: Feed, table: Table, *, as_json: bool) -> None:
        self._feed, self._table, self._as_json = feed, table, as_json
        self._said = ""

    def tell(self, status: Status | None) -> None:
        """Called with each status, and with None where there is no link."""
        error = self._feed.error
        if status is None and error is not None and error.code in NO_ACCESS:
            self._table.close()  # a token that has expired stays so: nobody should wait for what will not come
            return
        if status is None and error is None:
            return  # a link that has just opened: its status follows
        line = status_json(status, error) if self._as_json else f"-- {road(status, error, 'en')}"
        if line == self._said:
            return
        self._said = line
        if not self._as_json:
            complain(line)
            return
        with suppress(BrokenPipeError):  # the next change says so where it ends the command
            sys.stdout.write(f"{line}\n")
            sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main())
