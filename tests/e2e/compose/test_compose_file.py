"""docker-compose.yml: what it says, and what the containers of a running stack are."""

import json
from typing import Any

import pytest

from ingest_service.settings import IngestSettings
from publisher_service.settings import PublisherSettings
from tests.e2e.compose.hardening import assert_hardened
from tests.fakes.compose import ComposeProject, run

SERVICES = ("redis", "simulator", "ingest", "publisher", "lb")
KEYS = {"SSI_CONSUMER_ID": "some-id", "SSI_CONSUMER_SECRET": "some-secret"}
OTHER_BALANCERS = ("deploy/nginx/compose.yml", "deploy/caddy/compose.yml")

pytestmark = pytest.mark.asyncio(loop_scope="session")


async def services(*files: str, **variables: str) -> dict[str, Any]:
    """The services of the file as compose understands it with these variables; nothing is started."""
    async with ComposeProject(*files, **variables) as project:
        said = await run("docker", "compose", *project.options, "config", "--format", "json")
        assert said.code == 0, said.err
        assert said.err == "", "warnings"
    found: dict[str, Any] = json.loads(said.out)["services"]
    return found


@pytest.mark.parametrize("variables", [{}, KEYS], ids=["without keys", "with keys"])
@pytest.mark.parametrize("files", [(), *((file,) for file in OTHER_BALANCERS)], ids=["HAProxy", "nginx", "Caddy"])
async def test_it_is_read_without_a_warning(files: tuple[str, ...], variables: dict[str, str]) -> None:
    found = await services(*files, **variables)

    assert {*SERVICES} - {"simulator"} <= set(found)


async def test_only_the_balancer_has_a_port_on_the_host() -> None:
    found = await services(BOARD_PORT="8123")

    assert [(name, one["ports"]) for name, one in found.items() if one.get("ports")] == [
        ("lb", [{"mode": "ingress", "target": 8080, "published": "8123", "protocol": "tcp"}])
    ]


async def test_no_container_has_a_name_that_stands_in_the_way_of_a_second_stack() -> None:
    found = await services()

    assert [name for name, one in found.items() if "container_name" in one] == []


async def test_without_keys_the_ingest_reads_from_the_simulator() -> None:
    found = await services()

    environment = found["ingest"]["environment"]
    assert environment["SSI_URL"] == "http://simulator:8765"
    assert (environment["SSI_CONSUMER_ID"], environment["SSI_CONSUMER_SECRET"]) == ("demo", "demo")
    assert found["simulator"]["deploy"]["replicas"] == 1


async def test_with_keys_the_ingest_reads_from_ssi_and_there_is_no_simulator() -> None:
    found = await services(**KEYS)

    environment = found["ingest"]["environment"]
    assert environment["SSI_URL"] == ""
    assert (environment["SSI_CONSUMER_ID"], environment["SSI_CONSUMER_SECRET"]) == ("some-id", "some-secret")
    assert found["simulator"]["deploy"]["replicas"] == 0


async def test_nothing_waits_for_a_service_without_containers() -> None:
    found = await services(**KEYS)

    waits_for = {one for service in found.values() for one in service.get("depends_on", ())}
    # Some releases of compose cannot stop such a project.
    assert [name for name in waits_for if found[name].get("deploy", {}).get("replicas") == 0] == []


async def test_addresses_of_ssi_count_only_together_with_keys() -> None:
    addresses = {name: f"http://exchange/{name}" for name in ("SSI_URL", "SSI_API_URL", "SSI_STREAM_URL")}

    with_keys = (await services(**KEYS, **addresses))["ingest"]["environment"]
    without_keys = (await services(**addresses))["ingest"]["environment"]

    assert {name: with_keys[name] for name in addresses} == addresses
    assert without_keys["SSI_URL"] == "http://simulator:8765"
    assert not {"SSI_API_URL", "SSI_STREAM_URL"} & set(without_keys)


async def test_an_id_without_its_secret_is_refused() -> None:
    async with ComposeProject(SSI_CONSUMER_ID="some-id") as project:
        said = await run("docker", "compose", *project.options, "config")
        project.set(**KEYS)  # so that the end of the block can read the file

    assert said.code != 0
    assert "SSI_CONSUMER_ID is set, so its secret is needed too" in said.err


async def test_every_setting_of_the_services_can_stand_in_the_env_file() -> None:
    publisher = {name.upper() for name in PublisherSettings.model_fields} - {"REDIS_URL", "HOST", "PORT"}
    ingest = {name.upper() for name in IngestSettings.model_fields}
    # A recording needs a folder of the host, which only its owner can name: docs/recordings.md.
    ingest -= {"REDIS_URL", "METRICS_HOST", "METRICS_PORT", "CACHE_DIR", "RECORD_DIR"}
    given = {name: f"/value-of/{name}" for name in publisher | ingest}

    found = await services(**given)

    seen_by_publisher = {name: found["publisher"]["environment"].get(name) for name in publisher}
    seen_by_ingest = {name: found["ingest"]["environment"].get(name) for name in ingest}
    # Files of the host are mounted, and the services are told where.
    assert seen_by_ingest.pop("CALENDAR_FILE") == "/run/calendar.toml"
    assert seen_by_ingest == {name: given[name] for name in ingest - {"CALENDAR_FILE"}}
    (mounted,) = found["ingest"]["volumes"]
    assert (mounted["source"], mounted["read_only"]) == ("/value-of/CALENDAR_FILE", True)
    assert seen_by_publisher.pop("JWT_PUBLIC_KEY_FILE") == "/run/jwt-public-key.pem"
    assert seen_by_publisher == {name: given[name] for name in publisher - {"JWT_PUBLIC_KEY_FILE"}}
    (mounted,) = found["publisher"]["volumes"]
    assert (mounted["source"], mounted["read_only"]) == ("/value-of/JWT_PUBLIC_KEY_FILE", True)


