"""
`broadcast` of the package websockets, on uvloop.

    python -m bench.peers.servers.broadcast PORT
"""

import logging
import sys

import uvloop
from websockets.asyncio.server import ServerConnection, broadcast, serve

from bench.peers.servers.subscription import subscribe

clients: set[ServerConnection] = set()
latest = [""]


def take(message: bytes) -> None:
    """To all."""
    latest[0] = message.decode()
    broadcast(clients, latest[0])


async def come(client: ServerConnection) -> None:
    """One client."""
    await client.send(latest[0])
    clients.add(client)
    try:
        await client.wait_closed()
    finally:
        clients.discard(client)


async def main(port: int) -> None:
    """For ever."""
    logging.disable()
    await subscribe(take)
    async with serve(come, "127.0.0.1", port, compression=None, backlog=4096) as server:
        await server.serve_forever()


if __name__ == "__main__":
    uvloop.run(main(int(sys.argv[1])))
