"""What an ingest answers about itself."""

import socket
from pathlib import Path

import httpx2

from local_stack.engine import free_port
from tests.fakes.exchange import running_simulator
from tests.fakes.services import RunningService, running_ingest
from tests.integration.private_broker import PrivateBroker

WHAT_NEXT = "Stop what uses it, or choose another."


async def ask(port: int, path: str) -> httpx2.Response:
    async with httpx2.AsyncClient(trust_env=False, timeout=10) as http:
        return await http.get(f"http://127.0.0.1:{port}{path}")


async def listens(ingest: RunningService) -> int:
    """The port that it was given."""
    return int((await ingest.line(r"health and metrics are served port=(\d+)"))[1])


async def test_leader_and_standby_are_ready_and_only_one_of_them_leads(
    redis_url: str, redis_prefix: str, tmp_path: Path
) -> None:
    async with (
        running_simulator(rate=50) as simulator,
        running_ingest(redis_url, redis_prefix, simulator.url, tmp_path, METRICS_PORT="0") as first,
    ):
        await first.line("leading")
        async with running_ingest(redis_url, redis_prefix, simulator.url, tmp_path, METRICS_PORT="0") as second:
            await second.line("standing by")
            ports = [await listens(first), await listens(second)]

            ready = [(await ask(port, "/readyz")).status_code for port in ports]
            leads = ["ingest_leader 1.0" in (await ask(port, "/metrics")).text for port in ports]

    assert ready == [200, 200]
    assert leads == [True, False]


async def test_an_ingest_without_redis_lives_and_is_not_ready(broker: PrivateBroker, tmp_path: Path) -> None:
    nobody = f"http://127.0.0.1:{free_port()}"
    async with running_ingest(broker.url, "none", nobody, tmp_path, METRICS_PORT="0") as ingest:
        port = await listens(ingest)

        live, ready = await ask(port, "/livez"), await ask(port, "/readyz")

    assert live.status_code == 200
    assert (ready.status_code, ready.json()["reason"]) == (503, "no answer from Redis (ConnectionError)")


async def test_a_port_that_is_taken_ends_the_ingest_with_one_line(
    redis_url: str, redis_prefix: str, tmp_path: Path
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        async with running_ingest(redis_url, redis_prefix, "http://127.0.0.1:1", tmp_path, METRICS_PORT=port) as ingest:
            code = await ingest.ended()

    assert code == 2
    assert ingest.lines == [
        f"METRICS_PORT: cannot listen on 127.0.0.1 port {port}: Address already in use. {WHAT_NEXT}"
    ]


async def test_an_address_that_is_not_this_machines_is_told_with_its_setting(
    redis_url: str, redis_prefix: str, tmp_path: Path
) -> None:
    options = {"METRICS_HOST": "192.0.2.1", "METRICS_PORT": "0"}
    async with running_ingest(redis_url, redis_prefix, "http://127.0.0.1:1", tmp_path, **options) as ingest:
        code = await ingest.ended()

    assert code == 2
    assert ingest.lines == ["METRICS_HOST: 192.0.2.1 is no address of this machine. Set it to one that is."]
