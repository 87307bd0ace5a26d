"""Dashboards and alert rules ask for what the services measure, and lead to what is written about it."""

import json
import re
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path, PurePosixPath
from typing import Any, NamedTuple

import pytest
import yaml
from prometheus_client import CollectorRegistry
from prometheus_client.metrics import MetricWrapperBase

from ingest_service.metrics import Metrics as IngestMetrics
from publisher_service.core.admission import Reason
from publisher_service.metrics import Metrics as PublisherMetrics
from shared.channels import Channel
from tests.unit.deploy.promql import Series, faults, read

ROOT = Path(__file__).parents[3]
PROMETHEUS = ROOT / "deploy/prometheus"
GRAFANA = ROOT / "deploy/grafana"
RUNBOOK = ROOT / "docs/operating.md"

#: Prometheus gives these to every series that it reads.
OF_TARGET = frozenset({"job", "instance"})
#: What others measure, as far as it is used: HAProxy 3.0, and Prometheus itself.
OF_OTHERS: Series = {
    "haproxy_process_current_connections": OF_TARGET,
    "haproxy_process_max_connections": OF_TARGET,
    "haproxy_backend_active_servers": OF_TARGET | {"proxy"},
    "haproxy_frontend_http_responses_total": OF_TARGET | {"proxy", "code"},
    "haproxy_server_current_sessions": OF_TARGET | {"proxy", "server"},
    "up": OF_TARGET,
    "ALERTS": OF_TARGET | {"alertname", "alertstate", "severity", "channel", "reason"},
}


class Question(NamedTuple):
    """One expression, and the labels of its result that are shown beside it."""

    asked_by: str
    expression: str
    shown: frozenset[str] = frozenset()


def exposed(metrics: IngestMetrics | PublisherMetrics) -> Series:
    """What /metrics would list: the names with the endings that Prometheus knows them by, and their labels."""
    for metric in vars(metrics).values():
        if isinstance(metric, MetricWrapperBase):
            touch(metric)
    return series_of(metrics.registry)


def touch(metric: MetricWrapperBase) -> None:
    """A metric with labels lists nothing before one was used. How many it wants is found by trying."""
    for count in range(1, 6):
        with suppress(ValueError):
            metric.labels(*["any"] * count)
            return


def series_of(registry: CollectorRegistry) -> dict[str, frozenset[str]]:
    """Each sample's name and labels."""
    return {sample.name: OF_TARGET | sample.labels.keys() for metric in registry.collect() for sample in metric.samples}


def yaml_file(path: Path) -> Any:
    return yaml.safe_load(path.read_text(encoding="utf-8"))


RULES: list[dict[str, Any]] = [
    rule for group in yaml_file(PROMETHEUS / "rules.yml")["groups"] for rule in group["rules"]
]
ALERTS = {rule["alert"]: rule for rule in RULES if "alert" in rule}
DASHBOARDS: dict[str, dict[str, Any]] = {
    path.stem: json.loads(path.read_text(encoding="utf-8")) for path in sorted((GRAFANA / "dashboards").glob("*.json"))
}
PANELS = [
    pytest.param(panel, id=f"{name}: {panel['title']}")
    for name, dashboard in DASHBOARDS.items()
    for panel in dashboard["panels"]
    if panel["type"] != "row"
]


@pytest.fixture(scope="module")
def series() -> Series:
    return {
        **exposed(IngestMetrics()),
        **exposed(PublisherMetrics()),
        **OF_OTHERS,
        **{rule["record"]: frozenset[str]() for rule in RULES if "record" in rule},
    }


def questions() -> Iterator[Question]:
    """All that rules and dashboards ask."""
    for rule in RULES:
        text = " ".join(rule.get("annotations", {}).values())
        shown = frozenset(re.findall(r"\$labels\.(\w+)", text))
        yield Question(rule.get("alert") or rule["record"], rule["expr"], shown)
    for name, dashboard in DASHBOARDS.items():
        for annotation in dashboard["annotations"]["list"]:
            yield Question(f"{name}: {annotation['name']}", annotation["expr"])
        for variable in dashboard["templating"]["list"]:
            if variable["type"] == "query":
                found = re.fullmatch(r"label_values\((.+), (\w+)\)", variable["query"]["query"])
                assert found, f"{name}: the variable {variable['name']} asks for no labels"
                yield Question(f"{name}: {variable['name']}", found[1], frozenset({found[2]}))
        for panel in dashboard["panels"]:
            for target in panel.get("targets", []):
                shown = frozenset(re.findall(r"\{\{\s*(\w+)\s*\}\}", target["legendFormat"]))
                yield Question(f"{name}: {panel['title']} {target['refId']}", target["expr"], shown)


