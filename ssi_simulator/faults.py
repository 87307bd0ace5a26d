"""What goes wrong on demand: which faults are ordered, and how often or how long each still happens."""

import math
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from typing import NamedTuple


class Target(StrEnum):
    """What a fault happens to, and thus what its `count` counts."""

    # Open connections, at once. If count or seconds are given, new ones too, after their first snapshots.
    CONNECTION = "connection"
    REQUEST = "request"  # HTTP requests and upgrades
    INVOCATION = "invocation"  # SwitchChannels calls
    MESSAGE = "message"  # data messages that somebody receives
    FRAME = "frame"  # data frames
    TICK = "tick"  # turns of the market, 50 a second


class FaultKind(NamedTuple):
    """One entry of the catalogue."""

    target: Target
    value: float  # when the order names none
    summary: str


FAULTS = {
    "drop": FaultKind(Target.CONNECTION, 0, "cut the TCP connection without a close frame"),
    "close": FaultKind(Target.CONNECTION, 1001, "close the websocket; value: the close code"),
    "stall": FaultKind(Target.CONNECTION, 0, "send nothing but keepalives"),
    "silence": FaultKind(Target.CONNECTION, 0, "send nothing, not even keepalives; the websocket still answers"),
    "half-open": FaultKind(Target.CONNECTION, 0, "send nothing, read nothing, and leave the TCP connection open"),
    "reconnect": FaultKind(Target.CONNECTION, 0, 'ask the client to reconnect: {"T":1}'),
    "quota-error": FaultKind(Target.CONNECTION, 0, "call the hub method Error with the quota text, then close"),
    "unauthorized": FaultKind(Target.REQUEST, 401, "refuse negotiate, connect and reconnect; value: the status"),
    "bad-gateway": FaultKind(Target.REQUEST, 502, "refuse negotiate, connect and reconnect; value: the status"),
    "login-refused": FaultKind(Target.REQUEST, 0, "refuse log-ins, as for a key that has expired"),
    "rest-quota": FaultKind(Target.REQUEST, 429, "refuse REST calls with the quota text; value: the status"),
    "rest-unauthorized": FaultKind(Target.REQUEST, 401, "refuse REST calls in the body; value: the status there"),
    "invocation-error": FaultKind(Target.INVOCATION, 0, "answer SwitchChannels with an error"),
    "malformed": FaultKind(Target.MESSAGE, 0, "send a broken frame before the message"),
    "duplicate": FaultKind(Target.MESSAGE, 2, "send the message several times; value: how often"),
    "content-object": FaultKind(Target.MESSAGE, 0, "send Content as an object"),
    "numeric-strings": FaultKind(Target.MESSAGE, 0, "send numbers as strings"),
    "time-back": FaultKind(Target.MESSAGE, 300, "send an earlier Time; value: seconds"),
    "unknown-type": FaultKind(Target.MESSAGE, 0, "send the content once more under an unknown DataType, first"),
    "batch": FaultKind(Target.FRAME, 10, "join messages that leave together; value: at most so many a frame"),
    "burst": FaultKind(Target.TICK, 10, "multiply the rate; value: the factor"),
}


class FaultError(ValueError):
    """The order cannot be understood; the text says what is wrong with it."""


@dataclass(frozen=True, slots=True)
class Order:
    """What is asked for."""

    name: str
    value: float | None = None  # None: the catalogue's
    count: int | None = None  # how often; None: no limit
    seconds: float | None = None  # how long; None: until cleared

    def __post_init__(self) -> None:
        """Raises FaultError if no such fault can be."""
        if self.name not in FAULTS:
            raise FaultError(f"there is no fault {self.name!r}; there are: {', '.join(FAULTS)}")
        if self.value is not None and not 0 <= self.value < 1_000_000:
            raise FaultError(f"the value of {self.name} must be a number from 0 to a million, not {self.value}")
        if self.count is not None and self.count < 1:
            raise FaultError(f"the count of {self.name} must be at least 1, not {self.count}")
        if self.seconds is not None and not 0 < self.seconds < math.inf:
            raise FaultError(f"the seconds of {self.name} must be more than 0, not {self.seconds}")


@dataclass(slots=True)
class Fault:
    """One order in force."""

    name: str
    value: float
    count: int | None  # how often it still happens; None: no limit
    until_s: float  # when it ends by itself; infinity: when it is cleared


class Faults:
    """The orders in force, at most one of a name. `clock` gives seconds that never run backwards."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._orders: dict[str, Fault] = {}
        # How often each has happened since the start.
        self.happened: Counter[str] = Counter()

    def __bool__(self) -> bool:
        return bool(self._orders)

    def order(self, order: Order) -> None:
        """Put a fault in force, in place of an earlier one of this name."""
        value = FAULTS[order.name].value if order.value is None else order.value
        until_s = math.inf if order.seconds is None else self._clock() + order.seconds
        self._orders[order.name] = Fault(order.name, value, order.count, until_s)

    def peek(self, name: str) -> Fault | None:
        """The order in force, without using it up."""
        fault = self._orders.get(name)
        if fault is not None and self._clock() >= fault.until_s:
            del self._orders[name]
            return None
        return fault

    def use(self, name: str) -> float | None:
        """The value if the fault is to happen now, which counts as once; None if not."""
        if not self._orders or (fault := self.peek(name)) is None:
            return None
        if fault.count is not None:
            fault.count -= 1
            if fault.count == 0:
                del self._orders[name]
        self.happened[name] += 1
        return fault.value

    def clear(self, name: str | None = None) -> None:
        """Take back one order, or all."""
        if name is None:
            self._orders.clear()
        else:
            self._orders.pop(name, None)

    def left_s(self, fault: Fault) -> float | None:
        """Seconds until a fault ends by itself; None if it does not."""
        return None if math.isinf(fault.until_s) else fault.until_s - self._clock()

    def active(self) -> list[Fault]:
        """The orders in force."""
        return [fault for name in list(self._orders) if (fault := self.peek(name)) is not None]


def parse_order(text: str) -> Order:
    """A fault as the command line names it: `name[=value][,count=N][,seconds=S]`. Raises FaultError."""
    head, *limits = text.split(",")
    name, _, value = head.partition("=")
    given = dict(limit.partition("=")[::2] for limit in limits)
    unknown = given.keys() - {"count", "seconds"}
    if unknown:
        raise FaultError(f"{text!r}: after the name only count= and seconds= may follow, not {unknown.pop()!r}")
    try:
        numbers = (
            float(value) if value else None,
            int(given["count"]) if "count" in given else None,
            float(given["seconds"]) if "seconds" in given else None,
        )
    except ValueError as error:
        raise FaultError(f"{text!r}: expected name[=value][,count=N][,seconds=S] with numbers") from error
    return Order(name, *numbers)
