"""
The demo: a simulated exchange, the ingest, publishers and a splitter in front of them, wired together.

Top to bottom is the start; leaving the blocks is the end, in reverse order.
"""

import asyncio
import os
import socket
import sys
import webbrowser
from dataclasses import dataclass
from pathlib import Path

import httpx2

from local_stack.check import Report, check, report_line
from local_stack.folder import claimed_folder
from local_stack.services import HOST, Addresses, CannotStart, redis_given, start_broker, start_services
from local_stack.splitter import Backend, Splitter
from local_stack.supervisor import Supervisor
from local_stack.terminal import say

DEFAULT_PORT = 8000
#: Ports tried after the default one.
MORE_PORTS = 50


@dataclass(frozen=True, slots=True)
class Options:
    """What the demo is asked for."""

    port: int | None  # None: the default one, or the next free
    publishers: int
    seconds: float | None  # None: until told to stop
    check: bool
    browser: bool


async def demo(options: Options) -> int:
    """Run it; the exit code. Raises CannotStart."""
    with (
        listen(options.port) as listener,
        claimed_folder("var", f"demo-{(board_port := listener.getsockname()[1])}") as folder,
    ):
        async with redis_given() as given, Supervisor(folder, say) as supervisor:
            redis_url, prefix = given or (await start_broker(supervisor), "banggia")
            async with httpx2.AsyncClient(timeout=5, trust_env=False) as http:
                addresses = await start_services(
                    supervisor, redis_url, prefix, http, publishers=options.publishers, board_port=board_port
                )
                ports = [int(publisher.rpartition(":")[2]) for publisher in addresses.publishers]
                async with Splitter([Backend(HOST, port) for port in ports]).serving(listener):
                    say(url_table(board_port, addresses, supervisor.folder))
                    try:
                        report = await show(board_port, addresses, options, http)
                    finally:
                        await supervisor.stop()  # before the splitter, so that clients hear the publishers' goodbye
    if report is None:
        return 0
    say(report_line(report))
    if not report.ok:
        sys.stderr.write(f"The check failed: {report.differences[0]}\n")
    return 0 if report.ok else 1


async def show(port: int, addresses: Addresses, options: Options, http: httpx2.AsyncClient) -> Report | None:
    """Let people and programs see it until the time is over; the report if a check was asked for."""
    if options.browser and has_browser():
        await asyncio.to_thread(webbrowser.open, f"http://localhost:{port}/")
    if options.check:
        say(f"Checking for {options.seconds:g} seconds …")
        return await check(addresses, options.seconds or 0.0, http)
    if options.seconds is None:
        say("Ctrl-C stops it.")
        await asyncio.get_running_loop().create_future()  # until cancelled
    else:
        await asyncio.sleep(options.seconds)
    return None


def listen(port: int | None) -> socket.socket:
    """The board's socket, taken before anything is started. Raises CannotStart."""
    if port is not None:
        try:
            return socket.create_server((HOST, port))
        except OSError as error:
            reason = os.strerror(error.errno or 0)
            raise CannotStart(
                f"Port {port} cannot be used: {reason}. Stop what uses it, choose another --port, or leave --port out "
                "to get the next free one.",
                exit_code=2,
            ) from error
    for candidate in range(DEFAULT_PORT, DEFAULT_PORT + MORE_PORTS):
        try:
            listener = socket.create_server((HOST, candidate))
        except OSError:
            continue
        if candidate != DEFAULT_PORT:
            say(f"Port {DEFAULT_PORT} is taken; the board is on {candidate}.")
        return listener
    raise CannotStart(f"No port from {DEFAULT_PORT} to {candidate} is free. Choose one with --port.", exit_code=2)


def has_browser() -> bool:
    """Whether a window can be opened: a text browser would take the terminal."""
    if not sys.stdout.isatty() or os.environ.get("SSH_CONNECTION"):
        return False
    return sys.platform == "darwin" or bool(os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY"))


def url_table(port: int, addresses: Addresses, folder: Path) -> str:
    """Where everything is, for people."""
    lines = [
        ("board", f"http://localhost:{port}/"),
        ("websocket", f"ws://localhost:{port}/ws/market"),
        ("snapshot", f"http://localhost:{port}/api/channels/market"),
        *((f"publisher {number}", f"http://{at}/") for number, at in enumerate(addresses.publishers, 1)),
        ("simulator", f"{addresses.simulator}/control"),
        *(("ingest metrics", f"{ingest}/metrics") for ingest in addresses.ingests),
        ("logs", str(folder / "log")),
    ]
    return "\n".join(["", *(f"  {name:<15} {where}" for name, where in lines), ""])
