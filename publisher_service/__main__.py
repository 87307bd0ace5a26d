"""`python -m publisher_service [--port P]`: one replica, configured by environment variables."""

import argparse
import asyncio
import errno
import gc
import logging
import signal
import socket
import sys
from collections.abc import Awaitable, Callable
from types import FrameType

import uvicorn
from starlette.datastructures import State

from publisher_service.app import create_app
from publisher_service.event_door import EventDoor
from publisher_service.gate import protocol_behind
from publisher_service.settings import PublisherSettings, load_settings
from publisher_service.shared_frames import CLOSE_TIMEOUT_S, SEND_BUFFER_BYTES, SharedFramesProtocol
from publisher_service.tokens import UnusableKey
from shared.descriptors import raise_descriptor_limit
from shared.log import configure_logging
from shared.version import VERSION

log = logging.getLogger(__name__)

#: Connections that may wait to be accepted; many come at once when another replica dies.
BACKLOG = 4096
#: For handlers that do not end by themselves.
SHUTDOWN_DEADLINE_S = 2
#: Connections and requests that have ended before garbage is collected.
COLLECT_AFTER = 1000

_DESCRIPTION = """\
Redis to clients: follows the tables that an ingest keeps there, and sends them over websockets and HTTP, with the board
at /. Start as many as your clients need: they keep no state that another does not have. Settings come from the
environment: docs/settings.md has all of them. It runs until it is told to stop, and lets its clients go at a pace."""
_EXAMPLE = """\
For example, one for this machine, and one that others reach as well:

  REDIS_URL=redis://127.0.0.1:6379/0 python3 run.py publish --port 8000
  REDIS_URL=redis://127.0.0.1:6379/0 python3 run.py publish --port 8001 --host 0.0.0.0"""


class Server(uvicorn.Server):
    """uvicorn's server, with a drain that begins at the signal: the lifespan ends too late for it."""

    def __init__(self, config: uvicorn.Config, state: State) -> None:
        super().__init__(config)
        self._state = state
        self._told_to_stop = False
        self._leaving: asyncio.Task[None] | None = None
        self._collected_at = 0  # of what had ended when garbage was collected last

    async def on_tick(self, counter: int) -> bool:
        """
        Collect garbage when at least as many connections and requests have ended as connections live.

        What ended leaves some tens of kilobytes each. A full collection takes a fifth of a millisecond for each
        connection that lives, and all of them wait for it.
        """
        state = self.server_state
        ended = self._state.gate.entered - len(state.connections) + state.total_requests
        if ended - self._collected_at >= max(COLLECT_AFTER, len(state.connections)):
            self._collected_at = ended
            gc.collect()
        return await super().on_tick(counter)

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:  # noqa: ARG002 (as the interpreter calls it)
        """The first signal begins the drain; not here, in the middle of anything, but next. The second one ends it."""
        if not self._told_to_stop and (loop := getattr(self._state, "loop", None)) is not None:
            self._told_to_stop = True
            loop.call_soon_threadsafe(self._leave)
        elif sig == signal.SIGINT and self.should_exit:
            self.force_exit = True
        else:
            self.should_exit = True

    def _leave(self) -> None:
        self._leaving = self._state.loop.create_task(self._take_leave(self._state.drain), name="drain")

    async def _take_leave(self, drain: Callable[[], Awaitable[None]]) -> None:
        try:
            await drain()
            async with asyncio.timeout(CLOSE_TIMEOUT_S):
                # A socket closed by us with something unread in it would take our close frame back.
                while any(isinstance(each, SharedFramesProtocol | EventDoor) for each in self.server_state.connections):  # noqa: ASYNC110 (uvicorn tells nobody)
                    await asyncio.sleep(0.05)
        except TimeoutError:
            log.warning("some clients did not answer the close", extra={"left": len(self.server_state.connections)})
        except Exception:
            log.exception("the drain failed, the process stops")
        finally:
            self.should_exit = True


def main(arguments: list[str] | None = None) -> int:
    """Run until told to stop. Exit code 2: a wrong setting, or a port that is taken."""
    parser = argparse.ArgumentParser(
        prog="run.py publish",
        description=_DESCRIPTION,
        epilog=_EXAMPLE,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--version", action="version", version=f"banggia {VERSION}")
    parser.add_argument("--host", help="the address to listen on (HOST)")
    parser.add_argument("--port", type=int, help="the port to listen on; 0 takes any free one (PORT)")
    chosen = parser.parse_args(arguments)
    given = {name: value for name, value in vars(chosen).items() if value is not None}
    settings = load_settings(given)
    configure_logging(settings.log_level)
    try:
        app = create_app(settings, raise_descriptor_limit())
    except UnusableKey as error:
        sys.stderr.write(f"Wrong setting: {error}. Change it and start again.\n")
        return 2
    try:
        listener = listen(settings)
    except OSError as error:
        next_step = (
            "Set HOST, or --host, to an address of this machine"
            if isinstance(error, socket.gaierror) or error.errno == errno.EADDRNOTAVAIL
            else "Stop what uses it, or choose another with --port"
        )
        sys.stderr.write(f"Cannot listen on {settings.host} port {settings.port}: {error.strerror}. {next_step}.\n")
        return 2
    logging.getLogger("uvicorn.error").setLevel(logging.WARNING)  # its lines name addresses with their queries
    host, port = listener.getsockname()[:2]
    log.info("publisher listens", extra={"url": f"http://{host}:{port}"})
    server = Server(
        uvicorn.Config(
            app,
            http=protocol_behind(app.state.gate),
            ws=SharedFramesProtocol,
            ws_max_size=settings.max_message_bytes,
            ws_per_message_deflate=settings.compression,
            ws_ping_interval=settings.ping_interval_s,
            ws_ping_timeout=settings.ping_timeout_s,
            log_config=None,
            access_log=False,
            proxy_headers=False,
            backlog=BACKLOG,
            timeout_graceful_shutdown=SHUTDOWN_DEADLINE_S,
        ),
        app.state,
    )
    gc.freeze()
    # Rows are many and in no cycles: what is replaced is freed at once. The rest is collected by Server.on_tick.
    gc.set_threshold(100_000, 10, 1_000_000)
    server.run(sockets=[listener])
    lifespan = server.lifespan
    return 0 if server.started and not lifespan.error_occurred else 1


def listen(settings: PublisherSettings) -> socket.socket:
    """The listening socket. Raises OSError."""
    family = socket.AF_INET6 if ":" in settings.host else socket.AF_INET
    listener = socket.socket(family, socket.SOCK_STREAM)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, SEND_BUFFER_BYTES)  # each connection inherits it
    try:
        listener.bind((settings.host, settings.port))
        listener.listen(BACKLOG)  # from now on nobody is refused, though the application still starts
    except OSError:
        listener.close()
        raise
    listener.set_inheritable(True)
    return listener


if __name__ == "__main__":
    sys.exit(main())
