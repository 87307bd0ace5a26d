"""The shipped balancers in front of the same publishers: what passes, what does not, and what is logged."""

import json
import secrets
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from pathlib import Path
from typing import NamedTuple

import pytest
import pytest_asyncio

from tests.e2e.compose.hardening import assert_hardened
from tests.fakes.compose import IMAGE, ComposeProject, Container
from tests.fakes.services import websocket_client

ECHO_PUBLISHER = Path(__file__).with_name("echo_publisher.py").read_text("utf-8")
HAPROXY, NGINX, CADDY = "HAProxy", "nginx", "Caddy"
FILES = {HAPROXY: (), NGINX: ("deploy/nginx/compose.yml",), CADDY: ("deploy/caddy/compose.yml",)}

pytestmark = pytest.mark.asyncio(loop_scope="session")


class Balanced(NamedTuple):
    """The shared stack with one of the balancers."""

    kind: str
    project: ComposeProject

    async def lb(self) -> Container:
        """The balancer."""
        return await self.project.container("lb")

    async def logged(self, word: str) -> str:
        """All that the balancer has said, once the word is in it."""
        said = ""

        async def has_it() -> bool:
            nonlocal said
            said = await self.project.logs("lb")
            return word in said

        await self.project.until(has_it, within_s=15)
        return said


@pytest_asyncio.fixture(scope="module", loop_scope="session", params=list(FILES))
async def balanced(
    request: pytest.FixtureRequest, stack: ComposeProject, balancers_image: str
) -> AsyncIterator[Balanced]:
    """Each balancer in turn, in the same place; HAProxy at last again."""
    stack.set(NGINX_IMAGE=balancers_image, CADDY_IMAGE=balancers_image)
    stack.use(*FILES[request.param])
    await stack.up("--no-deps", "lb")
    await stack.until(stack.serves)
    yield Balanced(request.param, stack)
    stack.use()
    await stack.up("--no-deps", "lb")
    await stack.until(stack.serves)


def word() -> str:
    """One that stands nowhere yet."""
    return secrets.token_hex(8)


async def test_the_balancer_is_hardened_as_all_others(balanced: Balanced) -> None:
    lb = await balanced.lb()

    assert list(lb.addresses) == [f"{balanced.project.name}_front"]
    if balanced.kind == CADDY:
        assert lb.facts["HostConfig"].pop("CapAdd") == ["NET_BIND_SERVICE"]
    assert not lb.facts["HostConfig"].get("CapAdd")
    assert_hardened(lb)


async def test_the_board_and_the_tables_are_served(balanced: Balanced) -> None:
    board = await balanced.project.get("/")
    script = await balanced.project.get("/web/main.js")
    table = await balanced.project.get("/api/channels/index?keys=VNINDEX")

    assert (board.status_code, board.headers["content-type"].partition(";")[0]) == (200, "text/html")
    assert script.status_code == 200
    assert list(table.json()["data"]) == ["VNINDEX"]


async def test_a_websocket_gets_its_table_and_what_changes(balanced: Balanced) -> None:
    async with websocket_client(f"{balanced.project.websocket_url}/ws/index?interval=100") as client:
        snapshot = await client.next("snapshot")
        update = await client.next("update")

    assert "VNINDEX" in snapshot["data"]
    assert update["rev"] > snapshot["rev"]


async def test_the_metrics_of_publishers_are_out_of_reach_however_they_are_spelled(balanced: Balanced) -> None:
    port = balanced.project.port
    spellings = (
        "/metrics", "/metrics/", "/metrics?x", "/metrics#x", "/metrics;x", "//metrics", "///metrics", "/./metrics",
        "/METRICS", "/%6detrics", "/%6D%65trics", "/metrics%2f", "/%2fmetrics", "/metrics%00", "/metrics%20",
        "/api/../metrics", "/web/../metrics", "/ws/../metrics", "/web/%2e%2e/metrics", "/web/..%2fmetrics",
        "/ws/%2e%2e%2fmetrics", "/api/./../metrics", "/api/channels/../../metrics", "/livez/../metrics",
        f"http://127.0.0.1:{port}/metrics", "http://lb:8000/metrics?x=/web/", "/metrics/../metrics",
    )  # fmt: skip

    answers = {target: await balanced.project.ask(target) for target in spellings}

    assert {target: status for target, (status, _) in answers.items() if status not in (400, 404)} == {}
    assert not [target for target, (_, text) in answers.items() if "publisher_clients" in text]
    (publisher, *_) = await balanced.project.containers("publisher")
    assert await balanced.project.metric(publisher, "publisher_connected") == 1.0, "the metrics are there, behind it"


