"""
The hub: who is connected, who gets what.

Everything here is synchronous: a message is encoded once and its finished frame is handed to the socket of each
connection that wants it. Nobody waits for anybody; a client that does not read is cut.
"""

import base64
import logging
import math
import secrets
from collections import deque
from collections.abc import Callable

import orjson

from ssi_simulator import frames
from ssi_simulator.broadcasts import Broadcast, Encoder
from ssi_simulator.connection import Connection, Socket
from ssi_simulator.core.messages import Message
from ssi_simulator.faults import FAULTS, Fault, Faults, Order, Target
from ssi_simulator.ledger import Ledger
from ssi_simulator.selection import CHANNELS, ReplaceMode, Selection

log = logging.getLogger(__name__)

# How long a connection without a socket is remembered: SignalR's default, told to clients by negotiate.
DISCONNECT_TIMEOUT_S = 30.0
# SignalR's default for what can be replayed.
REPLAY_MESSAGES = 1000
# Connections without a socket that are remembered at most; the oldest is forgotten first.
MAX_VANISHED = 1000
QUOTA_TEXT = "Connection has been blocked, quota 1 exceeded by 1"
_CONNECTION_FAULTS = [name for name, kind in FAULTS.items() if kind.target is Target.CONNECTION]


class Hub:
    """The connections, and the way of every message to them. `clock` gives seconds that never run backwards."""

    def __init__(
        self,
        snapshot: Callable[[str], list[Message]],
        faults: Faults,
        ledger: Ledger,
        clock: Callable[[], float],
        *,
        keepalive_s: float = 20.0,
        mode: ReplaceMode = ReplaceMode.PER_CHANNEL,
        first_only: bool = False,
        replay: bool = True,
    ) -> None:
        """`keepalive_s`: SignalR's KeepAliveTimeout; `{}` leaves after half of it in silence, or never if it is 0."""
        self._snapshot = snapshot
        self._faults = faults
        self._ledger = ledger
        self._clock = clock
        self.keepalive_s = keepalive_s
        self._mode = mode
        self._first_only = first_only
        self._replay = replay
        self._server_id = secrets.token_hex(4).upper()
        self._encoder = Encoder(self._server_id, faults)
        self._sequence = 0
        self._recent: deque[Broadcast] = deque(maxlen=REPLAY_MESSAGES)
        self._open: dict[str, Connection] = {}
        self._vanished: dict[str, Connection] = {}

    # A connection's life

    def connect(self, connection_id: str, socket: Socket) -> Connection:
        """A new connection. One that is open under the same id is cut: it has been replaced."""
        self.abort(connection_id)
        connection = Connection(connection_id, Selection(self._mode, first_only=self._first_only))
        self._attach(connection, socket)
        connection.send(frames.init(self._cursor()), self._clock())
        self._ledger.connections += 1
        return connection

    def can_reconnect(self, connection_id: str) -> bool:
        """Whether the connection is still remembered."""
        return connection_id in self._vanished or connection_id in self._open

    def reconnect(self, connection_id: str, socket: Socket, message_id: str) -> Connection:
        """
        Go on where a lost socket ended, with the selection kept.

        What was broadcast after `message_id` is sent again as far as it is still there, unless replaying is off. Raises
        KeyError if the connection is not remembered any more.
        """
        connection = self._vanished.pop(connection_id, None) or self._open[connection_id]
        if connection.socket is not None:
            connection.socket.cut()
        self._attach(connection, socket)
        connection.send(frames.data(self._cursor(), b""), self._clock())
        after = frames.sequence_of(message_id)
        if self._replay and after is not None:
            wants = connection.selection.wants
            missed = [one for one in self._recent if one.sequence > after and wants(one.data_type, one.key)]
            self._deliver(connection, missed)
        return connection

    def vanish(self, connection: Connection, socket: Socket) -> None:
        """The socket is gone. The connection is remembered for a while."""
        if connection.socket is not socket:
            return  # replaced meanwhile
        connection.socket = None
        connection.vanished_s = self._clock()
        if self._open.pop(connection.id, None) is not None:
            self._vanished[connection.id] = connection
            if len(self._vanished) > MAX_VANISHED:
                del self._vanished[next(iter(self._vanished))]

    def abort(self, connection_id: str) -> None:
        """Forget the connection at once."""
        self._vanished.pop(connection_id, None)
        connection = self._open.pop(connection_id, None)
        if connection is not None and connection.socket is not None:
            connection.socket.close(1000)

    # What clients say

    def receive(self, connection: Connection, text: str) -> None:
        """One frame of a client: a call of `SwitchChannels`, or something that gets an error or no answer."""
        try:
            call = orjson.loads(text)
        except orjson.JSONDecodeError:
            return  # SignalR ignores what it cannot read
        if not isinstance(call, dict) or "M" not in call:
            return
        method, arguments, invocation_id = str(call["M"]), call.get("A"), call.get("I", "0")
        match arguments:
            case [str(expression)] if (
                method.lower() == "switchchannels" and str(call.get("H")).lower() == frames.HUB.lower()
            ):
                if self._faults.use("invocation-error") is None:
                    self._switch(connection, expression, invocation_id)
                    return
        connection.send(frames.error(invocation_id, method), self._clock())

    def _switch(self, connection: Connection, expression: str, invocation_id: object) -> None:
        now_s = self._clock()
        before = connection.selection.switch(expression)
        if connection.selection != before:
            token = base64.b64encode(secrets.token_bytes(12)).decode()
            connection.send(frames.groups(self._cursor(), token), now_s)
        connection.send(frames.result(invocation_id), now_s)
        self._push_snapshots(connection, before)
        for name in _CONNECTION_FAULTS:
            if name not in connection.struck:
                self._hit(connection, name)

    def _push_snapshots(self, connection: Connection, before: Selection) -> None:
        """The last known message of everything newly selected."""
        wants = connection.selection.wants
        known = [
            self._encoder.broadcast(message, self._sequence)
            for data_type in CHANNELS
            if connection.selection.names(data_type)
            for message in self._snapshot(data_type)
            if wants(data_type, message.key) and not before.wants(data_type, message.key)
        ]
        if not connection.is_stalled(self._clock()):
            self._ledger.snapshots.update(one.data_type for one in known)
        self._deliver(connection, known)

    # What the market says

    def broadcast(self, messages: list[Message]) -> None:
        """Send the market's messages, in their order, to whoever wants them."""
        self._ledger.produced.update(message.data_type for message in messages)
        # Who has just vanished may come back and ask for what it missed.
        audience = [one for one in [*self._open.values(), *self._vanished.values()] if one.selection]
        if not audience:
            self._sequence += len(messages)
            return
        wanted: dict[str, list[Broadcast]] = {connection.id: [] for connection in audience}
        for message in messages:
            self._sequence += 1
            takers = [one for one in audience if one.selection.wants(message.data_type, message.key)]
            if takers:
                broadcast = self._encoder.broadcast(message, self._sequence)
                self._recent.append(broadcast)
                for connection in takers:
                    wanted[connection.id].append(broadcast)
        for connection in audience:
            if connection.socket is not None and wanted[connection.id]:
                self._deliver(connection, wanted[connection.id])

    def _deliver(self, connection: Connection, broadcasts: list[Broadcast]) -> None:
        now_s = self._clock()
        if not broadcasts:
            return
        if connection.is_stalled(now_s) or connection.half_open:
            self._ledger.withheld += len(broadcasts)
            return
        if connection.is_slow() and connection.socket is not None:
            log.warning("a client does not read and is dropped", extra={"connection": connection.id})
            self._ledger.slow_dropped += 1
            connection.socket.cut()
            return
        connection.write(b"".join(self._frames(broadcasts)), now_s)
        connection.sent += len(broadcasts)
        self._ledger.sent.update(one.data_type for one in broadcasts)

    def _frames(self, broadcasts: list[Broadcast]) -> list[bytes]:
        if self._faults.peek("batch") is None:
            return [one.ahead + one.frame for one in broadcasts]
        finished, rest = [], broadcasts
        while rest:
            size = max(1, int(self._faults.use("batch") or 1))
            finished.append(self._encoder.batched(rest[:size]))
            rest = rest[size:]
        return finished

    # Time

    def turn(self) -> None:
        """To be called often: keepalives where nothing was sent for long, and old connections forgotten."""
        now_s = self._clock()
        for connection_id in [
            one.id for one in self._vanished.values() if now_s - one.vanished_s > DISCONNECT_TIMEOUT_S
        ]:
            del self._vanished[connection_id]
        if not self.keepalive_s:
            return
        for connection in self._open.values():
            silent = connection.half_open or (connection.is_stalled(now_s) and not connection.keepalive)
            if not silent and now_s - connection.last_sent_s >= self.keepalive_s / 2:
                connection.send(frames.KEEPALIVE, now_s)
                self._ledger.keepalives += 1

    # Faults

    def order(self, order: Order) -> int:
        """
        Put a fault in force; how many open connections it has hit at once is the answer.

        A connection fault without count and seconds hits the connections that are open now, and is then over.
        """
        name = order.name
        self._faults.order(order)
        if FAULTS[name].target is not Target.CONNECTION:
            return 0
        hit = 0
        for connection in list(self._open.values()):
            hit += self._hit(connection, name)
        if order.count is None and order.seconds is None:
            self._faults.clear(name)
        return hit

    def clear(self, name: str | None = None) -> None:
        """Take back one fault, or all. Stalled connections go on; half-open ones are cut."""
        self._faults.clear(name)
        for connection in self._open.values():
            if name in {None, "stall", "silence"}:
                connection.stalled_until_s = -math.inf
            if name in {None, "half-open"} and connection.half_open and connection.socket is not None:
                connection.socket.cut()

    def _hit(self, connection: Connection, name: str) -> bool:
        """Let a connection suffer a fault if it is in force."""
        fault, socket = self._faults.peek(name), connection.socket
        if fault is None or socket is None or self._faults.use(name) is None:
            return False
        connection.struck.add(name)
        self._strike(connection, socket, fault)
        return True

    def _strike(self, connection: Connection, socket: Socket, fault: Fault) -> None:
        now_s = self._clock()
        match fault.name:
            case "drop":
                socket.cut()
            case "close":
                socket.close(int(fault.value))
            case "stall" | "silence":
                connection.stalled_until_s = fault.until_s
                connection.keepalive = fault.name == "stall"
            case "half-open":
                connection.half_open = True
                socket.freeze()
            case "reconnect":
                connection.send(frames.reconnect(self._cursor()), now_s)
            case "quota-error":
                connection.send(frames.data(self._cursor(), frames.invocation("Error", QUOTA_TEXT)), now_s)
                socket.close(1000)

    # Looking in

    def documents(self) -> list[dict[str, object]]:
        """The open connections, for people and tests."""
        return [connection.document(self._clock()) for connection in self._open.values()]

    def _attach(self, connection: Connection, socket: Socket) -> None:
        connection.attach(socket, self._clock())
        self._open[connection.id] = connection
        self._ledger.connections_max = max(self._ledger.connections_max, len(self._open))

    def _cursor(self) -> str:
        return frames.cursor(self._server_id, self._sequence)