QUESTIONS = [pytest.param(question, id=question.asked_by) for question in questions()]


# ------------------------------------------------------------------------------------------------ names and labels


def test_names_are_those_that_prometheus_reads(series: Series) -> None:
    assert series["ingest_messages_total"] == {"job", "instance", "channel"}
    assert series["publisher_data_age_seconds_bucket"] == {"job", "instance", "channel", "le"}
    assert series["publisher_connected"] == {"job", "instance"}
    assert "publisher_frames" not in series
    assert "publisher_data_age_seconds" not in series


@pytest.mark.parametrize("question", QUESTIONS)
def test_only_what_is_measured_is_asked_for(question: Question, series: Series) -> None:
    assert faults(question.expression, question.shown, series) == []


@pytest.mark.parametrize("question", QUESTIONS)
def test_only_jobs_and_channels_that_exist_are_chosen(question: Question) -> None:
    known = {"job": {config["job_name"] for config in scrape_configs()}, "channel": set(Channel)}

    chosen = [pair for selector in read(question.expression).selectors for pair in selector.matchers.items()]

    assert [f"{label} {value}" for label, value in chosen if label in known and value not in known[label]] == []


def scrape_configs() -> list[dict[str, Any]]:
    return list(yaml_file(PROMETHEUS / "prometheus.yml")["scrape_configs"])


def test_a_job_is_the_service_whose_name_is_looked_up() -> None:
    found = {config["job_name"]: config["dns_sd_configs"][0] for config in scrape_configs()}

    assert {job: (sd["names"], sd["type"], sd["port"]) for job, sd in found.items()} == {
        "publisher": (["publisher"], "A", 8000),
        "ingest": (["ingest"], "A", 9100),
        "lb": (["lb"], "A", 8405),
    }


# ---------------------------------------------------------------------------------------------------------- alerts


def runbook_sections() -> list[str]:
    """The headings below "Alerts"."""
    _, _, alerts = RUNBOOK.read_text(encoding="utf-8").partition("\n## Alerts\n")
    return re.findall(r"^### (.+)$", alerts, re.MULTILINE)


def test_each_alert_has_its_section_in_the_runbook_and_each_section_its_alert() -> None:
    assert sorted(runbook_sections()) == sorted(ALERTS)


@pytest.mark.parametrize("name", ALERTS)
def test_an_alert_leads_to_its_section(name: str) -> None:
    path, _, anchor = ALERTS[name]["annotations"]["runbook_url"].partition("#")

    assert ROOT / path == RUNBOOK
    assert anchor == name.lower()  # as the anchor of a heading of one word is made


@pytest.mark.parametrize("name", ALERTS)
def test_an_alert_says_how_bad_it_is_and_what_is_the_matter(name: str) -> None:
    alert = ALERTS[name]

    assert alert["labels"]["severity"] in ("critical", "warning")
    assert alert["annotations"].keys() == {"summary", "description", "runbook_url"}


def test_an_alert_of_one_look_waits_before_it_is_raised() -> None:
    over_a_while = re.compile(r"\[\d+[mh]\]")

    hasty = [name for name, alert in ALERTS.items() if "for" not in alert and not over_a_while.search(alert["expr"])]

    assert hasty == []


def test_links_inside_the_runbook_lead_to_sections() -> None:
    anchors = {section.lower() for section in runbook_sections()}

    links = re.findall(r"\]\(#([^)]*)\)", RUNBOOK.read_text(encoding="utf-8"))

    assert [link for link in links if link not in anchors] == []


def test_the_runbook_explains_each_reason_of_a_refusal() -> None:
    _, _, section = RUNBOOK.read_text(encoding="utf-8").partition("\n### HandshakesRefused\n")
    table = "\n".join(re.findall(r"^\| (`.*?) \|", section.partition("\n### ")[0], re.MULTILINE))

    assert set(re.findall(r"`(\w+)`", table)) == set(Reason)


# ------------------------------------------------------------------------------------------------------ dashboards


