"""The command line."""

import argparse
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from pathlib import Path

from ssi_simulator.control import MAX_RATE
from ssi_simulator.core.timetable import Timetable, shipped_timetable
from ssi_simulator.faults import FAULTS, Order, parse_order
from ssi_simulator.market_clock import OPEN_S, VIETNAM, ClockMode, clock_seconds
from ssi_simulator.selection import ReplaceMode
from ssi_simulator.tokens import TOKEN_LIFE_S

_DESCRIPTION = """\
A stand-in for SSI FastConnect Data v2 with an invented market, for whoever has no key, or wants to see what a program
does when the exchange misbehaves. SSI's own client cannot tell it from the real one. REST and stream share an address;
the same seed gives the same market. http://HOST:PORT/control shows what it has sent, and takes faults while it runs."""
_EXAMPLE = """\
For example, a market that is ten times as busy for its first minute, and, in another terminal, an ingest that only
looks at it, and the loss of all connections:

  python3 run.py simulate --port 8765 --fault burst=10,seconds=60
  SSI_URL=http://127.0.0.1:8765 SSI_CONSUMER_ID=demo SSI_CONSUMER_SECRET=demo python3 run.py ingest --probe 15
  curl -d '{"name":"drop"}' http://127.0.0.1:8765/control/faults"""


@dataclass(frozen=True, slots=True)
class Options:
    """How the simulator runs. The defaults are those of the command line."""

    host: str
    port: int  # 0: any free one
    seed: int
    rate: float
    stocks: int
    timetable: Timetable
    day: date  # the first trading day
    clock: ClockMode
    start_s: float  # market time at the start, unless the clock is real
    speed: float
    keepalive_s: float
    token_life_s: float
    consumer_id: str
    consumer_secret: str
    mode: ReplaceMode
    first_only: bool
    replay: bool
    control: bool
    control_any: bool
    faults: tuple[Order, ...]


def parse_options(arguments: Sequence[str] | None = None) -> Options:
    """Read the command line; what cannot be understood ends the process with exit code 2."""
    catalogue = "\n".join(f"  {name:<20}{kind.summary}" for name, kind in FAULTS.items())
    parser = argparse.ArgumentParser(
        prog="run.py simulate",
        description=_DESCRIPTION,
        epilog=f"faults, for --fault and POST /control/faults:\n{catalogue}\n\n{_EXAMPLE}",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    add = parser.add_argument
    add("--host", default="127.0.0.1", help="the address to listen on (default: 127.0.0.1)")
    add("--port", type=_number(int, 0, 65535), default=8765, help="0: any free one (default: 8765)")
    add("--seed", type=int, default=1, help="the same seed, the same market (default: 1)")
    add("--rate", type=_number(float, 0, MAX_RATE), default=200.0, help="messages of X:ALL a second (default: 200)")
    add("--stocks", type=_number(int, 1, 10_000), default=1600, help="how many stocks are listed (default: 1600)")
    add(
        "--day",
        type=date.fromisoformat,
        default=None,
        help="first trading day, YYYY-MM-DD (default: today or the next one)",
    )
    add("--calendar", type=Path, metavar="FILE", help="holidays and hours that differ from those shipped")
    add("--clock", default="endless", help="endless: continuous trading for ever; real; or HH:MM to start there")
    add("--speed", type=_number(float, 0.001, 3600), default=1.0, help="market seconds per second (default: 1)")
    add("--keepalive-s", type=_number(float, 0, 3600), default=20.0, help="KeepAliveTimeout; 0: none (default: 20)")
    add("--token-life-s", type=_number(float, 1, 10**7), default=TOKEN_LIFE_S, help="life of a token (default: 8 h)")
    add("--consumer-id", default="demo", help="of the one key that it knows (default: demo)")
    add("--consumer-secret", default="demo", help="the same (default: demo)")
    add(
        "--replace",
        type=ReplaceMode,
        choices=list(ReplaceMode),
        default=ReplaceMode.PER_CHANNEL,
        help="what a second subscription takes the place of (default: replace-per-channel)",
    )
    add("--comma-first-only", action="store_true", help="of a comma list of channels, only the first counts")
    add("--no-replay", action="store_true", help="a reconnect keeps the channels, but nothing is sent again")
    add("--no-control", action="store_true", help="no /control endpoint")
    add("--control-any", action="store_true", help="let other machines use /control too")
    add(
        "--fault",
        action="append",
        default=[],
        metavar="NAME[=VALUE][,count=N][,seconds=S]",
        help="from the list below; may be said again",
    )
    given = parser.parse_args(arguments)
    try:
        faults = tuple(parse_order(text) for text in given.fault)
        clock, start_s = _clock(given.clock)
        timetable = shipped_timetable() if given.calendar is None else _timetable(given.calendar)
    except ValueError as error:
        parser.error(str(error))
    return Options(
        host=given.host,
        port=given.port,
        seed=given.seed,
        rate=given.rate,
        stocks=given.stocks,
        timetable=timetable,
        day=_first_day(given.day, clock, timetable),
        clock=clock,
        start_s=start_s,
        speed=given.speed,
        keepalive_s=given.keepalive_s,
        token_life_s=given.token_life_s,
        consumer_id=given.consumer_id,
        consumer_secret=given.consumer_secret,
        mode=given.replace,
        first_only=given.comma_first_only,
        replay=not given.no_replay,
        control=not given.no_control,
        control_any=given.control_any,
        faults=faults,
    )


def _clock(text: str) -> tuple[ClockMode, float]:
    if text == "endless":
        return ClockMode.ENDLESS, OPEN_S
    if text == "real":
        return ClockMode.REAL, 0.0
    try:
        return ClockMode.TIMETABLE, clock_seconds(text)
    except ValueError as error:
        raise ValueError(f"--clock must be endless, real or a time HH:MM, not {text!r}") from error


def _timetable(file: Path) -> Timetable:
    try:
        return Timetable(file.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise ValueError(f"--calendar {file}: {error}") from error


def _first_day(asked: date | None, clock: ClockMode, timetable: Timetable) -> date:
    today = datetime.now(VIETNAM).date()
    return timetable.last_trading_day(today) if clock is ClockMode.REAL else timetable.trading_day(asked or today)


def _number(kind: type[int] | type[float], low: float, high: float) -> Callable[[str], float]:
    def parse(text: str) -> float:
        try:
            number = kind(text)
        except ValueError:
            number = None
        if number is None or not low <= number <= high:
            raise argparse.ArgumentTypeError(f"{text!r} is not a number from {low:g} to {high:g}")
        return number

    return parse
