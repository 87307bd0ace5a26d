"""One stack for all tests that change nothing in it; the image is built once."""

import shutil
from collections.abc import AsyncIterator, Generator
from pathlib import Path

import pytest
import pytest_asyncio

from tests.fakes.compose import IMAGE, ROOT, ComposeProject, run

FOLDER = Path(__file__).parent
#: What the first test waits for: packages are fetched, containers become healthy.
TIMEOUT_S = 600
BUILD_S = 540.0


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Tests of this folder need Docker, and time."""
    for item in items:
        if item.path.is_relative_to(FOLDER):
            item.add_marker(pytest.mark.compose)
            if item.get_closest_marker("timeout") is None:
                item.add_marker(pytest.mark.timeout(TIMEOUT_S))


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """What the containers said belongs to the report of a failed test."""
    report = yield
    if report.failed and item.path.is_relative_to(FOLDER):
        for project in ComposeProject.alive:
            report.sections.append((f"containers of {project.name}", project.last_words()))
    return report


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def image() -> str:
    """The image of this checkout, built as users build it."""
    async with ComposeProject() as project:
        await project.compose("build", timeout_s=BUILD_S)
    return IMAGE


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def balancers_image(tmp_path_factory: pytest.TempPathFactory) -> str:
    """Real balancers of both other kinds, where their images cannot be had."""
    context = tmp_path_factory.mktemp("balancers")
    shutil.copy(FOLDER / "balancer.Dockerfile", context / "Dockerfile")
    shutil.copy(ROOT / "requirements-balancers.lock", context)
    built = await run("docker", "build", "--quiet", "--tag", "banggia-test-balancers", str(context), timeout_s=BUILD_S)
    assert built.code == 0, built.err
    return "banggia-test-balancers"


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def stack(image: str) -> AsyncIterator[ComposeProject]:
    """The board with the simulated market, as it starts without a .env. Tests leave it as they found it."""
    async with ComposeProject(BANGGIA_IMAGE=image) as project:
        await project.started()
        yield project
