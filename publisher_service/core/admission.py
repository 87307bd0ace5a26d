"""
Who may connect: limits on connections and handshakes, for each address and for this replica.

Looking and counting are one step, so that of many who come at once no more are let in than there is room for.
"""

from enum import StrEnum
from functools import lru_cache
from ipaddress import IPv6Address, ip_address
from typing import NamedTuple

from publisher_service.core.allowance import Allowance

#: Addresses whose handshakes are remembered. Beyond, the ones that came first are forgotten: they get a new burst.
MAX_ADDRESSES = 20_000
#: One customer's share of IPv6; with a limit for single addresses he would have as many as he likes.
IPV6_PREFIX_BITS = 64


class Limits(NamedTuple):
    """0 stands for no limit, except for `connections`, which is always known."""

    connections: int
    connections_per_address: int
    handshakes_per_s: float
    handshakes_per_address_per_s: float


class Reason(StrEnum):
    """Why a handshake, or a request, is refused: the label of the metric."""

    CONNECTIONS = "connections"
    ADDRESS_CONNECTIONS = "address_connections"
    HANDSHAKES = "handshakes"
    ADDRESS_HANDSHAKES = "address_handshakes"
    REQUESTS = "requests"
    DRAINING = "draining"
    ORIGIN = "origin"
    QUERY = "query"
    TOKEN = "token"  # noqa: S105 (no password)


class Refusal(NamedTuple):
    """What is answered instead of a websocket."""

    reason: Reason
    status: int  # HTTP
    text: str
    retry_after_s: int | None = None


DRAINING = Refusal(Reason.DRAINING, 503, "this replica stops; connect again to reach another", 1)

#: No address here has more than a handful; thousands take long to read.
MAX_PARAMETERS = 32
LONG_QUERY = Refusal(Reason.QUERY, 400, f"the address has more than {MAX_PARAMETERS} parameters")
BUSY = Refusal(Reason.REQUESTS, 503, "too many requests are on their way here; try again in a moment", 1)


class Admission:
    """
    Counts who is connected.

    Each handshake calls `enter`; who was let in calls `leave` at the end, with what `enter` was called with.
    """

    def __init__(self, limits: Limits, now_s: float) -> None:
        self._limits = limits
        self._connections = 0
        self._of_address: dict[str, int] = {}
        self._handshakes = Allowance(limits.handshakes_per_s, now_s)
        self._handshakes_of: dict[str, Allowance] = {}  # in the order in which they first came
        self.draining = False  # nobody is let in any more

    @property
    def addresses(self) -> int:
        """Of how many the handshakes are remembered."""
        return len(self._handshakes_of)

    def enter(self, address: str, now_s: float) -> Refusal | None:
        """Count a connection in; or why not."""
        limits = self._limits
        if self.draining:
            return DRAINING
        if self._connections >= limits.connections:
            return Refusal(Reason.CONNECTIONS, 503, "this replica is full (MAX_CONNECTIONS)", 5)
        key = group(address)
        held = self._of_address.get(key, 0)
        if limits.connections_per_address and held >= limits.connections_per_address:
            return Refusal(
                Reason.ADDRESS_CONNECTIONS,
                429,
                f"{held} connections from your address are open already (MAX_CONNECTIONS_PER_ADDRESS); "
                "one can carry all channels",
                10,
            )
        if not self._of(key, now_s).take(limits.handshakes_per_address_per_s, now_s):
            return Refusal(
                Reason.ADDRESS_HANDSHAKES,
                429,
                "too many handshakes from your address (HANDSHAKES_PER_ADDRESS_PER_S); wait longer between attempts",
                2,
            )
        if not self._handshakes.take(limits.handshakes_per_s, now_s):
            return Refusal(Reason.HANDSHAKES, 503, "too many handshakes at once (HANDSHAKES_PER_S); try again", 1)
        self._connections += 1
        self._of_address[key] = held + 1
        return None

    def leave(self, address: str) -> None:
        """A connection that was let in is over."""
        key = group(address)
        self._connections -= 1
        self._of_address[key] -= 1
        if not self._of_address[key]:
            del self._of_address[key]

    def _of(self, key: str, now_s: float) -> Allowance:
        known = self._handshakes_of.get(key)
        if known is None:
            if len(self._handshakes_of) >= MAX_ADDRESSES:
                self._forget(now_s)
            known = self._handshakes_of[key] = Allowance(self._limits.handshakes_per_address_per_s, now_s)
        return known

    def _forget(self, now_s: float) -> None:
        """Make room: all that are as good as new, else the oldest tenth."""
        rate = self._limits.handshakes_per_address_per_s
        kept = {key: allowance for key, allowance in self._handshakes_of.items() if not allowance.full(rate, now_s)}
        if len(kept) >= MAX_ADDRESSES:
            kept = dict(list(kept.items())[MAX_ADDRESSES // 10 :])
        self._handshakes_of = kept


@lru_cache(maxsize=1024)
def group(address: str) -> str:
    """What is counted as one: an IPv4 address, or the network that an IPv6 address lies in."""
    try:
        parsed = ip_address(address)
    except ValueError:
        return address
    if isinstance(parsed, IPv6Address):
        if parsed.ipv4_mapped is not None:
            return str(parsed.ipv4_mapped)
        return str(IPv6Address(int(parsed) >> (128 - IPV6_PREFIX_BITS) << (128 - IPV6_PREFIX_BITS)))
    return str(parsed)
