"""A recording in the place of the exchange: events at their times, and gaps that are told as gaps."""

import asyncio
from pathlib import Path

from ingest_service.bootstrap import Lists
from ingest_service.core.feed_events import Broadcasts, FrameSkipped, HubMessage, LinkDown, LinkUp
from ingest_service.core.recording import Kind, Record
from ingest_service.recording_reader import Block, Damage
from ingest_service.replayed_feed import SKIPPED_MS
from tests.fakes.hub import broadcast
from tests.fakes.recordings import Player, a_block, a_frame

UP = LinkUp(("X:ALL",))


def of(text: str, time_ms: int) -> Record:
    return a_frame(time_ms, broadcast(text).encode())


async def test_frames_become_the_events_that_a_live_link_makes_of_them_at_their_times() -> None:
    complaint = b'{"M":[{"H":"F","M":"Error","A":["too much"]}]}'
    player = Player(
        [
            a_block(
                Record(0, Kind.UP, b""),
                of("a", 100),
                a_frame(200, b"{"),
                a_frame(300, complaint),
                a_frame(400, b"{}"),
                Record(500, Kind.DOWN, b"why"),
            )
        ],
        0,
    )

    assert await player.play() == [
        (0, UP),
        (100, Broadcasts(["a"], 7)),
        (200, FrameSkipped("malformed")),
        (300, HubMessage("too much")),
        (500, LinkDown("why")),
    ]
    assert player.feed.frames == 4


async def test_the_watch_has_its_turn_each_half_second_of_the_recording() -> None:
    player = Player([a_block(a_frame(0), a_frame(1200), a_frame(2600))], 0)

    await player.play()

    assert player.looks_ms == [500, 1000, 1500, 2000, 2500]


async def test_a_long_stretch_without_records_is_skipped() -> None:
    player = Player([a_block(a_frame(0), a_frame(1000), a_frame(1001 + SKIPPED_MS))], 0)

    await player.play()

    assert player.looks_ms == [500, 1000, 1001 + SKIPPED_MS]


async def test_it_is_played_up_to_the_time_that_was_named() -> None:
    player = Player([a_block(of("a", 0), of("b", 900), of("c", 1000))], 0, until_ms=1000)

    events = await player.play()

    assert [event for _, event in events] == [Broadcasts(["a"], 7), Broadcasts(["b"], 7)]
    assert player.clock.now_ms() == 1000


async def test_the_pace_counts_from_the_time_that_was_named() -> None:
    records = [of("a", 0), of("b", 100_000), of("c", 100_100), of("d", 100_200)]
    loop = asyncio.get_running_loop()
    began_s = loop.time()

    await Player([a_block(*records)], 0, speed=2.0, paced_from_ms=100_000).play()

    assert 0.1 <= loop.time() - began_s < 1.0


async def test_the_link_is_up_as_the_header_says_and_told_once() -> None:
    first, second = a_block(of("a", 0), up=True), a_block(Record(1, Kind.UP, b""), of("b", 1), up=True)

    events = await Player([first, second], 0).play()

    assert [event for _, event in events] == [UP, Broadcasts(["a"], 7), Broadcasts(["b"], 7)]


async def test_frames_that_were_not_recorded_are_a_lost_link() -> None:
    block = a_block(Record(0, Kind.UP, b""), Record(1, Kind.GAP, b"12"), of("a", 1))

    events = await Player([block], 0).play()

    assert [event for _, event in events] == [
        UP,
        LinkDown("frames are missing in the recording"),
        UP,
        Broadcasts(["a"], 7),
    ]


async def test_damage_between_blocks_is_a_lost_link_and_at_the_end_of_a_file_it_is_told_apart() -> None:
    damage = Damage(Path("file"), 0, 100, "why", at_end=False)
    blocks: list[Block | Damage] = [a_block(of("a", 0), up=True), damage, a_block(of("b", 5), up=True)]
    player = Player([*blocks, damage._replace(at_end=True)], 0)

    events = await player.play()

    assert [event for _, event in events][2:4] == [LinkDown("a part of the recording cannot be read"), UP]
    assert (player.feed.damages, player.feed.cut_tails) == (1, 1)


async def test_of_two_recordings_that_overlap_the_later_one_tells_only_what_is_new() -> None:
    first = a_block(of("a", 10), of("b", 20), up=True)
    second = a_block(of("a", 10), of("b", 20), of("c", 30), session="other1", up=True)

    events = await Player([first, second], 10).play()

    assert [event for _, event in events] == [
        UP,
        Broadcasts(["a"], 7),
        Broadcasts(["b"], 7),
        LinkDown("another recording goes on"),
        UP,
        Broadcasts(["c"], 7),
    ]


async def test_a_recorder_that_went_on_later_has_left_a_gap() -> None:
    block = a_block(of("a", 0), Record(1, Kind.END, b""), Record(9, Kind.START, b""), Record(9, Kind.UP, b""), up=True)

    events = await Player([block], 0).play()

    assert [event for _, event in events] == [
        UP,
        Broadcasts(["a"], 7),
        LinkDown("nothing was recorded from here on"),
        UP,
    ]


async def test_lists_are_handed_on_and_those_that_are_none_are_left_out() -> None:
    block = a_block(Record(0, Kind.LISTS, b'{"day":"2026-11-23","components":{"VN30":["FPT"]}}'))
    player = Player([block, a_block(Record(1, Kind.LISTS, b"nothing"), Record(2, "?", b"of a newer version"))], 0)

    assert await player.play() == []
    assert player.lists == [Lists.model_validate({"day": "2026-11-23", "components": {"VN30": ["FPT"]}})]


async def test_nothing_can_be_asked_of_a_recording() -> None:
    player = Player([a_block(of("a", 0))], 0)

    player.feed.reconnect("why")
    player.feed.split()
    player.feed.stop()

    assert player.feed.waiting == 0
    assert len(await player.play()) == 1
