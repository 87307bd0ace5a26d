"""Costs that follow from several runs."""

import pytest

from bench.readers import BOARDS
from bench.scale import CASES, Run, costs, line, two_slopes


def test_costs_that_runs_were_made_of_are_found_again() -> None:
    runs = [a_run(replicas, frames=20_000 if served else 0) for replicas, served in CASES]

    found = costs(runs)

    assert found.commit_us == pytest.approx(150)
    assert found.flush_us == pytest.approx(80)
    assert found.frame_us == pytest.approx(20)
    assert found.broker_commit_us == pytest.approx(100)
    assert found.broker_copy_us == pytest.approx(12)
    assert found.broker_copy_bytes == pytest.approx(8000)


def test_a_line_and_two_slopes_are_those_of_the_points() -> None:
    assert line([(0, 1), (1, 3), (2, 5)]) == pytest.approx((1, 2))
    assert two_slopes([(1, 0, 3), (0, 1, 5), (2, 1, 11)]) == pytest.approx((3, 5))


def a_run(replicas: int, frames: int) -> Run:
    commits, seconds = 250, 5.0
    flushes = BOARDS * 2 * seconds * replicas if frames else 0
    return Run(
        replicas=replicas,
        clients=2000 if frames else 0,
        seconds=seconds,
        commits=commits,
        frames=frames,
        replicas_cpu_s=frames * 20e-6 + flushes * 80e-6 + replicas * commits * 150e-6,
        broker_cpu_s=commits * (100e-6 + replicas * 12e-6),
        broker_bytes=commits * (300 + replicas * 8000),
        age_p99_ms=None,
    )
