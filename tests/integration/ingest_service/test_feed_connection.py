"""One feed against a scripted hub: what is told, what is sent, and how many sockets there are."""

import asyncio

import pytest

from ingest_service import frame_connection, signalr_socket
from ingest_service.core.feed_events import (
    Broadcasts,
    FrameSkipped,
    HubMessage,
    LinkUp,
    SubscriptionRefused,
)
from ingest_service.fast_connect import FastConnect
from ingest_service.rest import RestError, open_http
from tests.eventually import eventually
from tests.fakes.feed_owner import CHANNELS, listening
from tests.fakes.hub import FakeHub, FixedTokens, broadcast, running_hub

JOINED = "X:ALL,R:ALL,MI:ALL"


async def test_one_connection_asks_for_all_channels_at_once_and_yields_broadcasts_in_order() -> None:
    async with running_hub() as hub, listening(hub.url) as owner:
        await eventually(lambda: owner.ups == [LinkUp((JOINED,))])

        await hub.send(broadcast("a", "b"))
        await hub.send(broadcast("c"))
        await eventually(lambda: owner.arguments == ["a", "b", "c"])

        assert hub.expressions == [JOINED]
        assert isinstance(owner.events[0], LinkUp)
        assert {event.received_ms for event in owner.events if isinstance(event, Broadcasts)} == {1795405337123}


async def test_every_request_carries_the_token() -> None:
    async with running_hub() as hub, listening(hub.url) as owner:
        await eventually(lambda: bool(owner.ups))

        assert hub.authorizations == [(step, "Bearer token-1") for step in ("negotiate", "connect", "start")]


async def test_data_that_overtakes_the_answer_to_the_subscription_is_kept() -> None:
    async with running_hub() as hub:
        hub.frames_before_answer = [broadcast("early")]
        hub.answers = False

        async with listening(hub.url) as owner:
            await eventually(lambda: owner.arguments == ["early"])

            assert owner.ups == [LinkUp((JOINED,))]


async def test_a_failing_start_does_no_harm() -> None:
    async with running_hub() as hub:
        hub.start_status = 500

        async with listening(hub.url) as owner:
            await eventually(lambda: bool(owner.ups))

            assert owner.reasons_down == []


async def test_a_content_object_arrives_as_its_json_text() -> None:
    async with running_hub() as hub, listening(hub.url) as owner:
        await eventually(lambda: bool(owner.ups))

        await hub.send(broadcast({"DataType": "B"}))

        await eventually(lambda: owner.arguments == ['{"DataType":"B"}'])


async def test_unusable_frames_are_told_and_the_connection_lives_on() -> None:
    async with running_hub() as hub, listening(hub.url) as owner:
        await eventually(lambda: bool(owner.ups))

        for frame in ('{"C":', "[]", '{"M":[{"H":"x","M":"Update","A":[""]}]}', "{}", broadcast("after")):
            await hub.send(frame)
        await eventually(lambda: owner.arguments == ["after"])

        skipped = [event.reason for event in owner.events if isinstance(event, FrameSkipped)]
        assert skipped == ["malformed", "malformed", "method"]
        assert hub.opened == 1


@pytest.mark.parametrize(
    ("code", "reason", "told"),
    [
        (1001, "recycling", "closed by the server with 1001 (recycling)"),
        (1011, "", "closed by the server with 1011"),
    ],
)
async def test_a_close_frame_is_told_and_all_is_subscribed_again(code: int, reason: str, told: str) -> None:
    async with running_hub() as hub, listening(hub.url) as owner:
        await eventually(lambda: bool(owner.ups))

        await hub.close(code, reason)
        await eventually(lambda: len(owner.ups) == 2)

        assert owner.reasons_down == [told]
        assert hub.expressions == [JOINED, JOINED]
        assert [step for step, _ in hub.authorizations].count("negotiate") == 2
        assert hub.most_at_once[""] == 1


async def test_a_frame_beyond_all_bounds_closes_the_connection_and_says_who_did_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(signalr_socket, "MAX_MESSAGE_BYTES", 1000)
    monkeypatch.setattr(frame_connection, "MAX_MESSAGE_BYTES", 1000)

    async with running_hub() as hub, listening(hub.url) as owner:
        await eventually(lambda: bool(owner.ups))

        await hub.send(broadcast("x" * 1000))
        await eventually(lambda: len(owner.ups) == 2)

        assert owner.reasons_down[0].startswith("closed by us with 1009")


