"""The clients of measurements are compiled when they are needed."""

import os
import shutil
import sys
from pathlib import Path

import pytest

from bench.contestant import VAR
from bench.crowd import program


@pytest.fixture(scope="session")
def load() -> Path:
    """The program. Without a C compiler the tests are skipped with a line that says so; in CI that is an error."""
    if sys.platform != "linux":
        pytest.skip("the clients of measurements are made for Linux")
    if shutil.which(os.environ.get("CC") or "cc") is None:
        said = "no C compiler (cc): the clients of measurements cannot be made, so nothing is said about them"
        if os.environ.get("CI"):
            pytest.fail(said)
        pytest.skip(said)
    return program(VAR)
