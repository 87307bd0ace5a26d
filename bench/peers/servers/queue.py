"""
What this project's predecessor did: a bounded queue, a task and a `send_text` for each client, in FastAPI on uvicorn.

    python -m bench.peers.servers.queue PORT
"""

import asyncio
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import uvicorn
from fastapi import FastAPI, WebSocket, WebSocketDisconnect

from bench.peers.servers.subscription import subscribe

#: Of the predecessor; the oldest is dropped when it is full.
QUEUE = 50

queues: set["asyncio.Queue[str]"] = set()
latest = [""]


def take(message: bytes) -> None:
    """To the queues of all."""
    latest[0] = text = message.decode()
    for queue in queues:
        if queue.full():
            queue.get_nowait()
        queue.put_nowait(text)


@asynccontextmanager
async def lifespan(_: FastAPI) -> AsyncIterator[None]:
    """Subscribed before anybody comes."""
    await subscribe(take)
    yield


app = FastAPI(lifespan=lifespan)


async def send(websocket: WebSocket, queue: "asyncio.Queue[str]") -> None:
    """One after the other."""
    while True:
        await websocket.send_text(await queue.get())


@app.websocket("/")
async def market(websocket: WebSocket) -> None:
    """One client."""
    await websocket.accept()
    queue: asyncio.Queue[str] = asyncio.Queue(QUEUE)
    queue.put_nowait(latest[0])
    queues.add(queue)
    sending = asyncio.create_task(send(websocket, queue))
    try:
        while True:
            await websocket.receive_text()
    except WebSocketDisconnect:
        pass
    finally:
        queues.discard(queue)
        sending.cancel()


if __name__ == "__main__":
    uvicorn.run(
        app, host="127.0.0.1", port=int(sys.argv[1]), log_level="error", access_log=False, backlog=4096,
        ws_per_message_deflate=False,
    )  # fmt: skip
