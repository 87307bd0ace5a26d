"""What a publisher says before it serves."""

from tests.fakes.services import RunningService, running


async def test_an_address_that_is_not_this_machines_ends_it_with_one_line(redis_url: str) -> None:
    async with running(RunningService, "publisher_service", "--port", "0", HOST="192.0.2.1", REDIS_URL=redis_url) as it:
        code = await it.ended()

    assert code == 2
    assert len(it.lines) == 1
    assert it.lines[0].endswith("Set HOST, or --host, to an address of this machine.")