async def test_a_connection_that_breaks_without_a_goodbye_is_made_anew() -> None:
    async with running_hub() as hub, listening(hub.url) as owner:
        await eventually(lambda: bool(owner.ups))

        for connection in list(hub.open):
            connection.transport.abort()
        await eventually(lambda: len(owner.ups) == 2)

        assert owner.reasons_down == ["the connection broke without a close frame"]


async def test_silence_beyond_the_keepalive_time_is_a_loss_and_keepalives_prevent_it() -> None:
    async with running_hub() as hub:
        hub.keepalive_timeout_s = 0.3

        async with listening(hub.url) as owner:
            await eventually(lambda: bool(owner.ups))
            for _ in range(8):
                await hub.send("{}")
                await asyncio.sleep(0.08)  # the pace of the keepalives is what is tested
            assert owner.reasons_down == []
            await eventually(lambda: len(owner.ups) >= 2)

            assert owner.reasons_down[0] == "not a frame for 0.3 s"
            assert hub.most_at_once[""] == 1


async def test_the_server_may_ask_to_reconnect() -> None:
    async with running_hub() as hub, listening(hub.url) as owner:
        await eventually(lambda: bool(owner.ups))

        await hub.send('{"C":"d-2","T":1,"M":[]}')
        await eventually(lambda: len(owner.ups) == 2)

        assert owner.reasons_down == ["the server asked to reconnect"]


@pytest.mark.parametrize("step", ["negotiate", "connect"])
async def test_a_refused_token_is_replaced_on_the_next_attempt(step: str) -> None:
    async with running_hub() as hub:
        (hub.negotiate_statuses if step == "negotiate" else hub.connect_statuses).append(401)

        async with listening(hub.url) as owner:
            await eventually(lambda: bool(owner.ups))

            assert owner.reasons_down == [f"{step}: HTTP 401"]
            assert hub.authorizations[-1] == ("start", "Bearer token-2")


async def test_a_server_that_is_away_is_asked_at_growing_distances() -> None:
    async with running_hub() as hub:
        hub.negotiate_statuses = [502] * 7

        async with listening(hub.url) as owner:
            await eventually(lambda: bool(owner.ups))

            assert owner.reasons_down == ["negotiate: HTTP 502"] * 7
            assert owner.delays_s == [0.0, 0.5, 1.0, 2.0, 4.0, 8.0, 15.0, 15.0]


async def test_a_failed_log_in_is_told_and_recovers_without_a_restart() -> None:
    class LockedOut(FixedTokens):
        async def token(self) -> str:
            if owner.reasons_down == []:
                raise RestError("log-in: The connection is invalid")
            return await super().token()

    async with running_hub() as hub, listening(hub.url, LockedOut()) as owner:
        await eventually(lambda: bool(owner.ups))

        assert set(owner.reasons_down) == {"log-in: The connection is invalid"}


async def test_a_bug_rises_to_the_owner_and_no_socket_stays() -> None:
    class Broken(FixedTokens):
        async def token(self) -> str:
            raise ZeroDivisionError

    async with running_hub() as hub, open_http() as http:
        feed = FastConnect(http, Broken(), stream_url=hub.url, channels=CHANNELS)

        with pytest.raises(ExceptionGroup) as caught:
            await anext(feed.events())

        assert caught.group_contains(ZeroDivisionError)


async def test_after_a_quota_refusal_the_wait_is_half_a_minute_at_least() -> None:
    text = "Connection has been blocked, quota 3 exceeded by 1"

    async with running_hub() as hub, listening(hub.url) as owner:
        await eventually(lambda: bool(owner.ups))
        await hub.send(f'{{"M":[{{"H":"FcMarketDataV2Hub","M":"Error","A":["{text}"]}}]}}')
        await eventually(lambda: len(owner.ups) == 2)

        assert [event for event in owner.events if isinstance(event, HubMessage)] == [HubMessage(text)]
        assert owner.reasons_down == [text]
        assert owner.delays_s == [0.0, 45.0]


async def test_reconnect_closes_the_old_socket_before_it_opens_the_next_also_when_called_in_a_rush() -> None:
    async with running_hub() as hub, listening(hub.url) as owner:
        for round_ in range(20):
            # At any moment of the attempt, not only when the link stands.
            for _ in range(round_):
                await asyncio.sleep(0)
            owner.feed.reconnect("no data")
            owner.feed.reconnect("no data for 30 s")
            if round_ % 4 == 0:
                ups = len(owner.ups)
                await eventually(lambda ups=ups: len(owner.ups) > ups)  # type: ignore[misc]  # a default binds the loop's value

        await eventually(lambda: len(hub.open) == 1)
        assert hub.most_at_once[""] == 1
        assert "no data for 30 s" in owner.reasons_down


