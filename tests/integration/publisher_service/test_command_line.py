"""What a publisher says to who runs it."""

from datetime import timedelta

from tests.fakes.services import RunningService, running, running_publisher, websocket_client
from tests.fakes.writer import DAY, LIVE, writing


async def test_an_address_that_is_not_this_machines_ends_it_with_one_line(redis_url: str) -> None:
    async with running(RunningService, "publisher_service", "--port", "0", HOST="192.0.2.1", REDIS_URL=redis_url) as it:
        code = await it.ended()

    assert code == 2
    assert len(it.lines) == 1
    assert it.lines[0].endswith("Set HOST, or --host, to an address of this machine.")


async def test_a_start_before_the_ingest_and_a_new_day_are_no_warnings_and_an_ingest_that_falls_silent_is_one(
    redis_url: str, redis_prefix: str
) -> None:
    async with running_publisher(redis_url, redis_prefix) as publisher:
        async with (
            writing(redis_url, redis_prefix) as writer,
            websocket_client(publisher.websocket_url + "/ws/market") as client,
        ):
            await client.status(connected=True, within_s=10)
            await writer.publication.open_epoch(DAY + timedelta(days=1))
            await writer.commit(LIVE)
            await publisher.line("the rows were replaced")
            await writer.price("SSI", 1)
            await client.next("snapshot")
            before = [line for line in publisher.lines if " WARNING " in line]
        lost = await publisher.line(" WARNING .*connected=False.*no heartbeat from the ingest")

    assert before == []
    assert "feed status changed" in lost.string