def test_the_three_dashboards_are_there() -> None:
    assert DASHBOARDS.keys() == {"overview", "publishers", "ingest-and-feed"}


def test_no_two_dashboards_share_their_identity_or_title() -> None:
    assert len({dashboard["uid"] for dashboard in DASHBOARDS.values()}) == len(DASHBOARDS)
    assert len({dashboard["title"] for dashboard in DASHBOARDS.values()}) == len(DASHBOARDS)


@pytest.mark.parametrize("name", DASHBOARDS)
def test_panels_have_their_own_number_and_place(name: str) -> None:
    panels = DASHBOARDS[name]["panels"]
    cells = [
        (x, y)
        for place in (panel["gridPos"] for panel in panels)
        for x in range(place["x"], place["x"] + place["w"])
        for y in range(place["y"], place["y"] + place["h"])
    ]

    assert len({panel["id"] for panel in panels}) == len(panels)
    assert len(set(cells)) == len(cells)
    assert max(x for x, _ in cells) < 24  # Grafana's columns


@pytest.mark.parametrize("panel", PANELS)
def test_a_panel_asks_a_question_and_has_a_unit(panel: dict[str, Any]) -> None:
    assert "?" in panel["description"]
    assert panel["fieldConfig"]["defaults"]["unit"]


@pytest.mark.parametrize("panel", PANELS)
def test_a_panel_asks_the_source_that_was_chosen(panel: dict[str, Any]) -> None:
    assert panel["targets"]
    assert panel["datasource"] == {"type": "prometheus", "uid": "${datasource}"}


# --------------------------------------------------------------------------------------------------------- compose


def services() -> dict[str, dict[str, Any]]:
    return dict(yaml_file(ROOT / "deploy/compose/observability.yml")["services"])


def mounts(service: str) -> dict[str, Path]:
    """Where in the container which file or folder of the repository is seen."""
    pairs = (volume.split(":") for volume in services()[service]["volumes"] if volume.startswith("."))
    return {target: (ROOT / "deploy/compose" / source).resolve() for source, target, _ in pairs}


@pytest.mark.parametrize("name", services())
def test_a_service_is_off_by_default_and_hardened(name: str) -> None:
    service = services()[name]

    assert service["profiles"] == ["observability"]
    assert service["read_only"] is True
    assert service["cap_drop"] == ["ALL"]
    assert service["security_opt"] == ["no-new-privileges:true"]
    assert service["user"].split(":")[0].isdecimal()
    assert int(service["user"].split(":")[0]) > 0
    assert service["logging"]["options"].keys() == {"max-size", "max-file"}
    assert service["deploy"]["resources"]["limits"].keys() >= {"cpus", "memory"}
    assert all(source.exists() for source in mounts(name).values())


def test_only_this_machine_reaches_grafana_and_nobody_prometheus() -> None:
    ports = {name: service.get("ports", []) for name, service in services().items()}

    assert ports == {"prometheus": [], "grafana": ["127.0.0.1:${GRAFANA_PORT:-3000}:3000"]}


def test_grafana_finds_what_its_files_name() -> None:
    seen = mounts("grafana")
    [provider] = yaml_file(GRAFANA / "provisioning/dashboards/banggia.yml")["providers"]
    ini = (GRAFANA / "grafana.ini").read_text(encoding="utf-8")
    [home] = re.findall(r"^default_home_dashboard_path = (.+)$", ini, re.MULTILINE)
    home_path = PurePosixPath(home)
    [source] = yaml_file(GRAFANA / "provisioning/datasources/prometheus.yml")["datasources"]

    assert seen[provider["options"]["path"]] == GRAFANA / "dashboards"
    assert (seen[str(home_path.parent)] / home_path.name).exists()
    assert source["url"] == "http://prometheus:9090"
    assert source["jsonData"]["timeInterval"] == yaml_file(PROMETHEUS / "prometheus.yml")["global"]["scrape_interval"]


def test_prometheus_finds_what_its_files_name() -> None:
    seen = mounts("prometheus")
    [configured] = [option for option in services()["prometheus"]["command"] if option.startswith("--config.file=")]
    path = PurePosixPath(configured.partition("=")[2])

    assert seen[str(path.parent)] / path.name == PROMETHEUS / "prometheus.yml"
    assert [(PROMETHEUS / name).exists() for name in yaml_file(PROMETHEUS / "prometheus.yml")["rule_files"]] == [True]
