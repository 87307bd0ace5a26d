"""Whoever is closed by a publisher is counted, with the code."""

from tests.fakes.services import RunningPublisher, running_publisher, websocket_client
from tests.fakes.writer import writing

BOUNDS = {"MAX_MESSAGE_BYTES": "2000", "PING_INTERVAL_S": "0.3", "PING_TIMEOUT_S": "3"}


async def closed(publisher: RunningPublisher, code: int) -> float:
    return await publisher.metric(f'publisher_closed_total{{code="{code}"}}')


async def test_closes_for_size_floods_and_silence_are_counted(redis_url: str, redis_prefix: str) -> None:
    async with (
        writing(redis_url, redis_prefix),
        running_publisher(redis_url, redis_prefix, **BOUNDS) as publisher,
        websocket_client(publisher.websocket_url + "/ws") as talker,
        websocket_client(publisher.websocket_url + "/ws") as flood,
        websocket_client(publisher.websocket_url + "/ws") as mute,
    ):
        mute.socket.transport.pause_reading()
        await talker.socket.send("x" * 2001)
        for _ in range(300):
            flood.socket.protocol.send_ping(b"x")
        flood.socket.send_data()

        codes = [await talker.until_closed(), await flood.until_closed()]
        await publisher.has_clients(0)

        assert codes == [1009, 1008]
        assert [await closed(publisher, code) for code in (1008, 1009, 1011)] == [1, 1, 1]


async def test_a_client_that_goes_by_itself_is_not_counted_as_closed(redis_url: str, redis_prefix: str) -> None:
    async with writing(redis_url, redis_prefix), running_publisher(redis_url, redis_prefix) as publisher:
        async with websocket_client(publisher.websocket_url + "/ws/market") as client:
            await client.next("snapshot")
        await publisher.has_clients(0)

        assert "publisher_closed_total{" not in (await publisher.get("/metrics")).text