@pytest.mark.parametrize("path", ["/redoc", "/control", "/stats", "/haproxy?stats", "/config/", "/nginx_status", "/x"])
async def test_what_is_not_the_applications_is_not_there(balanced: Balanced, path: str) -> None:
    status, _ = await balanced.project.ask(path)

    assert status == 404


async def test_publishers_hear_the_clients_address_from_the_balancer_alone(balanced: Balanced) -> None:
    project = balanced.project
    forged = (
        "X-Forwarded-For: 203.0.113.1", "x-forwarded-for: 203.0.113.2, 203.0.113.3", "X-Real-IP: 203.0.113.4",
        "Forwarded: for=203.0.113.5",
    )  # fmt: skip
    echo = await project.start(
        "--entrypoint", "python", IMAGE, "-c", ECHO_PUBLISHER, network="front", alias="publisher"
    )
    heard: list[tuple[str, str]] = []

    async def echoed() -> bool:
        status, text = await project.ask("/api/nothing?keys=A%20B", *forged)
        if status == 200 and "application/x-echo" in text:
            said = json.loads(text.partition("\r\n\r\n")[2])
            heard.extend((name.lower(), value) for name, value in said["headers"])
            assert said["path"] == "/api/nothing?keys=A%20B"
        return bool(heard)

    await project.until(echoed)
    await project.remove(echo)

    gateway = echo.facts["NetworkSettings"]["Networks"][f"{project.name}_front"]["Gateway"]
    assert [value for name, value in heard if name == "x-forwarded-for"] == [gateway]
    assert [value for name, value in heard if name == "host"] == [f"127.0.0.1:{project.port}"]
    assert [name for name, value in heard if "203.0.113" in value] == []


async def test_no_query_is_logged_since_it_may_hold_a_token(balanced: Balanced) -> None:
    project, secret, seen = balanced.project, word(), word()

    async with websocket_client(f"{project.websocket_url}/ws/index?token={secret}") as client:
        await client.next("snapshot")
    await project.get(f"/api/channels/index?token={secret}", headers={"Authorization": f"Bearer {secret}"})
    await project.ask(f"/elsewhere?token={secret}")
    await project.ask(f"//ws/../ws?token={secret}", f"Referer: http://x/?token={secret}", f"Cookie: token={secret}")
    await project.ask(f"/ws/index?token={secret}", "Transfer-Encoding: nonsense")
    await project.ask(f"/ws/index?token={secret} HTTP/1.1 x")
    await project.ask(f"/web/{seen}?token={secret}")

    logged = await balanced.logged(seen)
    assert "/ws/index" in logged
    assert secret not in logged


async def test_without_a_publisher_the_answer_is_a_clear_503_and_the_query_is_not_logged(balanced: Balanced) -> None:
    project, secret, seen = balanced.project, word(), word()
    publishers = [one.id for one in await project.containers("publisher")]
    await project.docker("kill", *publishers)

    statuses = set()

    async def refused() -> bool:
        status, text = await project.ask(f"/api/{seen}?token={secret}")
        statuses.add(status)
        return status == 503 and "No publisher is ready" in text and "retry-after: 2" in text.lower()

    try:
        await project.until(refused, within_s=20)
    finally:
        await project.docker("start", *publishers)
        await project.up("--no-deps", "publisher")
        await project.until(project.serves)

    assert statuses <= {502, 503, 504}
    assert secret not in await balanced.logged(seen)


async def test_connections_are_spread_evenly(balanced: Balanced) -> None:
    project = balanced.project

    async def spread() -> bool:
        async with AsyncExitStack() as open_:
            for _ in range(8):
                client = await open_.enter_async_context(websocket_client(f"{project.websocket_url}/ws/index"))
                await client.next("snapshot")
            publishers = await project.containers("publisher")
            return [await project.metric(one, "publisher_clients") for one in publishers] == [4, 4]

    await project.until(spread)
