"""The manifests are valid, hold together, and set what the services know."""

import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, TypeAlias

import kubernetes_validate  # type: ignore[import-untyped] # ships no types
import pytest
import yaml
from pydantic_settings import BaseSettings

from ingest_service.settings import IngestSettings
from publisher_service.settings import PublisherSettings

ROOT = Path(__file__).parents[3]
KUBERNETES = ROOT / "deploy/kubernetes"

# A manifest as YAML gives it: the schemas of Kubernetes judge it, so it needs no types here.
Manifest: TypeAlias = dict[str, Any]

#: The first that has the sleep action of preStop, and all after it.
VERSIONS = [
    version for version in dict.fromkeys(kubernetes_validate.utils.all_versions()) if int(version.split(".")[1]) >= 30
]
#: Kinds that come with operators, for which there is no schema here.
CUSTOM = {"HTTPRoute", "PodMonitor"}
SETTINGS: dict[str, type[BaseSettings]] = {"ingest": IngestSettings, "publisher": PublisherSettings}


def manifests_of(path: Path) -> list[Manifest]:
    return [manifest for manifest in yaml.safe_load_all(path.read_text(encoding="utf-8")) if manifest is not None]


KUSTOMIZATION: Manifest = manifests_of(KUBERNETES / "kustomization.yaml")[0]
APPLIED = [manifest for name in KUSTOMIZATION["resources"] for manifest in manifests_of(KUBERNETES / name)]
SECRETS = manifests_of(KUBERNETES / "secret.example.yaml")
EXAMPLES = [manifest for path in sorted((KUBERNETES / "examples").glob("*.yaml")) for manifest in manifests_of(path)]


def name_of(manifest: Manifest) -> str:
    return f"{manifest['kind']} {manifest['metadata']['name']}"


def params(manifests: list[Manifest]) -> list[Any]:
    return [pytest.param(manifest, id=name_of(manifest)) for manifest in manifests]


def of_kind(*kinds: str) -> list[Manifest]:
    return [manifest for manifest in APPLIED + EXAMPLES if manifest["kind"] in kinds]


DEPLOYMENTS = {manifest["metadata"]["name"]: manifest for manifest in of_kind("Deployment")}


def pod_of(deployment: Manifest) -> dict[str, Any]:
    return dict(deployment["spec"]["template"]["spec"])


def container_of(deployment: Manifest) -> dict[str, Any]:
    [container] = pod_of(deployment)["containers"]
    return dict(container)


def labels_of(deployment: Manifest) -> dict[str, str]:
    """The labels of its pods."""
    return dict(deployment["spec"]["template"]["metadata"]["labels"])


def selects(selector: Mapping[str, Any], labels: Mapping[str, str]) -> bool:
    """Whether a label selector means pods with these labels."""
    assert all(term["operator"] == "In" for term in selector.get("matchExpressions", []))
    return selector.get("matchLabels", {}).items() <= labels.items() and all(
        labels.get(term["key"]) in term["values"] for term in selector.get("matchExpressions", [])
    )


def selected(selector: Mapping[str, Any]) -> list[str]:
    """The deployments whose pods a label selector means."""
    return [name for name, deployment in DEPLOYMENTS.items() if selects(selector, labels_of(deployment))]


def ports_of(deployment: Manifest) -> dict[str, int]:
    return {port["name"]: port["containerPort"] for port in container_of(deployment)["ports"]}


def environment(path: Path) -> dict[str, str]:
    """The variables of a file that a ConfigMap is made of."""
    lines = (line.strip() for line in path.read_text(encoding="utf-8").splitlines())
    pairs = [line.partition("=") for line in lines if line and not line.startswith("#")]
    assert all(equals for _, equals, _ in pairs), f"{path} has a line without ="
    return {name: value for name, _, value in pairs}


CONFIG_MAPS = {
    generator["name"]: environment(KUBERNETES / generator["envs"][0])
    for generator in KUSTOMIZATION["configMapGenerator"]
}


def settings_of(deployment: Manifest, *, secrets: bool) -> dict[str, str]:
    """The variables that its container gets."""
    known_secrets = {secret["metadata"]["name"]: secret["stringData"] for secret in SECRETS}
    variables: dict[str, str] = {}
    for source in container_of(deployment).get("envFrom", []):
        if "configMapRef" in source:
            variables |= CONFIG_MAPS[source["configMapRef"]["name"]]
        elif secrets:
            variables |= known_secrets[source["secretRef"]["name"]]
    return variables


# ---------------------------------------------------------------------------------------------------------- schemas


@pytest.mark.parametrize("version", VERSIONS)
def test_manifests_are_valid(version: str) -> None:
    for manifest in APPLIED + SECRETS:
        kubernetes_validate.validate(manifest, version, strict=True)


