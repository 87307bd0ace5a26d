"""`python3 run.py top`: the board in a terminal."""

import argparse
import asyncio
import os
import shutil
import sys
import time

from clients.python.banggia_client import Change, Feed
from terminal.exit_code import ExitCode
from terminal.line import to_json
from terminal.options import add_keys, parser_of
from terminal.picture import SORTS, View, picture, plain, rows_for
from terminal.watching import complain, loaded, missing, run
from terminal.words import Language

#: Between two pictures: more than anybody sees.
FRAME_S = 0.1
#: Without news the picture is looked at so often, for the size of the terminal and the state of the road.
IDLE_S = 1.0
INTERVAL_MS = 250
#: An ingest that has just started learns the groups one after the other.
GROUPS_DEADLINE_S = 5.0
#: A price is lit for so long after a match.
LIT_S = 0.5


def main(arguments: list[str] | None = None) -> int:
    """The exit code."""
    parser = parser_of(
        "top",
        "The board in a terminal: indices, prices with their books, phases, and whether all of it is live. Arrows,\n"
        "page keys, j and k scroll, s sorts by another column, q ends it. Colours and signs are those of Vietnamese\n"
        "boards: CE ceiling, FL floor, ~ the price that an auction is expected to have. NO_COLOR leaves colours out.",
        "the stocks that you hold:\n\n  python3 run.py top --keys SSI,FPT,VNM",
    )
    add_keys(parser, ("@VN30",))
    parser.add_argument("--sort", choices=SORTS, default="symbol", help="by which column (default: symbol)")
    parser.add_argument("--lang", choices=("en", "vi"), default=_language(), help="English or Vietnamese")
    parser.add_argument("--once", action="store_true", help="print the picture once, without colours, and end")
    options = parser.parse_args(arguments)
    if not (options.once or options.json) and not (sys.stdin.isatty() and sys.stdout.isatty()):
        complain("top needs a terminal; --once prints one picture, --json what is in it.")
        return ExitCode.WRONG_ARGUMENT
    return run(top, options)


async def top(options: argparse.Namespace, feed: Feed) -> ExitCode:
    """Until the key q."""
    board = Board(feed, options)
    code, lacks = await loaded(feed, board.market), False
    if code is ExitCode.DONE:
        patience_s = 0.0 if options.once or options.json else GROUPS_DEADLINE_S
        lacks = await missing(feed, board.market, options.keys, groups_within_s=patience_s)
        code = ExitCode.NOT_FOUND if lacks and not board.market.rows else code
    if code is not ExitCode.DONE:
        return code
    if options.once or options.json:
        await loaded(feed, board.indices)
        sys.stdout.write(board.json() if options.json else board.text())
        if lacks:
            return ExitCode.NOT_FOUND
        return ExitCode.DONE if board.market.state == "live" else ExitCode.OLD
    return await board.show()


class Board:
    """Two tables, and what somebody looks at of them."""

    def __init__(self, feed: Feed, options: argparse.Namespace) -> None:
        self.market = feed.table("market", keys=options.keys, interval_ms=INTERVAL_MS)
        self.indices = feed.table("index", interval_ms=INTERVAL_MS)
        self._feed = feed
        self._language: Language = options.lang
        self._sort = options.sort
        self._first = 0
        self._page = 1  # rows that fit
        self._old_since_ms: float | None = None
        self._is_over = False
        self._news = asyncio.Event()
        self._lit_until_s: dict[str, float] = {}  # symbols that have just traded
        self.market.on_change(self._take)
        self.indices.on_change(lambda _: self._news.set())
        feed.on_status(lambda _: self._news.set())

    def view(self, *, has_keys: bool = True) -> View:
        """At this moment."""
        self._look_at_road()
        now_s = time.monotonic()
        self._lit_until_s = {key: until_s for key, until_s in self._lit_until_s.items() if until_s > now_s}
        return View(
            url=self._feed.url.removesuffix("/ws"),
            market=self.market.rows,
            indices=self.indices.rows,
            status=self._feed.status,
            error=self._feed.error,
            refusal=self.market.error,
            old_since_ms=self._old_since_ms,
            data_ms=self.market.time_ms,
            sort=self._sort,
            first=self._first,
            language=self._language,
            traded=frozenset(self._lit_until_s),
            has_keys=has_keys,
        )

    def text(self) -> str:
        """One picture, as high as it has to be."""
        width = shutil.get_terminal_size((120, 40)).columns
        height = len(self.market.rows) + 6
        return "\n".join(plain(line) for line in picture(self.view(has_keys=False), width, height)) + "\n"

    def json(self) -> str:
        """One object."""
        body = {"state": self.market.state, "rev": self.market.rev, "time": self.market.time_ms}
        return to_json(body | {"indices": dict(self.indices.rows), "market": dict(self.market.rows)}) + "\n"

    async def show(self) -> ExitCode:
        """In the terminal, until the key q."""
        from terminal.screen import screen  # noqa: PLC0415 (Windows has no such terminals, and needs none for --once)

        with screen(self._pressed, self._news.set) as shown:
            while not self._is_over:
                self._news.clear()
                width, height = shown.size
                self._page = max(1, rows_for(height))
                self._first = max(0, min(self._first, len(self.market.rows) - self._page))
                shown.draw(picture(self.view(), width, height), plain)
                await asyncio.sleep(FRAME_S)
                try:
                    async with asyncio.timeout(LIT_S if self._lit_until_s else IDLE_S):
                        await self._news.wait()
                except TimeoutError:
                    continue
        return ExitCode.DONE

    def _take(self, change: Change) -> None:
        if not change.reset:
            until_s = time.monotonic() + LIT_S
            traded = (key for key, row in change.rows.items() if row is not None and "total_volume" in row)
            self._lit_until_s |= dict.fromkeys(traded, until_s)
        self._news.set()

    def _look_at_road(self) -> None:
        """Since when it is broken: by its own word, or by this machine's clock where there is no word."""
        if self.market.state == "live":
            self._old_since_ms = None
        elif self._old_since_ms is None and self.market.rev is not None:
            status = self._feed.status
            told_ms = status.changed_at_ms if status is not None and not status.connected else None
            self._old_since_ms = told_ms or time.time() * 1000

    def _pressed(self, key: str) -> None:
        steps = {"up": -1, "down": 1, "page_up": -self._page, "page_down": self._page, "home": -(10**9), "end": 10**9}
        if key == "q":
            self._is_over = True
        elif key == "s":
            self._sort, self._first = SORTS[(SORTS.index(self._sort) + 1) % len(SORTS)], 0
        else:
            self._first += steps.get(key, 0)
        self._news.set()


def _language() -> Language:
    return "vi" if (os.environ.get("LC_ALL") or os.environ.get("LANG") or "").startswith("vi") else "en"


if __name__ == "__main__":
    sys.exit(main())