async def test_the_names_that_a_publisher_trusts_are_those_of_the_balancer() -> None:
    found = await services()

    assert found["publisher"]["environment"]["TRUSTED_PROXIES"] == "lb"


@pytest.mark.parametrize("service", SERVICES)
async def test_every_container_is_hardened(stack: ComposeProject, service: str) -> None:
    containers = await stack.containers(service)

    assert len(containers) == (2 if service == "publisher" else 1)
    for container in containers:
        assert_hardened(container)


async def test_a_publisher_has_the_time_that_its_drain_takes(stack: ComposeProject) -> None:
    defaults = {name: PublisherSettings.model_fields[name].default for name in ("drain_notice_s", "drain_s")}

    (publisher, *_) = await stack.containers("publisher")

    assert publisher.facts["Config"]["StopTimeout"] >= sum(defaults.values()) + 8


async def test_everything_but_the_balancer_tells_whether_it_is_healthy(stack: ComposeProject) -> None:
    found = {service: {one.health for one in await stack.containers(service)} for service in SERVICES}

    assert found == {service: {"healthy"} for service in SERVICES} | {"lb": {""}}


async def test_redis_keeps_nothing_on_disk_and_holds_its_limits(stack: ComposeProject) -> None:
    redis = await stack.container("redis")

    names = ("save", "appendonly", "maxmemory", "client-output-buffer-limit")
    said = {name: (await stack.exec(redis, "redis-cli", "config", "get", name)).out.split("\n", 1)[1] for name in names}

    assert said["save"].strip() == ""
    assert said["appendonly"].strip() == "no"
    assert said["maxmemory"].strip() == str(256 * 2**20)
    assert f"pubsub {32 * 2**20} {8 * 2**20} 60" in said["client-output-buffer-limit"]


async def test_the_health_check_of_redis_fails_on_an_error(stack: ComposeProject) -> None:
    redis = await stack.container("redis")
    check = redis.facts["Config"]["Healthcheck"]["Test"][1:]

    well = await stack.exec(redis, *check)
    refused = await stack.exec(redis, *check[:-1], "no-such-command")

    assert (well.code, well.out.strip()) == (0, "PONG")
    assert refused.code != 0


async def test_the_networks_keep_the_sides_apart(stack: ComposeProject) -> None:
    networks = {
        service: {
            name.removeprefix(f"{stack.name}_") for one in await stack.containers(service) for name in one.addresses
        }
        for service in SERVICES
    }
    internal = {
        name: json.loads(await stack.docker("network", "inspect", f"{stack.name}_{name}"))[0]["Internal"]
        for name in ("front", "back", "feed")
    }

    assert networks == {
        "lb": {"front"},
        "publisher": {"front", "back"},
        "redis": {"back"},
        "ingest": {"back", "feed"},
        "simulator": {"feed"},
    }
    assert internal == {"front": False, "back": True, "feed": False}


# Who may be reached by whom, by name and by address, on the ports that are served.
PORTS = {"redis": 6379, "ingest": 9100, "simulator": 8765, "publisher": 8000}
REACHED = {"lb": {"publisher"}, "publisher": {"publisher", "redis", "ingest"}, "ingest": {*PORTS}}


@pytest.mark.parametrize("service", list(REACHED))
async def test_a_service_reaches_only_what_it_needs(stack: ComposeProject, service: str) -> None:
    found = {name: await stack.containers(name) for name in PORTS}
    targets = {
        name: [(host, PORTS[name]) for host in (name, *(one for c in containers for one in c.addresses.values()))]
        for name, containers in found.items()
    }
    code = f"""
import concurrent.futures, json, socket
def reached(target):
    name, address = target
    try:
        socket.create_connection(address, timeout=2).close()
    except OSError:
        return None
    return name
targets = [(name, address) for name, addresses in {targets!r}.items() for address in addresses]
with concurrent.futures.ThreadPoolExecutor(len(targets)) as threads:
    print(json.dumps(list(threads.map(reached, targets))))
"""

    (container, *_) = await stack.containers(service)
    said = await stack.python_as_seen_by(container, code)

    assert said.code == 0, said.err
    assert set(json.loads(said.out)) - {None} == REACHED[service]


async def test_the_control_of_the_simulator_answers_to_itself_alone(stack: ComposeProject) -> None:
    code = """
from http.client import HTTPConnection
connection = HTTPConnection("simulator", 8765, timeout=5)
connection.request("GET", "/control")
print(connection.getresponse().status)
"""

    ingest, simulator = await stack.container("ingest"), await stack.container("simulator")
    from_ingest = await stack.python_as_seen_by(ingest, code)
    from_itself = await stack.python_as_seen_by(simulator, code.replace("simulator", "127.0.0.1"))

    assert from_ingest.out.strip() == "403"
    assert from_itself.out.strip() == "200"