def test_the_schemas_are_strict() -> None:
    manifest = manifests_of(KUBERNETES / "disruption-budgets.yaml")[0]
    manifest["spec"]["maxUnavailabel"] = 1

    with pytest.raises(kubernetes_validate.ValidationError, match="maxUnavailabel"):
        kubernetes_validate.validate(manifest, VERSIONS[-1], strict=True)


def test_several_versions_are_checked() -> None:
    assert len(VERSIONS) >= 4


def test_the_kustomization_lists_every_file() -> None:
    files = {path.relative_to(KUBERNETES).as_posix() for path in KUBERNETES.rglob("*") if path.is_file()}
    apart = {name for name in files if name.startswith("examples/")} | {
        "README.md",
        "kustomization.yaml",
        "secret.example.yaml",
    }
    settings = [name for generator in KUSTOMIZATION["configMapGenerator"] for name in generator["envs"]]

    listed = [*KUSTOMIZATION["resources"], *settings]

    assert sorted(listed) == sorted(files - apart)


def test_only_examples_need_an_operator() -> None:
    assert {manifest["kind"] for manifest in EXAMPLES} == CUSTOM
    assert not {manifest["kind"] for manifest in APPLIED} & CUSTOM


@pytest.mark.parametrize("manifest", params(APPLIED + SECRETS + EXAMPLES))
def test_the_namespace_is_left_to_the_user(manifest: Manifest) -> None:
    assert "namespace" not in manifest["metadata"]
    assert manifest["metadata"]["labels"]["app.kubernetes.io/part-of"] == "banggia"


def test_each_image_is_set_in_one_place() -> None:
    images = {container_of(deployment)["image"] for deployment in DEPLOYMENTS.values()}

    assert images == {image["name"] for image in KUSTOMIZATION["images"]}
    assert all(image["newTag"] for image in KUSTOMIZATION["images"])


# -------------------------------------------------------------------------------------------------------- references


@pytest.mark.parametrize("name", DEPLOYMENTS)
def test_a_deployment_selects_its_own_pods_and_no_others(name: str) -> None:
    spec = DEPLOYMENTS[name]["spec"]

    assert selected(spec["selector"]) == [name]
    for constraint in spec["template"]["spec"].get("topologySpreadConstraints", []):
        assert selected(constraint["labelSelector"]) == [name]


@pytest.mark.parametrize("service", params(of_kind("Service")))
def test_a_service_leads_to_a_port_of_its_pods(service: Manifest) -> None:
    [name] = selected({"matchLabels": service["spec"]["selector"]})

    assert name == service["metadata"]["name"]
    assert all(port["targetPort"] in ports_of(DEPLOYMENTS[name]) for port in service["spec"]["ports"])


@pytest.mark.parametrize("budget", params(of_kind("PodDisruptionBudget")))
def test_a_disruption_budget_is_about_the_pods_of_its_name(budget: Manifest) -> None:
    assert selected(budget["spec"]["selector"]) == [budget["metadata"]["name"]]


def test_the_autoscaler_owns_the_number_of_publishers() -> None:
    [autoscaler] = of_kind("HorizontalPodAutoscaler")
    target = DEPLOYMENTS[autoscaler["spec"]["scaleTargetRef"]["name"]]

    assert autoscaler["spec"]["minReplicas"] >= 2
    assert "replicas" not in target["spec"]
    assert "cpu" in container_of(target)["resources"]["requests"]  # what the percentage is of


@pytest.mark.parametrize("route", params(of_kind("HTTPRoute")))
def test_a_route_leads_to_a_port_of_a_service_and_never_to_the_metrics(route: Manifest) -> None:
    services = {
        service["metadata"]["name"]: {port["port"] for port in service["spec"]["ports"]}
        for service in of_kind("Service")
    }
    backends = [backend for rule in route["spec"]["rules"] for backend in rule["backendRefs"]]
    paths = [match["path"] for rule in route["spec"]["rules"] for match in rule["matches"]]

    assert backends
    assert all(backend["port"] in services[backend["name"]] for backend in backends)
    assert not any(path["type"] == "PathPrefix" and "/metrics".startswith(path["value"]) for path in paths)


@pytest.mark.parametrize("monitor", params(of_kind("PodMonitor")))
def test_a_monitor_asks_a_port_of_the_pods_of_its_name(monitor: Manifest) -> None:
    [name] = selected(monitor["spec"]["selector"])

    assert name == monitor["metadata"]["name"]
    assert all(endpoint["port"] in ports_of(DEPLOYMENTS[name]) for endpoint in monitor["spec"]["podMetricsEndpoints"])


# ------------------------------------------------------------------------------------------------------------ network


def policies_for(name: str) -> list[Manifest]:
    return [policy for policy in of_kind("NetworkPolicy") if name in selected(policy["spec"]["podSelector"])]


