"""A million inputs take their time, and are counted."""

from pathlib import Path

import pytest
from _pytest.terminal import TerminalReporter

from tests.fuzz.fuzzing import INPUTS, SEED

HERE = Path(__file__).parent


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """The slowest border takes a millisecond for an input, on a bad day."""
    for item in items:
        if HERE in item.path.parents:
            item.add_marker(pytest.mark.timeout(180 + INPUTS / 1000))


def pytest_terminal_summary(terminalreporter: TerminalReporter) -> None:
    """How many inputs each border took."""
    for report in terminalreporter.getreports("passed"):
        inputs = dict(report.user_properties).get("fuzz_inputs")
        if inputs is not None:
            name = report.nodeid.rpartition("::")[2]
            terminalreporter.write_line(f"{inputs:>9,} inputs from seed {SEED} on in {report.duration:5.0f} s: {name}")
