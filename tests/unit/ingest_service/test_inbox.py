"""What waits between the connections and their owner."""

import asyncio

from ingest_service.core.feed_events import Broadcasts, FrameSkipped, LinkDown
from ingest_service.inbox import Inbox


async def test_neighbouring_broadcasts_are_merged_and_the_order_of_events_is_kept() -> None:
    inbox = Inbox()

    inbox.put(Broadcasts(["a"], 1))
    inbox.put(Broadcasts(["b", "c"], 2))
    inbox.put(LinkDown("gone"))
    inbox.put(Broadcasts(["d"], 3))

    assert await inbox.take() == [Broadcasts(["a", "b", "c"], 2), LinkDown("gone"), Broadcasts(["d"], 3)]


async def test_whoever_takes_waits_for_events() -> None:
    inbox = Inbox()
    taking = asyncio.create_task(inbox.take())
    await asyncio.sleep(0)
    assert not taking.done()

    inbox.put(FrameSkipped("malformed"))

    assert await taking == [FrameSkipped("malformed")]
    assert inbox.waiting == 0


async def test_a_full_inbox_has_room_again_when_it_was_emptied() -> None:
    inbox = Inbox(max_waiting=3)
    inbox.put(Broadcasts(["a", "b"], 1))
    assert inbox.waiting == 2
    inbox.put(LinkDown("gone"))
    waiting = asyncio.create_task(inbox.room())
    await asyncio.sleep(0)
    assert inbox.full
    assert not waiting.done()

    await inbox.take()
    await waiting

    assert inbox.waiting == 0


async def test_the_end_comes_after_what_waits() -> None:
    inbox = Inbox()
    inbox.put(LinkDown("gone"))

    inbox.end()

    assert await inbox.take() == [LinkDown("gone")]
    assert await inbox.take() == []
    assert await inbox.take() == []
