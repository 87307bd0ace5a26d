"""`python -m ssi_simulator`: serve until told to stop."""

import logging
import os
import socket
import sys
from types import FrameType

import uvicorn

from ssi_simulator.app import create_app
from ssi_simulator.options import Options, parse_options
from ssi_simulator.websocket_socket import WebSocketProtocol

# A client that does not read must not keep the process alive.
_SHUTDOWN_S = 1


class _Server(uvicorn.Server):
    """Tells where it listens, once it does."""

    def __init__(self, config: uvicorn.Config, url: str) -> None:
        super().__init__(config)
        self._url = url

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        if self.started:
            print(f"SSI FastConnect simulator: {self._url}", flush=True)  # noqa: T201 (scripts wait for this line)

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        """A second signal changes nothing: the end is a second away, and one that is forced leaves a traceback."""
        if not self.should_exit:
            super().handle_exit(sig, frame)


def main() -> int:
    """Exit code 2 if the command line or the port is wrong."""
    options = parse_options()
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(name)s: %(message)s")
    # uvicorn's own lines name each websocket with its query string, and that holds tokens.
    logging.getLogger("uvicorn.error").setLevel(logging.WARNING)
    try:
        listener = _listen(options)
    except OSError as error:
        # The library's own text repeats the address.
        reason = os.strerror(error.errno) if error.errno is not None and error.errno > 0 else error.strerror
        print(  # noqa: T201 (a line for the person at the terminal)
            f"Cannot listen on {options.host} port {options.port}: {reason}. "
            "Stop what uses it, or name another --port, or 0 for any free one.",
            file=sys.stderr,
        )
        return 2
    try:
        _serve(options, listener)
    except KeyboardInterrupt:
        return 130
    return 0


def _serve(options: Options, listener: socket.socket) -> None:
    """Until told to stop. Raises KeyboardInterrupt if that was by the keyboard."""
    host, port = listener.getsockname()[:2]
    config = uvicorn.Config(
        create_app(options),
        ws=WebSocketProtocol,
        ws_max_size=2**20,  # room for every symbol there is, by name
        ws_per_message_deflate=False,
        ws_ping_interval=None,  # the real server sends none
        log_config=None,
        access_log=False,
        server_header=False,
        timeout_graceful_shutdown=_SHUTDOWN_S,
    )
    _Server(config, f"http://{f'[{host}]' if ':' in host else host}:{port}/").run(sockets=[listener])


def _listen(options: Options) -> socket.socket:
    family = socket.AF_INET6 if ":" in options.host else socket.AF_INET
    return socket.create_server((options.host, options.port), family=family, backlog=2048)


if __name__ == "__main__":
    sys.exit(main())