def reachable(direction: str, peers: str, name: str) -> dict[str, set[int]]:
    """Who is at the other end, by deployment or other name, and the ports allowed."""
    allowed: dict[str, set[int]] = {}
    for policy in policies_for(name):
        for rule in policy["spec"].get(direction, []):
            for peer in rule[peers]:
                for other in names_of(peer):
                    allowed.setdefault(other, set()).update(port["port"] for port in rule["ports"])
    return allowed


def names_of(peer: Mapping[str, Any]) -> Iterator[str]:
    if "podSelector" in peer:
        yield from selected(peer["podSelector"])
    elif "namespaceSelector" in peer:
        yield peer["namespaceSelector"]["matchLabels"]["kubernetes.io/metadata.name"]
    else:
        yield peer["ipBlock"]["cidr"]


@pytest.mark.parametrize("name", DEPLOYMENTS)
def test_what_no_policy_allows_is_refused(name: str) -> None:
    assert any(
        policy["spec"]["policyTypes"] == ["Ingress", "Egress"]
        and policy["spec"].keys() == {"podSelector", "policyTypes"}
        for policy in policies_for(name)
    )


def test_each_service_reaches_what_it_needs_and_nothing_else() -> None:
    ways = {name: reachable("egress", "to", name) for name in DEPLOYMENTS}

    assert ways == {
        "banggia-ingest": {"kube-system": {53}, "banggia-redis": {6379}, "0.0.0.0/0": {443}, "::/0": {443}},
        "banggia-publisher": {"kube-system": {53}, "banggia-redis": {6379}},
        "banggia-redis": {},
    }


def test_each_service_is_reached_by_those_who_need_it_and_nobody_else() -> None:
    ways = {name: reachable("ingress", "from", name) for name in DEPLOYMENTS}

    assert ways == {
        "banggia-ingest": {"monitoring": {9100}},
        "banggia-publisher": {"gateway": {8000}, "monitoring": {8000}},
        "banggia-redis": {"banggia-ingest": {6379}, "banggia-publisher": {6379}},
    }


def test_ports_of_policies_are_ports_of_pods() -> None:
    open_ports = {port for deployment in DEPLOYMENTS.values() for port in ports_of(deployment).values()}

    allowed = {port for name in DEPLOYMENTS for ports in reachable("ingress", "from", name).values() for port in ports}

    assert allowed == open_ports


# ----------------------------------------------------------------------------------------------------------- settings


@pytest.mark.parametrize("service", SETTINGS)
def test_every_variable_is_a_setting_of_its_service(service: str) -> None:
    given = settings_of(DEPLOYMENTS[f"banggia-{service}"], secrets=True)

    assert given.keys() - {name.upper() for name in SETTINGS[service].model_fields} == set()


@pytest.mark.parametrize("secret", params(SECRETS))
def test_an_example_of_a_secret_is_used_and_holds_none(secret: Manifest) -> None:
    uses = [
        source
        for deployment in DEPLOYMENTS.values()
        for source in container_of(deployment).get("envFrom", [])
        if source.get("secretRef", {}).get("name") == secret["metadata"]["name"]
    ]

    assert uses
    assert any("REPLACE-ME" in value for value in secret["stringData"].values())


@pytest.mark.parametrize("service", SETTINGS)
def test_the_services_take_the_settings(service: str, monkeypatch: pytest.MonkeyPatch) -> None:
    given = settings_of(DEPLOYMENTS[f"banggia-{service}"], secrets=False)
    for name, value in {**given, "SSI_CONSUMER_ID": "any", "SSI_CONSUMER_SECRET": "any"}.items():
        monkeypatch.setenv(name, value)

    settings = SETTINGS[service]()

    assert settings.model_fields_set >= {name.lower() for name in given}


def test_placeholders_of_tokens_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    given = settings_of(DEPLOYMENTS["banggia-publisher"], secrets=True)
    for name, value in given.items():
        monkeypatch.setenv(name, value)

    with pytest.raises(ValueError, match="jwt_secret"):
        PublisherSettings()


def test_services_listen_where_they_are_asked() -> None:
    ingest, publisher = CONFIG_MAPS["banggia-ingest"], CONFIG_MAPS["banggia-publisher"]

    assert ports_of(DEPLOYMENTS["banggia-ingest"]) == {"metrics": int(ingest["METRICS_PORT"])}
    assert ports_of(DEPLOYMENTS["banggia-publisher"]) == {"http": int(publisher["PORT"])}
    assert ingest["METRICS_HOST"] == publisher["HOST"] == "0.0.0.0"


# --------------------------------------------------------------------------------------------------------------- pods


