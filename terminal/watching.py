"""What the commands do alike: a table until it is there, and what it means if it is not."""

import argparse
import asyncio
import os
import sys
from collections.abc import Awaitable, Callable, Iterable
from collections.abc import Set as AbstractSet
from contextlib import suppress
from typing import TypeAlias

from clients.python.banggia_client import Feed, NotLoaded, Table, TableFailed, connect
from terminal.address import access_token, board_url
from terminal.exit_code import ExitCode
from terminal.suggestion import did_you_mean, names_in
from terminal.words import road

LOAD_DEADLINE_S = 10.0
#: A board that names no group or symbol of that kind answers at once; who waits longer waits for nothing.
HINT_DEADLINE_S = 3.0
#: Of the feed's own errors: there is a board, and it does not let us in.
NO_ACCESS = {"4401", "4403", "http_401", "http_403", "no_token", "invalid_token", "unauthenticated", "forbidden"}
#: These channels have the rows of a sequence; what can be named is a symbol.
SEQUENCES = {"trades", "bars", "basis"}


def complain(line: str) -> None:
    """For people; standard output belongs to what was asked for."""
    sys.stderr.write(f"{line}\n")
    sys.stderr.flush()


Command: TypeAlias = Callable[[argparse.Namespace, Feed], Awaitable[ExitCode]]


def run(command: Command, options: argparse.Namespace) -> int:
    """The exit code: of a command with the board that its options mean, of an interruption, or of a lost reader."""
    try:
        return asyncio.run(_with_feed(command, options))
    except KeyboardInterrupt:
        return ExitCode.INTERRUPTED
    except BrokenPipeError:
        # `… | head` has seen enough. What the interpreter flushes at its end goes nowhere, without a complaint.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return ExitCode.DONE


async def _with_feed(command: Command, options: argparse.Namespace) -> ExitCode:
    try:
        feed = connect(board_url(options.url), token=access_token())
    except ValueError as error:
        complain(str(error))
        return ExitCode.WRONG_ARGUMENT
    async with feed:
        return await command(options, feed)


def code_of(failed: TableFailed) -> ExitCode:
    """How a command ends that the board gives no table."""
    return ExitCode.NO_ACCESS if failed.code in NO_ACCESS else ExitCode.WRONG_ARGUMENT


async def loaded(feed: Feed, table: Table) -> ExitCode:
    """Wait until there are rows; otherwise say what is wrong, and what may have been meant."""
    try:
        async with asyncio.timeout(LOAD_DEADLINE_S):
            while table.rev is None and table.error is None:
                # Nobody at the address, or no way in: that will not be better in ten seconds.
                if feed.error is not None and feed.state == "waiting":
                    return no_link(feed)
                await table.happened()
    except TimeoutError:
        complain(f"{feed.url}: the board has no rows of {table.channel} yet: {road(feed.status, feed.error, 'en')}.")
        return ExitCode.NO_BOARD
    if (failed := table.error) is not None:
        meant = did_you_mean(table.channel, names_in(failed.message)) if failed.code == "unknown_channel" else ""
        complain(f"{failed}.{meant}")
        return code_of(failed)
    return ExitCode.DONE


def no_link(feed: Feed) -> ExitCode:
    """Say why there is none, and what to do."""
    if feed.error is not None and feed.error.code in NO_ACCESS:
        complain(f"{feed.url}: {feed.error}. Put a valid token into BANGGIA_TOKEN.")
        return ExitCode.NO_ACCESS
    advice = "Is a board running there? python3 run.py demo starts one; --url names another."
    complain(f"{feed.url}: {feed.error}. {advice}")
    return ExitCode.NO_BOARD


async def missing(feed: Feed, table: Table, keys: Iterable[str] | None, *, groups_within_s: float = 0.0) -> bool:
    """Whether some key that was named is not there, or no such group after so long; says so, with what may be meant."""
    absent = [key for key in keys or () if not key.startswith("@") and not _has(table, key)]
    named = [key for key in keys or () if key.startswith("@")]
    if not absent and not named:
        return False
    groups = [f"@{name}" for name in await _known(feed, "groups", {group[1:] for group in named}, groups_within_s)]
    unknown = [group for group in named if groups and group not in groups]
    for group in unknown:
        complain(f"There is no group {group}.{did_you_mean(group, groups)}")
    known = await _known(feed, "symbols" if table.channel in SEQUENCES else table.channel) if absent else []
    # Nothing may be missing but the way to it.
    because = "" if feed.connected else f": {road(feed.status, feed.error, 'en')}"
    for key in absent:
        complain(f"{table.channel} has no row {key} now{because}.{did_you_mean(key, known + groups)}")
    return bool(absent or unknown)


def _has(table: Table, key: str) -> bool:
    return any(name == key or name.startswith(f"{key}#") for name in table.rows)


def unknown_fields(table: Table, fields: Iterable[str] | None) -> bool:
    """Whether a field that was named is in no row that is there; says so, with what may have been meant."""
    known = dict.fromkeys(name for row in table.rows.values() for name in row)
    unknown = [name for name in fields or () if known and name not in known]
    for name in unknown:
        hint = did_you_mean(name, known) or f" There are {', '.join(known)}."
        complain(f"{table.channel} has no field {name}.{hint}")
    return bool(unknown)


async def _known(feed: Feed, channel: str, wanted: AbstractSet[str] = frozenset(), within_s: float = 0.0) -> list[str]:
    """
    The keys of a whole channel, by a connection of its own: this feed has other keys of it.

    Those wanted are waited for so long.
    """
    async with Feed(feed.url, token=feed.token) as other:
        table = other.table(channel)
        try:
            await table.loaded(HINT_DEADLINE_S)
        except (TableFailed, NotLoaded):
            return []
        with suppress(TimeoutError):
            async with asyncio.timeout(within_s):
                while not wanted <= table.rows.keys():
                    await table.happened()
        return list(table.rows)
