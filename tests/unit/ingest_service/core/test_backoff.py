"""The wait before the next attempt."""

import random

from hypothesis import given
from hypothesis import strategies as st

from ingest_service.core.backoff import Backoff


def test_the_limit_doubles_with_each_loss_up_to_the_longest() -> None:
    backoff = Backoff(lambda: 1.0, first_s=1.0, longest_s=30.0)

    delays_s = [backoff.next_delay_s() for _ in range(8)]

    assert delays_s == [1, 2, 4, 8, 16, 30, 30, 30]


def test_a_good_link_sets_the_limit_back() -> None:
    backoff = Backoff(lambda: 1.0, first_s=1.0, longest_s=30.0)
    backoff.next_delay_s()
    backoff.next_delay_s()

    backoff.reset()

    assert backoff.next_delay_s() == 1.0


@given(st.integers(), st.integers(1, 20))
def test_each_delay_lies_between_the_least_and_the_limit(seed: int, losses: int) -> None:
    backoff = Backoff(random.Random(seed).random, first_s=60.0, longest_s=300.0, least_s=30.0)

    delays_s = [backoff.next_delay_s() for _ in range(losses)]

    assert all(30.0 <= delay_s < min(60.0 * 2**loss, 300.0) for loss, delay_s in enumerate(delays_s))


def test_two_clients_that_lose_the_same_server_come_back_at_different_times() -> None:
    delays_s = {Backoff(random.Random(seed).random, first_s=1.0, longest_s=30.0).next_delay_s() for seed in range(50)}

    assert len(delays_s) == 50
