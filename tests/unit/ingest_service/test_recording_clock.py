"""The recording's clock: who sleeps wakes at its own time, in order, before time goes on."""

import asyncio

from ingest_service.recording_clock import RecordingClock


async def test_whoever_sleeps_has_had_its_turn_when_time_has_come() -> None:
    clock, woken = RecordingClock(1000), []

    async def sleeper(name: str, seconds: float) -> None:
        while True:
            await clock.sleep(seconds)
            woken.append((name, clock.now_ms()))

    async with asyncio.TaskGroup() as group:
        tasks = [group.create_task(sleeper("a", 0.5)), group.create_task(sleeper("b", 0.7))]
        await asyncio.sleep(0)
        while (next_ms := clock.next_ms) is not None and next_ms <= 2500:
            await clock.move_to(next_ms)
        await clock.move_to(2500)
        for task in tasks:
            task.cancel()

    assert woken == [("a", 1500), ("b", 1700), ("a", 2000), ("b", 2400), ("a", 2500)]
    assert (clock.now_ms(), clock.now_s()) == (2500, 2.5)


async def test_who_does_not_wait_any_more_is_not_woken() -> None:
    clock = RecordingClock(0)
    sleeping = asyncio.create_task(clock.sleep(1))
    await asyncio.sleep(0)
    sleeping.cancel()
    await asyncio.wait([sleeping])

    await clock.move_to(5000)

    assert clock.next_ms is None


async def test_time_never_runs_back() -> None:
    clock = RecordingClock(1000)

    await clock.move_to(10)

    assert clock.now_ms() == 1000
