"""The health check that containers run."""

import socket
import sys
import time

import pytest

from local_stack.engine import free_port
from tests.fakes.compose import ROOT, ComposeProject, Said, run

pytestmark = pytest.mark.asyncio(loop_scope="session")


async def checked(*arguments: str) -> Said:
    """The check, run as in a container."""
    return await run(sys.executable, "-I", "-S", str(ROOT / "deploy" / "health.py"), *arguments)


async def test_it_passes_when_the_address_answers_200(stack: ComposeProject) -> None:
    said = await checked(f"{stack.url}/readyz")

    assert said == Said(0, "", "")


async def test_it_fails_with_one_line_when_the_answer_is_another(stack: ComposeProject) -> None:
    said = await checked(f"{stack.url}/metrics")

    assert said == Said(1, "", f"{stack.url}/metrics: answers 404\n")


async def test_it_fails_with_one_line_when_nobody_listens() -> None:
    url = f"http://127.0.0.1:{free_port()}/livez"

    said = await checked(url)

    assert said.code == 1
    assert said.err.startswith(f"{url}: ")
    assert said.err.count("\n") == 1


async def test_it_fails_within_seconds_when_there_is_no_answer() -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:  # connections wait to be accepted, for ever
        began_s = time.monotonic()

        said = await checked(f"http://127.0.0.1:{silent.getsockname()[1]}/livez")

    assert said.code == 1
    assert said.err.count("\n") == 1
    assert time.monotonic() - began_s < 3.5


@pytest.mark.parametrize("arguments", [(), ("http://x/", "http://y/"), ("no address",), ("http://:99999/",)])
async def test_it_fails_with_one_line_when_asked_wrongly(arguments: tuple[str, ...]) -> None:
    said = await checked(*arguments)

    assert said.code == 1
    assert said.err.count("\n") == 1
