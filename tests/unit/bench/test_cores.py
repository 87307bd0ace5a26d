"""Who runs where."""

import os

import pytest

from bench import cores
from bench.cores import CannotMeasure, Cores, shared_out


@pytest.mark.parametrize(
    ("there", "shared"),
    [
        ({0, 1}, Cores(server=1, load=(0,), broker=0)),
        ({2, 4, 6}, Cores(server=6, load=(4,), broker=2)),
        (set(range(16)), Cores(server=15, load=(1, 2, 3, 4), broker=0)),
    ],
)
def test_the_server_has_a_core_for_itself(there: set[int], shared: Cores, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "sched_getaffinity", lambda _: there, raising=False)
    monkeypatch.setattr(cores, "_halves", lambda core: {core})

    assert shared_out() == shared


def test_clients_are_not_on_the_other_half_of_the_servers_core(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "sched_getaffinity", lambda _: set(range(8)), raising=False)
    monkeypatch.setattr(cores, "_halves", lambda _: {3, 7})

    assert shared_out().load == (1, 2, 4, 5)


def test_one_core_is_not_enough_and_that_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "sched_getaffinity", lambda _: {3}, raising=False)

    with pytest.raises(CannotMeasure, match="one core only"):
        shared_out()
