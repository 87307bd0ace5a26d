"""What a run tells at its end."""

import json
from collections import Counter

import pytest

from local_stack.chaos.complaint import Kind
from local_stack.chaos.oracle import Oracle
from local_stack.chaos.report import Blow, Report, blow_line, report, report_line, report_table
from tests.unit.local_stack.chaos.a_market import Market

NAMES = ("leader killed", "valkey flushed", "feed dropped")


def test_blows_of_a_kind_stand_in_one_line_with_their_longest_blind_window() -> None:
    done = a_report([a_blow("leader killed", 2.5), a_blow("valkey flushed", 1.0), a_blow("leader killed", 2.1)])

    lines = [line.split() for line in report_table(done).splitlines()]
    assert ["leader", "killed", "2", "2.5", "s", "0"] in lines
    assert ["valkey", "flushed", "1", "1.0", "s", "0"] in lines
    assert done.ok


def test_a_fault_for_which_there_was_no_time_is_named() -> None:
    done = a_report([a_blow("leader killed", 2.5)])

    assert done.not_tried == ["feed dropped", "valkey flushed"]
    assert "(no time for it)" in report_table(done)
    assert done.ok


def test_one_divergence_is_a_failure_and_is_told() -> None:
    market = Market()
    market.commit(1, {"SSI": {"last": 1}})
    market.connect()
    market.snapshot(1, {"SSI": {"last": 2}}, id=1)

    done = a_report([a_blow("leader killed", 2.5, market.oracle.counts)], market.oracle)

    assert (done.ok, done.divergences, done.faults["leader killed"].divergences) == (False, 1, 1)
    assert "last is 2 and should be 1" in report_table(done)


def test_a_fault_that_never_healed_is_a_failure() -> None:
    done = a_report([a_blow("leader killed", 60.0, trouble="not everything is well after 60 s")])

    assert not done.ok
    assert done.not_healed == ["leader killed: not everything is well after 60 s"]


def test_late_data_is_told_and_is_no_failure() -> None:
    market = a_market()
    market.oracle.counts[Kind.DELAY] += 1

    done = a_report([a_blow("leader killed", 2.5)], market.oracle)

    assert (done.ok, done.late_frames) == (True, 1)


def test_a_number_that_cannot_be_right_is_a_failure() -> None:
    market = a_market()
    market.oracle.counts[Kind.NUMBERS] += 1

    done = a_report([a_blow("leader killed", 2.5)], market.oracle)

    assert (done.ok, done.wrong_numbers) == (False, 1)


def test_a_run_without_a_fault_shows_nothing() -> None:
    done = a_report([], a_market().oracle)

    assert (done.ok, done.not_shown) == (False, ["no fault was struck"])


def test_a_fault_that_hit_nothing_is_told_and_is_a_failure() -> None:
    missed = Blow("valkey flushed", 0.1, 0.2, Counter(), not_struck="it is gone")

    done = a_report([a_blow("leader killed", 2.5), missed], a_market().oracle)

    assert (done.ok, done.not_shown) == (False, ["valkey flushed: not struck: it is gone"])
    assert list(done.faults) == ["leader killed"]
    assert done.not_tried == ["feed dropped"]
    assert "not shown: valkey flushed: not struck: it is gone" in report_table(done)
    assert blow_line(missed) == "not struck: it is gone"


@pytest.mark.parametrize("ordinary", [True, False])
def test_an_oracle_that_saw_no_frame_is_a_failure(*, ordinary: bool) -> None:
    done = a_report([a_blow("leader killed", 2.5)], a_market().oracle, Market(ordinary=ordinary).oracle)

    assert (done.ok, done.not_shown) == (False, ["one: no frame was checked"])


@pytest.mark.parametrize("cut", ["clients reset", "publisher killed"])
def test_clients_that_were_cut_must_go_on_where_they_had_ended(cut: str) -> None:
    market = a_market()

    at_first = a_report([a_blow(cut, 2.5)], market.oracle)
    market.oracle.closed()
    market.connect()
    market.update(1, 1, {}, id=2)
    then = a_report([a_blow(cut, 2.5)], market.oracle)

    assert (at_first.ok, at_first.not_shown) == (False, ["clients were cut, and none went on where it had ended"])
    assert then.ok


def test_the_last_line_is_json() -> None:
    done = a_report([a_blow("leader killed", 2.5)])

    assert json.loads(report_line(done)) == done.model_dump()


def a_market() -> Market:
    """Its oracle has seen one frame."""
    market = Market()
    market.commit(1, {"SSI": {"last": 1}})
    market.connect()
    market.snapshot(1, {"SSI": {"last": 1}}, id=1)
    return market


def a_blow(fault: str, blind_s: float, complaints: Counter[Kind] | None = None, trouble: str | None = None) -> Blow:
    return Blow(fault, blind_s, blind_s + 1, complaints or Counter(), trouble)


def a_report(blows: list[Blow], *oracles: Oracle) -> Report:
    return report(7, 60.0, NAMES, blows, oracles)
