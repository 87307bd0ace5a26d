"""The client in TypeScript: what it does without a publisher, and that what is committed is what its source makes."""

import shutil
from pathlib import Path

import pytest

from tests.clients.node import TYPESCRIPT, run

pytestmark = pytest.mark.clients

OLD_PLACES = ("node_modules", "lib")


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of the folder, with the packages of its lock file, and compiled anew."""
    copy = tmp_path_factory.mktemp("clients") / "typescript"
    shutil.copytree(TYPESCRIPT, copy, ignore=shutil.ignore_patterns(*OLD_PLACES))
    run("npm", "ci", "--no-audit", "--no-fund", cwd=copy)
    run("npx", "--no-install", "tsc", cwd=copy)
    return copy


def test_the_client_passes_the_contract_cases_and_its_own() -> None:
    run("node", "--test", "tests/")


@pytest.mark.parametrize("name", ["banggia.js", "banggia.d.ts", "rows.d.ts"])
def test_what_is_committed_is_what_the_source_makes(built: Path, name: str) -> None:
    made, committed = ((folder / "lib" / name).read_text("utf-8") for folder in (built, TYPESCRIPT))

    assert committed == made, "npm run build, in clients/typescript, makes it anew"


def test_programs_that_use_the_types_rightly_compile_and_others_do_not(built: Path) -> None:
    run("npx", "--no-install", "tsc", "--project", "tests", cwd=built)
