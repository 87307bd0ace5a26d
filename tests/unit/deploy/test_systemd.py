"""The units for machines without containers start what there is, and wait as long as a stop may take."""

import importlib.util
from pathlib import Path

import pytest

from publisher_service.settings import PublisherSettings

UNITS = Path(__file__).parents[3] / "deploy" / "systemd"
#: A publisher ends at most so long after its drain.
AFTER_DRAIN_S = 8


def directives(unit: str) -> list[tuple[str, str]]:
    """Each directive of a unit with its value; one may stand there several times."""
    lines = (UNITS / unit).read_text(encoding="utf-8").splitlines()
    return [(name, value) for line in lines if not line.startswith("#") for name, _, value in [line.partition("=")]]


@pytest.mark.parametrize("unit", ["banggia-ingest@.service", "banggia-publisher@.service"])
def test_a_unit_starts_a_service_that_exists(unit: str) -> None:
    start = dict(directives(unit))["ExecStart"].split()

    assert start[:2] == ["/opt/banggia/.venv/bin/python", "-m"]
    assert importlib.util.find_spec(f"{start[2]}.__main__")


def test_a_publisher_has_the_time_that_its_drain_takes() -> None:
    settings = PublisherSettings()

    stop_s = int(dict(directives("banggia-publisher@.service"))["TimeoutStopSec"])

    assert stop_s > settings.drain_notice_s + settings.drain_s + AFTER_DRAIN_S


def test_only_the_ingest_is_handed_the_keys() -> None:
    files = {
        unit.name: [value for name, value in directives(unit.name) if name == "EnvironmentFile"]
        for unit in UNITS.glob("*.service")
    }

    assert files == {
        "banggia-ingest@.service": ["/etc/banggia/env", "/etc/banggia/keys"],
        "banggia-publisher@.service": ["/etc/banggia/env"],
    }
