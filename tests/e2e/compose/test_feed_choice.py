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
        await project.start(IMAGE, *SECOND, "--consumer-secret", "of-a-test", network="feed", alias="second")
        await project.started()
        async with websocket_client(project.websocket_url + "/ws/market") as client:
            await client.status(connected=True, within_s=60)
            while not client.table.position:  # the last part of the snapshot
                await client.next("snapshot")
        services = (await project.compose("ps", "--all", "--services")).split()
        said = await project.logs()

    assert 40 < len(client.table.rows) < 1000  # the market of the second one, not that of 1,600 stocks
    assert "simulator" not in services
    assert "of-a-test" not in said


async def test_when_keys_come_later_nothing_of_the_simulated_market_stays(image: str) -> None:
    async with ComposeProject(BANGGIA_IMAGE=image, PUBLISHERS="1") as project:
        await project.started()
        async with websocket_client(project.websocket_url + "/ws/market") as client:
            await client.status(connected=True, within_s=60)
            await client.next("snapshot")
            while client.table.rev < 0:
                await client.next("snapshot")
            invented = len(client.table.rows)
            simulated = [message["simulated"] for message in client.messages if message["type"] == "status"]

            project.set(**KEYS)
            await project.start(IMAGE, *SECOND, "--consumer-secret", "of-a-test", network="feed", alias="second")
            await project.up("--remove-orphans")
            await client.status(connected=True, within_s=60)
            while len(client.table.rows) > 1000 or client.table.rev < 0:
                await client.next("snapshot", within_s=30)
            services = (await project.compose("ps", "--services")).split()

    assert invented > 1600
    assert simulated[-1] is True
    epochs = [message["epoch"] for message in client.messages if message["type"] == "snapshot"]
    assert epochs[0] != epochs[-1]
    assert [message["simulated"] for message in client.messages if message["type"] == "status"][-1] is False
    assert "simulator" not in services
