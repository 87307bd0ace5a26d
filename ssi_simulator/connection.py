"""One client's connection: what it asked for, how to write to it, and whether it is made to suffer."""

import math
from typing import Protocol

from ssi_simulator import frames
from ssi_simulator.selection import Selection

# A client on the same machine that lags by so much does not read any more. The real server drops such clients too.
MAX_BUFFERED_BYTES = 4 * 2**20


class Socket(Protocol):
    """What a connection needs of a websocket: to write finished frames, and to break it."""

    @property
    def buffered_bytes(self) -> int:
        """Written, but not yet taken by the operating system."""

    def write(self, finished_frames: bytes) -> None:
        """Write finished websocket frames; nothing happens if the socket is closing."""

    def close(self, code: int) -> None:
        """Begin the closing handshake."""

    def cut(self) -> None:
        """Drop the TCP connection."""

    def freeze(self) -> None:
        """From now on, write nothing and read nothing, with the TCP connection open."""


class Connection:
    """A client as the hub knows it. It outlives its socket for a while, so that it can come back."""

    def __init__(self, connection_id: str, selection: Selection) -> None:
        self.id = connection_id
        self.selection = selection
        self.socket: Socket | None = None
        self.vanished_s = math.inf  # when the socket was lost, on the hub's clock
        self.last_sent_s = 0.0
        self.sent = 0  # data messages, snapshots included
        self.most_bytes = 0  # written at once, ever: a slow reader is given that much more room
        self.stalled_until_s = -math.inf
        self.keepalive = True  # whether keepalives go on during a stall
        self.half_open = False
        self.struck: set[str] = set()  # connection faults it has suffered, so that none comes twice by one order

    def attach(self, socket: Socket, now_s: float) -> None:
        """Begin, or go on after a reconnect, with this socket."""
        self.socket, self.vanished_s, self.last_sent_s = socket, math.inf, now_s
        self.stalled_until_s, self.keepalive, self.half_open = -math.inf, True, False

    def is_stalled(self, now_s: float) -> bool:
        """Whether data is withheld from it."""
        return now_s < self.stalled_until_s

    def is_slow(self) -> bool:
        """Whether it has stopped reading."""
        return self.socket is not None and self.socket.buffered_bytes > MAX_BUFFERED_BYTES + self.most_bytes

    def write(self, finished_frames: bytes, now_s: float) -> None:
        """Write finished websocket frames, if there is a socket."""
        if self.socket is not None:
            self.most_bytes = max(self.most_bytes, len(finished_frames))
            self.socket.write(finished_frames)
            self.last_sent_s = now_s

    def send(self, text: bytes, now_s: float) -> None:
        """Write one SignalR frame."""
        self.write(frames.websocket_frame(text), now_s)

    def document(self, now_s: float) -> dict[str, object]:
        """For people and tests."""
        return {
            "id": self.id,
            "subscription": self.selection.document(),
            "sent": self.sent,
            "buffered_bytes": self.socket.buffered_bytes if self.socket else 0,
            "stalled": self.is_stalled(now_s),
            "half_open": self.half_open,
        }
