"""Redis and the leading ingest are lost together: the standby begins anew, and has all rows again."""

import signal
from pathlib import Path

import pytest

from local_stack.engine import broker_for, find_engine
from tests.fakes.exchange import running_simulator
from tests.fakes.services import WebsocketClient, running_ingest, running_publisher, websocket_client
from tests.integration.private_broker import BrokerProcess

PREFIX = "lost-host"


async def has_rows(client: WebsocketClient, number: int) -> None:
    """Return when its table has so many rows."""
    while len(client.table.rows) < number:
        await client.next(within_s=20)


@pytest.mark.embedded
async def test_a_warm_standby_that_finds_an_empty_redis_lets_the_exchange_tell_everything_again(tmp_path: Path) -> None:
    broker = BrokerProcess(broker_for(find_engine(), tmp_path))
    try:
        await broker.start()
        async with (
            # Slow: most symbols tell nothing between the exchange's first words and the takeover.
            running_simulator(rate=2, seed=11, stocks=40) as simulator,
            running_ingest(broker.url, PREFIX, simulator.url, tmp_path / "first") as leader,
            running_publisher(broker.url, PREFIX) as publisher,
            websocket_client(publisher.websocket_url + "/ws/market?interval=100") as client,
        ):
            await leader.line("publication: leading")
            await client.status(connected=True, within_s=20)
            await client.next("update", within_s=20)
            listed = len(client.table.rows)
            async with running_ingest(broker.url, PREFIX, simulator.url, tmp_path / "second") as standby:
                await standby.line("exchange link is up")
                # Longer than the backlog reaches.
                began_ms = (await client.next("update", within_s=20))["time"]
                while (await client.next("update", within_s=20))["time"] < began_ms + 14_000:
                    pass

                leader.kill()
                broker.signal(signal.SIGKILL)
                await broker.start()
                await standby.line("board is taken over .*watched=False")
                await client.next("snapshot", within_s=30)
                await has_rows(client, listed)
    finally:
        broker.end()

    assert len(client.table.rows) >= listed > 40
