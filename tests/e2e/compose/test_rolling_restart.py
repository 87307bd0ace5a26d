"""All publishers are restarted one after the other, and one of the previous version beside them, under load."""

import time
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack
from pathlib import Path

import pytest
import pytest_asyncio

from shared.channels import Channel
from tests.e2e.compose.oracle import assert_converged
from tests.fakes.compose import ROOT, ComposeProject, run
from tests.fakes.crowd import Crowd, crowd
from tests.fakes.services import websocket_client

pytestmark = pytest.mark.asyncio(loop_scope="session")

CLIENTS = 200
ADDRESS = "/ws/market?keys=@VN30&mode=fields&interval=500"
PREVIOUS = "banggia-test-previous"
RESTART_S = 240.0


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def previous_image(tmp_path_factory: pytest.TempPathFactory) -> str:
    """The image of the commit before this one, built by its own Dockerfile."""
    source = tmp_path_factory.mktemp("previous")
    shell = ["git", "-C", str(ROOT), "archive", "--format=tar", "--output", str(source / "all.tar"), "HEAD~1"]
    archived = await run(*shell)
    assert archived.code == 0, f"the commit before this one is needed: {archived.err}"
    await run("tar", "-x", "-f", str(source / "all.tar"), "-C", str(source))
    (source / "all.tar").unlink()
    if not (source / "Dockerfile").exists():  # from before there was one
        for name in ("Dockerfile", ".dockerignore", "deploy/command.py", "deploy/health.py"):
            copy(ROOT / name, source / name)
    built = await run("docker", "build", "--quiet", "--tag", PREVIOUS, str(source), timeout_s=540)
    assert built.code == 0, built.err
    return PREVIOUS


def copy(source: Path, target: Path) -> None:
    target.parent.mkdir(parents=True, exist_ok=True)
    target.write_bytes(source.read_bytes())


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def project(image: str) -> AsyncIterator[ComposeProject]:
    """A stack that takes two hundred clients of one address."""
    async with ComposeProject(
        BANGGIA_IMAGE=image, MAX_CONNECTIONS_PER_ADDRESS="0", HANDSHAKES_PER_ADDRESS_PER_S="0", DRAIN_S="4"
    ) as project:
        await project.started()
        yield project


async def test_a_rolling_restart_under_load_with_the_previous_version_beside_loses_nothing(
    project: ComposeProject, previous_image: str, measured: Callable[[str], None]
) -> None:
    old = await project.start(
        previous_image, "publish",
        network="front", alias="publisher", REDIS_URL="redis://redis:6379/0", HOST="0.0.0.0", TRUSTED_PROXIES="lb",
        MAX_CONNECTIONS_PER_ADDRESS="0", HANDSHAKES_PER_ADDRESS_PER_S="0", DRAIN_S="4",
    )  # fmt: skip
    await project.docker("network", "connect", f"{project.name}_back", old.id)
    await project.until(lambda: is_ready(project, old.id), within_s=60)
    await project.until(lambda: is_chosen(project, old.id))
    before = [one.id for one in await project.containers("publisher")]

    # Only now do clients come, so that each version has its share.
    async with crowd(CLIENTS, project.websocket_url + ADDRESS) as clients:
        shares = [int(await project.metric(one, "publisher_clients")) for one in (*before, old.id)]
        began_s = time.monotonic()
        restarted = await run(str(ROOT / "deploy" / "rolling-restart"), *project.options, timeout_s=RESTART_S)
        assert restarted.code == 0, restarted.out + restarted.err
        took_s = time.monotonic() - began_s
        # And then the old version leaves for good.
        await project.docker("stop", "--time", "30", old.id)
        await project.until(lambda: all_are_back(clients), within_s=60)
        await assert_converged(project, clients, Channel.MARKET, "VN30")

        after = [one.id for one in await project.containers("publisher")]
        reconnects_s = clients.connects_since(began_s)

    # Compose finds everything as it should be: nothing is replaced again.
    await project.compose("up", "--detach", "--no-build", timeout_s=120)
    assert sorted(after) == sorted([one.id for one in await project.containers("publisher")])

    assert all(share > CLIENTS // 6 for share in shares), shares
    assert len(after) == len(before) == 2
    assert not set(after) & set(before)
    assert len(clients.closes) >= CLIENTS
    assert set(clients.closes) == {1012}
    assert sum(client.goodbyes for client in clients.clients) == len(clients.closes)
    # Each frame was continuous (the crowd checks it), and each return went on where the client stood.
    assert {client.snapshots for client in clients.clients} == {1}
    assert sum(client.resumes for client in clients.clients) == len(reconnects_s)
    # Reconnects are spread out: in no second comes all that one replica had, as it would without a pause of its own.
    busiest = max(sum(second <= at_s < second + 1 for at_s in reconnects_s) for second in reconnects_s)
    assert busiest < CLIENTS // 4, busiest
    measured(f"restarted in {took_s:.0f} s; shares {shares}; at most {busiest} reconnects in a second")


async def is_chosen(project: ComposeProject, container: str) -> bool:
    """Whether the balancer has found a publisher: of so many connections one must lead there."""
    async with AsyncExitStack() as stack:
        for _ in range(4):
            await stack.enter_async_context(websocket_client(project.websocket_url + "/ws/index"))
        return await project.metric(container, "publisher_clients") > 0


async def all_are_back(clients: Crowd) -> bool:
    """Whether whoever was sent away goes on elsewhere."""
    return sum(client.resumes for client in clients.clients) == len(clients.closes)


async def is_ready(project: ComposeProject, container: str) -> bool:
    """Whether a publisher has its tables."""
    said = await project.exec(container, "python", "/app/health.py", "http://127.0.0.1:8000/readyz")
    return said.code == 0
