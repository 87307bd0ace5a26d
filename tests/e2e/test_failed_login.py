"""A log-in that fails is told with its reason, retried, and heals without a restart."""

from pathlib import Path

from tests.fakes.exchange import running_simulator
from tests.fakes.services import running_ingest, running_publisher, websocket_client


async def test_a_failed_login_is_told_with_its_reason_and_heals_without_a_restart(
    redis_url: str, redis_prefix: str, tmp_path: Path
) -> None:
    async with (
        running_simulator(rate=100, seed=5) as simulator,
        running_publisher(redis_url, redis_prefix) as publisher,
    ):
        await simulator.fault("login-refused")
        unready = await publisher.get("/readyz")
        async with (
            running_ingest(redis_url, redis_prefix, simulator.url, tmp_path),
            websocket_client(publisher.websocket_url + "/ws/market") as client,
        ):
            told = await client.next("status")
            while "log-in" not in (told["reason"] or ""):
                told = await client.next("status")
            await simulator.clear_faults()
            await client.status(connected=True, within_s=40)
            await client.next("update")

    assert unready.status_code == 503
    assert (told["connected"], told["feed"]) == (False, "down")