@pytest.mark.parametrize("name", DEPLOYMENTS)
def test_a_pod_has_no_rights_that_it_does_not_need(name: str) -> None:
    pod, container = pod_of(DEPLOYMENTS[name]), container_of(DEPLOYMENTS[name])

    assert pod["automountServiceAccountToken"] is False
    assert pod["enableServiceLinks"] is False
    assert pod["securityContext"]["runAsNonRoot"] is True
    assert pod["securityContext"]["runAsUser"] == (999 if name == "banggia-redis" else 10001)
    assert pod["securityContext"]["seccompProfile"] == {"type": "RuntimeDefault"}
    assert container["securityContext"] == {
        "allowPrivilegeEscalation": False,
        "readOnlyRootFilesystem": True,
        "capabilities": {"drop": ["ALL"]},
    }


@pytest.mark.parametrize("name", DEPLOYMENTS)
def test_a_pod_is_bounded_and_may_write_to_its_temporary_files_only(name: str) -> None:
    pod, container = pod_of(DEPLOYMENTS[name]), container_of(DEPLOYMENTS[name])
    mounted = {mount["name"]: mount["mountPath"] for mount in container["volumeMounts"]}

    assert container["resources"]["requests"].keys() == {"cpu", "memory"}
    assert "memory" in container["resources"]["limits"]
    assert {volume["name"] for volume in pod["volumes"]} == mounted.keys()
    assert all("sizeLimit" in volume["emptyDir"] for volume in pod["volumes"])
    assert "/tmp" in mounted.values()


@pytest.mark.parametrize("name", DEPLOYMENTS)
def test_a_container_is_asked_how_it_is(name: str) -> None:
    container, ports = container_of(DEPLOYMENTS[name]), ports_of(DEPLOYMENTS[name])

    probes = {kind: container[f"{kind}Probe"] for kind in ("startup", "readiness", "liveness")}

    assert all(
        probe["timeoutSeconds"] >= 2 for probe in probes.values()
    )  # Kubernetes' own, one, is short at the opening
    if name != "banggia-redis":
        assert {kind: probe["httpGet"]["path"] for kind, probe in probes.items()} == {
            "startup": "/livez",
            "readiness": "/readyz",
            "liveness": "/livez",
        }
        assert all(probe["httpGet"]["port"] in ports for probe in probes.values())


@pytest.mark.parametrize("service", SETTINGS)
def test_a_container_runs_its_service(service: str) -> None:
    commands = {"ingest": ["ingest"], "publisher": ["publish"]}

    assert container_of(DEPLOYMENTS[f"banggia-{service}"])["args"] == commands[service]


@pytest.mark.parametrize("service", SETTINGS)
def test_a_rollout_never_takes_a_pod_before_its_successor_is_ready(service: str) -> None:
    strategy = DEPLOYMENTS[f"banggia-{service}"]["spec"]["strategy"]

    assert strategy == {"type": "RollingUpdate", "rollingUpdate": {"maxUnavailable": 0, "maxSurge": 1}}


def test_a_publisher_is_out_of_the_balancer_after_two_seconds() -> None:
    probe = container_of(DEPLOYMENTS["banggia-publisher"])["readinessProbe"]

    assert (probe["periodSeconds"], probe["failureThreshold"]) == (2, 1)


def test_a_publisher_has_the_time_to_send_its_clients_away() -> None:
    pod, settings = pod_of(DEPLOYMENTS["banggia-publisher"]), CONFIG_MAPS["banggia-publisher"]
    wait_s = container_of(DEPLOYMENTS["banggia-publisher"])["lifecycle"]["preStop"]["sleep"]["seconds"]
    under_way_s = 5  # requests that are being answered when the server ends

    needed_s = wait_s + float(settings["DRAIN_NOTICE_S"]) + float(settings["DRAIN_S"]) + under_way_s

    assert wait_s > 0
    assert needed_s < pod["terminationGracePeriodSeconds"]


def test_one_ingest_leads_and_another_stands_by() -> None:
    [budget] = [budget for budget in of_kind("PodDisruptionBudget") if budget["metadata"]["name"] == "banggia-ingest"]

    assert DEPLOYMENTS["banggia-ingest"]["spec"]["replicas"] == 2
    assert budget["spec"]["minAvailable"] == 1


def test_the_readme_names_files_that_exist() -> None:
    text = (KUBERNETES / "README.md").read_text(encoding="utf-8")
    named = re.findall(r"`((?:[\w-]+/)*[\w.-]+\.(?:yaml|env))`", text)

    assert named
    assert [name for name in named if not (KUBERNETES / name).exists()] == []


def test_what_must_be_changed_is_marked() -> None:
    policies = (KUBERNETES / "network-policies.yaml").read_text(encoding="utf-8")
    foreign = re.findall(r"metadata\.name: (?!kube-system)[\w-]+\}.*", policies)

    assert foreign
    assert [line for line in foreign if "# CHANGE" not in line] == []
