"""
The floor: a bare `write()` of a finished frame to each client. No protocol, no limits; it answers no ping.

    python -m bench.peers.servers.floor PORT
"""

import base64
import hashlib
import os
import re
import select
import socket
import sys
from collections.abc import Iterable

from bench.peers.servers.subscription import Lines, subscribed

_MAGIC = b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11"


def frame(payload: bytes) -> bytes:
    """A whole text frame."""
    size = len(payload)
    return (bytes((0x81, size)) if size < 126 else b"\x81\x7e" + size.to_bytes(2, "big")) + payload


def answer(request: bytes) -> bytes:
    """The server's half of the handshake."""
    found = re.search(rb"Sec-WebSocket-Key: (\S+)", request)
    key = base64.b64encode(hashlib.sha1((found[1] if found else b"") + _MAGIC).digest())  # noqa: S324 (as RFC 6455 has it)
    head = b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: "
    return head + key + b"\r\n\r\n"


def serve(port: int) -> None:
    """For ever."""
    broker, lines, clients, latest = subscribed(), Lines(), dict[int, socket.socket](), b""
    listener = socket.create_server(("127.0.0.1", port), backlog=4096)
    poll = select.epoll()
    for each in (broker, listener):
        poll.register(each, select.EPOLLIN)
    while True:
        for descriptor, _ in poll.poll():
            if descriptor == broker.fileno():
                for message in lines.take(broker.recv(1 << 20)):
                    latest = frame(message)
                    write_to(clients, latest)
            elif descriptor == listener.fileno():
                client, _ = listener.accept()
                clients[client.fileno()] = client
                poll.register(client, select.EPOLLIN)
            else:
                client = clients[descriptor]
                request = receive(client)
                if request.startswith(b"GET "):
                    client.setblocking(False)  # noqa: FBT003 (as the socket module has it)
                    write_to([descriptor], answer(request) + latest)
                elif not request:
                    poll.unregister(client)
                    del clients[descriptor]
                    client.close()


def receive(client: socket.socket) -> bytes:
    """What a client says; nothing if it has gone."""
    try:
        return client.recv(4096)
    except OSError:
        return b""


def write_to(clients: Iterable[int], data: bytes) -> None:
    """To each descriptor; who cannot take it now does not get it."""
    write = os.write
    for client in clients:
        try:  # noqa: SIM105 (this costs nothing, and a context manager would)
            write(client, data)
        except OSError:
            pass


if __name__ == "__main__":
    serve(int(sys.argv[1]))
