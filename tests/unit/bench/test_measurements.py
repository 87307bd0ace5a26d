"""`run.py bench`: which measurements there are."""

import resource
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

import pytest

from bench.__main__ import MEASUREMENTS, main

ROOT = Path(__file__).parents[3]


def test_help_lists_every_measurement(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--help"]) == 0

    told = capsys.readouterr().out
    assert [name for name in MEASUREMENTS if f"  {name} " not in told] == []


def test_an_unknown_name_is_an_error_that_lists_them(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["fanuot"]) == 2

    told = capsys.readouterr().err
    assert told.startswith("There is no measurement fanuot. Did you mean fanout?")
    assert "fanout" in told


def test_each_measurement_tells_what_it_measures() -> None:
    there = [name for name in MEASUREMENTS if find_spec(f"bench.{name.replace('-', '_')}")]

    for name in there:
        asked = subprocess.run(
            [sys.executable, "-m", "bench", name, "--help"], cwd=ROOT, capture_output=True, text=True, check=False
        )

        assert asked.returncode == 0, asked.stderr
        assert asked.stdout.startswith("usage: ")


@pytest.mark.parametrize(
    ("options", "clients"),
    [
        (("memory", "--only", "floor", "--clients", "1000000"), 1_000_000),
        (("latency", "--only", "crowd"), 8000),
        (("mass-returns",), 2300),
    ],
)
def test_more_clients_than_descriptors_are_refused_with_the_limit(options: tuple[str, ...], clients: int) -> None:
    asked = subprocess.run(
        [sys.executable, "-m", "bench", *options],
        cwd=ROOT, capture_output=True, text=True, check=False, preexec_fn=_few_descriptors,
    )  # fmt: skip

    assert asked.returncode == 1
    told = f"{clients} clients need {clients + 200} descriptors in the server, and 500 are allowed: raise the"
    assert told in asked.stderr
    assert "Traceback" not in asked.stderr


def _few_descriptors() -> None:
    resource.setrlimit(resource.RLIMIT_NOFILE, (500, 500))


def test_a_contestant_that_does_not_exist_is_an_error_that_lists_them() -> None:
    asked = subprocess.run(
        [sys.executable, "-m", "bench", "memory", "--only", "flor"],
        cwd=ROOT, capture_output=True, text=True, check=False,
    )  # fmt: skip

    assert asked.returncode == 2
    assert "There is no contestant flor. There are: floor, banggia," in asked.stderr
