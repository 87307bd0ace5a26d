"""`python -m ssi_simulator` as a process: what it refuses, and how it ends."""

import asyncio
import signal
import socket
import sys

import httpx2
import pytest

from tests.fakes.exchange import ROOT, running_simulator
from tests.integration.ssi_simulator.conversation import a_caller


async def run(*arguments: str) -> tuple[int | None, str]:
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "ssi_simulator", *arguments, cwd=ROOT, stderr=asyncio.subprocess.PIPE
    )
    _, complaint = await asyncio.wait_for(process.communicate(), 20)
    return process.returncode, complaint.decode()


async def test_a_taken_port_is_one_clear_line_and_exit_code_2() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]

        code, complaint = await run("--port", str(port))

    assert code == 2
    assert complaint.count("\n") == 1
    assert complaint.startswith(f"Cannot listen on 127.0.0.1 port {port}: Address already in use. ")


@pytest.mark.parametrize(
    "arguments",
    [
        ["--rate", "-1"],
        ["--rate", "nan"],
        ["--clock", "noon"],
        ["--port", "65536"],
        ["--fault", "earthquake"],
        ["--fault", "drop,often=3"],
        ["--fault", "drop=hard"],
        ["--stocks", "0"],
        ["--calendar", "no-such-file"],
    ],
)
async def test_an_argument_that_cannot_be_is_named_with_exit_code_2(arguments: list[str]) -> None:
    code, complaint = await run("--port", "0", *arguments)

    assert code == 2
    assert "Traceback" not in complaint
    assert arguments[0] in complaint or arguments[1].partition("=")[0] in complaint


@pytest.mark.parametrize("fault", [None, "half-open"])
async def test_it_ends_at_once_when_told_to_though_clients_are_connected(fault: str | None) -> None:
    async with running_simulator(rate=1000) as simulator, (await a_caller(simulator)).talking("ALL") as talk:
        talk.websocket.transport.pause_reading()
        if fault is not None:
            await simulator.fault(fault)

        simulator.process.send_signal(signal.SIGTERM)

        await asyncio.wait_for(simulator.process.wait(), 3)


@pytest.mark.parametrize("times", [1, 2])
async def test_interrupts_from_the_keyboard_end_it_without_a_traceback(
    times: int, capfd: pytest.CaptureFixture[str]
) -> None:
    async with running_simulator(rate=0) as simulator:
        for _ in range(times):
            simulator.process.send_signal(signal.SIGINT)

        assert await asyncio.wait_for(simulator.process.wait(), 3) == 130
    assert "Traceback" not in capfd.readouterr().err


async def test_the_control_endpoint_can_be_switched_off() -> None:
    async with running_simulator(rate=0, no_control=True) as simulator, httpx2.AsyncClient(trust_env=False) as http:
        assert (await http.get(f"{simulator.url}control/ledger")).status_code == 404