async def test_cancelling_the_owner_closes_the_socket_at_any_moment() -> None:
    async with running_hub() as hub:
        for loop_turns in range(60):
            async with listening(hub.url):
                for _ in range(loop_turns):
                    await asyncio.sleep(0.0005)  # reaches further into the attempt each time
            await eventually(lambda: hub.open == {})

        assert hub.most_at_once[""] == 1
        assert hub.expressions


async def test_split_means_one_connection_for_each_channel_and_up_means_all_of_them() -> None:
    async with running_hub() as hub, listening(hub.url) as owner:
        await eventually(lambda: bool(owner.ups))

        owner.feed.split()
        owner.feed.split()
        await eventually(lambda: len(owner.ups) == 2)
        assert owner.ups[1] == LinkUp(CHANNELS)
        assert sorted(hub.open.values()) == sorted(CHANNELS)

        hub.negotiate_statuses = [502]
        await hub.close(1001, expression="R:ALL")
        await eventually(lambda: len(owner.ups) == 3)

        assert owner.reasons_down[-2:] == ["closed by the server with 1001", "negotiate: HTTP 502"]
        assert hub.most_at_once == {JOINED: 1, "": 3, "X:ALL": 1, "R:ALL": 1, "MI:ALL": 1}
        assert hub.expressions.count("X:ALL") == 1


async def test_a_refused_list_is_tried_channel_by_channel_and_a_refused_channel_is_left_out() -> None:
    async with running_hub() as hub:
        hub.refusals = {JOINED: "There was an error", "R:ALL": "No such channel"}

        async with listening(hub.url) as owner:
            await eventually(lambda: bool(owner.ups))
            await eventually(lambda: sorted(set(hub.open.values())) == ["MI:ALL", "X:ALL"])
            await hub.send(broadcast("x"), expression="X:ALL")
            await eventually(lambda: owner.arguments == ["x"])

            refused = {event for event in owner.events if isinstance(event, SubscriptionRefused)}
            assert refused == {
                SubscriptionRefused(JOINED, "There was an error"),
                SubscriptionRefused("R:ALL", "No such channel"),
            }
            assert 45.0 in owner.delays_s
            assert hub.expressions.count("X:ALL") == 1


async def test_a_missing_answer_to_the_subscription_is_a_loss(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(signalr_socket, "STEP_DEADLINE_S", 0.2)

    async with running_hub() as hub:
        hub.answers = False

        async with listening(hub.url) as owner:
            await eventually(lambda: bool(owner.reasons_down))

            assert owner.reasons_down[0] == "no answer to the subscription within 0.2 s"


async def test_a_burst_while_the_owner_is_busy_waits_within_bounds_and_arrives_whole() -> None:
    frame = broadcast(*(f"{number}" for number in range(1000)))

    async with running_hub() as hub, listening(hub.url) as owner:
        await eventually(lambda: bool(owner.ups))
        owner.takes.clear()
        await hub.send(broadcast("first"))
        await eventually(lambda: owner.arguments == ["first"])
        sending = asyncio.create_task(send_often(hub, frame, 100))
        await eventually(lambda: owner.feed.waiting >= 4096)
        assert owner.feed.waiting < 4096 + 1000

        owner.takes.set()
        await sending
        await eventually(lambda: len(owner.arguments) == 100_001)

        assert owner.reasons_down == []


async def send_often(hub: FakeHub, frame: str, times: int) -> None:
    """So much that it does not fit into any buffer on the way."""
    for _ in range(times):
        await hub.send(frame)


async def test_an_owner_that_takes_nothing_for_the_keepalive_time_gets_a_new_connection() -> None:
    frame = broadcast(*(f"{number}" for number in range(1000)))

    async with running_hub() as hub:
        hub.keepalive_timeout_s = 0.5

        async with listening(hub.url) as owner:
            await eventually(lambda: bool(owner.ups))
            owner.takes.clear()
            for _ in range(8):
                await hub.send(frame)
            await eventually(lambda: hub.open == {})
            owner.takes.set()
            await eventually(lambda: len(owner.ups) >= 2)

            assert owner.reasons_down[0] == "the messages were not taken in time"
            assert hub.most_at_once[""] == 1
