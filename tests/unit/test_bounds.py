"""The page that says where everything ends is true: its numbers are the code's, its series and settings exist."""

import re
from importlib import import_module

import pytest
from prometheus_client import CollectorRegistry

from ingest_service.metrics import Metrics as IngestMetrics
from ingest_service.settings import IngestSettings
from publisher_service.metrics import Metrics as PublisherMetrics
from publisher_service.settings import PublisherSettings
from tests.unit.test_docs import section

BOUNDS = section("operating.md", "Bounds")
#: `4,096 messages (`ingest_service.inbox.MAX_WAITING`)`
CONSTANT = re.compile(r"([\d,]+) [^|`\d]*\(`([a-z_.]+)\.([A-Z_]+)`")
EVERY_CONSTANT = re.compile(r"`[a-z_]+\.[a-z_.]+\.[A-Z_]+`")


def series(registry: CollectorRegistry) -> set[str]:
    """The names as they stand in /metrics."""
    return {f"{family.name}_total" if family.type == "counter" else family.name for family in registry.collect()}


@pytest.mark.parametrize(("number", "module", "name"), CONSTANT.findall(BOUNDS))
def test_each_number_is_that_of_the_code(number: str, module: str, name: str) -> None:
    assert getattr(import_module(module), name) == int(number.replace(",", ""))


def test_each_constant_has_its_number_beside_it() -> None:
    assert len(EVERY_CONSTANT.findall(BOUNDS)) == len(CONSTANT.findall(BOUNDS)) > 30


def test_each_series_exists() -> None:
    named = set(re.findall(r"`((?:ingest|publisher)_(?!service)\w+)`", BOUNDS))

    assert len(named) > 20
    assert named - series(IngestMetrics().registry) - series(PublisherMetrics().registry) == set()


def test_each_setting_exists() -> None:
    named = set(re.findall(r"`([A-Z_]{3,})`", BOUNDS))
    known = {name.upper() for settings in (IngestSettings, PublisherSettings) for name in settings.model_fields}

    assert len(named) > 5
    assert named - known == set()
