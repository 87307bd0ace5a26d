"""
A server of the package picows, on uvloop. It runs in an environment of its own.

    python -m bench.peers.servers.picows PORT
"""

import asyncio
import sys

import picows
import uvloop

from bench.peers.servers.subscription import subscribe

clients: set[picows.WSTransport] = set()
latest = [b""]


class Client(picows.WSListener):  # type: ignore[misc]  # the package is not in this environment
    """One client."""

    def on_ws_connected(self, transport: picows.WSTransport) -> None:
        """The latest first."""
        transport.send(picows.WSMsgType.TEXT, latest[0])
        clients.add(transport)

    def on_ws_disconnected(self, transport: picows.WSTransport) -> None:
        """By whomever."""
        clients.discard(transport)


def take(message: bytes) -> None:
    """To all."""
    latest[0] = message
    for client in clients:
        client.send(picows.WSMsgType.TEXT, message)


async def main(port: int) -> None:
    """For ever."""
    await subscribe(take)
    server = await picows.ws_create_server(lambda _: Client(), "127.0.0.1", port, backlog=4096)
    await asyncio.gather(server.serve_forever())


if __name__ == "__main__":
    uvloop.run(main(int(sys.argv[1])))
