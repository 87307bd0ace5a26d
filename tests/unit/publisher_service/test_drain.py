"""How a replica takes leave of many clients."""

from itertools import pairwise

from publisher_service.core.admission import Admission, Limits
from publisher_service.drain import drain
from publisher_service.readiness import Readiness
from publisher_service.redis_source import RedisSource
from tests.fakes.publisher import FakePublisher


class Leaving:
    """A replica with clients that is told to stop. Time passes at once; what was so at which moment is kept."""

    def __init__(self, clients: int) -> None:
        self.publisher = FakePublisher()
        self.admission = Admission(Limits(1000, 0, 0, 0), 0.0)
        source = RedisSource.__new__(RedisSource)  # of which only its fault is asked
        source.own_fault = None
        self.readiness = Readiness(source)
        self.doors = [self.publisher.client("market") for _ in range(clients)]
        self.now_s = 0.0
        self.gone: list[int] = []  # so many were, at each step
        self.let_in: list[bool] = []  # whether somebody new was

    async def drain(self, *, notice_s: float = 5, spread_s: float = 10) -> None:
        await drain(
            self.readiness,
            self.admission,
            self.publisher.hub,
            self.publisher.metrics,
            notice_s=notice_s,
            spread_s=spread_s,
            now_s=lambda: self.now_s,
            sleep=self._sleep,
        )

    async def _sleep(self, seconds: float) -> None:
        self.gone.append(sum(door.closed is not None for door in self.doors))
        self.let_in.append(self.admission.enter("192.0.2.1", 0.0) is None)
        self.publisher.market("SSI", len(self.gone))
        self.publisher.clock.advance(seconds)
        self.now_s += seconds


async def test_clients_are_sent_away_at_an_even_pace_and_none_is_left() -> None:
    replica = Leaving(clients=1000)

    await replica.drain(spread_s=10)

    assert all(door.closed is not None and door.closed[0] == 1012 for door in replica.doors)
    assert 9 < replica.now_s <= 10.2
    assert max(later - before for before, later in pairwise(replica.gone)) <= 20


async def test_who_came_first_does_not_go_first() -> None:
    replica = Leaving(clients=1000)

    await replica.drain(spread_s=10)

    # The clients of one program came together; they must not all go together. Updates tell when each of them went.
    went = [len(door.messages("update")) for door in replica.doors]
    assert went != sorted(went)
    assert abs(sum(went[:500]) - sum(went[500:])) < sum(went) / 5


async def test_few_clients_need_no_long_leave() -> None:
    replica = Leaving(clients=5)

    await replica.drain()

    assert all(door.closed for door in replica.doors)
    assert replica.now_s < 0.5


async def test_a_replica_that_is_watched_goes_on_serving_until_its_balancers_know() -> None:
    replica = Leaving(clients=3)
    replica.readiness.asked(0.0)

    await replica.drain(notice_s=5)

    assert replica.gone[0] == 0
    assert replica.let_in == [True] + [False] * (len(replica.let_in) - 1)
    assert replica.now_s >= 5
    assert replica.readiness.fault() == "draining"
    assert replica.publisher.value("publisher_draining") == 1


async def test_a_replica_that_nobody_watches_waits_for_nobody() -> None:
    replica = Leaving(clients=0)

    await replica.drain()

    assert replica.now_s == 0


async def test_a_client_is_served_as_ever_until_its_turn_comes() -> None:
    replica = Leaving(clients=500)

    await replica.drain(spread_s=10)

    seen = sorted(
        door.messages("update")[-1]["data"]["SSI"]["last"] for door in replica.doors if door.messages("update")
    )
    assert len(seen) > 450
    assert seen[-1] > 90
