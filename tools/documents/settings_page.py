"""The tables of docs/settings.md: all settings from their classes, all series from the registries."""

import re
from collections.abc import Iterator

from prometheus_client import CollectorRegistry
from prometheus_client.metrics import MetricWrapperBase
from pydantic.fields import FieldInfo
from pydantic_settings import BaseSettings

from ingest_service.metrics import Metrics as IngestMetrics
from ingest_service.settings import IngestSettings
from publisher_service.metrics import Metrics as PublisherMetrics
from publisher_service.settings import PublisherSettings
from shared.setting import default_of
from tools.documents.markdown_table import markdown_table

#: What stands between the two is made; all around is written by hand.
_PLACE = re.compile(r"(?<=<!-- made by run\.py docs: )([\w ]+)( -->\n).*?(?=<!-- end -->)", re.DOTALL)

#: What the names of these kinds end with in /metrics.
_ENDINGS = {"counter": "_total", "info": "_info"}


def settings_page(page: str) -> str:
    """The page that is due, from the one there is. Raises ValueError if it has not one place for each table."""
    tables = {
        "settings of the ingest": settings_table(IngestSettings),
        "settings of a publisher": settings_table(PublisherSettings),
        "series of the ingest": series_table(IngestMetrics().registry),
        "series of a publisher": series_table(PublisherMetrics().registry),
    }
    places = [place[1] for place in _PLACE.finditer(page)]
    if places != list(tables):
        raise ValueError(f"the places of the page are {places}, and must be {list(tables)}")
    return _PLACE.sub(lambda place: f"{place[1]}{place[2]}\n{tables[place[1]]}\n\n", page)


def settings_table(settings: type[BaseSettings]) -> str:
    """Each variable; those that are shared with another program at the end."""
    fields = sorted(settings.model_fields.items(), key=lambda item: item[0] not in settings.__annotations__)
    return markdown_table(
        ("variable", "default", "meaning"),
        (
            (f"`{name.upper()}`", _default(field), (field.description or "").replace("\n", " "))
            for name, field in fields
        ),
    )


def _default(field: FieldInfo) -> str:
    if field.is_required():
        return "required"
    default = default_of(field)
    return f"`{default}`" if default else "not set"


def series_table(registry: CollectorRegistry) -> str:
    """Each series by the name that it has in /metrics, in the order of the code."""
    return markdown_table(("series", "kind", "labels", "what it tells"), _series(registry))


def _series(registry: CollectorRegistry) -> Iterator[tuple[str, ...]]:
    for collector in registry._collector_to_names:  # noqa: SLF001 (what is told in public has no labels before their first value)
        if not isinstance(collector, MetricWrapperBase):
            raise TypeError(f"{collector} has no single name")
        (family,) = collector.describe()
        labels = ", ".join(f"`{label}`" for label in collector._labelnames)  # noqa: SLF001 (as above)
        yield f"`{family.name}{_ENDINGS.get(family.type, '')}`", family.type, labels, family.documentation
