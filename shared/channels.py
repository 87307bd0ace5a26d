"""The channels and their names in Redis. No other file spells a key or a pub/sub name."""

from dataclasses import dataclass
from enum import StrEnum
from typing import TypeAlias


class Channel(StrEnum):
    """A table: key → row. Each channel has one, and clients subscribe to it by this name."""

    MARKET = "market"  # one row a symbol: prices, volumes, book
    FOREIGN = "foreign"  # one row a symbol, and `_total`: what foreigners bought and sold
    INDEX = "index"  # one row an index
    DERIVATIVES = "derivatives"  # one row a futures contract, with its basis
    TRADES = "trades"  # the tape: a ring of the newest matches of each symbol, SSI#0, SSI#1, …
    BARS = "bars"  # one-minute bars: the present one of each symbol and index and the one before, SSI#0, SSI#1
    MOVERS = "movers"  # one row a market: who rose and fell most, and was traded most
    BREADTH = "breadth"  # one row a market: how many symbols went which way
    SECTORS = "sectors"  # one row a sector: its breadth, change and trading
    FLOW = "flow"  # one row a symbol: how fast it is bought and sold
    BASIS = "basis"  # the basis of each future by the minute: the present point and the one before, as in BARS
    ODDLOT = "oddlot"  # one row a symbol: the odd-lot board
    ALERTS = "alerts"  # what happened that one may want to know at once: a ring of the newest, alert#0, alert#1, …
    SYMBOLS = "symbols"  # one row a symbol: names, type, lot, ticks
    GROUPS = "groups"  # one row a group: its list of keys; clients write `@VN30`
    STATUS = "status"  # `feed`: the state of the exchange link; one row an exchange: its phase


class Internal(StrEnum):
    """
    A table that is stored by the same commits as the others, and not published: what the next leader has to know, and
    what is read from Redis when somebody asks for it.
    """

    WINDOWS = "windows"  # one row a symbol: what foreigners had bought and sold at the steps of the last minutes
    LOOKBACKS = "lookbacks"  # one row for each look back of an alert, SSI#imbalance: totals of the last minutes
    TOLD = "told"  # one row for each alert that was told, SSI#imbalance: when, and whether it still holds
    MINUTES = "minutes"  # one row a symbol or index and hour, SSI#9: the one-minute bars that are complete
    FLOW_WINDOWS = "flow_windows"  # one row a symbol: its totals at the steps of the last minutes
    BASIS_MINUTES = "basis_minutes"  # one row a future and hour: the points of its basis that are complete


#: Clients have to name keys: nobody can watch all of them, and no frame could carry that.
KEYS_REQUIRED = frozenset({Channel.TRADES, Channel.BARS, Channel.BASIS})
#: Changes leave at once, whatever interval is asked for.
UNTHROTTLED = frozenset({Channel.ALERTS})

Stored: TypeAlias = Channel | Internal
#: All tables that a commit may touch.
STORED: tuple[Stored, ...] = (*Channel, *Internal)


@dataclass(frozen=True, slots=True)
class RedisNames:
    """
    Every Redis key, for one prefix.

    All share one hash tag: the state is small, one node of a cluster carries it, and a commit touches
    several keys in one script.
    """

    prefix: str = "banggia"

    @property
    def head(self) -> str:
        """Hash: where the history stands (`shared.wire.Head`)."""
        return f"{{{self.prefix}}}:head"

    @property
    def schema(self) -> str:
        """Hash: the form of the rows (`shared.wire.Schema`)."""
        return f"{{{self.prefix}}}:schema"

    @property
    def lease(self) -> str:
        """String with a time to live: the token of the ingest that may commit."""
        return f"{{{self.prefix}}}:lease"

    @property
    def updates(self) -> str:
        """Pub/sub channel: one envelope a commit, and the heartbeat."""
        return f"{{{self.prefix}}}:updates"

    def rows(self, channel: Stored) -> str:
        """Hash: key → stored row (`shared.wire.encode_row`)."""
        return f"{{{self.prefix}}}:rows:{channel}"

    def next_rows(self, channel: Stored) -> str:
        """Hash: rows built aside, renamed to `rows` when a replacement takes effect."""
        return f"{{{self.prefix}}}:next:{channel}"
