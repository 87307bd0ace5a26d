"""Keys in .env: the same file connects to where they belong, and no simulator of its own is started."""

import pytest

from tests.fakes.compose import IMAGE, ComposeProject
from tests.fakes.services import websocket_client

pytestmark = pytest.mark.asyncio(loop_scope="session")

KEYS = {"SSI_CONSUMER_ID": "owner", "SSI_CONSUMER_SECRET": "of-a-test", "SSI_URL": "http://second:8765"}
SECOND = ("simulate", "--host", "0.0.0.0", "--port", "8765", "--stocks", "40", "--consumer-id", "owner")


async def test_with_keys_and_an_address_the_board_shows_that_exchange_and_no_simulator_is_started(image: str) -> None:
    async with ComposeProject(BANGGIA_IMAGE=image, PUBLISHERS="1", **KEYS) as project:
        # The network must be there before the other exchange can be in it.
        await project.up("redis", "ingest")
        refused = await project.logs("ingest")
        await project.start(IMAGE, *SECOND, "--consumer-secret", "of-a-test", network="feed", alias="second")
        await project.started()
        async with websocket_client(project.websocket_url + "/ws/market") as client:
            await client.status(connected=True, within_s=60)
            await client.next("snapshot")
        services = (await project.compose("ps", "--all", "--services")).split()
        said = await project.logs()

    assert 40 < len(client.table.rows) < 1000  # the market of the second one, not that of 1,600 stocks
    assert "simulator" not in services
    assert "of-a-test" not in said
    assert "second" in refused or "exchange link" in refused or "log-in" in refused
